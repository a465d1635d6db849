"""What the tests of a wallet that is topped up have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wallet.service.receive import read_offer, receive

if TYPE_CHECKING:
    from tests.support.other_issuer import OtherIssuer
    from tests.support.outside import Outside
    from wallet.ports import Tools
    from wallet.state import Copy


async def take(other: OtherIssuer, tools: Tools) -> tuple[Copy, ...]:
    return await receive(await read_offer(other.offer_link(), tools=tools), tools=tools)


def left(tools: Tools) -> list[int]:
    return sorted(len(copy.instances) for copy in tools.keeper.load().copies)


def show(tools: Tools, count: int, *, which: int = 0) -> None:
    """Use up instances, as presenting does."""
    for _ in range(count):
        tools.keeper.change(lambda wallet: (wallet.taking_instance(wallet.copies[which].key)[0], None))


def paths(outside: Outside, ending: str) -> int:
    return sum(each.endswith(ending) for each in outside.paths())
