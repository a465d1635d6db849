"""How the figures are taken: a rate is work per second of CPU, the median of five rounds.

Figures that are compared are measured in turn within each round, and compared round by round, so that whatever slows
this machine for a while slows both.
"""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

ROUNDS: Final = 5
SECONDS_PER_ROUND: Final = 0.3
"""Enough for several thousand signatures, short enough for five rounds of everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a figure shall be."""

    value: float
    at_most: bool = False

    def __str__(self) -> str:
        return f"at {'most' if self.at_most else 'least'} {self.value:g}"

    def is_met_by(self, value: float) -> bool:
        """Tell whether it is so."""
        return value <= self.value if self.at_most else value >= self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table.

    Attributes:
        name: what was measured.
        rate: the median, with its unit, as people read it.
        limit: what it is compared with, as people read it.
        ratio: what came out, as people read it.
        value: the ratio as a number.
        goal: what the ratio shall be; None where nothing was set.
    """

    name: str
    rate: str
    limit: str
    ratio: str
    value: float
    goal: Goal | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something can be done in a second: what each round found."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Of all rounds."""
        return statistics.median(self.rounds)

    def __str__(self) -> str:
        return f"{self.median:,.0f}/s"

    def __mul__(self, factor: float) -> "Rate":
        return Rate(tuple(each * factor for each in self.rounds))

    def beside(self, other: "Rate") -> float:
        """Return the median of what this one was of the other in each round."""
        return statistics.median(mine / its for mine, its in zip(self.rounds, other.rounds, strict=True))


def measure_rates(
    actions: Mapping[str, Callable[[], object]], *, rounds: int = ROUNDS, seconds: float = SECONDS_PER_ROUND
) -> dict[str, Rate]:
    """Measure how often each action can be done in a second of this process's CPU time."""
    rates: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            rates[name].append(_measure_once(action, seconds))
    return {name: Rate(tuple(found)) for name, found in rates.items()}


def _measure_once(action: Callable[[], object], seconds: float) -> float:
    action()
    gc.collect()
    batch, done = 16, 0
    began = time.process_time()
    while (spent := time.process_time() - began) < seconds or done == 0:
        for _ in range(batch if seconds else 1):
            action()
        done += batch if seconds else 1
    spent = time.process_time() - began
    return done / max(spent, 1e-9)
