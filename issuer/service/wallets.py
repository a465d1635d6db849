"""What a listener says of the wallet that their records are bound to: that it is theirs, or that it is lost."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from issuer.copies import Copy
from issuer.counting import CountingScope, NothingToReset, TooManyResets
from issuer.counting_ports import Counting
from issuer.ports import Replacing
from issuer.service.counting import confirm_wallet, reset_commitment


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What of a listener's is bound to a wallet.

    Attributes:
        scopes: those that are: releases with their tracks, a membership, personas, contributions.
    """

    scopes: tuple[CountingScope, ...]

    @property
    def is_confirmed(self) -> bool:
        """Whether the listener said of all of it that the wallet is theirs."""
        return all(scope.confirmed for scope in self.scopes)

    @property
    def free_from(self) -> str:
        """From which month on another wallet would count for all of it; empty for now."""
        return max((scope.free_from for scope in self.scopes), default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """What was started anew.

    Attributes:
        scopes: as they are now.
        too_often: how many were not, because a year allows no more.
    """

    scopes: tuple[CountingScope, ...]
    too_often: int

    @property
    def from_month(self) -> str:
        """From which month on another wallet counts for all of them; empty for now."""
        return max(scope.from_month for scope in self.scopes)


def binding_of(store: Counting, listener: str) -> Binding:
    """Say what of a listener's is bound to a wallet."""
    return Binding(scopes=tuple(scope for scope in store.counting_scopes(listener) if scope.commitment is not None))


def confirm_wallets(store: Counting, *, listener: str) -> None:
    """Note that a listener, logged in, says that the wallet is theirs.

    Raises:
        NothingToReset: nothing is bound to one.
    """
    bound = binding_of(store, listener).scopes
    if not bound:
        raise NothingToReset
    for scope in bound:
        confirm_wallet(store, scope.label, listener=listener)


def replace_wallet(store: Replacing, *, listener: str, now: datetime, copies: Sequence[Copy] | None = None) -> Replaced:
    """Let another wallet take the place of a lost one, as soon as what was issued for that is over.

    Whoever has the lost one comes back with it no more: every delivery that holds these records ends.

    Args:
        store: who counts, what is owned, and what was sent where.
        listener: whose wallet is lost.
        now: when.
        copies: for which of their copies; None for everything that is bound.

    Raises:
        NothingToReset: nothing of it is bound to a wallet.
        TooManyResets: a year allows it for none of it.
    """
    wanted = None if copies is None else set(store.counting_subjects(copies).values())
    bound = [each for each in binding_of(store, listener).scopes if wanted is None or each.subject in wanted]
    if not bound:
        raise NothingToReset
    replaced: list[CountingScope] = []
    for scope in bound:
        try:
            replaced.append(reset_commitment(store, scope.label, listener=listener, now=now))
        except TooManyResets:
            if len(bound) == 1:
                raise
    if not replaced:
        raise TooManyResets
    _end_deliveries(store, listener, {scope.subject for scope in replaced})
    return Replaced(scopes=tuple(replaced), too_often=len(bound) - len(replaced))


def _end_deliveries(store: Replacing, listener: str, subjects: Collection[str]) -> None:
    counted = store.counting_subjects(store.copies(listener))
    store.close_deliveries_with(copy_id for copy_id, subject in counted.items() if subject in subjects)
