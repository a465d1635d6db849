"""Waiting for what comes by itself, however busy the machine is: a test waits for a fact, and not for a moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S: Final = 60.0
"""After this, what was waited for does not come any more; no test waits so long while it passes."""


async def until(happened: Callable[[], bool]) -> None:
    """Let everything else go on until this is true.

    Raises:
        TimeoutError: it never was.
    """
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if happened():
                return
            await asyncio.sleep(0.005)
