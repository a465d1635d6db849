"""Work that repeats itself: what fails once is tried again."""

from __future__ import annotations

import asyncio

from plumbing.database import DatabaseUnavailable
from plumbing.repeating import repeating
from tests.support.waiting import PATIENCE_S


async def test_what_fails_in_words_or_by_accident_is_tried_again() -> None:
    done = asyncio.Event()
    times = []

    async def work() -> dict[str, int]:
        times.append(None)
        if len(times) == 1:
            raise DatabaseUnavailable("locked")
        if len(times) == 2:
            raise ZeroDivisionError
        done.set()
        return {"rows": 1}

    async with repeating(work, pause=lambda: 0.0, part="test"):
        await asyncio.wait_for(done.wait(), PATIENCE_S)
    assert len(times) >= 3
