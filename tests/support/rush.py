"""Two hundred clients at the same moment, on two workers' connections to one database."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from unittest import mock

from credentials.errors import HandstampError
from plumbing import database_engine
from plumbing.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CROWD: Final = 200
_POOL: Final = 20


@contextmanager
def two_workers(url: str) -> Iterator[tuple[Database, Database]]:
    """Open one database twice, as two processes of a service do."""
    # How busy the machine is says nothing about who wins: nobody gives up while waiting for a connection.
    with mock.patch.object(database_engine, "_POOL_TIMEOUT_S", 300):
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
