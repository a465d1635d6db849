"""Write an act into the ledger, and keep the copies that follow from it."""

from datetime import datetime
from typing import assert_never

from credentials.errors import HolderError
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
    owned = ownership(books, listener)
    charges = price_act(act, _touched(books, act, owned), owned)
    entry = Entry(key=key, listener=listener, act=act, charges=charges, at=now.replace(microsecond=0))
    books.append(entry)
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
    for kind, subject, acquired in found:
        if (kind, subject) not in there:
            books.keep_copy(
                Copy(
                    id=new_public_id(),
                    listener=listener,
                    kind=kind,
                    subject=subject,
                    acquisition=acquired.acquisition,
                    month=acquired.month,
                )
            )


def _touched(books: Books, act: Act, owned: Ownership) -> list[PricedTrack]:
    match act:
        case Play() | BuyTrack():
            track = books.track(act.track)
            if track is None or (track.withdrawn and not owned.standing(track.id).acquired):
                raise NotOffered
            return [track.priced]
        case BuyRelease():
            release = books.release(act.release)
            tracks = [track.priced for track in release.tracks if not track.withdrawn] if release else []
            if not tracks:
                raise NotOffered
            return tracks
        case _:
            assert_never(act)
