"""What a refund, or a giving on, strikes out of a listener's ledger, and what it pays back. Pure, as the ledger is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from credentials.errors import HolderError
from issuer.ledger import (
    Acquisition,
    Charge,
    Entry,
    Play,
    Strike,
    Thing,
    ThingKind,
    counting_charges,
    derive,
    whole_release,
)


class CameWithRelease(HolderError):
    """A track that came with a whole release goes with it only: else the release would be held without the track."""

    code = "came_with_release"

    def __init__(self) -> None:
        super().__init__("This came with a whole release, so it goes only with it. Name the copy of the release.")


class NotOneOfAPiece(HolderError):
    """A release that was put together from single tracks is refunded track by track."""

    code = "not_one_of_a_piece"

    def __init__(self) -> None:
        super().__init__("This release was not got as a whole but track by track. Refund its tracks.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What is struck out, and by track what comes back for it (0 or below)."""

    strikes: tuple[Strike, ...]
    charges: tuple[Charge, ...]

    @property
    def tracks(self) -> frozenset[str]:
        """The tracks that are given up."""
        return frozenset(charge.track for charge in self.charges)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One charge that counts, and the release that its entry gave as a whole."""

    entry: Entry
    charge: Charge
    whole: str | None


def plan_refund(entries: Sequence[Entry], thing: Thing) -> Undone:
    """Say what refunding a copy strikes out: what made it owned, and no play that was paid before it was bought.

    Args:
        entries: every entry of the listener that touches the thing's tracks.
        thing: what the copy is of; the listener must own it.

    Raises:
        CameWithRelease: it is held by a release that came as a whole.
        NotOneOfAPiece: the release was put together from tracks.
    """
    lines = _lines(entries)
    if thing.kind is ThingKind.TRACK:
        _check_free_of_releases(lines, {thing.id}, but=None)
        owned = derive(entries, ()).owned_tracks.get(thing.id)
        listened = owned is not None and owned.acquisition is Acquisition.STREAM_TO_OWN
        mine = (line for line in lines if line.charge.track == thing.id)
        return _undone([line for line in mine if listened or not isinstance(line.entry.act, Play)], pays_back=True)
    struck = [line for line in lines if line.whole == thing.id]
    if not struck:
        raise NotOneOfAPiece
    lost = {line.charge.track for line in struck if not line.charge.already_owned}
    _check_free_of_releases(lines, lost, but=thing.id)
    return _undone(struck, pays_back=True)


def plan_giving(entries: Sequence[Entry], thing: Thing, tracks: frozenset[str]) -> Undone:
    """Say what giving a copy on strikes out: all that was ever paid for its tracks goes with them.

    Args:
        entries: as for `plan_refund`.
        thing: what the copy is of.
        tracks: the tracks that go with it: the one, or those of the release that the listener owns.

    Raises:
        CameWithRelease: one of them is held by another release that came as a whole.
    """
    lines = _lines(entries)
    release = thing.id if thing.kind is ThingKind.RELEASE else None
    _check_free_of_releases(lines, tracks, but=release)
    return _undone([line for line in lines if line.charge.track in tracks], pays_back=False)


def _lines(entries: Iterable[Entry]) -> list[_Line]:
    return [
        _Line(entry=entry, charge=charge, whole=whole_release(entry, charges))
        for entry, charges in counting_charges(entries)
        for charge in charges
        if charge.milli or not isinstance(entry.act, Play)  # a play that cost nothing counts for nothing
    ]


def _check_free_of_releases(lines: Iterable[_Line], tracks: Iterable[str], *, but: str | None) -> None:
    wanted = set(tracks)
    if any(line.charge.track in wanted and line.whole not in {None, but} for line in lines):
        raise CameWithRelease


def _undone(struck: Sequence[_Line], *, pays_back: bool) -> Undone:
    """A release that holds a track which was owned before is struck out for it too, but gives nothing up by that."""
    paid: dict[str, int] = {}
    for line in struck:
        if not line.charge.already_owned:
            paid[line.charge.track] = paid.get(line.charge.track, 0) + line.charge.milli
    return Undone(
        strikes=tuple(Strike(key=line.entry.key, track=line.charge.track) for line in struck),
        charges=tuple(Charge(track=track, milli=-milli if pays_back else 0) for track, milli in sorted(paid.items())),
    )
