"""Who of one process writes next to a file of SQLite, and how to find out without waiting.

SQLite lets a writer who waits look again after ever longer naps, so that whoever comes at the right moment goes first,
and some wait long. Writers of one process therefore stand in a queue, and only the first of them looks.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from plumbing.database_engine import BUSY_TIMEOUT_MS
from plumbing.database_errors import DatabaseUnavailable
from plumbing.driver import tell_driver

_PRIMARY = 0xFF  # of an extended result code


class WouldWait(Exception):  # it is no trouble
    """Another writer is at work; nothing was begun."""


class Queue:
    """Lets one write at a time."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def entered(self, *, at_once: bool) -> Iterator[None]:
        """Wait to be the first, and be it while the block lasts.

        Raises:
            WouldWait: it is not to wait, and somebody else is the first.
            DatabaseUnavailable: the others took too long.
        """
        self._enter(at_once=at_once)
        try:
            yield
        finally:
            self._leave()

    def _enter(self, *, at_once: bool) -> None:
        with self._changing:
            if not self._is_taken:
                self._is_taken = True
                return
            if at_once:
                raise WouldWait
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
            return
        with self._changing:
            if turn in self._waiting:  # else it was handed over at this very moment
                self._waiting.remove(turn)
                raise DatabaseUnavailable("others were writing for too long")

    def _leave(self) -> None:
        """Hand over to who has waited longest: a plain lock goes to whoever comes at the right moment."""
        with self._changing:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False


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
