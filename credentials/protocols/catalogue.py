"""A release as a co-op's public catalogue has it, in the very claims that its credentials hold.

A wallet compares with it what was handed over to it: a title with a mark in it would have to be shown to everybody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import schemas
from credentials.encoding.strict_json import Json, parse
from credentials.errors import Malformed
from credentials.protocols.members import Members, check_text
from schemas import CredentialType

MAX_BYTES: Final = 1_048_576
_MAX_TRACKS: Final = 1000
_MAX_CLAIM: Final = 4096
_WHAT: Final = "catalogue entry"
LISTED: Final = {schemas.RELEASE_OWNERSHIP: "release", schemas.TRACK_OWNERSHIP: "inAlbum"}
"""The types that a catalogue has, each with the claim that names the release there."""
# How something became the listener's is nowhere but in their own credential.
_THE_LISTENERS: Final = frozenset({"acquisition", "acquired"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """What all copies of a release, and of each of its tracks, say alike."""

    release: Mapping[str, str]
    tracks: Sequence[Mapping[str, str]]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read an entry.

        Raises:
            Malformed: it is none, or lacks a claim, or has one more.
        """
        members = Members(parse(data, what=_WHAT, max_bytes=MAX_BYTES), what=_WHAT)
        return cls(
            release=_read(members.required("release"), schemas.RELEASE_OWNERSHIP),
            tracks=members.array(
                "tracks", lambda value, _: _read(value, schemas.TRACK_OWNERSHIP), max_items=_MAX_TRACKS
            ),
        )

    def to_json(self) -> dict[str, Json]:
        """Write an entry."""
        return {"release": dict(self.release), "tracks": [dict(each) for each in self.tracks]}

    def find(self, kind: CredentialType, subject: Json) -> Mapping[str, str] | None:
        """Return what every copy of a release or track says; None if it is not here."""
        entries = (self.release,) if kind is schemas.RELEASE_OWNERSHIP else self.tracks
        return next((each for each in entries if each.get(kind.subject_claim) == subject), None)


def catalogue_claims(kind: CredentialType) -> tuple[str, ...]:
    """Return the claims of a type that all copies of one thing have alike."""
    return tuple(name for name in kind.linked_claim_names if name not in _THE_LISTENERS)


def catalogue_url(issuer: str, release_id: str) -> str:
    """Return where a co-op shows a release of its catalogue."""
    return f"{issuer}{catalogue_path(release_id)}"


def catalogue_path(release_id: str) -> str:
    """Return the path of a release below the co-op's address."""
    return f"/catalogue/{release_id}"


def _read(value: Json, kind: CredentialType) -> dict[str, str]:
    names = catalogue_claims(kind)
    found = Members(value, what=_WHAT).entries(max_items=len(names))
    if found.keys() != set(names):
        raise Malformed(_WHAT, "it has other claims than its type")
    return {name: check_text(found[name], what=_WHAT, max_chars=_MAX_CLAIM) for name in names}
