"""What the verifier's use cases need of a database, in words of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from credentials.trust import TrustedIssuer, TrustPolicy
    from plumbing.pictures import Picture
    from verifier.gates import Gate
    from verifier.limits import Mark
    from verifier.receipts import Receipt
    from verifier.statuses import KeptList
    from verifier.subscriptions import Subscription
    from verifier.visits import LiveVisit, PendingRequest, Requested

T = TypeVar("T")


class Gates(Protocol):
    """The gates of one site; those of others that share its database are not there."""

    def load_gate(self, gate_id: str) -> Gate | None:
        """Return the site's gate with that public id."""
        ...

    def load_gates(self, site: str) -> tuple[Gate, ...]:
        """Return a site's gates, oldest first."""
        ...

    def save_gate(self, gate: Gate, *, now: datetime) -> None:
        """Keep a new gate."""
        ...

    def close_gate(self, gate_id: str, *, now: datetime) -> bool:
        """Close a gate of the site for good; False if there is none, or it is closed already."""
        ...

    def save_cover(self, gate: Gate, cover: Picture) -> None:
        """Keep the cover of what a gate opens."""
        ...

    def load_cover(self, gate_id: str) -> Picture | None:
        """Return the cover of what a gate opens."""
        ...


class Visits(Protocol):
    """The visits, until they expire. Whatever changes one is a conditional UPDATE that says whether it won."""

    def save_visit(self, visit: Requested, requests: tuple[PendingRequest, ...]) -> None:
        """Keep a new visit with its requests."""
        ...

    def load_visit(self, visit_id: str) -> LiveVisit | None:
        """Return a visit by its public id."""
        ...

    def load_visit_by_response_code(self, response_code: bytes) -> LiveVisit | None:
        """Return the visit whose return link holds the code with that hash."""
        ...

    def load_visit_by_code_page(self, page: bytes) -> LiveVisit | None:
        """Return the visit whose short code is shown at the address with that hash."""
        ...

    def load_opening_visits(self, vouched_by: Iterable[str]) -> tuple[LiveVisit, ...]:
        """Return the site's visits that are, or may soon be, open on the word of a co-op under one of these names."""
        ...

    def load_request(self, request_id: str) -> PendingRequest | None:
        """Return a request by its public id."""
        ...

    def load_requests(self, visit_id: str) -> tuple[PendingRequest, ...]:
        """Return both requests of a visit."""
        ...

    def replace_visit(self, before: LiveVisit, after: LiveVisit, *, now: datetime) -> bool:
        """Put `after` in the place of `before`, if the visit is still exactly that and has not expired at `now`.

        True for one of any number of callers; who gets false looks again.
        """
        ...

    def sweep_visits(self, *, now: datetime) -> int:
        """Delete every visit that is over, with its requests; return how many."""
        ...


class Redemptions(Protocol):
    """How often gates were passed."""

    def count_passage(self, *, site: str, gate_id: str, terms: str, month: str) -> None:
        """Count one more passage."""
        ...

    def load_passages(self, gate_id: str) -> tuple[tuple[str, int], ...]:
        """Return how often a gate was passed, by month, under whatever terms."""
        ...

    def use_up(self, gate_id: str, *, period: str, mark: bytes, times: int, now: datetime) -> datetime | None:
        """Count one use of a copy at a limited gate; None for at most `times` of any number of callers in a period.

        Whoever is not among them gets the time of the first use.
        """
        ...

    def load_spent(self, gate_id: str, *, period: str, mark: bytes, times: int) -> datetime | None:
        """Return when a copy was first used that was used `times` already; None while it was not."""
        ...

    def load_marks(self, gate_id: str) -> tuple[Mark, ...]:
        """Return all that a gate of the site remembers to count by."""
        ...

    def save_mark(self, gate_id: str, mark: Mark) -> None:
        """Remember it, in place of what was remembered under the same value in the same period."""
        ...

    def save_receipt(self, receipt: Receipt) -> None:
        """Keep what a listener signed."""
        ...

    def load_receipts(self, gate_id: str) -> tuple[Receipt, ...]:
        """Return what listeners signed at a gate of the site, oldest first."""
        ...

    def forget_marks(self, gate_id: str) -> int:
        """Forget every copy that a gate remembers; return how many."""
        ...

    def sweep_passages(self, *, now: datetime) -> int:
        """Delete the marks of months and slots that are over, and receipts a year old; return how many."""
        ...


