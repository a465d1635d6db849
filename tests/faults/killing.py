"""Kills a process at a random moment, again and again: it is a fork of the test's own, which has everything loaded.

What a life was answered it writes down outside of its memory and of every database: these notes are what the world
knows, and outlive whoever wrote them.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import select
import signal
import time
import traceback
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from plumbing.database import Database

Note = dict[str, Any]
_PATIENCE_S: Final = 60.0
_FAILED: Final = 3
_AFTER_COMMIT_US: Final = 2_500

KILLS: Final = 50
"""How often each of four kinds of work is stopped on each of two engines: four hundred times in all."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a life ends: so many microseconds after it began its n-th commit; with 0 commits, after it began to live."""

    commits: int
    microseconds: int

    @classmethod
    def draw(cls, *, commits: int = 16, within_us: int = 60_000) -> Moment:
        """Half of them are anywhere, half around a commit, where there is something to lose."""
        if secrets.randbelow(2):
            return cls(0, secrets.randbelow(within_us))
        return cls(1 + secrets.randbelow(commits), secrets.randbelow(_AFTER_COMMIT_US))


@dataclass
class Life:
    """One process that works until it is killed; `before` is what was noted by those before it."""

    path: Path
    beats: int
    is_endless: bool
    """Whether it works until it is killed; else it only finishes what was begun."""
    before: list[Note] = field(default_factory=list)
    _file: int = -1

    def open(self) -> Life:
        """Begin in the new process: read what was noted, and part what was only half written from what comes."""
        self.before = read_notes(self.path)
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(self._file, b"\n")
        return self

    def note(self, what: str, **facts: Any) -> Note:
        """Tell the world, in one write that the system keeps whatever becomes of us."""
        noted = {"what": what, **facts}
        os.write(self._file, json.dumps(noted).encode() + b"\n")
        self.before.append(noted)
        return noted

    def found(self, what: str, **facts: Any) -> list[Note]:
        """Return what was noted of something, in this life or before."""
        wanted = {"what": what, **facts}
        return [each for each in self.before if all(each.get(name) == value for name, value in wanted.items())]

    def watch(self, database: Database) -> Database:
        """Let whoever kills know of every commit, just before the driver is told."""
        event.listen(database.engine, "commit", lambda _: os.write(self.beats, b"."))
        return database


def read_notes(path: Path) -> list[Note]:
    """Return what was noted; a line that its writer was killed over counts as never noted."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]


def live_and_die(work: Callable[[Life], Awaitable[None]], path: Path, *, moment: Moment | None) -> bool:
    """Let a process work until `moment`, or to the end without one; return whether it was killed at its work.

    Raises:
        AssertionError: it failed before.
    """
    heard, told = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside the threads of a test runner
        pid = os.fork()
    if pid == 0:
        os.close(heard)
        _live(work, Life(path=path, beats=told, is_endless=moment is not None))
    os.close(told)
    try:
        if moment is not None:
            _await(heard, moment)
            os.kill(pid, signal.SIGKILL)
    finally:
        _, status = os.waitpid(pid, 0)
        os.close(heard)
    failure = path.with_suffix(".failed")
    assert not failure.exists(), f"{moment}\n{failure.read_text()}"
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, (moment, status)
    return os.WIFSIGNALED(status)


def kill_often(work: Callable[[Life], Awaitable[None]], path: Path, kills: int) -> list[Moment]:
    """Kill `work` so many times, then let it finish what was begun; return when it was killed."""
    moments = [Moment.draw() for _ in range(kills)]
    for moment in moments:
        assert live_and_die(work, path, moment=moment), f"{moment}: it ended by itself"
    live_and_die(work, path, moment=None)
    return moments


def _live(work: Callable[[Life], Awaitable[None]], life: Life) -> NoReturn:
    """Be the new process: whatever happens, nothing of the test runner's goes on here."""
    code = _FAILED
    try:
        os.write(life.beats, b"!")
        asyncio.run(_run(work, life))
        code = 0
    except BaseException:  # noqa: BLE001 - told to the parent, as a failure of the test
        life.path.with_suffix(".failed").write_text(traceback.format_exc())
    finally:
        os._exit(code)


async def _run(work: Callable[[Life], Awaitable[None]], life: Life) -> None:
    await work(life.open())


def _await(heard: int, moment: Moment) -> None:
    """Wait until the process has begun, and begun so many commits; or has ended."""
    left, end = 1 + moment.commits, time.monotonic() + _PATIENCE_S
    while left > 0:
        assert time.monotonic() < end, f"{moment}: it does nothing any more"
        if not select.select([heard], [], [], 1.0)[0]:
            continue
        told = os.read(heard, left)
        if not told:
            return
        left -= len(told)
    time.sleep(moment.microseconds / 1e6)
