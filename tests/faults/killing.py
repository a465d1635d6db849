"""Kills a process at a random moment, again and again: it is a fork of the test's own, which has everything loaded.

The test's own process has done such an errand itself, so that a life spends its time on what is to be tried. How long
one takes here and now a few lives show that are left alone for so long; moments are drawn from all of that time.

What a life was answered it writes down outside of its memory and of every database: these notes are what the world
knows, and outlive whoever wrote them.
"""

from __future__ import annotations

import asyncio
import gc
import json
import math
import os
import select
import signal
import sys
import time
import traceback
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

from sqlalchemy import event

from plumbing.database import Database
from tests.faults.moments import BEGUN, COMMITTED, COMMITTING, LAST, OVER, STARTED, Fallen, Moment, Place, Whole
from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

    Work: TypeAlias = "Callable[[Life], Awaitable[None]]"
    IsEnough: TypeAlias = Callable[[Fallen, int], bool]

Note = dict[str, Any]
_FAILED: Final = 3
_MEASURED: Final = 3
_AT_MOST: Final = 4
_COMMITTING: Final = "committing"

KILLS: Final = 50
"""How often each of four kinds of work is stopped on each of two engines: four hundred times in all."""


class Reopened:
    """The database of applications that stand for longer than its connections: each life has connections of its own."""

    def __init__(self, url: str) -> None:
        self._now = Database(url, pool=2)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._now, name)

    def reopen(self, life: Life, url: str = "") -> None:
        """Forget what was open before the fork; go on at another place if one is named."""
        place = url or self._now.url.render_as_string(hide_password=False)
        self._now = life.watch(Database(place, pool=2))


