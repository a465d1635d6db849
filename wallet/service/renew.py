"""Renew what ends with its cohort: one token refresh for each offer, and one request for each thing in each form.

It is done at a moment that was drawn at random, by any run of the wallet that shows nothing: the co-op hears from the
wallet then, and learns nothing of when or where something is shown.
"""

from collections.abc import Callable

from wallet.ports import Tools
from wallet.renewing import is_due, stale_sources
from wallet.state import Copy, Wallet
from wallet.visiting import Report, ToppedUp, visit


def needs_renewal(wallet: Wallet, *, tools: Tools) -> bool:
    """Tell whether anything is to be renewed now; nothing is asked of anybody."""
    now = tools.clock()
    return any(is_due(each, now) and stale_sources(each, wallet, now) for each in wallet.supplies)


async def renew(*, tools: Tools, anyway: bool = False, progress: Callable[[Copy], None] | None = None) -> ToppedUp:
    """Renew whatever is due.

    Args:
        tools: the wallet and the world.
        anyway: also what is not due yet, because the listener wants it now.
        progress: called with each copy once it is kept.

    Returns:
        What was renewed and what was not, each with its reason, which stays with the copy (`Copy.not_renewed`). A co-op
        that cannot be reached is asked again at the next run; one that says no, in a month.
    """
    now = tools.clock()
    tools.keeper.change(lambda wallet: (wallet.pruned(now), None))
    wallet, report = tools.keeper.load(), Report(progress)
    for supply in wallet.supplies:
        wanted = stale_sources(supply, wallet, now)
        if wanted and (anyway or is_due(supply, now)):
            await visit(supply, wanted, tools, report)
    return report.finish()
