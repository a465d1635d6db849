"""What issuing and publishing need of status lists."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from issuer.status import DrawnEntry, HostedList


class StatusEntries(Protocol):
    """The entries that instances have in status lists."""

    def draw(self, copy_id: str, *, count: int, month: str, now: datetime) -> tuple[DrawnEntry, ...]:
        """Take entries at random, in lists of the month at random: one for each new instance of a copy, for ever."""
        ...

    def drawn(self, copy_id: str, *, month: str) -> int:
        """How many entries a copy has in the lists of a month."""
        ...

    def end(self, copy_id: str, now: datetime) -> None:
        """Take back every instance of a copy, with the next batch; nothing happens if that was said before."""
        ...


class StatusLists(StatusEntries, Protocol):
    """The lists themselves, for whoever publishes them."""

    def open_lists(self, month: str, *, count: int, now: datetime) -> int:
        """Make the lists of a month unless there are some; return how many were made."""
        ...

    def list_ids(self) -> Sequence[str]:
        """Every list that there ever was: what is owned does not end, so none is ever closed."""
        ...

    def status_list(self, list_id: str) -> HostedList | None:
        """One list."""
        ...

    def lists_wanting(
        self, *, decoys_by: datetime, signed_before: datetime, signed_after: datetime, by: str
    ) -> Mapping[str, bool]:
        """Some lists whose decoys are due (true), or that this key and certificate did not sign lately, the oldest.

        Lately is after `signed_before`, and not after `signed_after`, which has not come yet.
        """
        ...

    def copies_to_take_back(self, by: datetime) -> Sequence[str]:
        """The copies that ended until then, and may not be in the lists yet."""
        ...

    def entries_of(self, copy_ids: Iterable[str]) -> Mapping[str, frozenset[int]]:
        """The entries of all instances of these copies, by list."""
        ...

    def spend(self, list_id: str, indices: frozenset[int]) -> frozenset[int]:
        """Take entries as decoys; return those that nobody had."""
        ...

    def replace_list(self, after: HostedList) -> bool:
        """Keep a list as it is now, if it still has that version; False if somebody else published it."""
        ...

    def settle(self, copy_ids: Iterable[str], *, ended_by: datetime) -> None:
        """Note that these copies, if they ended until then, need not be looked at again."""
        ...
