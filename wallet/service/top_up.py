"""Top up: fetch more instances of what was shown, renew what ends soon, and bring what was announced for later.

The co-op hears from the wallet at this moment, and which copies were shown since; never at a gate. Each copy that few
uses are left of is asked for in the same number, so that the number tells nothing.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from credentials.protocols.urls import host_of
from wallet import words
from wallet.errand import INSTANCES
from wallet.noting import ends_with_its_cohort
from wallet.ports import Tools
from wallet.renewing import ENDS_SOON, is_due, is_stale
from wallet.state import Copy, Wallet
from wallet.supply import Brought, Deferred, Source, Supply, Waiting
from wallet.visiting import Report, ToppedUp, copy_of, visit

_NO_WAY: Final = "nothing that the co-op gave lets this wallet come back for more; ask it for a new offer"


async def top_up(
    *, tools: Tools, issuer: str | None = None, progress: Callable[[Copy], None] | None = None
) -> ToppedUp:
    """Ask the co-ops for more of whatever runs low.

    Args:
        tools: the wallet and the world.
        issuer: only this one's; None for all.
        progress: called with each copy once it is kept.

    Returns:
        What came and what did not, each with its reason: a co-op that says no keeps no other from being asked.
    """
    now = tools.clock()
    tools.keeper.change(lambda wallet: (wallet.pruned(now), None))
    wallet = tools.keeper.load()
    report = Report(progress)
    for supply in wallet.supplies:
        if issuer not in (None, supply.issuer):
            continue
        report.later += [(host_of(supply.issuer), each.not_before) for each in supply.deferred if now < each.not_before]
        wanted = _wanted(supply, wallet, now)
        if wanted or supply.notices:
            await visit(supply, wanted, tools, report)
    for copy in _without_a_way(wallet, issuer, now):
        report.refuse(words.title_of(copy), _NO_WAY)
    return report.finish()


def runs_low(copy: Copy, now: datetime) -> bool:
    """Tell whether more of a copy should be fetched."""
    return sum(each.is_valid(now + ENDS_SOON) for each in copy.instances) < INSTANCES


def _wanted(supply: Supply, wallet: Wallet, now: datetime) -> tuple[Source, ...]:
    return tuple(each for each in supply.sources if _is_wanted(each, supply, wallet, now))


def _is_wanted(source: Source, supply: Supply, wallet: Wallet, now: datetime) -> bool:
    match source:
        case Waiting():
            return not source.denied or is_due(supply, now)
        case Deferred():
            return now >= source.not_before
        case Brought():
            copy = wallet.copy(source.copy)
            if copy is None:
                return False
            if source.form is None:
                return runs_low(copy, now)
            # What ends with its cohort has a moment of its own to be renewed at.
            waits = ends_with_its_cohort(source) and copy.linked_as(source.form, now) and not is_due(supply, now)
            return is_stale(source, copy, now) and not waits


def _without_a_way(wallet: Wallet, issuer: str | None, now: datetime) -> Iterable[Copy]:
    """Return the copies that run low and that nothing brings more of."""
    ways = {copy_of(source) for supply in wallet.supplies for source in supply.sources}
    for copy in wallet.copies:
        if issuer in (None, copy.issuer) and copy.key not in ways and runs_low(copy, now):
            yield copy
