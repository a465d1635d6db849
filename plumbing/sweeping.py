"""Rows with an end go away by themselves, also when nobody comes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from plumbing.database import DatabaseUnavailable
from plumbing.logs import get_logger


@contextlib.asynccontextmanager
async def sweeping(sweep: Callable[[], int], *, every_s: float, part: str) -> AsyncIterator[None]:
    """Run `sweep` when the block begins and every `every_s` seconds until it ends.

    It runs in a thread, so that a large sweep or a busy database holds up no request; a database that is away for a
    while is tried again the next time.

    Args:
        sweep: deletes what is over, in a transaction of its own, and returns how many rows.
        every_s: the pause between two sweeps.
        part: who says in the log how much went.
    """
    task = asyncio.create_task(_sweep_for_ever(sweep, every_s=every_s, part=part))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _sweep_for_ever(sweep: Callable[[], int], *, every_s: float, part: str) -> None:
    log = get_logger(part)
    while True:
        try:
            log.info("swept", rows=await asyncio.to_thread(sweep))
        except DatabaseUnavailable:
            log.warning("not swept", reason="database unavailable")
        await asyncio.sleep(every_s)
