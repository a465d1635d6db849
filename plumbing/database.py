"""One request, one transaction: the only module that commits.

SQLite runs in WAL mode with `synchronous=FULL`, so that what was answered survives a power cut. A write transaction
starts with `BEGIN IMMEDIATE`: two writers queue at the start and never fail half-way. On PostgreSQL writers queue at
the start too, by advisory locks, so that what is exact with one writer is exact there; those who named what they are
about to change queue for that alone (docs/decisions/0025-two-databases.md). Sessions are synchronous and short; a route
opens one, calls a use case, closes it, and only then signs, renders or waits.

Whoever serves many from one event loop asks by `reading` and `writing`, which never let the loop wait: for a server of
PostgreSQL, nor for another writer of SQLite. A transaction on a file that nobody else writes is over sooner than a
thread would have begun with it, so only that one runs where it was asked for.

Who waits for a writer keeps nobody from reading: there are threads for waiting, and of the connections to a server one
is left to those who read.
"""

import asyncio
import contextvars
import importlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Engine
from sqlmodel import Session

from plumbing.database_engine import BUSY_TIMEOUT_MS, SQLITE, create_database_engine, parse_database_url
from plumbing.database_errors import DatabaseUnavailable, translated
from plumbing.database_queue import Queue, WouldWait, begin_at_once
from plumbing.driver import tell_driver
from plumbing.statements import connection_of
from plumbing.turns import begin_in_turn

__all__ = ["Database", "DatabaseUnavailable"]
T = TypeVar("T")

