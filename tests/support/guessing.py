"""Guessing which two redemptions belong to one holder, from all recorded bytes, and how many hits are no chance.

Whoever guesses has two piles of redemptions, one of each holder in both, and takes for each of the first pile the one
of the second that is most like it. What two have in common counts for more the fewer have it. There are three guessers,
for three views of what was recorded: in one view of everything, chance would drown what is small.

If nothing joins them, the second pile is for the guesser in an order drawn at random. Then any k of the guesses are all
right with a chance of at most (n-k)!/n!, so the k-th factorial moment of the hits is at most 1, as of a Poisson number
with mean 1, however the guesses hang together. Over several independent pairs of piles the moments multiply, and
Chernoff gives P(hits >= m) <= exp(m - t) * (t / m)^m for t pairs, as for a binomial number with the same mean.
"""

from __future__ import annotations

import math
import secrets
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache, partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from tests.support.leaves import Value
    from tests.support.linking import Redemption

FALSE_ALARM = 1e-6
_RUNS = (3, 4)


@dataclass(frozen=True, kw_only=True)
class Guesses:
    """How often a guesser was right.

    Attributes:
        hits: how often.
        pairs: how many pairs of piles; so many hits are chance.
        made: how many guesses.
    """

    hits: int
    pairs: int
    made: int

    @property
    def beyond_chance(self) -> int:
        """So many hits would come by chance less often than once in a million times."""
        return least_surprising(self.pairs)

    def __add__(self, other: Guesses) -> Guesses:
        return Guesses(hits=self.hits + other.hits, pairs=self.pairs + other.pairs, made=self.made + other.made)


def least_surprising(pairs: int, *, false_alarm: float = FALSE_ALARM) -> int:
    """Return the fewest hits that chance gives less often than `false_alarm`, over so many pairs of piles."""
    hits = pairs + 1
    while (hits - pairs) + hits * math.log(pairs / hits) >= math.log(false_alarm):
        hits += 1
    return hits


def guess(first: Sequence[Redemption], second: Sequence[Redemption], view: View) -> Guesses:
    """Take for each redemption of the first pile the most alike of the second, and count the hits."""
    features = [_features(each, view) for each in (*first, *second)]
    spread = Counter(feature for one in features for feature in one)
    weights = {name: math.log(len(features) / many) for name, many in spread.items() if 1 < many < len(features)}
    known = [one & weights.keys() for one in features]
    totals = [sum(weights[name] for name in one) for one in known]
    hits = 0
    for mine, redemption in enumerate(first):
        alike = []
        for at, other in enumerate(second):
            theirs = len(first) + at
            common = sum(weights[name] for name in known[mine] & known[theirs])
            # In proportion to all that either has: else the longest would be most like everything. Of several that are
            # equally alike, any: their place in the pile is no hint.
            share = common / (totals[mine] + totals[theirs] - common or 1)
            alike.append((share, secrets.randbits(32), other.holder))
        hits += max(alike)[2] == redemption.holder
    return Guesses(hits=hits, pairs=1, made=len(first))


@lru_cache(maxsize=2_000)
def _features(redemption: Redemption, view: View) -> frozenset[Hashable]:
    return frozenset(feature for place, value in redemption.leaves for feature in view.value(place, value))


def _shape(place: str, value: Value) -> Iterator[Hashable]:
    yield place, value
    if isinstance(value, bytes | str):
        yield place, "long", len(value)


def _runs(_place: str, value: Value) -> Iterator[Hashable]:
    data = _as_bytes(value)
    for length in _RUNS:
        yield from (data[at : at + length] for at in range(len(data) - length + 1))


def _positions(place: str, value: Value) -> Iterator[Hashable]:
    yield from ((place, at, byte) for at, byte in enumerate(_as_bytes(value)))


def _as_bytes(value: Value) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


class View(Enum):
    """What a guesser looks at."""

    SHAPE = partial(_shape)
    """At each place the value, number or order, and how long it is."""
    RUNS = partial(_runs)
    """Runs of three and four bytes, wherever they stand."""
    POSITIONS = partial(_positions)
    """Each byte at its place."""
