"""Waiting for what comes by itself, however busy the machine is: a test waits for a fact, and not for a moment."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PATIENCE_S: Final = 60.0
"""After this, what was waited for does not come any more; no test waits so long while it passes."""
_BOUNDS: Final = (
    ("plumbing.health", "_PATIENCE_S", PATIENCE_S),
    ("handstamp.doctor.examining", "CHECK_TIMEOUT_S", PATIENCE_S),
    ("plumbing.database_engine", "_CONNECT_TIMEOUT_S", int(PATIENCE_S)),
    ("plumbing.database_engine", "_POOL_TIMEOUT_S", int(PATIENCE_S)),
    ("plumbing.database_engine", "BUSY_TIMEOUT_MS", int(PATIENCE_S * 1000)),
    ("plumbing.database", "BUSY_TIMEOUT_MS", int(PATIENCE_S * 1000)),
    ("plumbing.database_queue", "BUSY_TIMEOUT_MS", int(PATIENCE_S * 1000)),
)
"""For how long a service waits for a look, for a connection, for whoever writes: on a busy machine, or one that stood
still for some seconds, everything takes longer, and nothing is wrong."""


def be_patient() -> None:
    """Let what this process has loaded of the program wait as long as a test does; who tries a bound sets it."""
    for module, bound, patience in _BOUNDS:
        if (loaded := sys.modules.get(module)) is not None:
            setattr(loaded, bound, patience)


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


def end(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """Ask all of them to end, wait for each, and leave none behind: an interpreter that ends complains of any.

    Raises:
        AssertionError: one had to be killed.
    """
    running = list(processes)
    for process in running:
        process.terminate()
    stuck = []
    for process in running:
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            stuck.append(process.args)
    assert stuck == []
