"""Months in UTC, as seconds: the only grain of time that a credential shows, so that its dates tell nobody apart."""

from datetime import UTC, datetime
from typing import Final

_MONTHS: Final = 12


def start_of_month(at: datetime) -> int:
    """The first second of the month that `at` is in, in seconds since 1970."""
    return int(at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp())


def months_after(start_s: int, months: int) -> int:
    """The first second of the month that is `months` after the one that `start_s` is in."""
    start = datetime.fromtimestamp(start_s, UTC)
    year, month = divmod(start.year * _MONTHS + start.month - 1 + months, _MONTHS)
    return int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp())
