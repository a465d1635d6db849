"""The only place that reads the clock; everywhere else time is an argument."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

Clock = Callable[[], datetime]
"""Gives the present moment, aware and in UTC."""
SET_BACK: Final = timedelta(hours=2)
"""What was used up is remembered for so much longer than it could matter: then a clock that ran ahead and is set back
by an hour or two lets nothing be used again."""


def system_clock() -> datetime:
    """Return the machine's time in UTC."""
    return datetime.now(UTC)  # noqa: TID251  # the one place


def epoch_s(moment: datetime) -> int:
    """Return whole seconds since 1970 for an aware `moment`."""
    return int(moment.timestamp())
