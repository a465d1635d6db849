"""A co-op's list of statuses, as large as a real one: some of what it issued was taken back."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from credentials.keys.signer import Signer
from credentials.status import INVALID, PackedStatuses, StatusReference, build_status_list
from issuer.status import ENTRIES
from plumbing.clock import epoch_s

GOOD_FOR: Final = timedelta(days=1)
_TAKEN_BACK: Final = 400
_APART: Final = ENTRIES // _TAKEN_BACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Statuses:
    """A list, signed, and where it is."""

    uri: str
    token: str

    @classmethod
    def build(cls, *, issuer: str, signer: Signer, x5c: list[str], now: datetime) -> Self:
        """Sign a list of which every 327th entry says that a record was taken back."""
        uri, good_for_s = f"{issuer}/statuslists/{secrets.token_hex(16)}", int(GOOD_FOR.total_seconds())
        token = build_status_list(
            PackedStatuses.all_valid(ENTRIES).replaced({_APART * number: INVALID for number in range(_TAKEN_BACK)}),
            uri=uri,
            issued_at=epoch_s(now),
            expires_at=epoch_s(now) + good_for_s,
            ttl_s=good_for_s,
            signer=signer,
            x5c=x5c,
        )
        return cls(uri=uri, token=token)

    def draw(self) -> StatusReference:
        """Return the entry of a record that is good."""
        return StatusReference(uri=self.uri, index=_APART * secrets.randbelow(_TAKEN_BACK) + 1)
