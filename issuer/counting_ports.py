"""What issuing needs of who counts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from issuer.copies import Copy
from issuer.counting import CountingScope


class Counting(Protocol):
    """Scopes, and the commitments that were taken for them. Whoever is first decides; a condition keeps the second."""

    def counting_subjects(self, copies: Iterable[Copy]) -> Mapping[str, str]:
        """What each copy counts for, by its id: a track counts for its release."""
        ...

    def counting_scopes(self, listener: str) -> Sequence[CountingScope]:
        """Every scope of a listener."""
        ...

    def counting_scope(self, listener: str, subject: str) -> CountingScope | None:
        """The scope of a listener for one subject."""
        ...

    def scope_of_label(self, label: str) -> CountingScope | None:
        """The scope with this label."""
        ...

    def add_scope(self, scope: CountingScope) -> bool:
        """Keep a new scope; False if the listener has one for the subject."""
        ...

    def count_by_copy(self, label: str) -> bool:
        """Decide that a scope is counted by its copies; False if something was decided before."""
        ...

    def take_commitment(self, label: str, point: bytes, *, entropy: bytes) -> bool:
        """Commit a scope that has no commitment and is not counted by copies; its entropy, if it has one, stays.

        False, and nothing changed, if somebody was first, or the point was ever taken, also for this scope: what was
        started anew does not go back to the wallet that was lost.
        """
        ...

    def note_issued(self, label: str, month: str) -> None:
        """Note the newest cohort that pseudonyms were issued for."""
        ...

    def start_from(self, label: str, month: str) -> None:
        """Let nothing be counted before a month; an earlier one changes nothing."""
        ...

    def confirm_wallet(self, label: str) -> bool:
        """Note that the wallet is its listener's; False if there is none, or that was said before."""
        ...

    def start_anew(self, scope: CountingScope, *, from_month: str, counted: bool, now: datetime) -> bool:
        """Forget a commitment, so that another can be made; False if it is gone."""
        ...

    def resets(self, label: str, *, since: datetime) -> Sequence[bool]:
        """For each time since that a scope was started anew, whether it was counted."""
        ...
