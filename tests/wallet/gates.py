"""What the tests of a wallet at gates have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import schemas
from tests.support.hostile_site import GATE
from wallet.service.open_gate import begin_visit, pass_gate

if TYPE_CHECKING:
    from wallet.ports import Tools
    from wallet.state import Copy, Delivery


def release(tools: Tools) -> Copy:
    return next(copy for copy in tools.keeper.load().copies if copy.vct == schemas.RELEASE_OWNERSHIP.vct)


async def pass_through(tools: Tools) -> Delivery:
    return await pass_gate(await begin_visit(GATE, tools=tools), tools=tools)