@dataclass
class Life:
    """One process that works until it is killed; `before` is what was noted by those before it."""

    path: Path
    signs: int
    errands: float
    """How many it begins; with 0 it only finishes what was begun before."""
    before: list[Note] = field(default_factory=list)
    _file: int = -1
    _databases: list[Database] = field(default_factory=list)

    @property
    def is_endless(self) -> bool:
        """Whether it works until it is killed."""
        return math.isinf(self.errands)

    async def live(self, work: Work) -> None:
        """Read what was noted, part what was only half written from what comes, and work."""
        self.before = read_notes(self.path)
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(self._file, b"\n")
        await work(self)
        os.close(self._file)
        for database in self._databases:
            database.close()

    @property
    def only_finishes(self) -> bool:
        """Whether it begins nothing new."""
        return self.errands <= 0

    def begins_another(self) -> bool:
        """Tell whether there is time for a new errand, and take it."""
        self.errands -= 1
        return self.errands >= 0

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
        """Connect, and let whoever kills know of each transaction that begins, and each commit that does or has."""
        self._databases.append(database)
        event.listen(database.engine, "commit", self._committing)
        event.listen(database.engine, "checkin", self._came_back)
        with database.read():
            event.listen(database.engine, "begin", lambda _: os.write(self.signs, STARTED))
        return database

    def _committing(self, connection: Connection) -> None:
        connection.info[_COMMITTING] = True
        os.write(self.signs, COMMITTING)

    def _came_back(self, _driver: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        if entry.info.pop(_COMMITTING, False):
            os.write(self.signs, COMMITTED)

    @contextmanager
    def errand(self) -> Iterator[None]:
        """Let whoever kills know that all is set up and an errand begins; and that it is over."""
        os.write(self.signs, BEGUN)
        yield
        os.write(self.signs, OVER)

    def last(self, commits: int = 1) -> None:
        """Let whoever kills know that the errand's last commits come next."""
        os.write(self.signs, commits * LAST)


@dataclass
class Lived:
    """What is heard of a life."""

    heard: int
    signs: bytes = b""
    microseconds: int = 0
    """From its first sign to the one that was waited for."""

    def wait(self, moment: Moment) -> None:
        """Wait until the process gave the sign so often, and for the rest; or until it has ended."""
        end, began = time.monotonic() + PATIENCE_S, 0
        while self.signs.count(moment.sign) < moment.times:
            assert time.monotonic() < end, f"{moment}: it does nothing any more"
            if not select.select([self.heard], [], [], 1.0)[0]:
                continue
            told, end = os.read(self.heard, 64), time.monotonic() + PATIENCE_S
            began = began or time.monotonic_ns()
            if not told:
                return
            self.signs += told
        self.microseconds = (time.monotonic_ns() - began) // 1000
        time.sleep(moment.microseconds / 1e6)

    def hear_rest(self) -> None:
        """Hear all that it said before it ended."""
        while told := os.read(self.heard, 64):
            self.signs += told


def read_notes(path: Path) -> list[Note]:
    """Return what was noted; a line that its writer was killed over counts as never noted."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]


def live_and_die(work: Work, path: Path, *, moment: Moment | None) -> Lived:
    """Let a process work until `moment`, or to the end without one.

    Raises:
        AssertionError: it failed, or ended by itself before.
    """
    heard, told = os.pipe()
    gc.freeze()  # so that the collector of the new process does not touch, and thereby copy, all that it has not made
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside the threads of a test runner
        pid = os.fork()
    if pid == 0:
        os.close(heard)
        _live(work, Life(path=path, signs=told, errands=math.inf if moment else 0))
    gc.unfreeze()
    os.close(told)
    lived = Lived(heard)
    try:
        if moment is not None:
            lived.wait(moment)
    finally:
        if moment is not None:
            os.kill(pid, signal.SIGKILL)
        lived.hear_rest()
        os.close(heard)
        _, status = os.waitpid(pid, 0)
    failure = path.with_suffix(".failed")
    assert not failure.exists(), f"{moment}\n{failure.read_text()}"
    assert os.WIFSIGNALED(status) if moment else os.WIFEXITED(status) and not os.WEXITSTATUS(status), (moment, status)
    return lived


def prepare(work: Work, path: Path) -> None:
    """Do one errand in this process, so that no life after it does what is done but once; nothing stays open."""
    nobody = os.open(os.devnull, os.O_WRONLY)
    asyncio.run(Life(path=path, signs=nobody, errands=1).live(work))
    os.close(nobody)


def measure(work: Work, path: Path) -> Whole:
    """Let a few lives do one errand each, and return what the longest came to."""
    lives = [live_and_die(work, path, moment=Moment(OVER, 1, 0)) for _ in range(_MEASURED)]
    longest = max(lives, key=lambda lived: lived.microseconds)
    return Whole(longest.signs.partition(OVER)[0], longest.microseconds)


def kill_often(
    work: Work,
    path: Path,
    kills: int,
    *,
    is_enough: IsEnough = Fallen.are_within,
    after_each: Callable[[], None] = lambda: None,
) -> Fallen:
    """Kill `work` so many times, and go on until enough of them fell where they should; then finish what was begun.

    Nothing depends on how fast the machine is: what more is needed is drawn from what an errand takes at that time.

    Args:
        work: what is done until it is killed.
        path: where its notes are.
        kills: how often at least.
        is_enough: whether enough was hit.
        after_each: called after each kill.
    """
    prepare(work, path)
    after_each()
    fallen = Fallen()
    while (count := fallen.count()) < kills or (count < _AT_MOST * kills and not is_enough(fallen, kills)):
        if count == 0 or count >= kills:
            whole = measure(work, path)
            after_each()
        in_time = count % 2 == 0
        lived = live_and_die(work, path, moment=whole.draw(in_time=in_time))
        fallen.of(in_time=in_time)[Place.of(lived.signs)] += 1
        after_each()
    live_and_die(work, path, moment=None)
    sys.stdout.write(f"Killed at its work: {fallen}.\n")
    assert is_enough(fallen, kills), f"{fallen}"
    return fallen


def _live(work: Work, life: Life) -> NoReturn:
    """Be the new process: whatever happens, nothing of the test runner's goes on here."""
    code = _FAILED
    try:
        asyncio.run(life.live(work))
        code = 0
    except BaseException:  # noqa: BLE001 - told to the parent, as a failure of the test
        life.path.with_suffix(".failed").write_text(traceback.format_exc())
    finally:
        os._exit(code)
