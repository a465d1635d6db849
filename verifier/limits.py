"""How often one copy, or one membership, passes a gate: once ever, or a number of times in a month.

What is counted is a keyed hash of the pseudonym that a wallet has at this gate alone; or, where a gate takes other
wallets too, of the one claim that is the same in every instance of a copy. The key is the gate's own, so that no two
gates can put their lists side by side, and it goes with the gate.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from credentials.errors import HolderError, Malformed

if TYPE_CHECKING:
    from datetime import datetime

    from credentials.encoding.strict_json import Json

PSEUDONYM: Final = "pseudonym"
"""The claim, so to speak, that a pseudonym is counted under."""
EVER: Final = "ever"
"""The period of a gate that opens once for all time."""
SLOT: Final = "slot-"
"""What the periods of doors without a limit begin with: one for each time that passes are drawn anew."""
SLOT_LIFE: Final = timedelta(minutes=5)
"""How long such a period is remembered; its passes are refused long before."""
MAX_TIMES: Final = 1000
_FEWEST_CHARS: Final = 16
_MOST_CHARS: Final = 512


class NotCountable(HolderError):
    """What was shown has nothing to be counted by."""

    code = "not_countable"

    def __init__(self) -> None:
        super().__init__("What was shown has nothing to be counted by, and this gate opens a limited number of times.")


@dataclass(frozen=True, slots=True, kw_only=True)
class OnceEver:
    """Opens once for each copy, for all time."""

    @property
    def times(self) -> int:
        """How often within a period."""
        return 1

    def period(self, now: datetime) -> str:  # noqa: ARG002 - as `Monthly.period`
        """Return the name of the period that `now` lies in."""
        return EVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Monthly:
    """Opens so many times a month for each copy; months are those of UTC."""

    times: int

    def period(self, now: datetime) -> str:
        """Return the name of the period that `now` lies in."""
        return month_of(now)


Limit = OnceEver | Monthly


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a gate with a limit remembers of one pseudonym, or copy, in one period."""

    period: str
    value: bytes = field(repr=False)
    uses: int
    first_use: datetime


def parse_limit(*, once: bool, per_month: int | None) -> Limit | None:
    """Read what a site wants; None for no limit.

    Raises:
        Malformed: both, or a number that is no limit.
    """
    if per_month is None:
        return OnceEver() if once else None
    if once or not 1 <= per_month <= MAX_TIMES:
        raise Malformed("limit", f"it is either once, or 1 to {MAX_TIMES} times a month")
    return Monthly(times=per_month)


def month_of(now: datetime) -> str:
    """Return the month as rows name it, such as `2026-11`."""
    return f"{now:%Y-%m}"


def build_mark(key: bytes, *, issuer: str, claim: str, value: Json) -> bytes:
    """Return what a limited gate remembers of a copy: an HMAC under the gate's key.

    Who vouches for the copy is part of it, so that no co-op can use up the copies of another.

    Raises:
        NotCountable: the claim is not there, or is the word for what is not known.
    """
    if not isinstance(value, str) or not _FEWEST_CHARS <= len(value) <= _MOST_CHARS:
        raise NotCountable
    parts = (issuer, claim, value)
    return hmac.digest(key, b"".join(_framed(part) for part in parts), hashlib.sha256)


def _framed(text: str) -> bytes:
    """Write a text with its length before it, so that no two lists of texts give the same bytes."""
    data = text.encode("utf-8")
    return len(data).to_bytes(4, "big") + data
