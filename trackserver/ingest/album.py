"""Make one release out of the audio files of a folder: which files are one track, in which order, under which names."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from trackserver.ingest import findings
from trackserver.ingest.findings import Finding, Weight
from trackserver.ingest.folder import AudioFile, FolderContents, natural_order
from trackserver.names import written_plainly

UNKNOWN_ARTIST: Final = "Unknown artist"
UNKNOWN_TITLE: Final = "Unknown title"
VARIOUS_ARTISTS: Final = "Various artists"
_DISC_FOLDER = re.compile(r"(?:cd|dis[ck]|vinyl|lp)[ _-]?([0-9]{1,2})(?![0-9])", re.IGNORECASE)
_LEADING_NUMBER = re.compile(r"(?:[0-9]{1,2}-)?([0-9]{1,3})(?:\s*[._-]+\s*|\s+)(?=\S)")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?", re.ASCII)
_GTIN = re.compile(r"(?:[0-9]{12,14}|[0-9]{8})(?![0-9])", re.ASCII)
_TYPES: Final = {
    "album": "AlbumRelease",
    "lp": "AlbumRelease",
    "ep": "EPRelease",
    "single": "SingleRelease",
    "compilation": "CompilationRelease",
}
_MAX_SINGLE_TRACKS: Final = 3
_MAX_EP_TRACKS: Final = 6
_NO_NUMBER: Final = 1 << 30
_FORMAT_ORDER: Final = ("flac", "wav", "mp3")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackDraft:
    """One track to be, with its files in different formats, the best first."""

    disc: int
    number: int
    title: str
    artist: str
    isrc: str | None
    files: tuple[AudioFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlbumDraft:
    """One release to be, with its tracks in playing order and all that was noticed."""

    title: str
    artist: str
    release_type: str
    date: str | None
    gtin: str | None
    tracks: tuple[TrackDraft, ...]
    findings: tuple[Finding, ...]

    @property
    def stops(self) -> tuple[Finding, ...]:
        """The findings that forbid to add it."""
        return tuple(finding for finding in self.findings if finding.weight is Weight.STOPS)


def draft_album(contents: FolderContents, *, title: str | None, artist: str | None) -> AlbumDraft:
    """Group and order the files of a folder; `title` and `artist` overrule the tags."""
    found = list(contents.findings)
    groups = _grouped(sorted(contents.audio, key=_place))
    album_title = _album_title(contents, title, found)
    album_artist = written_plainly(artist or "") or _album_artist(contents.audio, found)
    _note_same_numbers(groups, found)
    tracks = tuple(_track(group, position, album_artist, found) for position, group in enumerate(groups, start=1))
    first = _first_of(contents.audio)
    return AlbumDraft(
        title=album_title,
        artist=album_artist,
        release_type=_release_type(first(lambda audio: audio.facts.release_type), len(tracks)),
        date=_matching(_DATE, first(lambda audio: audio.facts.date)),
        gtin=_matching(_GTIN, first(lambda audio: audio.facts.gtin)),
        tracks=tracks,
        findings=tuple(found),
    )


def _place(audio: AudioFile) -> tuple[object, ...]:
    """Sort key: disc, track number, file name."""
    return (
        _disc(audio),
        audio.facts.track or _NO_NUMBER,
        natural_order(audio.stem),
        _FORMAT_ORDER.index(audio.facts.codec.format),
        audio.relative,
    )


def _disc(audio: AudioFile) -> int:
    if audio.facts.disc:
        return audio.facts.disc
    found = _DISC_FOLDER.match(PurePosixPath(audio.relative).parent.name)
    return int(found[1]) if found else 1


def _grouped(audio: Sequence[AudioFile]) -> list[list[AudioFile]]:
    """Put files of different formats that are one track together."""
    groups: list[list[AudioFile]] = []
    for file in audio:
        group = next((group for group in groups if _is_same_track(group, file)), None)
        if group is None:
            groups.append([file])
        else:
            group.append(file)
    for group in groups:
        group.sort(key=lambda file: _FORMAT_ORDER.index(file.facts.codec.format))
    return sorted(groups, key=lambda group: min(_place(file)[:3] for file in group))


def _is_same_track(group: Sequence[AudioFile], file: AudioFile) -> bool:
    if any(_disc(member) != _disc(file) for member in group):
        return False
    if any(member.facts.codec.format == file.facts.codec.format for member in group):
        return False
    return any(_matches(member, file) for member in group)


def _matches(one: AudioFile, other: AudioFile) -> bool:
    numbers = {number for number in (one.facts.track, other.facts.track) if number}
    if len(numbers) > 1:
        return False
    if one.stem.casefold() == other.stem.casefold():
        return True
    titles = {(audio.facts.title or "").casefold() for audio in (one, other)}
    return bool(one.facts.track and other.facts.track) and len(titles) == 1 and "" not in titles


def _note_same_numbers(groups: Sequence[Sequence[AudioFile]], found: list[Finding]) -> None:
    taken: dict[tuple[int, int], str] = {}
    for group in groups:
        number = next((audio.facts.track for audio in group if audio.facts.track), None)
        if number is None:
            found.append(findings.no_track_number(group[0].relative))
            continue
        key = (_disc(group[0]), number)
        if key in taken:
            found.append(findings.same_track_number(group[0].relative, taken[key], number))
        taken.setdefault(key, group[0].relative)


def _track(group: Sequence[AudioFile], position: int, album_artist: str, found: list[Finding]) -> TrackDraft:
    first = _first_of(group)
    where = group[0].relative
    title = first(lambda audio: audio.facts.title)
    if title is None:
        stem = written_plainly(group[0].stem) or str(position)
        title = _LEADING_NUMBER.sub("", stem.replace("_", " "), count=1).strip() or stem
        found.append(findings.no_title(where, title))
    number = next((audio.facts.track for audio in group if audio.facts.track), None)
    return TrackDraft(
        disc=_disc(group[0]),
        number=number or position,
        title=title,
        artist=first(lambda audio: audio.facts.artist) or album_artist,
        isrc=_isrc(where, first(lambda audio: audio.facts.isrc), found),
        files=tuple(group),
    )


def _isrc(where: str, tagged: str | None, found: list[Finding]) -> str | None:
    if tagged is None:
        found.append(findings.no_isrc(where))
        return None
    isrc = re.sub(r"[\s-]", "", tagged).upper()
    if _ISRC.fullmatch(isrc):
        return isrc
    found.append(findings.bad_isrc(where))
    return None


def _album_title(contents: FolderContents, given: str | None, found: list[Finding]) -> str:
    albums = Counter(audio.facts.album for audio in contents.audio if audio.facts.album)
    if len(albums) > 1:
        found.append(findings.mixed_albums(tuple(sorted(albums)), chosen=given))
    if title := written_plainly(given or ""):
        return title
    if not albums:
        name = written_plainly(contents.folder.name) or UNKNOWN_TITLE
        found.append(findings.no_album_title(name))
        return name
    return albums.most_common(1)[0][0]


def _album_artist(audio: Iterable[AudioFile], found: list[Finding]) -> str:
    tagged = Counter(file.facts.album_artist for file in audio if file.facts.album_artist)
    if tagged:
        return tagged.most_common(1)[0][0]
    artists = {file.facts.artist for file in audio if file.facts.artist}
    if not artists:
        found.append(findings.no_artist(UNKNOWN_ARTIST))
        return UNKNOWN_ARTIST
    return artists.pop() if len(artists) == 1 else VARIOUS_ARTISTS


def _release_type(tagged: str | None, tracks: int) -> str:
    known = _TYPES.get((tagged or "").split(";")[0].split("/")[0].strip().lower())
    if known:
        return known
    if tracks <= _MAX_SINGLE_TRACKS:
        return "SingleRelease"
    return "EPRelease" if tracks <= _MAX_EP_TRACKS else "AlbumRelease"


def _matching(pattern: re.Pattern[str], text: str | None) -> str | None:
    found = pattern.match(text) if text else None
    return found[0] if found else None


def _first_of(files: Iterable[AudioFile]) -> Callable[[Callable[[AudioFile], str | None]], str | None]:
    kept = tuple(files)

    def first(read: Callable[[AudioFile], str | None]) -> str | None:
        return next((value for value in map(read, kept) if value), None)

    return first
