"""Sweeping goes on whatever happens to the database, and holds up nobody."""

import asyncio
import threading

from plumbing.database import DatabaseUnavailable
from plumbing.sweeping import sweeping
from tests.support.waiting import PATIENCE_S


async def until(happened: threading.Event) -> None:
    """Wait for what another thread does, without holding the loop."""
    assert await asyncio.to_thread(happened.wait, 10)


async def test_a_database_that_is_away_once_does_not_end_the_sweeping() -> None:
    tries: list[int] = []
    again = threading.Event()

    def sweep() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise DatabaseUnavailable("busy")
        again.set()
        return 0

    async with sweeping(sweep, every_s=0.01, part="test.sweep"):
        await until(again)
    assert len(tries) > 1


async def test_a_slow_sweep_holds_up_no_request_and_ends_with_the_service() -> None:
    begun, answered = threading.Event(), threading.Event()
    loops: list[threading.Thread] = []

    def slow() -> int:
        loops.append(threading.current_thread())
        begun.set()
        assert answered.wait(PATIENCE_S)
        return 0

    async with sweeping(slow, every_s=60, part="test.sweep"):
        await until(begun)
        answered.set()  # the loop runs while the sweep still waits for it
    assert loops[0] is not threading.current_thread()
