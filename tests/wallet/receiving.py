"""What the tests of receiving from a co-op have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from credentials.errors import HandstampError
from wallet.service.receive import read_offer, receive

if TYPE_CHECKING:
    from tests.support.hostile_issuer import HostileIssuer
    from wallet.ports import Tools
    from wallet.state import Copy


async def take(issuer: HostileIssuer, tools: Tools, code: str | None = "123456") -> tuple[Copy, ...]:
    return await receive(await read_offer(issuer.link(), tools=tools), tools=tools, tx_code=code)


def held(tools: Tools) -> tuple[Copy, ...]:
    return tools.keeper.load().copies


async def refusal(issuer: HostileIssuer, tools: Tools) -> HandstampError:
    with pytest.raises(HandstampError) as caught:
        await take(issuer, tools)
    assert held(tools) == ()
    return caught.value
