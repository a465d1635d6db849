"""The only place that reads the clock; everywhere else time is an argument."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present moment, aware and in UTC."""


def system_clock() -> datetime:
    """Return the machine's time in UTC."""
    return datetime.now(UTC)  # noqa: TID251  # the one place


def epoch_s(moment: datetime) -> int:
    """Return whole seconds since 1970 for an aware `moment`."""
    return int(moment.timestamp())
