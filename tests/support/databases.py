"""An empty, migrated database for every test, on the engine that `--database` names: the tests themselves do not know.

On SQLite each is a copy of one migrated file. On PostgreSQL each is made from a template that was migrated once, and is
emptied and used again as soon as its test is over: that costs two milliseconds, a new one a hundred.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import tempfile
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
from filelock import FileLock
from sqlalchemy import event, inspect
from sqlalchemy.pool import Pool

from plumbing.database_engine import parse_database_url
from plumbing.migrations import upgrade
from plumbing.private import make_private_file
from tests.support import postgres
from tests.support.compiling import share_what_was_compiled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handstamp.settings import Settings
    from plumbing.database import Database

ROLES: Final = ("issuer", "verifier", "trackserver")
EMPTY: Final = "empty"
"""In place of a role: a database without any table."""
_EMPTYING: Final = (
    "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
    "AND relname NOT LIKE '%\\_version'"
)


class _Run:
    """What this process knows of the run: which engine, whose server, which databases are in use or free."""

    def __init__(self) -> None:
        self.engine = "sqlite"
        self.worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        self.controller_pid = os.getpid() if self.worker == "main" else os.getppid()
        self.scope = "function"
        self.made = 0
        self.in_use: list[tuple[str, str, str]] = []
        self.free: dict[str, list[str]] = {}
        self.of_settings: dict[tuple[str, str], str] = {}
        self.opened: dict[str, list[psycopg.Connection[Any]]] = {}

    @property
    def folder(self) -> Path:
        return postgres.folder_of_run(self.controller_pid)


RUN: Final = _Run()
share_what_was_compiled()


def migrations(role: str) -> Path:
    """Return the folder of a role's migrations, without loading the role."""
    spec = importlib.util.find_spec(role)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "migrations"


def fresh_database(role: str, folder: Path, name: str = "") -> str:
    """Return the URL of an empty database with the newest tables of a role; on SQLite it is `folder/NAME.sqlite`."""
    if RUN.engine == "postgresql":
        return fresh_postgresql(role)
    return fresh_sqlite(role, folder, name)


def fresh_sqlite(role: str, folder: Path, name: str = "") -> str:
    """Return the URL of an empty SQLite file, whatever engine the run is on."""
    path = folder / f"{name or role}.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    if role != EMPTY:
        path.write_bytes(_migrated_file(role))
    return f"sqlite:///{path}"


def fresh_postgresql(role: str) -> str:
    """Return the URL of an empty database of a PostgreSQL server, whatever engine the run is on.

    Raises:
        postgres.NoServer: no server can be had here.
    """
    server = server_of_run()
    free = RUN.free.setdefault(role, [])
    name = free.pop() if free else _make(server, role)
    RUN.in_use.append((RUN.scope, role, name))
    return server.url(name)


def everything_in(database: Database) -> bytes:
    """Return all that a database keeps: every byte of its files, or every field of every row at a server."""
    url = database.url
    if url.get_backend_name() == "sqlite":
        place = Path(str(url.database))
        return b"".join(path.read_bytes() for path in place.parent.glob(f"{place.name}*"))
    found = []
    with psycopg.connect(server_of_run().url(str(url.database)), autocommit=True) as connection:
        for (table,) in connection.execute(_EMPTYING).fetchall():
            with connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)") as copy:
                found += [bytes(part) for part in copy]
    return b"".join(found)


def rows_in(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    with database.read() as session:
        connection = session.connection()
        tables = inspect(connection).get_table_names()
        quote = connection.dialect.identifier_preparer.quote
        read = {table: connection.exec_driver_sql(f"SELECT * FROM {quote(table)}") for table in tables}  # noqa: S608
        return {table: [tuple(row) for row in rows] for table, rows in read.items()}


@cache
def server_of_run() -> postgres.Server:
    """Return the run's one server, started if need be."""
    return postgres.start_once(RUN.folder, controller_pid=RUN.controller_pid)


def use_postgresql() -> None:
    """Let every database be one of a PostgreSQL server, also those that a command finds by its settings."""
    RUN.engine = "postgresql"

    def database_url(settings: Settings, role: str) -> str:
        service = getattr(settings, role)
        place = (role, str(settings.data_dir.absolute()))
        if service.database_url is None and place not in RUN.of_settings:
            RUN.of_settings[place] = fresh_postgresql(role)
        return service.database_url or RUN.of_settings[place]

    settings = importlib.import_module("handstamp.settings")
    settings.Settings.database_url = database_url


def migrate_once() -> None:
    """Let commands of this process that find no SQLite file begin with a copy of the one migrated file of their role.

    Migrating an empty file takes a tenth of a second, and hundreds of tests run a command as if for the first time.
    """
    for role in ROLES:
        # Whoever has not loaded the composition by now runs no command.
        if (composition := sys.modules.get(f"handstamp.composition.{role}")) is not None:
            vars(composition)["upgrade"] = partial(_begin_migrated, role)


def _begin_migrated(role: str, url: str, scripts: Path) -> None:
    parsed = parse_database_url(url)
    if parsed.get_backend_name() == "sqlite" and not (path := Path(str(parsed.database))).exists():
        with suppress(OSError):  # which `upgrade` meets too, and tells in its own words
            make_private_file(path)
            path.write_bytes(_migrated_file(role))
    upgrade(url, scripts)


def give_back() -> None:
    """Close whatever is still connected to the databases of a test that is over, and empty them."""
    over = [each for each in RUN.in_use if each[0] == "function"]
    RUN.of_settings = {place: url for place, url in RUN.of_settings.items() if not any(n in url for _, _, n in over)}
    for each in over:
        RUN.in_use.remove(each)
        _, role, name = each
        for connection in RUN.opened.pop(name, ()):
            connection.close()
        with psycopg.connect(server_of_run().url(name), autocommit=True) as connection:
            if role == EMPTY:
                connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            else:
                tables = [table for (table,) in connection.execute(_EMPTYING)]
                # Without looking at foreign keys, so in any order.
                deleting = "; ".join(f"DELETE FROM {table}" for table in tables)  # noqa: S608 - of our own schema
                connection.execute(f"SET session_replication_role = replica; {deleting}")
        RUN.free[role].append(name)


@contextmanager
def made_for(scope: str) -> Iterator[None]:
    """Let what is made meanwhile live as long as a fixture of this scope."""
    before, RUN.scope = RUN.scope, scope
    try:
        yield
    finally:
        RUN.scope = before


def _make(server: postgres.Server, role: str) -> str:
    RUN.made += 1
    name = f"{role}_{RUN.worker}_{RUN.made}"
    source = "template0" if role == EMPTY else f"template_{role}"
    with (
        FileLock(RUN.folder / "databases.lock"),
        psycopg.connect(server.url("postgres"), autocommit=True) as connection,
    ):
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [source]).fetchone()
        if known is None:
            connection.execute(f"CREATE DATABASE {source}")
            upgrade(server.url(source), migrations(role))
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
    return name


@cache
def _migrated_file(role: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.sqlite"
        upgrade(f"sqlite:///{path}", migrations(role))
        return path.read_bytes()


@event.listens_for(Pool, "connect")
def _remember(connection: Any, _record: object) -> None:
    if isinstance(connection, psycopg.Connection):
        RUN.opened.setdefault(connection.info.dbname, []).append(connection)
