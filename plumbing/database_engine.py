"""How each of the two databases is opened: which URL means which, what a connection is told first, when it is dead."""

import select
import sqlite3
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DisconnectionError

from plumbing.database_options import wrong_option_of_postgresql, wrong_option_of_sqlite

if TYPE_CHECKING:
    import psycopg

    from plumbing.database_pulse import Pulse, WatchedConnection

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
BUSY_TIMEOUT_MS: Final = 10_000
_POOL_TIMEOUT_S: Final = 10
_CONNECT_TIMEOUT_S: Final = 3
# Whoever begins and does not go on would keep everybody else from writing.
_ASKED_FIRST: Final = (
    "SELECT set_config('lock_timeout', '{busy_timeout_ms}ms', false), "
    "set_config('statement_timeout', '30s', false), "
    "set_config('idle_in_transaction_session_timeout', '60s', false), "
    # What was answered survives a power cut, whatever the server's own setting; one that asks for more stays.
    "CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END"
)
_CONNECTING: Final[dict[str, str | int]] = {
    "application_name": "handstamp",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


class NoDatabaseUrl(ValueError):
    """The text names no database that can be used. It is not repeated: there may be a password in it."""


def parse_database_url(text: str) -> URL:
    """Read where a database is, and name its driver.

    Raises:
        NoDatabaseUrl: it is no URL, of an engine that is neither SQLite nor PostgreSQL, or with an option that is none.
    """
    try:
        url = make_url(text)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError):
        # `from None`: the library's own words would repeat the text.
        raise NoDatabaseUrl(
            "it is not the address of a database, as sqlite:////var/lib/handstamp/coop.sqlite or "
            "postgresql:///coop?host=/run/postgresql"
        ) from None
    if url.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        if not url.database:
            raise NoDatabaseUrl("it names no database, as postgresql://handstamp@db.example/coop does")
        return _without_wrong(wrong_option_of_postgresql(url), url.set(drivername="postgresql+psycopg"))
    if url.drivername != SQLITE or not text.startswith("sqlite:///"):
        raise NoDatabaseUrl(
            f"{backend} is not supported, only SQLite (sqlite:////var/lib/handstamp/coop.sqlite) and PostgreSQL "
            "(postgresql://handstamp@db.example/coop)"
        )
    return _without_wrong(wrong_option_of_sqlite(url), url)


def _without_wrong(wrong: str | None, url: URL) -> URL:
    if wrong is not None:
        raise NoDatabaseUrl(wrong)
    return url


def create_database_engine(url: URL, *, pool: int, pulse: "Pulse | None") -> Engine:
    """Return an engine that begins no transaction by itself.

    Args:
        url: where the database is.
        pool: how many connections it keeps at most; not of SQLite.
        pulse: opens its connections; None for SQLite.
    """
    if pulse is None:
        # Who was at work last goes first: the pages of any other connection are out of date, and would be read anew.
        engine = create_engine(url, hide_parameters=True, pool_use_lifo=True)
        event.listen(engine, "connect", prepare_sqlite)
        return engine
    engine = create_engine(
        url,
        hide_parameters=True,  # an error that reaches a log never holds what was to be stored
        pool_size=pool,
        max_overflow=0,
        pool_timeout=_POOL_TIMEOUT_S,
        pool_use_lifo=True,
        creator=lambda: _open_watched(engine, pulse),
    )
    event.listen(engine, "connect", _prepare_postgresql)
    event.listen(engine, "checkout", _check_alive)
    return engine


def _open_watched(engine: Engine, pulse: "Pulse") -> "WatchedConnection":
    arguments, options = engine.dialect.create_connect_args(engine.url)
    return pulse.open(*arguments, **connect_arguments(engine.url), **options)


def connect_arguments(url: URL) -> dict[str, str | int]:
    """Return what a PostgreSQL connection is opened with where its URL says nothing else."""
    if url.get_backend_name() == SQLITE:
        return {}
    arguments = {**_CONNECTING, "connect_timeout": _CONNECT_TIMEOUT_S}
    return {name: value for name, value in arguments.items() if name not in url.query}


def prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Tell a new connection to SQLite how to keep what it is given, and how to forget it."""
    connection.isolation_level = None  # BEGIN is ours to say
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",  # not every build of SQLite overwrites what was deleted
    ):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(connection: "psycopg.Connection[Any]", _record: object) -> None:
    connection.autocommit = True  # BEGIN is ours to say; `commit` and `rollback` end it all the same
    connection.execute(_ASKED_FIRST.format(busy_timeout_ms=BUSY_TIMEOUT_MS))


def _check_alive(connection: "psycopg.Connection[Any]", _record: object, _proxy: object) -> None:
    """Look, without asking the server, whether it hung up: only then is there something to read while nobody asked."""
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    if poller.poll(0):
        raise DisconnectionError
