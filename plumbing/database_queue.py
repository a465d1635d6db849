"""Who of one process writes next to a file of SQLite, and how to find out without waiting.

SQLite lets a writer who waits look again after ever longer naps, so that whoever comes at the right moment goes first,
and some wait long. Writers of one process therefore stand in a queue, and only the first of them looks.
"""

import sqlite3
import threading
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
        self._first = threading.Lock()

    @contextmanager
    def entered(self, *, at_once: bool) -> Iterator[None]:
        """Wait to be the first, and be it while the block lasts.

        Raises:
            WouldWait: it is not to wait, and somebody else is the first.
            DatabaseUnavailable: the others took too long.
        """
        if not self._first.acquire(blocking=False):
            if at_once:
                raise WouldWait
            if not self._first.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
                raise DatabaseUnavailable("others were writing for too long")
        try:
            yield
        finally:
            self._first.release()


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
