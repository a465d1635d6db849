"""Owned copies: what the co-op signs credentials for."""

from dataclasses import dataclass
from enum import StrEnum

from issuer.catalogue import Release, Track
from issuer.ledger import Acquisition
from schemas import RELEASE_OWNERSHIP, TRACK_OWNERSHIP, CredentialType
from schemas.types import NOT_KNOWN


class CopyKind(StrEnum):
    """What a copy is a copy of."""

    TRACK = "track"
    RELEASE = "release"

    @property
    def credential_type(self) -> CredentialType:
        """The type of credential that proves such a copy."""
        return TRACK_OWNERSHIP if self is CopyKind.TRACK else RELEASE_OWNERSHIP


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One owned copy of one track or release; `id` was drawn once and stays."""

    id: str
    listener: str
    kind: CopyKind
    subject: str
    acquisition: Acquisition
    month: str


def track_claims(copy: Copy, track: Track, release: Release) -> dict[str, str]:
    """Return a track credential's disclosable claims. Every one is always there, so that all have one shape."""
    return {
        "track": track.id,
        "name": track.title,
        "byArtist": track.artist,
        "isrcCode": track.isrc or NOT_KNOWN,
        "inAlbum": release.id,
        "albumName": release.title,
        **_copy_claims(copy),
    }


def release_claims(copy: Copy, release: Release) -> dict[str, str]:
    """Return a release credential's disclosable claims; as `track_claims` otherwise."""
    return {
        "release": release.id,
        "name": release.title,
        "byArtist": release.artist,
        "albumReleaseType": release.release_type,
        "gtin": release.gtin or NOT_KNOWN,
        **_copy_claims(copy),
    }


def _copy_claims(copy: Copy) -> dict[str, str]:
    return {"acquisition": copy.acquisition.value, "acquired": copy.month, "copy": copy.id}
