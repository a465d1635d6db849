"""Token Status List (draft-ietf-oauth-status-list): is a credential still good? Asked of a whole list at once."""

from credentials.status.reference import StatusReference

__all__ = ["StatusReference"]