_TIDYING_TIMEOUT_MS: Final = 100
_LEAST_FREE: Final = 1024**2
_TAKES_NO_CHANGES: Final = "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean"
_READ_SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Database:
    """Sessions on one database of one service.

    Args:
        url: `sqlite:////var/lib/handstamp/issuer.sqlite`, or `postgresql://user@host/handstamp_issuer`; one on the
            same machine is `postgresql:///handstamp_issuer?host=/run/postgresql`.
        pool: how many connections to a PostgreSQL server this process keeps at most. All but one may write, so that
            reading goes on while every writer waits; with a single one reading waits, too.
    """

    def __init__(self, url: str, *, pool: int = 5) -> None:
        self.url: Final = parse_database_url(url)
        self._is_sqlite = self.url.get_backend_name() == SQLITE
        # Whoever has no server needs no driver for one.
        self._pulse = None if self._is_sqlite else importlib.import_module("plumbing.database_pulse").Pulse()
        self._engine = create_database_engine(self.url, pool=pool, pulse=self._pulse)
        self._pool = pool
        self._queue = Queue(1 if self._is_sqlite else max(1, pool - 1))
        self._threads, self._waiting = self._new_threads()
        self._begin_reading = "BEGIN" if self._is_sqlite else _READ_SNAPSHOT

    @property
    def engine(self) -> Engine:
        """What the sessions are of, for whoever watches how it does."""
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that is rolled back at the end: it sees one consistent state and changes nothing."""
        with translated(), self._begun(self._begin_reading) as session:
            yield session

    @contextmanager
    def write(self, turn: str | None = None, *, at_once: bool = False) -> Iterator[Session]:
        """Open a session whose work is committed at the end, or undone whole if the block raises.

        Args:
            turn: what the block is about to change, as `offer:ID`; None waits until nobody else writes at all. With a
                turn only whoever has the same one waits, and with `BESIDE_ALL` nobody of those who have one. A block
                may have one if every row that it shares with other turns is decided by a conditional UPDATE or a
                unique key. SQLite has one writer at a time anyway.
            at_once: do not wait for another writer of SQLite, nor for one of the connections that may write.

        Raises:
            WouldWait: it would have to wait; nothing was done.
        """
        begin = self._begin_writing(turn)
        with translated(), self._queue.entered(at_once=at_once), self._begun(begin, at_once=at_once) as session:
            self._queue.moved()
            yield session
            session.flush()
            connection_of(session).commit()

    @contextmanager
    def rehearse(self) -> Iterator[Session]:
        """Open a session that may write and forgets it all at the end: to say what would come of something."""
        with translated(), self._queue.entered(at_once=False), self._begun(self._begin_writing(None)) as session:
            yield session

    async def reading(self, work: Callable[[Session], T]) -> T:
        """Do some work as `read` does, without keeping the event loop from others."""
        return self._read(work) if self._is_sqlite else await self._in(self._threads, lambda: self._read(work))

    async def writing(self, work: Callable[[Session], T], turn: str | None = None) -> T:
        """Do some work as `write` does, without keeping the event loop from others; it is done once, or not at all."""
        if self._is_sqlite:
            return await self.doing(lambda at_once: self._write(work, turn, at_once=at_once))
        return await self.waiting(lambda: self._write(work, turn, at_once=False))

    async def doing(self, work: Callable[[bool], T]) -> T:
        """Do some work that reads and then writes at most once, without keeping the event loop from others.

        Args:
            work: opens its transactions by itself; it is told whether to write `at_once`. If it would have to wait for
                that, it is begun anew in a thread, where it may.
        """
        if not self._is_sqlite:
            return await self.apart(work)
        with suppress(WouldWait):
            return work(True)  # noqa: FBT003  # what it means stands above
        return await self.waiting(lambda: work(False))  # noqa: FBT003

    async def apart(self, work: Callable[[bool], T]) -> T:
        """Do some work as `doing` does, always in a thread: it computes for long, and seldom writes."""
        with suppress(WouldWait):
            return await self._in(self._threads, lambda: work(True))  # noqa: FBT003
        return await self.waiting(lambda: work(False))  # noqa: FBT003

    async def waiting(self, work: Callable[[], T]) -> T:
        """Do some work that writes in a thread where it may wait for others who write; it is begun once, or not at all.

        Raises:
            DatabaseUnavailable: it waited for such a thread for long, and meanwhile nobody could write or was done.
        """
        asked_at = time.monotonic()

        def begin() -> T:
            self._queue.check_moving(asked_at)
            done = work()
            self._queue.moved()
            return done

        return await self._in(self._waiting, begin)

    def _read(self, work: Callable[[Session], T]) -> T:
        with self.read() as session:
            return work(session)

    def _write(self, work: Callable[[Session], T], turn: str | None, *, at_once: bool) -> T:
        with self.write(turn, at_once=at_once) as session:
            return work(session)

    async def _in(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        """As `asyncio.to_thread`, in threads of our own: others are not kept waiting where a database does."""
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(threads, lambda: context.run(work))

    def _new_threads(self) -> tuple[ThreadPoolExecutor, ThreadPoolExecutor]:
        """Return threads for those who wait for no writer, and for those who may; each begins when it is needed."""
        waiting = ThreadPoolExecutor(max(1, self._pool - 1), thread_name_prefix="database-waiting")
        return ThreadPoolExecutor(self._pool, thread_name_prefix="database"), waiting

    def _begin_writing(self, turn: str | None) -> str:
        return "BEGIN IMMEDIATE" if self._is_sqlite else begin_in_turn(turn)

    @contextmanager
    def _begun(self, begin: str, *, at_once: bool = False) -> Iterator[Session]:
        """Open a session on a connection that has begun: who runs only `Statement`s wakes no unit of work."""
        if self._pulse is not None:
            self._pulse.check()
        with self._engine.connect() as connection:
            connection.begin()  # SQLAlchemy notes it and sends nothing
            if at_once and self._is_sqlite:
                begin_at_once(connection, begin)
            else:
                tell_driver(connection, begin)
            session = Session(connection, expire_on_commit=False)
            try:
                yield session
            finally:
                if session.in_transaction():
                    session.close()

    def check_writable(self) -> None:
        """Check that a change could be begun, and that the disk of a SQLite file has room; nothing is changed.

        Raises:
            DatabaseUnavailable: it could not. Whether the disk of a server has room, only a change shows.
        """
        if not self._is_sqlite:
            with self.read() as session:
                if session.connection().exec_driver_sql(_TAKES_NO_CHANGES).scalar_one():
                    raise DatabaseUnavailable("its server takes no changes just now, it is read-only")
            return
        with self._impatient() as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:  # whoever waits for others could write
                    raise DatabaseUnavailable(f"{error}") from error
            finally:
                connection.rollback()
        if shutil.disk_usage(Path(str(self.url.database)).parent).free < _LEAST_FREE:
            raise DatabaseUnavailable("its disk is full")

    def forget_deleted(self) -> None:
        """Leave nothing of deleted rows in SQLite's write-ahead log, where it would lie until others write over it.

        Whoever reads or writes at this moment comes first; the next call catches up. A PostgreSQL server does it by
        itself (autovacuum), at a time of its own.
        """
        if not self._is_sqlite:
            return
        with self._impatient() as connection, suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @contextmanager
    def _impatient(self) -> Iterator[sqlite3.Connection]:
        """Borrow a connection of SQLite's own, outside any transaction, that waits for others for a moment only."""
        with translated():
            borrowed = self._engine.raw_connection()
        try:
            connection = borrowed.driver_connection
            assert isinstance(connection, sqlite3.Connection)  # noqa: S101  # whoever calls has looked which it is
            connection.execute(f"PRAGMA busy_timeout={_TIDYING_TIMEOUT_MS}")
            try:
                yield connection
            finally:
                connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        finally:
            borrowed.close()

    def close(self) -> None:
        """End its threads, when they have done what they began, and close every pooled connection.

        Whoever asks after that opens it anew.
        """
        ended = (self._threads, self._waiting)
        self._threads, self._waiting = self._new_threads()
        for threads in ended:
            threads.shutdown()
        self._engine.dispose()
