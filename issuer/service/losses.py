"""Refund a copy, or give it on: it ends with all that hangs on it, and its instances are taken back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from credentials.errors import HolderError
from issuer.copies import Copy, Ended
from issuer.ledger import Charge, Entry, Gift, GiveAway, KeyReused, Loss, Refund, Thing, ThingKind, derive
from issuer.ports import Ending
from issuer.service.counting import hand_on
from issuer.service.record import AlreadyTheirs, check_not_theirs, ownership, settle, tracks_of
from issuer.undoing import Undone, plan_giving, plan_refund


class NoSuchCopy(HolderError):
    """No copy has this id, or it is not one that can be refunded or given on."""

    code = "no_such_copy"

    def __init__(self) -> None:
        super().__init__("No owned record or track has this id; `handstamp issuer copies LISTENER` shows them.")


class CopyOver(HolderError):
    """A copy that ended before."""

    code = "copy_over"

    def __init__(self, why: Ended) -> None:
        super().__init__(f"This copy is over already ({why.value.replace('_', ' ')}). Nothing was changed.")


class CopyHeldBack(HolderError):
    """A copy that the co-op holds back; given on it would be another copy, without the hold."""

    code = "copy_held_back"

    def __init__(self) -> None:
        super().__init__("The co-op holds this copy back, so it cannot be given on yet. Nothing was changed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """What an act took away: its line in the ledger, and every copy that ended with it."""

    entry: Entry
    copies: tuple[Copy, ...]


def refund(books: Ending, *, copy_id: str, key: str | None = None, now: datetime) -> Lost:
    """Take a copy back for what was paid. To say it twice is to say it once.

    Args:
        books: ledger, catalogue and the entries of instances.
        copy_id: the copy.
        key: as for `record`; without one, the copy is its own.
        now: when.

    Raises:
        NoSuchCopy: there is none.
        CopyOver: it was given on.
        CameWithRelease, NotOneOfAPiece: another copy has to be named.
    """
    copy, thing = _owned_copy(books, copy_id)
    act, key = Refund(copy=copy_id), key or f"refund:{copy_id}"
    known = books.entry(key)
    if known is not None:
        known.check_same(copy.listener, act)
        return Lost(entry=known, copies=())
    _check_good(copy)
    tracks = [track.id for track in tracks_of(books, thing)]
    undone = plan_refund(books.entries_for(copy.listener, tracks), thing)
    entry = _write(books, copy.listener, act, undone, key=key, now=now)
    return Lost(entry=entry, copies=_end(books, copy.listener, thing, undone, why=Ended.REFUNDED, now=now))


def give_on(books: Ending, *, copy_id: str, to: str, key: str | None = None, now: datetime) -> Lost:
    """Move a copy to another listener: the old one ends, and the new owner gets one with an id of its own.

    Args:
        books: as for `refund`.
        copy_id: the copy.
        to: who gets it.
        key: as for `refund`.
        now: when.

    Raises:
        NoSuchCopy, CopyOver, CameWithRelease: as for `refund`.
        CopyHeldBack: the co-op holds it back.
        AlreadyTheirs: whoever should get it owns it.
        KeyReused: it went to somebody else by this key.
    """
    copy, thing = _owned_copy(books, copy_id)
    act, key = GiveAway(copy=copy_id), key or f"give:{copy_id}"
    known, received = books.entry(key), books.entry(f"{key}:received")
    if known is not None:
        known.check_same(copy.listener, act)
        if received is None or received.listener != to:
            raise KeyReused
        return Lost(entry=known, copies=())
    _check_good(copy)
    if books.is_held(copy_id):
        raise CopyHeldBack
    check_not_theirs(books, to, thing)
    undone, theirs = _plan_gift(books, copy, thing, to=to)
    entry = _write(books, copy.listener, act, undone, key=key, now=now)
    ended = _end(books, copy.listener, thing, undone, why=Ended.GIFTED_AWAY, now=now)
    charges = tuple(Charge(track=track, milli=0, already_owned=track in theirs) for track in sorted(undone.tracks))
    gift = Gift(thing=thing, source=copy_id)
    books.append(Entry(key=f"{key}:received", listener=to, act=gift, charges=charges, at=entry.at))
    hand_on(books, copy, to=to)
    settle(books, to)
    return Lost(entry=entry, copies=ended)


def _plan_gift(books: Ending, copy: Copy, thing: Thing, *, to: str) -> tuple[Undone, Collection[str]]:
    """Plan what the giver loses, and tell which tracks whoever gets it owns already: some may be, not all."""
    tracks = [track.id for track in tracks_of(books, thing)]
    entries = books.entries_for(copy.listener, tracks)
    owned = derive(entries, ()).owned_tracks
    undone = plan_giving(entries, thing, frozenset(track for track in tracks if track in owned))
    theirs = derive(books.entries_for(to, undone.tracks), ()).owned_tracks
    if undone.tracks <= theirs.keys():
        raise AlreadyTheirs
    return undone, theirs.keys()


def end_copies(books: Ending, copies: Sequence[Copy], *, why: Ended, now: datetime) -> tuple[Copy, ...]:
    """End copies and take back every instance of them; return those that had not ended before."""
    ended = tuple(copy for copy in copies if books.end_copy(copy.id, why=why, now=now))
    for copy in ended:
        books.end(copy.id, now)
    return ended


def _owned_copy(books: Ending, copy_id: str) -> tuple[Copy, Thing]:
    copy = books.copy(copy_id)
    if copy is None or not copy.kind.is_owned:
        raise NoSuchCopy
    return copy, Thing(kind=ThingKind(copy.kind.value), id=copy.subject)


def _check_good(copy: Copy) -> None:
    if copy.ended is not None:
        raise CopyOver(copy.ended)


def _write(books: Ending, listener: str, act: Loss, undone: Undone, *, key: str, now: datetime) -> Entry:
    entry = Entry(
        key=key,
        listener=listener,
        act=act,
        charges=undone.charges,
        at=now.replace(microsecond=0),
        strikes=undone.strikes,
    )
    books.append(entry)
    return entry


def _end(books: Ending, listener: str, thing: Thing, undone: Undone, *, why: Ended, now: datetime) -> tuple[Copy, ...]:
    """End the copies of what is owned no more: the tracks, and every release that was whole with them only."""
    owned = ownership(books, listener)
    lost = undone.tracks - owned.owned_tracks.keys()
    touched = books.release_ids_of_tracks(lost) | ({thing.id} if thing.kind is ThingKind.RELEASE else set())
    gone = {(ThingKind.TRACK.value, track) for track in lost}
    gone |= {(ThingKind.RELEASE.value, release) for release in touched - owned.releases.keys()}
    over = [copy for copy in books.copies(listener) if (copy.kind.value, copy.subject) in gone]
    return end_copies(books, over, why=why, now=now)
