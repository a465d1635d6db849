"""Rows with an end go away by themselves, also when nobody comes."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from plumbing.repeating import repeating
from plumbing.runs import NO_RUNS, Runs


def sweeping(
    sweep: Callable[[], int], *, every_s: float, part: str, runs: Runs = NO_RUNS
) -> AbstractAsyncContextManager[None]:
    """Run `sweep` when the block begins and every `every_s` seconds until it ends.

    It runs in a thread, so that a large sweep or a busy database holds up no request; whatever goes wrong is tried
    again the next time.

    Args:
        sweep: deletes what is over, in a transaction of its own, and returns how many rows.
        every_s: the pause between two sweeps.
        part: who says in the log how much went.
        runs: is told how each time went.
    """

    async def sweep_once() -> Mapping[str, int]:
        return {"rows": await asyncio.to_thread(sweep)}

    return repeating(sweep_once, pause=lambda: every_s, part=part, runs=runs)
