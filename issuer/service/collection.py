"""My collection: what a listener owns, how they got it, and what is nearly theirs."""

from collections.abc import Mapping
from dataclasses import dataclass

from issuer.catalogue import Release, Track
from issuer.copies import Copy, CopyKind
from issuer.ledger import PLAYS_TO_OWN, Standing
from issuer.ports import Books
from issuer.service.record import ownership


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfTrack:
    """A track on the shelf, owned or on its way."""

    track: Track
    copy: Copy | None
    standing: Standing

    @property
    def nearly(self) -> bool:
        """Whether some plays are paid and it is not owned yet."""
        return self.copy is None and self.standing.paid_plays > 0

    @property
    def plays_to_own(self) -> int:
        """How many paid plays make a track one's own."""
        return PLAYS_TO_OWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One release with the tracks of it that matter to the listener."""

    release: Release
    copy: Copy | None
    tracks: tuple[ShelfTrack, ...]

    @property
    def owned(self) -> tuple[ShelfTrack, ...]:
        """The tracks that are owned."""
        return tuple(each for each in self.tracks if each.copy)

    @property
    def nearly(self) -> tuple[ShelfTrack, ...]:
        """The tracks that are on their way."""
        return tuple(each for each in self.tracks if each.nearly)

    @property
    def copies(self) -> tuple[Copy, ...]:
        """Every copy on this shelf, the release first."""
        return tuple(copy for copy in (self.copy, *(each.copy for each in self.tracks)) if copy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """All shelves, by artist and title."""

    shelves: tuple[Shelf, ...]

    @property
    def copies(self) -> tuple[Copy, ...]:
        """Every copy of the listener."""
        return tuple(copy for shelf in self.shelves for copy in shelf.copies)


def collect(books: Books, listener: str) -> Collection:
    """Gather a listener's collection. Withdrawn tracks stay in it: what is owned stays owned, and stays visible."""
    owned = ownership(books, listener)
    copies = {(copy.kind, copy.subject): copy for copy in books.copies(listener)}
    subjects = {subject for kind, subject in copies if kind is CopyKind.RELEASE}
    releases = books.releases(subjects | books.release_ids_of_tracks(owned.tracks))
    shelves = [_shelf(release, copies, owned.tracks) for release in releases.values()]
    filled = [shelf for shelf in shelves if shelf.copies or shelf.nearly]
    return Collection(shelves=tuple(sorted(filled, key=lambda shelf: (shelf.release.artist, shelf.release.title))))


def _shelf(release: Release, copies: Mapping[tuple[CopyKind, str], Copy], standings: Mapping[str, Standing]) -> Shelf:
    tracks = (
        ShelfTrack(
            track=track, copy=copies.get((CopyKind.TRACK, track.id)), standing=standings.get(track.id, Standing())
        )
        for track in release.tracks
    )
    return Shelf(
        release=release,
        copy=copies.get((CopyKind.RELEASE, release.id)),
        tracks=tuple(each for each in tracks if each.copy or each.nearly),
    )
