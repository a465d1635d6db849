"""How the work that a service does by itself went, for readiness and for metrics."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from plumbing.clock import system_clock
from plumbing.meter import NO_METER, Counted, Measured, Meter

WORKS: Final = frozenset(
    {
        "issuer.sweep",
        "issuer.publish",
        "verifier.sweep",
        "verifier.status_lists",
        "verifier.trust",
        "trackserver.sweep",
    }
)
"""Every work of every service, by the part that speaks in the log."""
_WHAT: Final = frozenset({"rows", "changed", "renewed", "lost", "fetched", "failed", "read", "not_read"})
RUNS: Final = Counted(
    name="background_runs",
    help="Runs of background work.",
    labels={"work": WORKS, "outcome": frozenset({"done", "failed"})},
)
ITEMS: Final = Counted(
    name="background_items", help="What background work says it did.", labels={"work": WORKS, "what": _WHAT}
)
LAST_SUCCESS: Final = Measured(
    name="background_last_success_timestamp_seconds",
    help="When background work went well last, in seconds since 1970.",
    labels={"work": WORKS},
)
_PATIENCE_S: Final = 600.0
_TIMES: Final = 3


@dataclass(slots=True)
class _Work:
    since: float
    wait_s: float = 0.0


class Runs:
    """Remembers when each work last went well. What happens now is the only truth: nothing of it is kept on disk.

    Args:
        meter: counts the runs.
        clock: reads the time, for metrics.
        monotonic: gives seconds that only go forward: a clock that is set right makes no work look stuck.
    """

    def __init__(
        self,
        meter: Meter = NO_METER,
        *,
        clock: Callable[[], datetime] = system_clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._meter = meter
        self._clock = clock
        self._monotonic = monotonic
        self._works: dict[str, _Work] = {}

    def expect(self, part: str) -> None:
        """Say that a work begins to repeat itself: from now on it must go well from time to time."""
        self._works[part] = _Work(since=self._monotonic())

    def done(self, part: str, counts: Mapping[str, int]) -> None:
        """Note a run that went well, and what it says it did."""
        if part in self._works:
            self._works[part].since = self._monotonic()
        self._meter.add(RUNS, part, "done")
        self._meter.put(LAST_SUCCESS, part, value=self._clock().timestamp())
        for what, count in counts.items():
            self._meter.add(ITEMS, part, what, amount=count)

    def failed(self, part: str) -> None:
        """Note a run that did not go well."""
        self._meter.add(RUNS, part, "failed")

    def wait(self, part: str, wait_s: float) -> None:
        """Note how long a work rests now."""
        if part in self._works:
            self._works[part].wait_s = wait_s

    def stuck(self) -> tuple[str, ...]:
        """Name each work that has not gone well for three of its pauses and ten minutes more."""
        now = self._monotonic()
        return tuple(
            part for part, work in self._works.items() if now > work.since + _TIMES * work.wait_s + _PATIENCE_S
        )


NO_RUNS: Final = Runs()
"""Where nobody asks how it went."""
