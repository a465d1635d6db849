"""Work that a service does by itself, again and again, and that nothing may end for good."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from credentials.errors import HandstampError
from plumbing.logs import get_logger, run
from plumbing.runs import NO_RUNS, Runs


@contextlib.asynccontextmanager
async def repeating(
    work: Callable[[], Awaitable[Mapping[str, int]]],
    *,
    pause: Callable[[], float],
    part: str,
    runs: Runs = NO_RUNS,
) -> AsyncIterator[None]:
    """Do `work` when the block begins, and again after each pause until it ends.

    A time that fails is logged, by the code of what went wrong, and the next is tried all the same. Every line that one
    time writes carries the same run id.

    Args:
        work: returns counts for the log; nothing else of what it saw may stand there.
        pause: how many seconds to wait, asked before every wait.
        part: who speaks in the log.
        runs: is told how each time went, for readiness and metrics.
    """
    task = asyncio.create_task(_for_ever(work, pause=pause, part=part, runs=runs))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _for_ever(
    work: Callable[[], Awaitable[Mapping[str, int]]], *, pause: Callable[[], float], part: str, runs: Runs
) -> None:
    runs.expect(part)
    while True:
        with run():
            await _once(work, part=part, runs=runs)
        wait_s = pause()
        runs.wait(part, wait_s)
        await asyncio.sleep(wait_s)


async def _once(work: Callable[[], Awaitable[Mapping[str, int]]], *, part: str, runs: Runs) -> None:
    log = get_logger(part)
    try:
        counts = await work()
    except HandstampError as error:
        runs.failed(part)
        log.warning("not done", code=error.code)
    except Exception as error:  # noqa: BLE001 - whatever it is, the next time may go well
        # Without its text and trace, which could hold what nobody may read in a log.
        runs.failed(part)
        log.error("not done", error=type(error).__name__)  # noqa: TRY400
    else:
        runs.done(part, counts)
        log.info("done", **counts)
