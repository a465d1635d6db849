"""The time span in which a signed message counts (RFC 7519 §4.1.4 to §4.1.6)."""

from collections.abc import Mapping
from datetime import datetime

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.refusals import Expired, NotYetValid


def check_valid(claims: Mapping[str, Json], *, at: datetime, clock_skew_s: int, what: str) -> None:
    """Check that `iat` and `nbf` have come and `exp` has not, each where it is there.

    Args:
        claims: the message's.
        at: the time of the check.
        clock_skew_s: how far clocks may differ.
        what: which message it is, for the words of errors.

    Raises:
        NotYetValid, Expired: it does not count at this time.
        Malformed: one of them is no number.
    """
    now = at.timestamp()
    starts = [date for name in ("iat", "nbf") if (date := read_date(claims, name, what=what)) is not None]
    if any(now < start - clock_skew_s for start in starts):
        raise NotYetValid(what)
    end = read_date(claims, "exp", what=what)
    # RFC 7519 §4.1.4: at `exp` itself it is over.
    if end is not None and now >= end + clock_skew_s:
        raise Expired(what)


def read_date(claims: Mapping[str, Json], name: str, *, what: str) -> float | None:
    """Return a date in seconds since 1970, or None if it is not there.

    Raises:
        Malformed: it is there and no number.
    """
    if name not in claims:
        return None
    date = claims[name]
    if isinstance(date, bool) or not isinstance(date, int | float):
        raise Malformed(what, f"`{name}` is not a number of seconds")
    return date
