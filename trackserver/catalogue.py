"""What the trackserver keeps: releases, their tracks, and the original files called masters."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MEDIA_TYPES: Final = {"flac": "audio/flac", "wav": "audio/wav", "mp3": "audio/mpeg"}
"""The formats that are read and served, with the media type of each."""
PICTURE_EXTENSIONS: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
"""The media types that a cover may have, with the extension that it is named with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """How a file holds its sound.

    Attributes:
        format: a key of `MEDIA_TYPES`.
        bits: per sample; None where the format has no such number (MP3).
    """

    format: str
    sample_rate_hz: int
    bits: int | None
    channels: int
    duration_ms: int
    bitrate_bps: int

    @property
    def media_type(self) -> str:
        """The media type that this file is sent with."""
        return MEDIA_TYPES[self.format]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file on disk as it was when it was added. The trackserver reads it in place and never writes it.

    Attributes:
        modified_ns: the time of the last change; with `size`, it tells that the file is still the one that was hashed.
        sha256: lower case hex.
    """

    path: Path
    size: int
    modified_ns: int
    sha256: str
    crc32: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """One original file of a track. `id` is 128 random bits in hex: it stands in addresses."""

    id: str
    file: StoredFile
    codec: Codec


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One track, with its files in one or several formats. `id` is a UUIDv4: credentials name it."""

    id: str
    disc: int
    number: int
    title: str
    artist: str
    isrc: str | None
    masters: tuple[Master, ...]

    @property
    def duration_ms(self) -> int:
        """The length of the first master."""
        return self.masters[0].codec.duration_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """The cover: the picture itself, which goes into the package, and a smaller one for pages.

    Both are copies in the trackserver's own folder, named after their bytes, so they cannot change under us.
    """

    original: StoredFile
    media_type: str
    page: StoredFile
    page_media_type: str
    page_width: int
    page_height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An album, EP or single. `id` is a UUIDv4: credentials and grants name it.

    Attributes:
        folder: where it was added from.
        release_type: `AlbumRelease`, `EPRelease`, `SingleRelease` or `CompilationRelease`.
        date: as tagged: a year, a month or a day; None if not tagged.
        gtin: the barcode number, if tagged.
        tracks: in playing order.
    """

    id: str
    folder: Path
    title: str
    artist: str
    release_type: str
    date: str | None
    gtin: str | None
    cover: Cover | None
    tracks: tuple[Track, ...]

    @property
    def masters(self) -> Iterator[Master]:
        """Every original file, in playing order."""
        return (master for track in self.tracks for master in track.masters)

    @property
    def several_discs(self) -> bool:
        """Whether file names need the number of the disc."""
        return len({track.disc for track in self.tracks}) > 1
