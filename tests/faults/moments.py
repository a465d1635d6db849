"""When a life ends, and where in its work that was: told by the signs that it gave, and not by a clock."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

BEGUN: Final = b"!"
"""All is set up, and an errand begins."""
STARTED: Final = b"["
"""A transaction, which reads or writes."""
COMMITTING: Final = b"("
COMMITTED: Final = b")"
LAST: Final = b"$"
"""One for each of the last commits of an errand, just before they come."""
OVER: Final = b"|"
_AFTER_SIGN_US: Final = 2_500


class Place(Enum):
    """Where in an errand a life ended."""

    BEFORE = "before the first commit"
    DURING = "in a commit"
    BETWEEN = "between two commits"
    AFTER = "after the last commit"

    @classmethod
    def of(cls, signs: bytes) -> Place:
        """Read it from all signs that a life gave: only the errand that it was at counts."""
        errand = signs.rpartition(BEGUN)[2]
        if errand.count(COMMITTING) > errand.count(COMMITTED):
            return cls.DURING
        if OVER in errand or 0 < errand.count(LAST) <= errand.partition(LAST)[2].count(COMMITTED):
            return cls.AFTER
        return cls.BETWEEN if COMMITTED in errand else cls.BEFORE


@dataclass(frozen=True, slots=True)
class Moment:
    """When a life ends: so many microseconds after it gave a sign for the n-th time."""

    sign: bytes
    times: int
    microseconds: int


@dataclass(frozen=True, slots=True)
class Whole:
    """What one errand came to, on this machine and just now, when nobody killed it."""

    signs: bytes
    microseconds: int

    def draw(self, *, in_time: bool) -> Moment:
        """Return a moment anywhere in such an errand, or one in or after a transaction, where there is most to lose."""
        if in_time:
            return Moment(BEGUN, 1, secrets.randbelow(self.microseconds))
        sign = secrets.choice((STARTED, COMMITTING))
        return Moment(sign, 1 + secrets.randbelow(max(1, self.signs.count(sign))), secrets.randbelow(_AFTER_SIGN_US))


@dataclass
class Fallen:
    """Where those fell whose moment was drawn in time, and those whose was drawn at a transaction."""

    in_time: Counter[Place] = field(default_factory=Counter)
    at_transaction: Counter[Place] = field(default_factory=Counter)

    def of(self, *, in_time: bool) -> Counter[Place]:
        """Return one half of them."""
        return self.in_time if in_time else self.at_transaction

    def count(self) -> int:
        """Return how many there are."""
        return self.in_time.total() + self.at_transaction.total()

    def are_within(self, kills: int) -> bool:
        """Whether half of each half fell after an errand's first commit began and before its last was over."""
        return all(
            half[Place.DURING] + half[Place.BETWEEN] >= kills // 4 for half in (self.in_time, self.at_transaction)
        )

    def __str__(self) -> str:
        halves = {"in time": self.in_time, "at a transaction": self.at_transaction}
        return "; ".join(
            f"{half.total()} drawn {name}: " + ", ".join(f"{half[place]} {place.value}" for place in Place)
            for name, half in halves.items()
        )
