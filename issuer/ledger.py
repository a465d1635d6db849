"""The ledger's rules: what an act costs, and what a listener owns. Pure, exact, in milli-credits.

An `Entry` is one act of a listener and what it cost when it was written down. Entries are never changed or removed, and
everything else is derived from them: `derive` gives one ownership for any order and repetition of the same entries. A
refund is an entry too: it names the entries that it strikes out, so that no clock decides which of them still count.
Nothing here knows whether a track is hidden or taken down, so no takedown can undo an ownership.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from credentials.errors import HolderError

PLAYS_TO_OWN = 9
TRACK_PRICE_MILLI = 1022
LAST_PLAY_MILLI = 2 << (PLAYS_TO_OWN - 1)
COUNTS_AFTER_S = 45


class Acquisition(StrEnum):
    """How a copy came to be, in the words that the credential uses; `registered` stands in none."""

    STREAM_TO_OWN = "stream_to_own"
    PURCHASE = "purchase"
    GIFT = "gift"
    DOWNLOAD_CODE = "download_code"
    REGISTERED = "registered"


class KeyReused(HolderError):
    """An idempotency key that already stands for another act."""

    code = "key_reused"

    def __init__(self) -> None:
        super().__init__("This key already stands for another entry of the ledger. Use a new key for a new act.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A track was played for so many seconds."""

    track: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyTrack:
    """A track was bought outright."""

    track: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyRelease:
    """A release was bought with all that it held then."""

    release: str


class ThingKind(StrEnum):
    """What can be given."""

    TRACK = "track"
    RELEASE = "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A track or a release of the catalogue."""

    kind: ThingKind
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """Something was given: by the co-op, or by a listener, whose copy `source` then is."""

    thing: Thing
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCode:
    """A download code was used; `code` is its number, never the code itself."""

    thing: Thing
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A copy was given back for what was paid."""

    copy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveAway:
    """A copy was given on to somebody else."""

    copy: str


Gain = Play | BuyTrack | BuyRelease | Gift | UseCode
Loss = Refund | GiveAway
Act = Gain | Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one act cost for one track; 0 is written down too, for a release names its tracks this way.

    `already_owned` if the track was the listener's before, so that this act is not how they got it. What a refund pays
    back is below 0.
    """

    track: str
    milli: int
    already_owned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """The entry with this key counts no more for this track."""

    key: str
    track: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger. `key` makes it idempotent; `charges` were fixed when it was written."""

    key: str
    listener: str
    act: Act
    charges: tuple[Charge, ...]
    at: datetime
    strikes: tuple[Strike, ...] = ()

    def check_same(self, listener: str, act: Act) -> None:
        """Refuse a repeated key that means something else; the time may differ, because a repetition comes later."""
        if (self.listener, self.act) != (listener, act):
            raise KeyReused

    @property
    def may_complete(self) -> bool:
        """Whether this entry can have made something owned: a purchase, or a play at the ninth price."""
        return not isinstance(self.act, Play) or any(each.milli == LAST_PLAY_MILLI for each in self.charges)

    @property
    def total_milli(self) -> int:
        """What the whole act cost; below 0 if it paid back."""
        return sum(charge.milli for charge in self.charges)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquired:
    """How and when something became a listener's own."""

    acquisition: Acquisition
    at: datetime

    @property
    def month(self) -> str:
        """The month alone, because a day would tell one listener from another."""
        return f"{self.at:%Y-%m}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one listener stands with one track."""

    paid_plays: int = 0
    paid_milli: int = 0
    acquired: Acquired | None = None

    @property
    def remaining_milli(self) -> int:
        """What is still to be paid before the track is owned."""
        return 0 if self.acquired else TRACK_PRICE_MILLI - self.paid_milli

    def price_of_next_play(self) -> int:
        """The next play's price: 2, 4, 8 ... 512, and nothing once the track is owned."""
        return 0 if self.acquired else 2 << self.paid_plays

    def after(self, charge: "Charge", acquisition: Acquisition, at: datetime) -> "Standing":
        """The standing after one more charge; the first acquisition stands."""
        listened = acquisition is Acquisition.STREAM_TO_OWN
        plays = self.paid_plays + (1 if listened and charge.milli > 0 else 0)
        owns = plays >= PLAYS_TO_OWN or not (listened or charge.already_owned)
        acquired = self.acquired or (Acquired(acquisition=acquisition, at=at) if owns else None)
        return replace(self, paid_plays=plays, paid_milli=self.paid_milli + charge.milli, acquired=acquired)


