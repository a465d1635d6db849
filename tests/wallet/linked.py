"""What the tests of linked credentials in a wallet have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wallet.service.receive import read_offer, receive

if TYPE_CHECKING:
    from tests.support.linked_issuer import LinkedIssuer
    from wallet.ports import Tools
    from wallet.state import Copy


async def take(coop: LinkedIssuer, tools: Tools) -> tuple[Copy, ...]:
    return await receive(await read_offer(coop.offer_link(), tools=tools), tools=tools)