class Trust(Protocol):
    """Whom each site trusts to say who owns what."""

    def load_policy(self, site: str) -> TrustPolicy:
        """Return a site's trust as a value: what was stated, and what the lists say of those nothing was stated of."""
        ...

    def load_stated(self, site: str) -> tuple[TrustedIssuer, ...]:
        """Return what the site itself stated, also of those that it trusts for no type at all."""
        ...

    def save_issuer(self, site: str, issuer: TrustedIssuer, *, now: datetime) -> None:
        """Trust a co-op from now on, in place of what was known of it before, under its address or its DID."""
        ...

    def remove_issuer(self, site: str, name: str) -> bool:
        """Forget what was stated of a co-op, by address or DID; False if nothing was."""
        ...

    def load_subscriptions(self, site: str) -> tuple[Subscription, ...]:
        """Return the lists that the site follows, the oldest subscription first."""
        ...

    def save_subscription(self, site: str, subscription: Subscription) -> None:
        """Follow a list, or keep what it says now."""
        ...

    def remove_subscription(self, site: str, url: str) -> bool:
        """Follow a list no longer; False if the site did not."""
        ...


class KeptLists(Protocol):
    """The status lists that the site keeps of the co-ops it trusts."""

    def load_status_list(self, uri: str) -> KeptList | None:
        """Return the list of that address."""
        ...

    def load_due_lists(self, issuer: str, *, now: datetime) -> tuple[KeptList, ...]:
        """Return the lists of a co-op that should be asked for again, also those that came from a clock ahead."""
        ...

    def load_list_uris(self, issuer: str) -> frozenset[str]:
        """Return the addresses of all lists of a co-op that are kept."""
        ...

    def save_status_list(self, kept: KeptList) -> None:
        """Keep a list in place of the one before, unless that one is newer and not of a time that has not come."""
        ...

    def forget_lists_but_of(self, issuers: Iterable[str]) -> None:
        """Forget the lists of every other co-op."""
        ...


class Stores(Gates, Visits, Redemptions, Trust, KeptLists, Protocol):
    """Everything the verifier keeps, inside one transaction."""

    def sweep(self, *, now: datetime) -> int:
        """Delete whatever is over; return how many rows."""
        ...


class Work(Protocol):
    """Opens transactions; each is short, and nothing is signed, verified or awaited inside one."""

    def read(self) -> AbstractContextManager[Stores]:
        """See one consistent state and change nothing."""
        ...

    def write(self, turn: str | None = None) -> AbstractContextManager[Stores]:
        """Change it; committed whole at the end, or undone whole if the block raises.

        Who gives a `turn` waits only for others with the same one, and with `plumbing.turns.BESIDE_ALL` for nobody
        who has one (docs/decisions/0025-two-databases.md).
        """
        ...

    async def doing(self, use_case: Callable[[Work], T]) -> T:
        """Let a use case work that writes once at most, without keeping the event loop from others.

        One whose writing would have to wait is begun anew in a thread. What takes long by itself is not for this.
        """
        ...

    async def apart(self, use_case: Callable[[Work], T]) -> T:
        """As `doing`, always in a thread: for what computes for long and seldom writes."""
        ...

    async def waiting(self, use_case: Callable[[Work], T]) -> T:
        """As `apart`, where it may wait for others who write; it is begun once, as judging an answer should be."""
        ...

    def forget_deleted(self) -> None:
        """Leave nothing of what was deleted in the database's files."""
        ...
