"""Remove a copy from the wallet: its instances, their keys and the way to more of them. What was shown stays noted.

The co-op hears of it at the next top-up, not before: taking something out of one's own pocket tells nobody.
"""

from dataclasses import replace

from wallet.ports import Tools
from wallet.state import Copy, Wallet
from wallet.supply import Brought, Notice, Supply


def remove_copy(copy: Copy, *, tools: Tools) -> None:
    """Remove a copy. The listener still owns it: the co-op hands it out again to whoever asks for an offer."""
    tools.keeper.change(lambda wallet: (_without(wallet, copy), None))


def _without(wallet: Wallet, copy: Copy) -> Wallet:
    supplies = tuple(_with_notice(each, copy) for each in wallet.supplies)
    spent = (*wallet.spent, *(each.mark for each in copy.instances))
    # What was thrown away could be shown by whoever finds a backup; it does not come back here.
    return replace(wallet, supplies=supplies, spent=spent).without_copy(copy.key)


def _with_notice(supply: Supply, copy: Copy) -> Supply:
    for source in supply.brought:
        notification_id = _notification_of(source, copy) if source.copy == copy.key else None
        if notification_id:
            supply = supply.with_notice(Notice(event="credential_deleted", notification_id=notification_id))
    return supply


def _notification_of(source: Brought, copy: Copy) -> str | None:
    if source.form is None:
        return copy.notification_id
    return next((each.notification_id for each in copy.linked if each.kind is source.form), None)
