"""The time span in which a signed message counts (RFC 7519 §4.1.4 to §4.1.6)."""

from collections.abc import Mapping
from typing import Any

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.refusals import Expired, NotYetValid

# Not bool, which is an int to `isinstance`; and `int | float` would be put together anew for each date.
_NUMBERS = (int, float)


def check_valid(claims: Mapping[str, Json], *, now: float, clock_skew_s: int, what: str) -> None:
    """Check that `iat` and `nbf` have come and `exp` has not, each where it is there.

    Args:
        claims: the message's.
        now: the time of the check, in seconds since 1970.
        clock_skew_s: how far clocks may differ.
        what: which message it is, for the words of errors.

    Raises:
        NotYetValid, Expired: it does not count at this time.
        Malformed: one of them is no number.
    """
    latest = now + clock_skew_s
    for name in ("iat", "nbf"):
        if name in claims and _read_date(claims[name], name, what) > latest:
            raise NotYetValid(what)
    # RFC 7519 §4.1.4: at `exp` itself it is over.
    if "exp" in claims and now >= _read_date(claims["exp"], "exp", what) + clock_skew_s:
        raise Expired(what)


def read_date(claims: Mapping[str, Json], name: str, *, what: str) -> float | None:
    """Return a date in seconds since 1970, or None if it is not there.

    Raises:
        Malformed: it is there and no number.
    """
    return _read_date(claims[name], name, what) if name in claims else None


def _read_date(date: Any, name: str, what: str) -> float:  # noqa: ANN401 - JSON, whose kind is looked at here
    if type(date) not in _NUMBERS:
        raise Malformed(what, f"`{name}` is not a number of seconds")
    seconds: float = date
    return seconds
