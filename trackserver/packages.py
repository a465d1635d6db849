"""What a download holds: the files of a scope under safe names, and the zip of them all."""

import threading
import zlib
from dataclasses import dataclass
from typing import Final

from trackserver.catalogue import PICTURE_EXTENSIONS, Codec, Master, Release, StoredFile, Track
from trackserver.errors import NothingGranted
from trackserver.grants import Scope
from trackserver.names import distinct_names, safe_name
from trackserver.zip_layout import Member, ZipLayout, build_zip_layout

ORIGINAL: Final = "original"
"""The format that stands for every original file, whatever it is."""
COVER_ID: Final = "cover"
_SECOND_MS: Final = 1000
_MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFile:
    """One file of a download.

    Attributes:
        id: stands in its address: the master's id, or `cover`.
        name: safe on every system, distinct within the package.
        track: None for the cover; `codec` likewise.
    """

    id: str
    name: str
    media_type: str
    file: StoredFile
    track: Track | None
    codec: Codec | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """Everything that one scope opens. Its zip is laid out apart, by `ZipLayouts`: a single file needs none."""

    release: Release
    scope: Scope
    files: tuple[PackageFile, ...]
    zip_name: str

    def file(self, file_id: str) -> PackageFile | None:
        """Return one of the files, or None."""
        return next((file for file in self.files if file.id == file_id), None)


class ZipLayouts:
    """The zips that were asked for last, so that each range of one download does not lay it out anew.

    A layout follows from the scope and the release, and is kept with the release that it was made of: as soon as one
    title, file or date in that differs, it is built again and takes the old one's place. Threads may share it: two that
    ask for the same at once may both build it, and what they build is equal.
    """

    def __init__(self, *, max_kept: int = 64) -> None:
        self._max_kept: Final = max_kept
        self._kept: Final[dict[Scope, tuple[Release, ZipLayout]]] = {}
        self._lock: Final = threading.Lock()

    def of(self, package: Package) -> ZipLayout:
        """Return the zip of all files of `package`."""
        kept = self._kept.get(package.scope)
        if kept is None or kept[0] != package.release:
            kept = package.release, _zip(package)  # outside of the lock: it takes long
        with self._lock:
            self._kept.pop(package.scope, None)
            self._kept[package.scope] = kept  # at the end, so that the first is the one that was used longest ago
            if len(self._kept) > self._max_kept:
                del self._kept[next(iter(self._kept))]
        return kept[1]


def build_package(release: Release, scope: Scope) -> Package:
    """Choose the files that a scope opens, and name them.

    Raises:
        NothingGranted: the scope names tracks or formats that are not there.
    """
    chosen = [
        (track, master)
        for track in release.tracks
        if not scope.tracks or track.id in scope.tracks
        for master in track.masters
        if not scope.formats or ORIGINAL in scope.formats or master.codec.format in scope.formats
    ]
    unknown = set(scope.tracks) - {track.id for track, _ in chosen}
    if unknown or not chosen:
        raise NothingGranted
    files = (*_audio_files(release, chosen), *_cover_files(release))
    return Package(release=release, scope=scope, files=files, zip_name=f"{_folder(release)}.zip")


def build_whole_package(release: Release) -> Package:
    """Choose every original file of a release."""
    return build_package(release, Scope(release_id=release.id, tracks=(), formats=()))


def _audio_files(release: Release, chosen: list[tuple[Track, Master]]) -> list[PackageFile]:
    stems = [(_stem(release, track), master.codec.format) for track, master in chosen]
    return [
        PackageFile(
            id=master.id,
            name=name,
            media_type=master.codec.media_type,
            file=master.file,
            track=track,
            codec=master.codec,
        )
        for (track, master), name in zip(chosen, distinct_names(stems), strict=True)
    ]


def _stem(release: Release, track: Track) -> str:
    place = f"{track.disc}-{track.number:02}" if release.several_discs else f"{track.number:02}"
    return safe_name(f"{place} {track.title}", fallback=place)


def _cover_files(release: Release) -> list[PackageFile]:
    cover = release.cover
    if cover is None:
        return []
    name = f"cover.{PICTURE_EXTENSIONS[cover.media_type]}"
    return [
        PackageFile(id=COVER_ID, name=name, media_type=cover.media_type, file=cover.original, track=None, codec=None)
    ]


def _folder(release: Release) -> str:
    return safe_name(f"{release.artist} - {release.title}", fallback="Release")


def _zip(package: Package) -> ZipLayout:
    folder = _folder(package.release)
    text = _friendly_text(package.release, package.files).encode()
    members = [Member(name=f"{folder}/{file.name}", content=file.file, crc32=file.file.crc32) for file in package.files]
    members.append(Member(name=f"{folder}/README.txt", content=text, crc32=zlib.crc32(text)))
    return build_zip_layout(members)


def _friendly_text(release: Release, files: tuple[PackageFile, ...]) -> str:
    """A reminder of rights and duties that people read to the end. The same every time, and it names nobody."""
    lines = [
        f"{release.title}",
        f"by {release.artist}",
        "",
        *(f"  {file.name}  ({_clock(file.codec.duration_ms)})" for file in files if file.codec),
        "",
        "This music is yours.",
        "",
        "You may play it anywhere, on anything, for as long as you live. Copy it to all your devices, keep backups,",
        "burn a disc for the car. There is no copy protection and no watermark, and nobody counts your plays.",
        "",
        "Please do not share the files or put them online. If a friend likes them, send them to the artist: this",
        "music was paid for by people who cared, and that is how the next record gets made. To play it in public,",
        "to remix it or to use it in a film, ask the artist first.",
        "",
        "If you lose these files, pass the artist's gate again: you own the music, not just this download.",
        "",
    ]
    # Windows' own editor shows these line ends rightly, and so does everything else.
    return "\r\n".join(lines)


def _clock(duration_ms: int) -> str:
    minutes, seconds = divmod(round(duration_ms / _SECOND_MS), _MINUTE_S)
    return f"{minutes}:{seconds:02}"
