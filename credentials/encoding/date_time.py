"""Moments as W3C documents write them: the `dateTimeStamp` of XML Schema 1.1 Part 2 §3.4.28."""

import re
from datetime import UTC, datetime
from typing import Final

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed

_FORM: Final = re.compile(
    r"(?P<seconds>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:\.(?P<fraction>[0-9]{1,20}))?"
    r"(?P<zone>Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
)
_MICROSECOND_DIGITS: Final = 6


def parse_date_time(value: Json, *, what: str, zone_required: bool = False) -> datetime:
    """Read a moment; digits beyond microseconds are cut off.

    Args:
        value: the text.
        what: what is being read, for the error's words.
        zone_required: refuse a moment without a zone; else it is UTC (Data Integrity 1.0 §2.1, `created`).

    Raises:
        Malformed: it is not such text, or no calendar has this moment.
    """
    match = _FORM.fullmatch(value) if isinstance(value, str) else None
    if match is None or (zone_required and match["zone"] is None):
        raise Malformed(what, "it is not a date and time such as 2026-11-01T00:00:00Z")
    fraction = (match["fraction"] or "")[:_MICROSECOND_DIGITS].ljust(_MICROSECOND_DIGITS, "0")
    zone = (match["zone"] or "Z").replace("Z", "+00:00")
    try:
        return datetime.fromisoformat(f"{match['seconds']}.{fraction}{zone}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Malformed(what, "no calendar has this date and time") from error


def write_date_time(moment: datetime) -> str:
    """Write a moment in UTC, to the second; the fraction is cut off."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
