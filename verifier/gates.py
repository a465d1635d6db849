"""A gate: what must be proved, the terms of the handshake, and what opens."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from credentials.encoding import base64url
from credentials.errors import Malformed
from credentials.protocols.handshake import SALT_BYTES, Handshake
from verifier.errors import GateClosed
from verifier.proofs import OwnsRelease, OwnsTrack
from verifier.releases import FileOnOffer, Release, TrackOnOffer

if TYPE_CHECKING:
    from datetime import datetime

    from verifier.limits import Limit
    from verifier.proofs import Requirement

ORIGINAL: Final = "original"
"""The format of a package that holds the files as the artist delivered them."""

_MAX_TERMS: Final = 4000
_DEFAULT_TERMS: Final = (
    "Thank you for owning “{title}”. It is yours for good: copy it to every device you have, back it up, play it to "
    "your friends. Please do not upload it or sell copies; {artist} lives from it. If a file breaks, come back: this "
    "gate stays open. That is the whole handshake."
)
_DEFAULT_TERMS_OF_AN_EXTRA: Final = (
    "Enjoy “{title}”. It is yours for good: copy it to every device you have, back it up, play it to your friends. "
    "Please do not upload it or sell copies; {artist} lives from it. That is the whole handshake."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What both sides shake hands on, in one language."""

    text: str
    language: str

    @classmethod
    def parse(cls, text: str, *, language: str = "en") -> Terms:
        """Take the words of a site, lines ended as everywhere, without blanks around them.

        Raises:
            Malformed: a handshake cannot carry them: they are empty, too long to be read at a gate, or hide characters.
        """
        trimmed = "\n".join(text.strip().splitlines())
        if not 1 <= len(trimmed) <= _MAX_TERMS:
            raise Malformed("terms", f"they must have 1 to {_MAX_TERMS} characters")
        Handshake(text=trimmed, language=language, salt=bytes(SALT_BYTES))
        return cls(text=trimmed, language=language)

    @classmethod
    def default(cls, *, title: str, artist: str, comes_back: bool = True) -> Terms:
        """Return a short, friendly reminder of rights and duties; `comes_back` if owners pass as often as they like."""
        words = _DEFAULT_TERMS if comes_back else _DEFAULT_TERMS_OF_AN_EXTRA
        return cls.parse(words.format(title=title, artist=artist))

    def shake(self, salt: bytes) -> Handshake:
        """Return the handshake on these terms whose nonce `salt` makes fresh."""
        return Handshake(text=self.text, language=self.language, salt=salt)

    @property
    def digest(self) -> str:
        """Return base64url of the SHA-256 of the text: what a redemption remembers of the handshake."""
        return base64url.encode(hashlib.sha256(self.text.encode()).digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackInside:
    """One line of the list of what opens."""

    number: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opens:
    """What waits behind a gate, said before anything is asked: titles, formats, sizes."""

    trackserver: str
    """Origin of the trackserver that holds the files."""
    release_id: str
    track_ids: tuple[str, ...]
    """The tracks that open; empty for the whole release."""
    kind: str
    """What people call it: `track`, or the release's type as the trackserver names it."""
    title: str
    artist: str
    tracks: tuple[TrackInside, ...]
    package: str
    """Which package of the trackserver opens, as `original`."""
    files: tuple[FileOnOffer, ...]
    """How many bytes of each encoding are inside."""
    size_bytes: int
    has_cover: bool = False
    """Whether a picture of the sleeve is kept beside the gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """How a gate with a limit counts: how often, and under which key of its own it remembers."""

    limit: Limit
    key: bytes = field(repr=False)
    takes_other_wallets: bool = False
    """Whether it takes the number of a copy too, by which wallets without pseudonyms can be counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One gate of one site. Its id crosses to other parties, so it is 128 random bits."""

    gate_id: str
    site: str
    title: str
    requirement: Requirement
    terms: Terms
    opens: Opens
    created_at: datetime
    counting: Counting | None = None
    """None for a gate that opens as often as anybody likes, and remembers nobody."""
    closed_at: datetime | None = None

    def check_open(self) -> None:
        """Check that the site has not closed the gate.

        Raises:
            GateClosed: it has.
        """
        if self.closed_at is not None:
            raise GateClosed


def build_opens(
    release: Release, *, trackserver: str, track: str | None, package: str
) -> tuple[OwnsRelease | OwnsTrack, Opens]:
    """Say what a gate for `release`, or for one of its tracks (by id or number), opens, and who owns just that.

    Raises:
        Malformed: the release holds no such track or no such package.
    """
    packages = {offered.format: offered.size_bytes for offered in release.packages}
    if package not in packages:
        raise Malformed("release at the trackserver", f"it offers no package `{package}`")
    single = release.find_track(track) if track is not None else None
    tracks = release.tracks if single is None else (single,)
    named = single or release
    opens = Opens(
        trackserver=trackserver,
        release_id=release.release_id,
        track_ids=() if single is None else (single.track_id,),
        kind=release.release_type if single is None else "track",
        title=named.title,
        artist=named.artist,
        tracks=tuple(TrackInside(number=each.number, title=each.title) for each in tracks),
        package=package,
        files=_sizes_by_format(tracks),
        size_bytes=packages[package] if single is None else single.size_bytes,
    )
    return _requirement(release, single), opens


def _requirement(release: Release, single: TrackOnOffer | None) -> OwnsRelease | OwnsTrack:
    if single is None:
        return OwnsRelease(release_id=release.release_id)
    return OwnsTrack(track_id=single.track_id, release_id=release.release_id)


def _sizes_by_format(tracks: tuple[TrackOnOffer, ...]) -> tuple[FileOnOffer, ...]:
    sizes: dict[str, int] = {}
    for file in (file for track in tracks for file in track.files):
        sizes[file.format] = sizes.get(file.format, 0) + file.size_bytes
    return tuple(FileOnOffer(format=name, size_bytes=size) for name, size in sizes.items())
