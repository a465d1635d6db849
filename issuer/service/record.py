"""Write an act into the ledger, and keep the copies that follow from it."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from credentials.errors import HolderError
from issuer.catalogue import Track
from issuer.copies import Copy, CopyKind
from issuer.ledger import (
    BuyRelease,
    BuyTrack,
    Entry,
    Gain,
    Gift,
    Ownership,
    Play,
    PricedTrack,
    Thing,
    ThingKind,
    UseCode,
    derive,
    price_act,
)
from issuer.ports import Books
from plumbing.ids import new_public_id


class NotOffered(HolderError):
    """A track or release that is not in the catalogue, or was withdrawn before it was owned."""

    code = "not_offered"

    def __init__(self) -> None:
        super().__init__("This track or release is not on offer here. Nothing was charged.")


class AlreadyTheirs(HolderError):
    """A gift, or a code, for somebody who owns the thing."""

    code = "already_theirs"

    def __init__(self) -> None:
        super().__init__("This is owned already, so nothing was given or used up: it can still go to somebody else.")


def record(
    books: Books,
    *,
    listener: str,
    act: Gain,
    key: str,
    now: datetime,
    even_withdrawn: bool = False,
) -> Entry:
    """Write an act down once, charge it, and keep what it made the listener's own.

    The same key with the same act gives the same entry again; with another act it is refused.

    Args:
        books: ledger and catalogue.
        listener: whose act it is.
        act: what they did, or got.
        key: makes it safe to repeat.
        now: when it was.
        even_withdrawn: whether what is not on offer may be got: it was promised before, or happened before.

    Raises:
        KeyReused: the key stands for another act.
        NotOffered: the thing is unknown, or withdrawn and not owned.
        AlreadyTheirs: it was to be given to somebody who owns it.
    """
    known = books.entry(key)
    if known is not None:
        known.check_same(listener, act)
        return known
    entry = write(books, listener=listener, act=act, key=key, now=now, even_withdrawn=even_withdrawn)
    if entry.may_complete:
        settle(books, listener)
    return entry


def write(books: Books, *, listener: str, act: Gain, key: str, now: datetime, even_withdrawn: bool = False) -> Entry:
    """Write an act down and charge it, as `record` does. The key must be new, and whoever calls this settles after."""
    if isinstance(act, Gift | UseCode):
        check_not_theirs(books, listener, act.thing)
    tracks = _touched(books, act)
    # Only these tracks' history matters for the price, however long the listener has been here.
    owned = derive(books.entries_for(listener, (track.id for track in tracks)), ())
    on_offer = _check_offered(act, tracks, owned, even_withdrawn=even_withdrawn)
    charges = price_act(act, on_offer, owned)
    if isinstance(act, Gift | UseCode) and all(charge.already_owned for charge in charges):
        raise AlreadyTheirs
    entry = Entry(key=key, listener=listener, act=act, charges=charges, at=now.replace(microsecond=0))
    books.append(entry)
    return entry


def check_not_theirs(books: Books, listener: str, thing: Thing) -> None:
    """Refuse to give a listener what they own."""
    if any((copy.kind.value, copy.subject) == (thing.kind.value, thing.id) for copy in books.copies(listener)):
        raise AlreadyTheirs


def ownership(books: Books, listener: str) -> Ownership:
    """Derive what a listener owns from all their entries."""
    entries = books.entries(listener)
    played = {charge.track for entry in entries for charge in entry.charges}
    releases = books.releases(books.release_ids_of_tracks(played))
    return derive(entries, [release.priced for release in releases.values()])


def settle(books: Books, listener: str) -> None:
    """Give every owned thing its copy, with an id that is drawn once and never changes.

    Copies are only ever added here: neither a takedown nor a release that grows takes one away.
    """
    owned = ownership(books, listener)
    there = {(copy.kind, copy.subject) for copy in books.copies(listener)}
    found = (
        *((CopyKind.TRACK, track, acquired) for track, acquired in owned.owned_tracks.items()),
        *((CopyKind.RELEASE, release, acquired) for release, acquired in owned.releases.items()),
    )
    books.keep_copies(
        [
            Copy(
                id=new_public_id(),
                listener=listener,
                kind=kind,
                subject=subject,
                acquisition=acquired.acquisition,
                month=acquired.month,
            )
            for kind, subject, acquired in found
            if (kind, subject) not in there
        ]
    )


def _touched(books: Books, act: Gain) -> Sequence[Track]:
    match act:
        case Play() | BuyTrack():
            thing = Thing(kind=ThingKind.TRACK, id=act.track)
        case BuyRelease():
            thing = Thing(kind=ThingKind.RELEASE, id=act.release)
        case Gift() | UseCode():
            thing = act.thing
        case _:
            assert_never(act)
    return tracks_of(books, thing)


def tracks_of(books: Books, thing: Thing) -> Sequence[Track]:
    """The tracks of a release, or the one track; none if the catalogue knows neither."""
    if thing.kind is ThingKind.RELEASE:
        release = books.release(thing.id)
        return release.tracks if release else ()
    track = books.track(thing.id)
    return (track,) if track else ()


def _check_offered(act: Gain, tracks: Sequence[Track], owned: Ownership, *, even_withdrawn: bool) -> list[PricedTrack]:
    """Leave out what was withdrawn; who owns a withdrawn track may still play it, for nothing."""
    mine = owned.owned_tracks if isinstance(act, Play | BuyTrack) else {}
    offered = [track.priced for track in tracks if even_withdrawn or not track.withdrawn or track.id in mine]
    if not offered:
        raise NotOffered
    return offered
