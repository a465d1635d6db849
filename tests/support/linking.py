"""What could join two redemptions of one holder: a value that comes back, or anything in which holders differ.

Two questions are asked of everything that was recorded.

`find_differences`: at one gate, each place of each redemption either says the same for everybody, or something fresh
each time. A length, index, number, order or value that is the same for some and not for others puts holders into
classes, and is listed.

`find_repeats`: a value of eight bytes or more, whole or a part of a longer one, that stands in two records and not in
everybody's at that gate, is listed: the records of redemptions, and what was kept of each holder before.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from tests.support.leaves import Leaf, Value

LEAST = 8
"""Bytes, or letters, of a value that is looked for elsewhere."""
_TEXT = 16
"""Letters of a part of a random text: in hexadecimal, so many are eight bytes."""
_WORD = re.compile(r"[A-Za-z0-9_+%-]{16,}")
"""Text without a break; of any other, what stands between the breaks is looked at."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Redemption:
    """All that parties got and kept of one redemption."""

    holder: int
    gate: str
    visit: int
    leaves: tuple[Leaf, ...]

    @property
    def name(self) -> str:
        return f"holder {self.holder} at {self.gate}, {self.visit}"


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """A value, or a part of one, that came back."""

    value: str
    where: tuple[str, ...]
    records: frozenset[str]


def known_to_all(redemptions: Iterable[Redemption]) -> dict[str, set[Value]]:
    """Return, for each gate, what stands in every redemption there: it tells nobody from anybody."""
    common: dict[str, set[Value]] = {}
    for each in redemptions:
        found = {value for _, value in each.leaves}
        common[each.gate] = common[each.gate] & found if each.gate in common else found
    return common


def without_common(redemptions: Sequence[Redemption]) -> list[Redemption]:
    """Return the redemptions without what stands at the same place in all of them at that gate."""
    common: dict[str, set[Leaf]] = {}
    for each in redemptions:
        common[each.gate] = common.get(each.gate, set(each.leaves)) & set(each.leaves)
    return [
        replace(each, leaves=tuple(leaf for leaf in each.leaves if leaf not in common[each.gate]))
        for each in redemptions
    ]


def find_differences(redemptions: Sequence[Redemption]) -> dict[str, list[str]]:
    """Return, for each gate, the places that put holders into classes: `place: how many classes`."""
    found: dict[str, list[str]] = {}
    for gate in sorted({each.gate for each in redemptions}):
        here = [_by_place(each.leaves) for each in redemptions if each.gate == gate]
        places = sorted({place for one in here for place in one})
        found[gate] = [
            f"{place}: {classes} of {len(here)}"
            for place in places
            if (classes := len({one.get(place) for one in here})) not in (1, len(here))
        ]
    return {gate: listed for gate, listed in found.items() if listed}


def _by_place(leaves: Iterable[Leaf]) -> dict[str, tuple[Value, ...]]:
    places: dict[str, list[Value]] = defaultdict(list)
    for place, value in leaves:
        places[place].append(value)
    return {place: tuple(values) for place, values in places.items()}


def find_repeats(redemptions: Sequence[Redemption], before: Mapping[str, Sequence[Leaf]] | None = None) -> list[Repeat]:
    """Return what comes back in a second record, at whatever place.

    Args:
        redemptions: what happened at gates.
        before: what else was kept, such as at issuance, by the name of each record. What comes back only among these is
            not listed: it says nothing of a visit.
    """
    common = known_to_all(redemptions)
    records = {each.name: _fresh(each.leaves, common[each.gate]) for each in _without_common_ends(redemptions)}
    everywhere = set.intersection(*common.values()) if common else set()
    earlier = {name: _fresh(leaves, everywhere) for name, leaves in (before or {}).items()}
    counted = Counter(part for fresh in (*records.values(), *earlier.values()) for part in _parts(fresh))
    twice = {part for part, times in counted.items() if times > 1} - _parts_of_common(common)
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, fresh in records.items():
        for place, value in fresh.items():
            for run in _runs(value, twice):
                found[run].append((name, place))
    return [
        Repeat(value=value, where=tuple(sorted({at for _, at in seen})), records=frozenset(name for name, _ in seen))
        for value, seen in sorted(found.items())
    ]


def _without_common_ends(redemptions: Sequence[Redemption]) -> Iterator[Redemption]:
    """Cut off how all values at one place of a gate begin and end: a time, or the name of the gate."""
    places: dict[tuple[str, str], set[bytes | str]] = defaultdict(set)
    for each in redemptions:
        for place, value in each.leaves:
            if isinstance(value, bytes | str):
                places[each.gate, place].add(value)
    ends = {place: (_shared(values, 1), _shared(values, -1)) for place, values in places.items() if len(values) > 1}
    for each in redemptions:
        cut = []
        for place, value in each.leaves:
            if isinstance(value, bytes | str):
                first, last = ends.get((each.gate, place), (0, 0))
                cut.append((place, value[first : len(value) - last]))
        yield replace(each, leaves=tuple(cut))


def _shared(values: Collection[bytes | str], step: int) -> int:
    """Return how many letters or bytes all values begin with, or end with backwards."""
    if len({*map(type, values)}) > 1:
        return 0
    turned = [value[::step] for value in values]
    # What the first and the last in order begin with, all do.
    pairs = zip(min(turned), max(turned), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _parts_of_common(common: dict[str, set[Value]]) -> set[bytes | str]:
    texts = (value for known in common.values() for value in known if isinstance(value, bytes | str))
    return {part for value in texts for part in _windows(value)}


def _fresh(leaves: Iterable[Leaf], common: set[Value]) -> dict[str, bytes | str]:
    """Return what is long enough and not everybody's, once for each value."""
    by_value = {
        value: place
        for place, value in leaves
        if isinstance(value, bytes | str) and len(value) >= LEAST and value not in common
    }
    return {f"{place} ({number})": value for number, (value, place) in enumerate(by_value.items())}


def _width(value: bytes | str) -> int:
    """Return how long the parts of a value are that are looked for; a text with breaks has one part."""
    if isinstance(value, bytes):
        return LEAST
    return _TEXT if _WORD.fullmatch(value) else len(value)


def _windows(value: bytes | str) -> Iterator[bytes | str]:
    width = _width(value)
    for at in range(len(value) - width + 1):
        yield value[at : at + width]


def _parts(fresh: dict[str, bytes | str]) -> set[bytes | str]:
    """Return every part of what one record holds, each once."""
    return {part for value in fresh.values() for part in _windows(value)}


def _runs(value: bytes | str, twice: set[bytes | str]) -> Iterator[str]:
    """Yield the longest parts of a value of which every window came back."""
    width, start, end = _width(value), None, 0
    for at, window in enumerate((*_windows(value), None)):
        if window is not None and window in twice:
            start, end = at if start is None else start, at + width
        elif start is not None:
            run = value[start:end]
            yield run.hex() if isinstance(run, bytes) else run
            start = None
