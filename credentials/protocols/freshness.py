"""How old a signed message may be. One rule for DPoP proofs, key proofs and whatever else carries an `iat`."""

from datetime import datetime
from typing import Final

from credentials.errors import HandstampError

CLOCK_SKEW_S: Final = 60
MAX_AGE_S: Final = 300


class NotFresh(HandstampError):
    """Signed too long ago, or in the future."""

    code = "not_fresh"

    def __init__(self, what: str, *, ahead: bool) -> None:
        """`ahead` tells a clock that runs ahead from a message that is too old."""
        problem = (
            "is dated in the future; check the clock of the device"
            if ahead
            else "is too old; make a new one, or set the clock of the device right"
        )
        super().__init__(f"The {what} {problem}.")


def check_fresh(issued_at: int, *, at: datetime, what: str, max_age_s: int = MAX_AGE_S) -> None:
    """Check that `issued_at` lies in the window: at most `max_age_s` old, either clock wrong by at most 60 s.

    Raises:
        NotFresh: it does not.
    """
    age_s = at.timestamp() - issued_at
    if age_s < -CLOCK_SKEW_S:
        raise NotFresh(what, ahead=True)
    if age_s > max_age_s + CLOCK_SKEW_S:
        raise NotFresh(what, ahead=False)
