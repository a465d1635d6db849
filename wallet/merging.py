"""Two states of a wallet made one: what an import does. Nothing is doubled and nothing that was shown comes back."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from wallet.linked import Nym
from wallet.state import Authority, Copy, Wallet, joining
from wallet.supply import Supply

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What an import brought.

    Attributes:
        copies: how many copies are new here.
        instances: how many more uses there are now.
        left_out: how many uses were not taken, because they were or may have been shown.
        authorities: the names of those whose word is taken from now on.
    """

    copies: int
    instances: int
    left_out: int
    authorities: tuple[str, ...]


def strangers(ours: Wallet, theirs: Wallet) -> tuple[Authority, ...]:
    """Return the authorities that `theirs` trusts and `ours` does not."""
    known = {each.fingerprint for each in ours.authorities}
    return tuple(each for each in theirs.authorities if each.fingerprint not in known)


def merge(ours: Wallet, theirs: Wallet, *, with_instances: bool, with_authorities: bool) -> tuple[Wallet, Merged]:
    """Return `ours` with all that `theirs` has and it has not.

    Args:
        ours: the wallet in use; where both know something, it is right, but for what is newer.
        theirs: what was exported.
        with_instances: False if the exported wallet may have been used since: its instances are left out then.
        with_authorities: whether the listener wants to trust whom the exported wallet trusted. A file that somebody
            else made must not say whom to trust.
    """
    spent = tuple(dict.fromkeys((*ours.spent, *theirs.spent)))
    offered = sum(len(each.instances) for each in theirs.copies)
    before = sum(len(each.instances) for each in ours.copies)
    brought = theirs.copies if with_instances else tuple(replace(each, instances=()) for each in theirs.copies)
    copies = _merge_copies(ours.copies, brought, frozenset(spent))
    authorities = strangers(ours, theirs) if with_authorities else ()
    merged = replace(
        ours,
        authorities=(*ours.authorities, *authorities),
        copies=copies,
        receipts=_union(ours.receipts, theirs.receipts, lambda each: each.id),
        deliveries=_union(ours.deliveries, theirs.deliveries, lambda each: each.id),
        supplies=_merge_supplies(ours.supplies, theirs.supplies),
        spent=spent,
        nyms=_merge_nyms(ours.nyms, theirs.nyms),
        # What a door's site signs with is whom to trust, too.
        doors=_union(ours.doors, theirs.doors if with_authorities else (), lambda each: each.gate),
    )
    after = sum(len(each.instances) for each in copies)
    return merged, Merged(
        copies=len(copies) - len(ours.copies),
        instances=after - before,
        left_out=offered - (after - before),
        authorities=tuple(each.name for each in authorities),
    )


def _merge_copies(ours: Iterable[Copy], theirs: Iterable[Copy], spent: frozenset[str]) -> tuple[Copy, ...]:
    merged = {each.key: _without_spent(each, spent) for each in ours}
    for copy in theirs:
        mine, other = merged.get(copy.key), _without_spent(copy, spent)
        merged[copy.key] = other if mine is None else _merge_copy(mine, other)
    return tuple(merged.values())


def _merge_copy(mine: Copy, theirs: Copy) -> Copy:
    newer, older = (theirs, mine) if _last(theirs) > _last(mine) else (mine, theirs)
    # Two versions of one title would tell this wallet apart from others: the newer one counts.
    both = joining(older, newer)
    return replace(
        both,
        instances=_union(newer.instances, both.instances, lambda each: each.mark),
        uses=max(mine.uses, theirs.uses),
        received_at=min(mine.received_at, theirs.received_at),
        renewed_at=newer.renewed_at,
    )


def _last(copy: Copy) -> float:
    return (copy.renewed_at or copy.received_at).timestamp()


def _without_spent(copy: Copy, spent: frozenset[str]) -> Copy:
    return replace(copy, instances=tuple(each for each in copy.instances if each.mark not in spent))


def _merge_supplies(ours: tuple[Supply, ...], theirs: tuple[Supply, ...]) -> tuple[Supply, ...]:
    """Keep each offer once, with the tokens that came last: a refresh token of before may be used up."""
    merged = {each.offer_id: each for each in theirs}
    for supply in ours:
        other = merged.get(supply.offer_id)
        if other is None or other.token_at <= supply.token_at:
            merged[supply.offer_id] = supply
    return tuple(merged.values())


def _merge_nyms(ours: tuple[Nym, ...], theirs: tuple[Nym, ...]) -> tuple[Nym, ...]:
    """Keep every nym once; that a co-op took it is known as soon as either knows."""
    taken = {each.key: each for each in (*theirs, *ours) if each.accepted_at}
    return tuple(taken.get(each.key, each) for each in _union(ours, theirs, lambda each: each.key))


def _union(ours: tuple[T, ...], theirs: tuple[T, ...], key: Callable[[T], Hashable]) -> tuple[T, ...]:
    known = {key(each) for each in ours}
    return (*ours, *(each for each in theirs if key(each) not in known))
