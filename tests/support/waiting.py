"""Waiting for what comes by itself, however busy the machine is: a test waits for a fact, and not for a moment."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.support.unhurried import sitecustomize as unhurried
from tests.support.unhurried.sitecustomize import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["PATIENCE_S", "be_patient", "end", "until"]
_UNHURRIED: Final = str(Path(unhurried.__file__).parent)


def be_patient() -> None:
    """Let each process that this one starts be as patient as this one is."""
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([_UNHURRIED, others] if others else [_UNHURRIED])


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
