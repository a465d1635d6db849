"""Write an act into the ledger, and keep the copies that follow from it."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from credentials.errors import HolderError
from issuer.catalogue import Track
from issuer.copies import Copy, CopyKind
from issuer.ledger import Act, BuyRelease, BuyTrack, Entry, Ownership, Play, PricedTrack, derive, price_act
from issuer.ports import Books
from plumbing.ids import new_public_id


class NotOffered(HolderError):
    """A track or release that is not in the catalogue, or was withdrawn before it was owned."""

    code = "not_offered"

    def __init__(self) -> None:
        super().__init__("This track or release is not on offer here. Nothing was charged.")


def record(books: Books, *, listener: str, act: Act, key: str, now: datetime) -> Entry:
    """Write an act down once, charge it, and keep what it made the listener's own.

    The same key with the same act gives the same entry again; with another act it is refused.

    Raises:
        KeyReused: the key stands for another act.
        NotOffered: the thing is unknown, or withdrawn and not owned.
    """
    known = books.entry(key)
    if known is not None:
        known.check_same(listener, act)
        return known
    tracks = _touched(books, act)
    # Only these tracks' history matters for the price, however long the listener has been here.
    owned = derive(books.entries_for(listener, (track.id for track in tracks)), ())
    on_offer = _check_offered(act, tracks, owned)
    entry = Entry(
        key=key, listener=listener, act=act, charges=price_act(act, on_offer, owned), at=now.replace(microsecond=0)
    )
    books.append(entry)
    if entry.may_complete:
        settle(books, listener)
    return entry


def ownership(books: Books, listener: str) -> Ownership:
    """Derive what a listener owns from all their entries."""
    entries = books.entries(listener)
    played = {charge.track for entry in entries for charge in entry.charges}
    releases = books.releases(books.release_ids_of_tracks(played))
    return derive(entries, [release.priced for release in releases.values()])


def settle(books: Books, listener: str) -> None:
    """Give every owned thing its copy, with an id that is drawn once and never changes.

    Copies are only ever added: neither a takedown nor a release that grows takes one away.
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


def _touched(books: Books, act: Act) -> Sequence[Track]:
    match act:
        case Play() | BuyTrack():
            track = books.track(act.track)
            return (track,) if track else ()
        case BuyRelease():
            release = books.release(act.release)
            return release.tracks if release else ()
        case _:
            assert_never(act)


def _check_offered(act: Act, tracks: Sequence[Track], owned: Ownership) -> list[PricedTrack]:
    """Leave out what was withdrawn; who owns a withdrawn track may still play it, for nothing."""
    mine = owned.owned_tracks if not isinstance(act, BuyRelease) else {}
    offered = [track.priced for track in tracks if not track.withdrawn or track.id in mine]
    if not offered:
        raise NotOffered
    return offered
