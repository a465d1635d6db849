"""What a credential says: the types, their claims, JSON Schemas and SD-JWT VC type metadata."""

from schemas.types import ALL, BY_VCT, RELEASE_OWNERSHIP, TRACK_OWNERSHIP, CredentialType

__all__ = ["ALL", "BY_VCT", "RELEASE_OWNERSHIP", "TRACK_OWNERSHIP", "CredentialType"]
