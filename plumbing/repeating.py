"""Work that a service does by itself, again and again, and that nothing may end for good."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from credentials.errors import HandstampError
from plumbing.logs import get_logger


@contextlib.asynccontextmanager
async def repeating(
    work: Callable[[], Awaitable[Mapping[str, int]]], *, pause: Callable[[], float], part: str
) -> AsyncIterator[None]:
    """Do `work` when the block begins, and again after each pause until it ends.

    A time that fails is logged, by the code of what went wrong, and the next is tried all the same.

    Args:
        work: returns counts for the log; nothing else of what it saw may stand there.
        pause: how many seconds to wait, asked before every wait.
        part: who speaks in the log.
    """
    task = asyncio.create_task(_for_ever(work, pause=pause, part=part))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _for_ever(work: Callable[[], Awaitable[Mapping[str, int]]], *, pause: Callable[[], float], part: str) -> None:
    log = get_logger(part)
    while True:
        try:
            log.info("done", **await work())
        except HandstampError as error:
            log.warning("not done", code=error.code)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next time may go well
            # Without its text and trace, which could hold what nobody may read in a log.
            log.error("not done", error=type(error).__name__)  # noqa: TRY400
        await asyncio.sleep(pause())
