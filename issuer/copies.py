"""Copies: what the co-op signs credentials for. Each is an owned track or release, or one line of a register."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from issuer.ledger import Acquisition
from schemas import (
    CONTRIBUTION,
    COOP_MEMBERSHIP,
    RELEASE_OWNERSHIP,
    TRACK_OWNERSHIP,
    VERIFIED_ARTIST,
    CredentialType,
)


class CopyKind(StrEnum):
    """What a copy is a copy of."""

    TRACK = "track"
    RELEASE = "release"
    MEMBERSHIP = "membership"
    ARTIST = "artist"
    CONTRIBUTION = "contribution"

    @property
    def credential_type(self) -> CredentialType:
        """The type of credential that proves such a copy."""
        return _TYPES[self]

    @property
    def is_owned(self) -> bool:
        """Whether it is a record or track that somebody owns, and not a line of a register."""
        return self in {CopyKind.TRACK, CopyKind.RELEASE}


_TYPES: Final[Mapping[CopyKind, CredentialType]] = {
    CopyKind.TRACK: TRACK_OWNERSHIP,
    CopyKind.RELEASE: RELEASE_OWNERSHIP,
    CopyKind.MEMBERSHIP: COOP_MEMBERSHIP,
    CopyKind.ARTIST: VERIFIED_ARTIST,
    CopyKind.CONTRIBUTION: CONTRIBUTION,
}


class Ended(StrEnum):
    """Why a copy ended. No ended copy comes back; what is got again is a new copy with a new id."""

    REFUNDED = "refunded"
    GIFTED_AWAY = "gifted_away"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One copy of one track or release, one time of membership, one persona or contribution.

    Attributes:
        id: 128 random bits, drawn once; it stays, and crosses to wallets.
        listener: whose it is.
        kind: what it is a copy of.
        subject: the catalogue's id, or the register's.
        acquisition: how it came to be.
        month: since when, without the day.
        ended: why it is over; None while it is good.
        ended_month: since when it is over, without the day.
    """

    id: str
    listener: str
    kind: CopyKind
    subject: str
    acquisition: Acquisition
    month: str
    ended: Ended | None = None
    ended_month: str | None = None
