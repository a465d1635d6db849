"""Where a credential's status is kept: one entry of one Token Status List (draft-ietf-oauth-status-list §6.1)."""

from dataclasses import dataclass

from credentials.encoding.strict_json import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReference:
    """One entry of a status list.

    Attributes:
        uri: where the list is; the list's own `sub` is the same text.
        index: which entry, counted from 0.
    """

    uri: str
    index: int

    def to_json(self) -> dict[str, Json]:
        """Write the value of a credential's `status` claim (§6.2), its members always in this order."""
        return {"status_list": {"idx": self.index, "uri": self.uri}}
