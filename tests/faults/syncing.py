"""Watches what a process has written and not brought to the disk yet, at each moment at which it begins to answer.

What is lost with the power is whatever was written after the last fsync of its file. For SQLite the system's own calls
are watched, by strace; a PostgreSQL server says itself how far its write-ahead log was flushed.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Engine, event

from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LET_ANYBODY_TRACE: Final = 0x59616D61  # prctl's PR_SET_PTRACER
_CALL: Final = re.compile(r"(\d+) +(?P<name>\w+)\(\d+<(?P<path>[^>]*)>(?P<rest>.*)")
_RESUMED: Final = re.compile(r"(\d+) +<\.\.\. \w+ resumed>")
_SYNCS: Final = frozenset({"fsync", "fdatasync"})
_OF_SQLITE: Final = (".sqlite", "-wal", "-journal")


@dataclass(frozen=True)
class Answering:
    """An application that says when it begins to answer, and how."""

    app: ASGIApp
    mark: Callable[[str], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and say so just before."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.mark(f"{scope['method']} {scope['path']} {message['status']}")
            await send(message)

        await self.app(scope, receive, marked)


@contextmanager
def traced(folder: Path) -> Iterator[Callable[[str], None]]:
    """Have the calls of this very process noted, and yield what notes a moment between them."""
    ctypes.CDLL(None).prctl(_LET_ANYBODY_TRACE, ctypes.c_ulong(-1), 0, 0, 0)
    marks = os.open(folder / "marks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    calls = ",".join(("write", "pwrite64", *_SYNCS))
    command = [
        "strace",
        "-f",
        "-y",
        "-s",
        "200",
        "-e",
        f"trace={calls}",
        "-o",
        folder / "trace",
        "-p",
        f"{os.getpid()}",
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
        _wait(lambda: "TracerPid:\t0" not in Path("/proc/self/status").read_text())
        yield lambda moment: (os.write(marks, f"{moment}\n".encode()), None)[1]
        tracer.terminate()
    os.close(marks)


def can_trace() -> str:
    """Say why the calls of a process cannot be seen here; nothing if they can."""
    if shutil.which("strace") is None:
        return "there is no strace here"
    done = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return " ".join(done.stderr.split()) if done.returncode else ""


def _wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < end
        time.sleep(0.005)


def unsynced(folder: Path) -> list[tuple[str, set[str], bool]]:
    """Return each moment, the files of SQLite with bytes that no fsync had covered, and whether one came before."""
    found: list[tuple[str, set[str], bool]] = []
    dirty: set[str] = set()
    begun: dict[str, re.Match[str]] = {}
    synced = False
    for line in (folder / "trace").read_text().splitlines():
        resumed = _RESUMED.match(line)
        call = begun.pop(resumed[1], None) if resumed else _CALL.match(line)
        if call is None:
            continue
        name, path = call["name"], call["path"]
        if name in _SYNCS and "<unfinished" in call["rest"] and not resumed:
            begun[call[1]] = call  # it counts when it is over
        elif name in _SYNCS:
            dirty.discard(path)
            synced = True
        elif path == f"{folder / 'marks'}" and not resumed:
            found.append((call["rest"].split('"')[1].removesuffix("\\n"), set(dirty), synced))
            synced = False
        elif path.endswith(_OF_SQLITE):
            dirty.add(path)
    return found


@dataclass
class Flushed:
    """Asks a server whether the last commit is on its disk, at each moment."""

    server: psycopg.Connection[Any]
    path: Path
    before: str = "0/0"
    """Where its log ended when the last commit began: the next thing in it is that commit."""

    def watch(self) -> None:
        """Hear of every commit of this process, just before the server is told."""
        event.listen(Engine, "commit", self._note_commit)

    def _note_commit(self, _: object) -> None:
        ((self.before,),) = self.server.execute("SELECT pg_current_wal_insert_lsn()::text").fetchall()

    def __call__(self, moment: str) -> None:
        """Note it."""
        asked = "SELECT pg_current_wal_flush_lsn() > %s::pg_lsn"
        ((is_flushed,),) = self.server.execute(asked, (self.before,)).fetchall()
        with self.path.open("a") as notes:
            notes.write(f"{moment} {is_flushed}\n")
