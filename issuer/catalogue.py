"""The co-op's catalogue: releases, tracks and covers, as read from a trackserver's public description."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from credentials.encoding.strict_json import Json, parse_object
from credentials.errors import HolderError, Malformed
from issuer.ledger import PricedTrack, ReleaseTracks
from plumbing.pictures import MAX_PICTURE_BYTES, Picture
from schemas.types import NOT_KNOWN

MAX_TRACKS: Final = 500
MAX_TITLE: Final = 300
_MAX_NUMBER: Final = 1_000_000
MAX_DESCRIPTION_BYTES: Final = 1024 * 1024
MAX_COVER_BYTES: Final = MAX_PICTURE_BYTES
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ISRC: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_GTIN: Final = re.compile(r"[0-9]{8}|[0-9]{12,14}")
_DATE: Final = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
# schema.org's words, and those of the co-op's own API; a kind that the credential has no word for is not known.
RELEASE_TYPES: Final[Mapping[str, str]] = {
    "AlbumRelease": "AlbumRelease",
    "EPRelease": "EPRelease",
    "SingleRelease": "SingleRelease",
    "lp": "AlbumRelease",
    "album": "AlbumRelease",
    "ep": "EPRelease",
    "single": "SingleRelease",
}
_WHAT: Final = "release description"


class UnusableCover(HolderError):
    """A cover that is not an image that browsers show, or too large."""

    code = "unusable_cover"

    def __init__(self) -> None:
        super().__init__("The cover is not a JPEG, PNG, WebP or GIF image of at most 5 MB.")


class NoSuchCover(HolderError):
    """A release without a cover, or no release."""

    code = "no_such_cover"

    def __init__(self) -> None:
        super().__init__("There is no cover here.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """The co-op's own copy of a cover."""

    media_type: str
    content: bytes

    @classmethod
    def parse(cls, content: bytes) -> "Cover":
        """Recognise an image by its first bytes.

        Raises:
            UnusableCover: it is none of the four types that every browser shows.
        """
        picture = Picture.recognise(content)
        if picture is None:
            raise UnusableCover
        return cls(media_type=picture.media_type, content=picture.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A track; `withdrawn` if the trackserver lists it no longer, which changes nothing for those who own it."""

    id: str
    release: str
    number: int
    title: str
    artist: str
    isrc: str | None
    duration_s: int
    free: bool = False
    withdrawn: bool = False

    @property
    def priced(self) -> PricedTrack:
        """What the ledger needs to know of it."""
        return PricedTrack(id=self.id, free=self.free)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release with every track that it ever held, in order."""

    id: str
    source_url: str
    title: str
    artist: str
    release_type: str
    date: str | None
    gtin: str | None
    has_cover: bool
    tracks: tuple[Track, ...]

    @property
    def priced(self) -> ReleaseTracks:
        """What the ledger needs to know of it."""
        return ReleaseTracks(release=self.id, tracks=tuple(track.priced for track in self.tracks))


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a trackserver says of a release."""

    release: Release
    cover_url: str | None


def parse_description(body: bytes, *, source_url: str) -> Described:
    """Read a trackserver's `GET /releases/{id}`.

    Raises:
        Malformed: a member is missing, of the wrong kind, or longer than credentials may hold.
    """
    described = parse_object(body, what=_WHAT, max_bytes=MAX_DESCRIPTION_BYTES)
    identifier = _matching(described, "id", _UUID)
    listed = described.get("tracks")
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_TRACKS:
        raise Malformed(_WHAT, f"it does not list between 1 and {MAX_TRACKS} tracks")
    artist = _title(described, "artist")
    tracks = tuple(_parse_track(entry, release=identifier, artist=artist) for entry in listed)
    if len({track.id for track in tracks}) != len(tracks):
        raise Malformed(_WHAT, "it lists a track twice")
    cover = described.get("cover")
    return Described(
        release=Release(
            id=identifier,
            source_url=source_url,
            title=_title(described, "title"),
            artist=artist,
            release_type=RELEASE_TYPES.get(str(described.get("release_type")), NOT_KNOWN),
            date=_date(described),
            gtin=_optional(described, "gtin", _GTIN),
            has_cover=isinstance(cover, str),
            tracks=tracks,
        ),
        cover_url=cover if isinstance(cover, str) else None,
    )


def _parse_track(entry: Json, *, release: str, artist: str) -> Track:
    if not isinstance(entry, dict):
        raise Malformed(_WHAT, "a track is not an object")
    named = entry if entry.get("artist") is not None else {**entry, "artist": artist}
    match entry:
        case {"number": int(number), "duration_s": int() | float() as seconds} if _sane(number) and _sane(seconds):
            return Track(
                id=_matching(named, "id", _UUID),
                release=release,
                number=number,
                title=_title(named, "title"),
                artist=_title(named, "artist"),
                isrc=_optional(named, "isrc", _ISRC),
                duration_s=round(seconds),
            )
        case _:
            raise Malformed(_WHAT, "a track has no number or no duration")


def _sane(value: float) -> bool:
    return not isinstance(value, bool) and 0 <= value <= _MAX_NUMBER


def _title(source: Mapping[str, Json], name: str) -> str:
    value = source.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TITLE or not value.isprintable():
        raise Malformed(_WHAT, f"its `{name}` is not a line of 1 to {MAX_TITLE} characters")
    # Written in one way only: a wallet takes a second way to write a letter, or a further space, for a mark.
    return unicodedata.normalize("NFC", " ".join(value.split()))


def _matching(source: Mapping[str, Json], name: str, pattern: re.Pattern[str]) -> str:
    value = source.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Malformed(_WHAT, f"its `{name}` is missing or not written as it should be")
    return value


def _optional(source: Mapping[str, Json], name: str, pattern: re.Pattern[str]) -> str | None:
    """Read a code that may be missing; one that is not written as it should be counts as not known."""
    value = source.get(name)
    code = value.replace("-", "").replace(" ", "").upper() if isinstance(value, str) else ""
    return code if pattern.fullmatch(code) else None


def _date(source: Mapping[str, Json]) -> str | None:
    value = source.get("date")
    return value if isinstance(value, str) and _DATE.fullmatch(value) else None
