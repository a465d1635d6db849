"""What a verifier keeps of a release at a trackserver: enough to say what opens before anything is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from credentials.encoding import strict_json
from credentials.errors import Malformed
from credentials.protocols.members import Members

if TYPE_CHECKING:
    from credentials.encoding.strict_json import Json

_WHAT: Final = "release at the trackserver"
MAX_RELEASE_BYTES: Final = 1024 * 1024
_MAX_TRACKS: Final = 1000
_MAX_FILES: Final = 50
_MAX_TEXT: Final = 500
_MAX_SIZE_BYTES: Final = 1 << 50


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOnOffer:
    """One encoding of a track or release, and how large it is."""

    format: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackOnOffer:
    """One track of a release, in the order of the record."""

    track_id: str
    number: int
    title: str
    artist: str
    files: tuple[FileOnOffer, ...]

    @property
    def size_bytes(self) -> int:
        """Return how many bytes the track's files are."""
        return sum(file.size_bytes for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release as `GET /releases/{id}` of a trackserver describes it; what a gate does not need is ignored."""

    release_id: str
    release_type: str
    """As schema.org names it, such as `EPRelease`."""
    title: str
    artist: str
    tracks: tuple[TrackOnOffer, ...]
    packages: tuple[FileOnOffer, ...]
    cover: str | None
    """Where its picture is, perhaps relative to the release."""

    @classmethod
    def parse(cls, body: bytes) -> Release:
        """Read the trackserver's answer.

        Raises:
            Malformed: it is not a release with at least one track.
        """
        members = Members(strict_json.parse(body, what=_WHAT, max_bytes=MAX_RELEASE_BYTES), what=_WHAT)
        return cls(
            release_id=_uuid(members),
            release_type=members.optional_text("release_type", max_chars=_MAX_TEXT) or "",
            title=members.text("title", max_chars=_MAX_TEXT),
            artist=members.text("artist", max_chars=_MAX_TEXT),
            tracks=members.array("tracks", _track, max_items=_MAX_TRACKS),
            packages=members.array("packages", _file, max_items=_MAX_FILES),
            cover=members.optional_text("cover"),
        )

    def find_track(self, wanted: str) -> TrackOnOffer:
        """Return the track with that id or number.

        Raises:
            Malformed: the release holds no such track.
        """
        for track in self.tracks:
            if wanted in {track.track_id, str(track.number)}:
                return track
        raise Malformed(_WHAT, "it holds no such track; name one by its id or number")


def _track(entry: Json, what: str) -> TrackOnOffer:
    members = Members(entry, what=what)
    return TrackOnOffer(
        track_id=_uuid(members),
        number=members.integer("number", maximum=_MAX_TRACKS),
        title=members.text("title", max_chars=_MAX_TEXT),
        artist=members.text("artist", max_chars=_MAX_TEXT),
        files=members.array("files", _file, max_items=_MAX_FILES),
    )


def _file(entry: Json, what: str) -> FileOnOffer:
    members = Members(entry, what=what)
    return FileOnOffer(
        format=members.text("format", max_chars=_MAX_TEXT),
        size_bytes=members.integer("bytes", maximum=_MAX_SIZE_BYTES),
    )


def _uuid(members: Members) -> str:
    value = members.text("id", max_chars=_MAX_TEXT)
    try:
        canonical = str(UUID(value))
    except ValueError as error:
        raise Malformed(members.named("id"), "it is not a UUID") from error
    if canonical != value:
        raise Malformed(members.named("id"), "it is not a UUID in its usual writing")
    return value
