"""Status lists: which instances the co-op has taken back, told so that nobody is told who.

Every instance has an entry of its own, drawn at random in a list drawn at random among the month's lists, which are all
open from the month's first day: so neither index nor list says more than the month, which every credential says anyway.
What changes waits for the next batch, and goes out among flips of entries that nobody ever had; such flips also go out
alone, at random times, so that a changed list does not even say that somebody gave something back.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from credentials.protocols.freshness import CLOCK_SKEW_S
from credentials.status import INVALID, PackedStatuses
from plumbing.ids import new_public_id

ENTRIES: Final = 131_072
"""How many entries a list has: a crowd, and 16 KiB before compression."""
LISTS_PER_MONTH: Final = 8
MAX_DECOYS: Final = 8
"""The most decoys of one list in one batch."""
_DECOYS_WITHIN: Final = timedelta(hours=12)
CLOCK_SKEW: Final = timedelta(seconds=CLOCK_SKEW_S)
"""How far the clocks of two workers, or of a site, may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSchedule:
    """When lists are made, changed and signed.

    Attributes:
        batch: changes go out together, once in so long.
        ttl: after so long, whoever keeps a list should fetch it again. A refund is seen everywhere after both.
        lifetime: for so long a signed list can be relied on; it is signed again when half of that is over.
        lists_per_month: how many lists are open at once.
        ahead: so long before a month its lists are made, so that verifiers have them before anybody's entry is there.
    """

    batch: timedelta = timedelta(minutes=10)
    ttl: timedelta = timedelta(minutes=5)
    lifetime: timedelta = timedelta(hours=24)
    lists_per_month: int = LISTS_PER_MONTH
    ahead: timedelta = timedelta(days=2)

    def batch_start(self, now: datetime) -> datetime:
        """When the batch of this moment went out: batches start at whole multiples, not when something happened."""
        step = int(self.batch.total_seconds())
        return datetime.fromtimestamp(int(now.timestamp()) // step * step, UTC)

    def seconds_to_next_batch(self, now: datetime) -> float:
        """How long until the next batch."""
        return (self.batch_start(now) + self.batch - now).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnEntry:
    """The entry of one instance."""

    list_id: str
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A list as it was signed last.

    Attributes:
        token: the Status List Token.
        at: when.
        expires_at: when it ends.
        by: which key and certificates; another key or certificate is a reason to sign again.
    """

    token: str
    at: datetime
    expires_at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedList:
    """One status list of the co-op.

    Attributes:
        id: 128 random bits; the last part of its address.
        month: the cohort whose instances have entries in it.
        version: counts its changes, so that of two publishers one wins.
        statuses: what it says.
        decoys_at: when decoys go out without any other reason.
        signed: None before it was ever signed.
    """

    id: str
    month: str
    version: int
    statuses: PackedStatuses
    decoys_at: datetime
    signed: Signed | None = None

    @classmethod
    def open(cls, month: str, *, now: datetime, pause: float) -> Self:
        """Make a list in which everything is valid; `pause`, between 0 and 1, spreads its first decoys."""
        return cls(
            id=new_public_id(),
            month=month,
            version=0,
            statuses=PackedStatuses.all_valid(ENTRIES),
            decoys_at=now + _DECOYS_WITHIN * pause,
        )

    def due_for_signing(self, now: datetime, *, by: str) -> bool:
        """Tell whether it must be signed again though nothing in it changed: at half its life, or for a new key.

        Also when it was signed in the future, by a clock that was set back since: no site would take it till then.
        """
        if self.signed is None or self.signed.by != by or self.signed.at > now + CLOCK_SKEW:
            return True
        return now >= self.signed.at + (self.signed.expires_at - self.signed.at) / 2

    def flipped(self, indices: frozenset[int], *, decoys_at: datetime | None = None) -> Self:
        """Return the list with these entries invalid."""
        statuses = self.statuses.replaced(dict.fromkeys(indices, INVALID))
        return replace(self, statuses=statuses, decoys_at=decoys_at or self.decoys_at)

    def next_decoys(self, now: datetime, *, pause: float) -> datetime:
        """When decoys go out next; `pause` is between 0 and 1."""
        return now + _DECOYS_WITHIN * pause


def months_open(now: datetime, *, ahead: timedelta) -> tuple[str, ...]:
    """The months that need lists: this one, and the next when it is near."""
    return tuple(dict.fromkeys(f"{moment.astimezone(UTC):%Y-%m}" for moment in (now, now + ahead)))
