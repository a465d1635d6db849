"""Take tracks and releases from the co-op's own data into the catalogue, hidden and deleted ones too."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from issuer.catalogue import Release, Track
from issuer.connectors.facts import GroupFact, TrackFact
from issuer.ports import Books
from issuer.service.import_report import Report

# A track stands in one release of ours; a collection or compilation only borrows it.
_HOME_FIRST: Final = ("lp", "album", "ep", "single", "compilation", "collection")


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The tracks of every release that was read, wherever they have their home; a purchase of it gives them all."""

    tracks: Mapping[str, Sequence[str]] = field(default_factory=dict)


def import_catalogue(books: Books, tracks: Sequence[TrackFact], groups: Sequence[GroupFact], report: Report) -> Groups:
    """Add releases that the catalogue does not have; what a trackserver described is left as it is."""
    known = {track.id: track for track in tracks}
    homeless = {track.id for track in tracks if books.track(track.id) is None}
    for group in sorted(groups, key=_priority):
        if books.release(group.id) is not None:
            report.skip(group.place, "the catalogue has this release already")
            continue
        held = [track for track in group.tracks if track in homeless]
        for missing in (track for track in group.tracks if track not in homeless):
            why = "is missing from the tracks" if missing not in known else "has its home in another release"
            report.skip(group.place, f"track {missing} {why}")
        if held:
            books.save_release(_release(group, [known[track] for track in held]), None)
            homeless -= set(held)
            report.take("releases")
    for track in tracks:
        if track.id in homeless:
            books.save_release(_single(track), None)
            report.take("tracks of no release")
    return Groups(tracks={group.id: group.tracks for group in groups})


def _priority(group: GroupFact) -> int:
    return _HOME_FIRST.index(group.kind) if group.kind in _HOME_FIRST else len(_HOME_FIRST)


def _release(group: GroupFact, tracks: Iterable[TrackFact]) -> Release:
    return Release(
        id=group.id,
        source_url="",
        title=group.title,
        artist=group.artist,
        release_type=group.release_type,
        date=group.date,
        gtin=None,
        has_cover=False,
        tracks=tuple(
            _track(track, group.id, number, withdrawn=track.withdrawn or group.withdrawn)
            for number, track in enumerate(tracks, 1)
        ),
    )


def _single(fact: TrackFact) -> Release:
    """A track whose release was deleted gets one of its own, the same at every import."""
    release_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:handstamp:release-of:{fact.id}"))
    return Release(
        id=release_id,
        source_url="",
        title=fact.title,
        artist=fact.artist,
        release_type="SingleRelease",
        date=None,
        gtin=None,
        has_cover=False,
        tracks=(_track(fact, release_id, 1, withdrawn=fact.withdrawn),),
    )


def _track(fact: TrackFact, release: str, number: int, *, withdrawn: bool) -> Track:
    return Track(
        id=fact.id,
        release=release,
        number=number,
        title=fact.title,
        artist=fact.artist,
        isrc=None,
        duration_s=fact.duration_s,
        free=fact.free,
        withdrawn=withdrawn,
    )