NOTHING_YET = Standing()


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedTrack:
    """What the catalogue says about a track that matters for its price."""

    id: str
    free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTracks:
    """Every track that a release ever held: one that was taken down still has to be owned to own all of it."""

    release: str
    tracks: tuple[PricedTrack, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """What one listener owns and nearly owns, by track and by release."""

    tracks: Mapping[str, Standing] = field(default_factory=dict)
    releases: Mapping[str, Acquired] = field(default_factory=dict)

    def standing(self, track: str) -> Standing:
        """The standing with one track, also one never played."""
        return self.tracks.get(track, NOTHING_YET)

    @property
    def owned_tracks(self) -> Mapping[str, Acquired]:
        """Owned tracks only."""
        return {track: standing.acquired for track, standing in self.tracks.items() if standing.acquired}


def whole_release(entry: Entry, counting: Iterable[Charge]) -> str | None:
    """The release that an entry gave as a whole, by its charges that count; an entry that gave nothing gave none."""
    if all(charge.already_owned for charge in counting):
        return None
    match entry.act:
        case BuyRelease():
            return entry.act.release
        case Gift() | UseCode() if entry.act.thing.kind is ThingKind.RELEASE:
            return entry.act.thing.id
        case _:
            return None


def price_act(act: Gain, tracks: Sequence[PricedTrack], ownership: Ownership) -> tuple[Charge, ...]:
    """Say what an act costs for each of the `tracks` that it touches.

    A play costs nothing before it counts; buying costs what remains; a gift nothing; a free track is never charged.
    """
    standings = [(track, ownership.standing(track.id)) for track in tracks]
    return tuple(
        Charge(
            track=track.id,
            milli=0 if track.free else _price(act, standing),
            already_owned=standing.acquired is not None,
        )
        for track, standing in standings
    )


def _price(act: Gain, standing: Standing) -> int:
    match act:
        case Play():
            return standing.price_of_next_play() if act.seconds >= COUNTS_AFTER_S else 0
        case BuyTrack() | BuyRelease():
            return standing.remaining_milli
        case Gift() | UseCode():
            return 0
        case _:
            assert_never(act)


def derive(entries: Iterable[Entry], releases: Iterable[ReleaseTracks]) -> Ownership:
    """Derive one listener's ownership from their entries; order and repetition make no difference.

    Args:
        entries: entries of one listener, in any order.
        releases: the releases of the catalogue that hold any of the tracks.

    Raises:
        KeyReused: two entries have one key and differ.
    """
    tracks: dict[str, Standing] = {}
    bought: dict[str, Acquired] = {}
    for entry, counting, acquisition in _counting(entries):
        for charge in counting:
            before = tracks.get(charge.track, NOTHING_YET)
            tracks[charge.track] = before.after(charge, acquisition, entry.at)
        release = whole_release(entry, counting)
        if release is not None:
            bought.setdefault(release, Acquired(acquisition=acquisition, at=entry.at))
    owned = {track: standing.acquired for track, standing in tracks.items() if standing.acquired}
    completed = {
        held.release: acquired
        for held in releases
        if (acquired := _completed(held, owned)) and held.release not in bought
    }
    return Ownership(tracks=tracks, releases={**completed, **bought})


def counting_charges(entries: Iterable[Entry]) -> list[tuple[Entry, tuple[Charge, ...]]]:
    """The entries that gave something, in order, each with those of its charges that no later entry struck out."""
    ordered = _once_in_order(entries)
    struck = {(strike.key, strike.track) for entry in ordered for strike in entry.strikes}
    return [
        (entry, tuple(charge for charge in entry.charges if (entry.key, charge.track) not in struck))
        for entry in ordered
        if not isinstance(entry.act, Loss)
    ]


def _counting(entries: Iterable[Entry]) -> Iterator[tuple[Entry, tuple[Charge, ...], Acquisition]]:
    for entry, charges in counting_charges(entries):
        match entry.act:
            case Play():
                yield entry, charges, Acquisition.STREAM_TO_OWN
            case Gift():
                yield entry, charges, Acquisition.GIFT
            case UseCode():
                yield entry, charges, Acquisition.DOWNLOAD_CODE
            case _:
                yield entry, charges, Acquisition.PURCHASE


def _once_in_order(entries: Iterable[Entry]) -> list[Entry]:
    by_key: dict[str, Entry] = {}
    for entry in entries:
        if by_key.setdefault(entry.key, entry) != entry:
            raise KeyReused
    return sorted(by_key.values(), key=lambda entry: (entry.at, entry.key))


def _completed(held: ReleaseTracks, owned: Mapping[str, Acquired]) -> Acquired | None:
    """The acquisition that completed a release. A free track is everybody's, so it never stands in the way."""
    needed = [track.id for track in held.tracks if not track.free or track.id in owned]
    if not needed or any(track not in owned for track in needed):
        return None
    return max((owned[track] for track in needed), key=lambda acquired: (acquired.at, acquired.acquisition))
