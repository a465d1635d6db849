"""What the tests of the ledger have in common."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from issuer.ledger import (
    BuyRelease,
    BuyTrack,
    Entry,
    Gain,
    Gift,
    GiveAway,
    Ownership,
    Play,
    PricedTrack,
    Refund,
    ReleaseTracks,
    Thing,
    ThingKind,
    UseCode,
    derive,
    price_act,
)
from issuer.undoing import plan_giving, plan_refund

START = datetime(2026, 11, 1, tzinfo=UTC)
HELD = {"ep": ("one", "two", "three"), "single": ("one",)}
RELEASES = [ReleaseTracks(release=name, tracks=tuple(PricedTrack(id=t) for t in held)) for name, held in HELD.items()]


class Book:
    """A ledger in memory that writes entries as the service does."""

    def __init__(self, releases: list[ReleaseTracks] | None = None, free: frozenset[str] = frozenset()) -> None:
        self.entries: list[Entry] = []
        self.free = free
        self.releases = releases or RELEASES

    @property
    def owned(self) -> Ownership:
        return derive(self.entries, self.releases)

    def lose(self, thing: Thing, *, give: bool = False) -> int:
        """Refund a thing, or give it on, as the service does."""
        owned = self.owned.owned_tracks
        held = HELD[thing.id] if thing.kind is ThingKind.RELEASE else (thing.id,)
        undone = (
            plan_giving(self.entries, thing, frozenset(track for track in held if track in owned))
            if give
            else plan_refund(self.entries, thing)
        )
        number = len(self.entries)
        act = GiveAway(copy="c") if give else Refund(copy="c")
        at = START + timedelta(days=number)
        key = f"k{number:04}"
        entry = Entry(key=key, listener="mia", act=act, charges=undone.charges, strikes=undone.strikes, at=at)
        self.entries.append(entry)
        return entry.total_milli

    def write(self, act: Gain) -> int:
        match act:
            case Play(track=track) | BuyTrack(track=track):
                touched = [track]
            case BuyRelease():
                touched = list(HELD[act.release])
            case Gift() | UseCode():
                touched = list(HELD[act.thing.id]) if act.thing.kind is ThingKind.RELEASE else [act.thing.id]
        tracks = [PricedTrack(id=track, free=track in self.free) for track in touched]
        number = len(self.entries)
        entry = Entry(
            key=f"k{number:04}",
            listener="mia",
            act=act,
            charges=price_act(act, tracks, self.owned),
            at=START + timedelta(days=number),
        )
        self.entries.append(entry)
        return entry.total_milli
