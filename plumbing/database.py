"""One request, one transaction: the only module that commits.

SQLite runs in WAL mode with `synchronous=FULL`, so that what was answered survives a power cut. A write transaction
starts with `BEGIN IMMEDIATE`: two writers queue at the start and never fail half-way. Sessions are synchronous and
short; a route opens one, calls a use case, closes it, and only then signs, renders or waits.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from credentials.errors import OperatorError

_BUSY_TIMEOUT_MS: Final = 10_000
_TIDYING_TIMEOUT_MS: Final = 100
_WRITES: Final = "handstamp_writes"


class DatabaseUnavailable(OperatorError):
    """The database cannot be opened, read or written just now."""

    code = "database_unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The database cannot be used: {reason}. Nothing was changed; check the disk and try again.")


class Database:
    """Sessions on one database of one service.

    Args:
        url: an SQLAlchemy URL, as `sqlite:////var/lib/handstamp/issuer.sqlite`.
    """

    def __init__(self, url: str) -> None:
        self.url: Final[URL] = make_url(url)
        self._engine = _create_engine(self.url)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that is rolled back at the end: it sees one consistent state and changes nothing."""
        with _translated(), Session(self._engine, expire_on_commit=False) as session:
            yield session
            session.rollback()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session whose work is committed at the end, or undone whole if the block raises."""
        with _translated(), Session(self._engine, expire_on_commit=False) as session:
            session.connection(execution_options={_WRITES: True})
            yield session
            session.commit()

    def forget_deleted(self) -> None:
        """Leave nothing of deleted rows in the write-ahead log, where it would lie until others write over it.

        Whoever reads or writes at this moment comes first; the next call catches up.
        """
        if self.url.get_backend_name() != "sqlite":
            return
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout={_TIDYING_TIMEOUT_MS}")
            with suppress(sqlite3.OperationalError):
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        finally:
            connection.close()

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()


def _create_engine(url: URL) -> Engine:
    engine = create_engine(url)
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy emits BEGIN itself, below
    for pragma in (
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",  # not every build of SQLite overwrites what was deleted
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise DatabaseUnavailable(str(error.orig)) from error
