"""Read one audio file: how it holds its sound, and what its tags say. The only importer of mutagen.

mutagen opens the file for reading; nothing here ever saves.
"""

# ruff: noqa: ANN401  # mutagen has no types

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mutagen import MutagenError
from mutagen.flac import FLAC
from mutagen.mp3 import MP3
from mutagen.wave import WAVE

from trackserver.catalogue import Codec
from trackserver.names import written_plainly

MAX_TEXT_CHARS: Final = 500
_FRONT_COVER: Final = 3
_NUMBER = re.compile(r"\s*([0-9]{1,4})", re.ASCII)

_VORBIS: Final = {
    "title": ("title",),
    "artist": ("artist",),
    "album": ("album",),
    "album_artist": ("albumartist", "album artist"),
    "track": ("tracknumber",),
    "disc": ("discnumber",),
    "date": ("date", "year"),
    "isrc": ("isrc",),
    "gtin": ("barcode", "upc", "ean"),
    "release_type": ("releasetype",),
}
_ID3: Final = {
    "title": ("TIT2",),
    "artist": ("TPE1",),
    "album": ("TALB",),
    "album_artist": ("TPE2",),
    "track": ("TRCK",),
    "disc": ("TPOS",),
    "date": ("TDRC", "TDRL", "TYER"),
    "isrc": ("TSRC",),
    "gtin": ("TXXX:BARCODE", "TXXX:UPC", "TXXX:EAN"),
    "release_type": ("TXXX:MusicBrainz Album Type", "TXXX:RELEASETYPE"),
}


class Unreadable(Exception):
    """The file is damaged, or not of the format that its name says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFacts:
    """What one file says of itself; None for what it does not say."""

    codec: Codec
    title: str | None
    artist: str | None
    album: str | None
    album_artist: str | None
    track: int | None
    disc: int | None
    date: str | None
    isrc: str | None
    gtin: str | None
    release_type: str | None
    picture: bytes | None


def read_flac(path: Path) -> AudioFacts:
    """Read a FLAC file; raise `Unreadable` if it is none."""
    file = _opened(FLAC, path)
    pictures = [(picture.type, picture.data) for picture in file.pictures]
    return _facts("flac", file, _Texts(_VORBIS, file.tags or {}), _best_picture(pictures))


def read_mp3(path: Path) -> AudioFacts:
    """Read an MP3 file; raise `Unreadable` if it is none."""
    file = _opened(MP3, path)
    return _facts("mp3", file, _Texts(_ID3, file.tags or {}), _id3_picture(file.tags))


def read_wav(path: Path) -> AudioFacts:
    """Read a WAV file with its ID3 chunk, if it has one; raise `Unreadable` if it is none."""
    file = _opened(WAVE, path)
    return _facts("wav", file, _Texts(_ID3, file.tags or {}), _id3_picture(file.tags))


READERS: Final[dict[str, Callable[[Path], AudioFacts]]] = {"flac": read_flac, "wav": read_wav, "mp3": read_mp3}
"""Which function reads which extension."""


def _opened(reader: Any, path: Path) -> Any:
    # mutagen wraps most of what a damaged file can cause, but not all: struct and index errors of its parsers come
    # through, and whatever they are, the file cannot be read.
    try:
        return reader(path)
    except (MutagenError, OSError, ValueError, LookupError, ArithmeticError, TypeError, AssertionError) as error:
        raise Unreadable from error


class _Texts:
    """The tags as texts, whichever way the format names them."""

    def __init__(self, names: dict[str, tuple[str, ...]], tags: Any) -> None:
        self._names = names
        self._tags = tags

    def first(self, what: str) -> str | None:
        for name in self._names[what]:
            for value in _values(self._tags.get(name)):
                text = written_plainly(str(value))[:MAX_TEXT_CHARS].strip()
                if text:
                    return text
        return None

    def number(self, what: str) -> int | None:
        found = _NUMBER.match(self.first(what) or "")
        return int(found[1]) or None if found else None


def _values(tag: Any) -> Iterable[Any]:
    if tag is None:
        return ()
    return tag if isinstance(tag, list) else getattr(tag, "text", ())


def _facts(extension: str, file: Any, texts: _Texts, picture: bytes | None) -> AudioFacts:
    info = file.info
    return AudioFacts(
        codec=Codec(
            format=extension,
            sample_rate_hz=int(info.sample_rate),
            bits=getattr(info, "bits_per_sample", None),
            channels=int(info.channels),
            duration_ms=round(float(info.length) * 1000),
            bitrate_bps=int(info.bitrate),
        ),
        title=texts.first("title"),
        artist=texts.first("artist"),
        album=texts.first("album"),
        album_artist=texts.first("album_artist"),
        track=texts.number("track"),
        disc=texts.number("disc"),
        date=texts.first("date"),
        isrc=texts.first("isrc"),
        gtin=texts.first("gtin"),
        release_type=texts.first("release_type"),
        picture=picture,
    )


def _id3_picture(tags: Any) -> bytes | None:
    return _best_picture((frame.type, frame.data) for frame in (tags.getall("APIC") if tags else ()))


def _best_picture(pictures: Iterable[tuple[int, bytes]]) -> bytes | None:
    """Take the front cover, else the first picture."""
    found = sorted(pictures, key=lambda picture: picture[0] != _FRONT_COVER)
    return bytes(found[0][1]) if found else None
