"""Two hundred clients at the same moment, on two workers' connections to one database."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import httpx

from credentials.errors import HandstampError
from plumbing.database import Database

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from fastapi import FastAPI

CROWD: Final = 200
_POOL: Final = 20


@contextmanager
def two_workers(url: str) -> Iterator[tuple[Database, Database]]:
    """Open one database twice, as two processes of a service do."""
    workers = Database(url, pool=_POOL), Database(url, pool=_POOL)
    yield workers
    for worker in workers:
        worker.close()


def rush(act: Callable[[int], object], *, crowd: int = CROWD) -> Counter[str]:
    """Do something in so many threads at the same moment; count what came of it: an error by its code."""
    together = threading.Barrier(crowd)

    def run(number: int) -> str:
        together.wait()
        try:
            return str(act(number))
        except HandstampError as error:
            return error.code

    with ThreadPoolExecutor(crowd) as pool:
        return Counter(pool.map(run, range(crowd)))


def rush_web(
    apps: Sequence[FastAPI],
    base_url: str,
    ask: Callable[[int, httpx.AsyncClient], Awaitable[str]],
    *,
    crowd: int = CROWD,
) -> Counter[str]:
    """Let a crowd ask workers at the same moment, each of which serves its part from one event loop, as real ones do.

    Args:
        apps: the workers; each is called in a thread of its own, all at once.
        base_url: of the service.
        ask: asks for one of the crowd, by its number, and says what came of it.
        crowd: how many ask.
    """
    together = threading.Barrier(len(apps))

    async def serve(worker: int) -> list[str]:
        transport = httpx.ASGITransport(apps[worker])
        async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
            return await asyncio.gather(*(ask(number, client) for number in range(worker, crowd, len(apps))))

    def run(worker: int) -> list[str]:
        together.wait()
        return asyncio.run(serve(worker))

    with ThreadPoolExecutor(len(apps)) as pool:
        return Counter(said for part in pool.map(run, range(len(apps))) for said in part)
