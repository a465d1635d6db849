"""My collection: what a listener owns, how they got it, what is nearly theirs, and what was theirs once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from issuer.catalogue import Release, Track
from issuer.copies import Copy, CopyKind
from issuer.ledger import PLAYS_TO_OWN, Standing
from issuer.ports import Shelves
from issuer.registers import Contribution, Membership, Persona
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
class Item:
    """A copy with what it is called; a line of a register comes with that line."""

    copy: Copy
    title: str
    line: Membership | Persona | Contribution | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """All shelves, by artist and title; what the registers say; and what has ended."""

    shelves: tuple[Shelf, ...]
    lines: tuple[Item, ...] = ()
    past: tuple[Item, ...] = ()

    @property
    def items(self) -> tuple[Item, ...]:
        """Everything that can be sent to a wallet, with its title."""
        owned = (
            item
            for shelf in self.shelves
            for item in (
                *([Item(copy=shelf.copy, title=shelf.release.title)] if shelf.copy else []),
                *(Item(copy=each.copy, title=each.track.title) for each in shelf.tracks if each.copy),
            )
        )
        return (*owned, *self.lines)

    @property
    def copies(self) -> tuple[Copy, ...]:
        """Every good copy of the listener."""
        return tuple(item.copy for item in self.items)

    def title_of(self, subject: str) -> str | None:
        """What something of the listener's is called."""
        return next((item.title for item in self.items if item.copy.subject == subject), None)


def collect(books: Shelves, listener: str) -> Collection:
    """Gather a listener's collection. Withdrawn tracks stay in it: what is owned stays owned, and stays visible."""
    owned = ownership(books, listener)
    good = books.copies(listener)
    copies = {(copy.kind, copy.subject): copy for copy in good if copy.kind.is_owned}
    past = _past(books, books.past_copies(listener))
    subjects = {subject for kind, subject in copies if kind is CopyKind.RELEASE}
    releases = books.releases(subjects | books.release_ids_of_tracks({*owned.tracks, *_tracks(copies)}))
    shelves = [_shelf(release, copies, owned.tracks) for release in releases.values()]
    filled = [shelf for shelf in shelves if shelf.copies or shelf.nearly]
    lines = (_item(books, copy) for kind in CopyKind if not kind.is_owned for copy in good if copy.kind is kind)
    return Collection(
        shelves=tuple(sorted(filled, key=lambda shelf: (shelf.release.artist, shelf.release.title))),
        lines=tuple(lines),
        past=past,
    )


def _tracks(copies: Mapping[tuple[CopyKind, str], Copy]) -> list[str]:
    return [subject for kind, subject in copies if kind is CopyKind.TRACK]


def _past(books: Shelves, ended: Sequence[Copy]) -> tuple[Item, ...]:
    """What has ended, newest first; a track that went with its release is told with it."""
    whole = {(copy.subject, copy.ended, copy.ended_month) for copy in ended if copy.kind is CopyKind.RELEASE}

    def went_along(copy: Copy) -> bool:
        track = books.track(copy.subject) if copy.kind is CopyKind.TRACK else None
        return track is not None and (track.release, copy.ended, copy.ended_month) in whole

    return tuple(_item(books, copy) for copy in ended if not went_along(copy))


def _item(books: Shelves, copy: Copy) -> Item:
    match copy.kind:
        case CopyKind.TRACK:
            track = books.track(copy.subject)
            return Item(copy=copy, title=track.title if track else copy.subject)
        case CopyKind.RELEASE:
            release = books.release(copy.subject)
            return Item(copy=copy, title=release.title if release else copy.subject)
        case CopyKind.MEMBERSHIP:
            member = books.membership(copy.subject)
            return Item(copy=copy, title=member.share_class if member else "", line=member)
        case CopyKind.ARTIST:
            persona = books.persona(copy.subject)
            return Item(copy=copy, title=persona.name if persona else "", line=persona)
        case CopyKind.CONTRIBUTION:
            given = books.contribution(copy.subject)
            return Item(copy=copy, title=given.what if given else "", line=given)
        case _:
            assert_never(copy.kind)


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
