"""Add a folder's release to the catalogue, or bring it up to date, keeping every id that was given out."""

import hashlib
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from pathlib import Path

from trackserver.catalogue import Cover, Master, Release, Track
from trackserver.errors import AlbumRefused, NothingToAdd
from trackserver.ingest.album import AlbumDraft, TrackDraft
from trackserver.ingest.folder import AudioFile
from trackserver.ports import Catalogue

Random = Callable[[int], bytes]


class Outcome(Enum):
    """What adding a folder did."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """The release as it is now, and the tracks that are listed though their files are gone."""

    release: Release
    outcome: Outcome
    gone: tuple[Track, ...]


def check_album(album: AlbumDraft, folder: Path) -> None:
    """Refuse an album that has no track, or whose owner must decide something first.

    Raises:
        NothingToAdd: no file can be read.
        AlbumRefused: a finding stops it.
    """
    if not album.tracks:
        raise NothingToAdd(str(folder))
    if album.stops:
        raise AlbumRefused(tuple(f"{finding.what} {finding.advice}" for finding in album.stops))


def add_release(
    catalogue: Catalogue, album: AlbumDraft, *, folder: Path, cover: Cover | None, now: datetime, random: Random
) -> Added:
    """Add a checked album from `folder`; the same folder, or the same files elsewhere, is the same release.

    A track keeps its id as long as one of its files has the same bytes or the same place in the folder. A track whose
    files are gone stays listed, because somebody may own it.
    """
    digest = _content_digest(file for track in album.tracks for file in track.files)
    before = catalogue.load_release_of_folder(folder) or catalogue.load_release_of_content(digest)
    if before is None:
        release = _release(str(uuid.UUID(bytes=random(16), version=4)), album, folder, cover, (), random)
        catalogue.save_release(release, content_digest=digest, now=now)
        return Added(release=release, outcome=Outcome.ADDED, gone=())
    release = _release(before.id, album, folder, cover, before.tracks, random)
    kept = {track.id for track in release.tracks}
    gone = tuple(track for track in before.tracks if track.id not in kept)
    release = replace(release, tracks=(*release.tracks, *gone))
    if release == before:
        return Added(release=before, outcome=Outcome.UNCHANGED, gone=gone)
    catalogue.save_release(release, content_digest=_digest_of(release), now=now)
    return Added(release=release, outcome=Outcome.UPDATED, gone=gone)


def _release(
    release_id: str, album: AlbumDraft, folder: Path, cover: Cover | None, before: tuple[Track, ...], random: Random
) -> Release:
    left = list(before)
    return Release(
        id=release_id,
        folder=folder,
        title=album.title,
        artist=album.artist,
        release_type=album.release_type,
        date=album.date,
        gtin=album.gtin,
        cover=cover,
        tracks=tuple(_track(draft, _take_earlier(draft, left), random) for draft in album.tracks),
    )


def _take_earlier(draft: TrackDraft, left: list[Track]) -> Track | None:
    """Find the track that this was, by its bytes, else by its place in the folder; nobody else gets it then."""
    hashes = {file.file.sha256 for file in draft.files}
    paths = {file.file.path for file in draft.files}
    for key in (
        lambda track: any(master.file.sha256 in hashes for master in track.masters),
        lambda track: any(master.file.path in paths for master in track.masters),
    ):
        found = next(filter(key, left), None)
        if found:
            left.remove(found)
            return found
    return None


def _track(draft: TrackDraft, earlier: Track | None, random: Random) -> Track:
    ids = {master.file.sha256: master.id for master in earlier.masters} if earlier else {}
    return Track(
        id=earlier.id if earlier else str(uuid.UUID(bytes=random(16), version=4)),
        disc=draft.disc,
        number=draft.number,
        title=draft.title,
        artist=draft.artist,
        isrc=draft.isrc,
        masters=tuple(
            Master(id=ids.get(file.file.sha256) or random(16).hex(), file=file.file, codec=file.facts.codec)
            for file in draft.files
        ),
    )


def _content_digest(files: Iterable[AudioFile]) -> str:
    return _digest(file.file.sha256 for file in files)


def _digest_of(release: Release) -> str:
    return _digest(master.file.sha256 for master in release.masters)


def _digest(hashes: Iterable[str]) -> str:
    return hashlib.sha256("".join(sorted(hashes)).encode("ascii")).hexdigest()
