"""Who of one process writes next, and how to find out without waiting.

SQLite lets a writer who waits look again after ever longer naps, so that whoever comes at the right moment goes first,
and some wait long. Writers of one process therefore stand in a queue, and only the first of them looks. At a server all
but one of the process's connections may write; a writer waits for one of these before it takes it from the pool, so
that the last is left to those who read.
"""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from plumbing.database_engine import BUSY_TIMEOUT_MS
from plumbing.database_errors import DatabaseUnavailable
from plumbing.driver import tell_driver

_PRIMARY = 0xFF  # of an extended result code
_TOO_LONG = "others were writing for too long"


class WouldWait(Exception):  # it is no trouble
    """Other writers are at work; nothing was begun."""


class Queue:
    """Lets so many write at a time, in the order in which they came."""

    def __init__(self, places: int) -> None:
        self._changing = threading.Lock()
        self._free = places
        self._moved_at = time.monotonic()
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def entered(self, *, at_once: bool) -> Iterator[None]:
        """Wait for a place, and have it while the block lasts.

        Raises:
            WouldWait: it is not to wait, and every place is taken.
            DatabaseUnavailable: the others took too long.
        """
        self.enter(at_once=at_once)
        try:
            yield
        finally:
            self.leave()

    def moved(self) -> None:
        """Note that somebody could begin to write, or was done: then it is only busy."""
        self._moved_at = time.monotonic()

    def check_moving(self, asked_at: float) -> None:
        """Check that whoever asked then (by `time.monotonic`) may still hope, before they stand in the queue.

        Raises:
            DatabaseUnavailable: it was long ago, and since then nobody could write.
        """
        if time.monotonic() > asked_at + BUSY_TIMEOUT_MS / 1000 and self._moved_at < asked_at:
            raise DatabaseUnavailable(_TOO_LONG)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def enter(self, *, at_once: bool) -> None:
        """Wait for a place, until `leave`; see `entered`."""
        with self._changing:
            if self._free:
                self._free -= 1
                return
            if at_once:
                raise WouldWait
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            came = turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000)
        except BaseException:  # a signal ends the waiting of a main thread
            if not self._gives_up(turn):
                self.leave()  # else nobody would ever have this place again
            raise
        if not came and self._gives_up(turn):
            raise DatabaseUnavailable(_TOO_LONG)

    def _gives_up(self, turn: threading.Lock) -> bool:
        """Leave the queue; not if a place was handed over at this very moment."""
        with self._changing:
            if turn not in self._waiting:
                return False
            self._waiting.remove(turn)
            return True

    def leave(self) -> None:
        """Hand over to who has waited longest: a plain lock goes to whoever comes at the right moment."""
        with self._changing:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


def begin_at_once(connection: Connection, begin: str) -> None:
    """Begin a transaction of SQLite, if no other process writes just now.

    Raises:
        WouldWait: one does.
        DBAPIError: as SQLAlchemy says it, whatever else is the matter.
    """
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101  # whoever calls has looked which it is
    driver.execute("PRAGMA busy_timeout=0")
    try:
        driver.execute(begin)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & _PRIMARY == sqlite3.SQLITE_BUSY:
            raise WouldWait from None
        tell_driver(connection, begin)  # says it as everything else is said
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
