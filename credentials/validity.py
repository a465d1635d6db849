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
    made, starts = read_date(claims, "iat", what=what), read_date(claims, "nbf", what=what)
    if (made is not None and now < made - clock_skew_s) or (starts is not None and now < starts - clock_skew_s):
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
    date = claims.get(name)
    if date is None and name not in claims:
        return None
    if isinstance(date, bool) or not isinstance(date, int | float):
        raise Malformed(what, f"`{name}` is not a number of seconds")
    return date
