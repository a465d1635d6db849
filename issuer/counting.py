"""Who counts: a limited gate counts a listener once for a release, or a member once, whatever form they show.

A scope is one listener with one release and its tracks, or one member, persona or contribution. What it is counted by
is decided once, by what is issued first, and stays (docs/decisions/0021): the `copy` of SD-JWT VCs, or the pseudonyms
of one commitment. Could it change, a holder would count anew whenever it did.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

from credentials.errors import HolderError

RESETS_IN_A_YEAR: Final = 2
YEAR: Final = timedelta(days=365)
_MONTHS: Final = 12
_OVER_AFTER: Final = 2
"""A cohort is good until ten days into the month after its own, so it is over in the second month after."""


class Mode(StrEnum):
    """What a scope is counted by."""

    UNDECIDED = "undecided"
    COPY = "copy"
    PSEUDONYM = "pseudonym"


class NothingToReset(HolderError):
    """No wallet ever committed itself there."""

    code = "nothing_to_reset"

    def __init__(self) -> None:
        super().__init__("No wallet has bound itself to this, so there is nothing to start anew. Nothing was changed.")


class TooManyResets(HolderError):
    """A scope that was started anew as often as a year allows."""

    code = "too_many_resets"

    def __init__(self) -> None:
        super().__init__(
            f"This was started anew {RESETS_IN_A_YEAR} times within a year, which is as often as the co-op allows. "
            "It works on at every door that does not count."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CountingScope:
    """Who counts as one.

    Attributes:
        label: a random name of it that lasts; it crosses to the wallet.
        listener: whose it is.
        subject: what they have, as `subject_of` writes it.
        mode: what it is counted by.
        from_month: the first cohort that may be counted; empty for any.
        last_month: the newest cohort that pseudonyms were issued for; empty before.
        commitment: the point that the wallet committed itself with; None before, and after a reset.
        entropy: the issuer's part of the secret behind the pseudonyms, drawn once; None before.
        confirmed: whether the listener said, logged in, that the wallet is theirs.
    """

    label: str
    listener: str
    subject: str
    mode: Mode = Mode.UNDECIDED
    from_month: str = ""
    last_month: str = ""
    commitment: bytes | None = None
    entropy: bytes | None = field(default=None, repr=False)
    confirmed: bool = False

    def may_count_in(self, month: str) -> bool:
        """Whether anything of that month may be counted, by whichever means."""
        return month >= self.from_month

    @property
    def free_from(self) -> str:
        """The first cohort in which nothing that was issued here can be shown any more; empty if nothing ever was."""
        over = month_after(self.last_month, _OVER_AFTER) if self.last_month else ""
        return max(over, self.from_month)


def subject_of(kind: str, identifier: str) -> str:
    """Write what a scope is about. A release and its tracks are one; a listener is one member however often."""
    return kind if kind == "membership" else f"{kind}:{identifier}"


def month_after(month: str, count: int) -> str:
    """The month that is so many months after one."""
    year, index = divmod(int(month[:4]) * _MONTHS + int(month[5:]) - 1 + count, _MONTHS)
    return f"{year:04}-{index + 1:02}"
