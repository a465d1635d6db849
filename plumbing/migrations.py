"""Alembic without a command line: each role brings its own scripts and its own version table.

Two processes that start at once do not both migrate: whoever finds the database behind takes the one lock for that
(`BEGIN IMMEDIATE`, or an advisory lock of PostgreSQL), looks again, and does all of it in one transaction.
"""

import sqlite3
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

from alembic import command, context
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, MetaData, create_engine, event, inspect
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from plumbing.database import Database
from plumbing.database_engine import BUSY_TIMEOUT_MS, SQLITE, connect_arguments, parse_database_url
from plumbing.database_errors import DatabaseUnavailable, translated, words_of
from plumbing.private import make_private_file

_TAKE_TURNS: Final = f"SET LOCAL lock_timeout = '60s'; SELECT pg_advisory_xact_lock({0x6D69677261746573})"  # "migrates"
_ONE_IN_A_PROCESS: Final = Lock()  # Alembic's own state is of the whole process


def upgrade(database_url: str, scripts: Path, revision: str = "head") -> None:
    """Bring the database at `database_url` to a version of the role whose migrations folder is `scripts`.

    An SQLite file and its folder are made if they are missing, readable by their owner only; a database of a
    PostgreSQL server must be there.

    Raises:
        DatabaseUnavailable: it cannot be made or written, is damaged, or was written by a newer version.
    """
    url = parse_database_url(database_url)
    try:
        _make_file(url)
        with translated():
            if _version_at(url, scripts) != newest_version(scripts):
                with _ONE_IN_A_PROCESS:
                    command.upgrade(_config(url, scripts), revision)
    except OSError as error:
        raise DatabaseUnavailable(f"{_place(url)}: {error.strerror}") from error
    except DatabaseError as error:
        raise DatabaseUnavailable(f"{_place(url)}: {words_of(error)}") from error
    except DatabaseUnavailable as error:
        raise DatabaseUnavailable(f"{_place(url)}: {error.reason}") from error
    except CommandError as error:
        raise DatabaseUnavailable(f"{_place(url)}: a newer version of Handstamp wrote it") from error


def downgrade(database_url: str, scripts: Path, revision: str) -> None:
    """Take the database back to `revision` ("base" for an empty one)."""
    with translated(), _ONE_IN_A_PROCESS:
        command.downgrade(_config(parse_database_url(database_url), scripts), revision)


@cache
def newest_version(scripts: Path) -> str:
    """Return the version that the scripts in this folder lead to."""
    return ScriptDirectory(str(scripts)).get_current_head() or ""


def is_migrated(database: Database, scripts: Path) -> bool:
    """Tell whether the database stands exactly where these scripts lead to.

    Raises:
        DatabaseUnavailable: it cannot be asked.
    """
    with database.read() as session:
        return _version_of(session.connection(), scripts) == newest_version(scripts)


def run_environment(metadata: MetaData, *, role: str) -> None:
    """Run the migrations of one role; called by that role's `migrations/env.py`."""
    engine = _engine(context.config.attributes["url"])
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            version_table=f"{role}_version",
            render_as_batch=True,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            # Alembic looks at the version only now, so whoever had to wait sees what the other one did.
            if connection.dialect.name != SQLITE:
                connection.exec_driver_sql(_TAKE_TURNS)
            context.run_migrations()


def _version_at(url: URL, scripts: Path) -> str | None:
    # So that a command or a worker that starts while somebody writes for long need not wait.
    with _engine(url, begin="BEGIN").connect() as connection:
        return _version_of(connection, scripts)


def _version_of(connection: Connection, scripts: Path) -> str | None:
    table = f"{scripts.parent.name}_version"
    if not inspect(connection).has_table(table):
        return None
    return connection.exec_driver_sql(f"SELECT version_num FROM {table}").scalar()  # noqa: S608 - a name of our own


def _engine(url: URL, *, begin: str = "BEGIN IMMEDIATE") -> Engine:
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=connect_arguments(url))
    if url.get_backend_name() == SQLITE:
        # Without foreign keys, as SQLite wants it while tables are made anew; and in one transaction, DDL too.
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def _place(url: URL) -> str:
    if url.get_backend_name() == SQLITE or url.host is None:
        return str(url.database)
    return f"{url.database} at {url.host}"


def _config(url: URL, scripts: Path) -> Config:
    config = Config(attributes={"url": url})
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _make_file(url: URL) -> None:
    if url.get_backend_name() == SQLITE and url.database not in {None, "", ":memory:"}:
        # SQLite itself would let everybody read it; its `-wal` and `-shm` get the mode of the database.
        make_private_file(Path(str(url.database)))
