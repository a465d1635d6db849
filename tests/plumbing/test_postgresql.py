"""A PostgreSQL server that stops, refuses or fills up: clear words without names, and recovery by itself."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from credentials.errors import Malformed
from plumbing import database_engine
from plumbing.database import Database, DatabaseUnavailable
from plumbing.database_errors import words_of
from plumbing.turns import BESIDE_ALL
from plumbing.web.app import WebPolicy, create_app
from plumbing.web.pages import Pages
from tests.support import databases, postgres
from trackserver.parts import TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.database


@pytest.fixture
def server(on_server: Callable[[str], str]) -> Iterator[Database]:
    database = Database(on_server("empty"), pool=2)
    with database.write() as session:
        session.connection().execute(text("CREATE TABLE counter (n INTEGER NOT NULL, words TEXT)"))
        session.connection().execute(text("INSERT INTO counter VALUES (0, '')"))
    yield database
    database.close()


def count(database: Database) -> int:
    with database.read() as session:
        return int(session.connection().execute(text("SELECT n FROM counter")).scalar_one())


def change(database: Database, statement: str = "UPDATE counter SET n = n + 1", **values: Any) -> None:
    with database.write() as session:
        session.connection().execute(text(statement), values)


def end_connections(database: Database) -> None:
    """Do what a server does that is restarted."""
    with psycopg.connect(databases.server_of_run().url("postgres"), autocommit=True) as connection:
        ending = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
        connection.execute(ending, [database.url.database])


def test_a_server_that_was_restarted_between_two_requests_is_not_even_noticed(server: Database) -> None:
    end_connections(server)
    assert count(server) == 0
    end_connections(server)
    change(server)
    assert count(server) == 1


def test_a_server_that_stops_in_the_middle_undoes_all_and_is_used_again_as_soon_as_it_is_back(server: Database) -> None:
    def half() -> None:
        with server.write() as session:
            session.connection().execute(text("UPDATE counter SET n = 7"))
            end_connections(server)
            session.connection().execute(text("UPDATE counter SET n = 8"))

    with pytest.raises(DatabaseUnavailable):
        half()
    assert count(server) == 0


def test_a_server_that_takes_no_changes_says_so_and_can_be_read(server: Database) -> None:
    name = server.url.database
    change(server, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    end_connections(server)
    with pytest.raises(DatabaseUnavailable, match="it is read-only"):
        change(server)
    assert count(server) == 0
    with psycopg.connect(databases.server_of_run().url("postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    end_connections(server)
    change(server)
    assert count(server) == 1


def test_no_free_connection_is_said_and_not_waited_for_ever(server: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_engine, "_POOL_TIMEOUT_S", 0.05)
    small = Database(server.url.render_as_string(hide_password=False), pool=1)
    with small.read(), pytest.raises(DatabaseUnavailable, match="every connection to it is in use"):
        count(small)
    assert count(small) == 0
    small.close()


def test_what_the_server_cannot_hold_is_malformed_and_not_repeated(server: Database) -> None:
    for words, number in (("nul \x00 byte", 1), ("fine", 2**40)):
        with pytest.raises(Malformed) as refused:
            change(server, "UPDATE counter SET n = :n, words = :words", n=number, words=words)
        assert words not in refused.value.detail
    assert count(server) == 0


def test_writers_of_one_turn_wait_for_each_other_and_others_do_not(server: Database) -> None:
    other = Database(server.url.render_as_string(hide_password=False))
    begun = threading.Event()

    def same() -> None:
        with other.write(turn="a") as session:
            begun.set()
            session.connection().execute(text("SELECT 1"))

    with server.write(turn="a"):
        waiting = threading.Thread(target=same)
        waiting.start()
        with other.write(turn="b") as session:  # beside it
            session.connection().execute(text("SELECT 1"))
        assert not begun.wait(0.1)
    waiting.join()
    assert begun.is_set()
    other.close()


def test_who_writes_beside_all_waits_only_for_who_writes_alone(server: Database) -> None:
    other = Database(server.url.render_as_string(hide_password=False))
    begun = threading.Event()

    def alone() -> None:
        with other.write():
            begun.set()

    with server.write(turn="a"), other.write(BESIDE_ALL), other.write(BESIDE_ALL):  # nobody waits for anybody
        pass
    with server.write(BESIDE_ALL):
        waiting = threading.Thread(target=alone)
        waiting.start()
        assert not begun.wait(0.1)
    waiting.join()
    assert begun.is_set()
    other.close()


def test_a_reader_sees_one_state_whoever_writes_meanwhile(server: Database) -> None:
    with server.read() as session:
        first = session.connection().execute(text("SELECT n FROM counter")).scalar_one()
        change(server)
        assert session.connection().execute(text("SELECT n FROM counter")).scalar_one() == first
    assert count(server) == 1


def test_a_reader_changes_nothing(server: Database) -> None:
    with pytest.raises(DatabaseUnavailable), server.read() as session:
        session.connection().execute(text("UPDATE counter SET n = 7"))
    assert count(server) == 0


def test_what_is_answered_is_durable_whatever_the_server_was_told(server: Database) -> None:
    with psycopg.connect(databases.server_of_run().url("postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {server.url.database} SET synchronous_commit = off")
    end_connections(server)
    with server.read() as session:
        shown = session.connection().execute(text("SHOW synchronous_commit")).scalar_one()
    with psycopg.connect(databases.server_of_run().url("postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {server.url.database} RESET synchronous_commit")
    assert shown == "on"


def test_a_server_that_is_not_there_is_said_without_its_place_or_a_password() -> None:
    database = Database("postgresql://coop:hunter2@127.0.0.1:1/coop")
    with pytest.raises(DatabaseUnavailable, match="its server cannot be reached") as refused:
        count(database)
    assert "hunter2" not in repr(refused.value)
    assert "127.0.0.1" not in refused.value.detail
    assert "hunter2" not in repr(database.url)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('FATAL: password authentication failed for user "coop"', "does not let this user in"),
        ('FATAL: database "coop" does not exist', "has no such database"),
        ('FATAL: role "coop" does not exist', "knows no such user"),
        ("FATAL: sorry, too many clients already", "has no connection left"),
        ('FATAL: too many connections for database "coop"', "has no connection left"),
        ('FATAL: too many connections for role "coop"', "has no connection left"),
        ("FATAL: the database system is starting up", "is stopping or starting"),
        ("FATAL: the database system is in recovery mode", "is recovering from a crash"),
        ("FATAL: the database system is not yet accepting connections", "takes no connection yet"),
        ("FATAL: the database system is not accepting connections", "takes no connection yet"),
        ('FATAL: database "coop" is not currently accepting connections', "lets nobody use this database"),
        ('FATAL: role "coop" is not permitted to log in', "does not let this user in"),
        ('FATAL: permission denied for database "coop"', "does not let this user in"),
        ("FATAL: something new about this database", "cannot be reached"),
        ("connection refused", "cannot be reached"),
    ],
)
def test_why_nobody_is_let_in_is_said_without_names(said: str, words: str) -> None:
    told = words_of(OperationalError("", None, psycopg.OperationalError(said)))
    assert words in told
    assert "coop" not in told


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (psycopg.errors.DiskFull("could not extend file"), "disk of its server is full"),
        (psycopg.errors.TooManyConnections("x"), "no connection left"),
        (psycopg.errors.ReadOnlySqlTransaction("x"), "read-only"),
        (psycopg.errors.AdminShutdown("x"), "stopping or starting"),
        (psycopg.errors.LockNotAvailable("x"), "others were writing for too long"),
        (psycopg.errors.DeadlockDetected("x"), "changed the same at the same moment"),
        (psycopg.errors.QueryCanceled("x"), "took too long"),
        (psycopg.errors.UndefinedTable("x"), "is not migrated"),
        (psycopg.errors.IdleInTransactionSessionTimeout("x"), "its server says 25P03"),
    ],
)
def test_what_the_server_says_is_put_in_words(error: psycopg.Error, words: str) -> None:
    assert words in words_of(DBAPIError.instance("", None, error, psycopg.Error))  # type: ignore[arg-type]


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_a_client_is_told_to_come_back_when_the_database_is_away(accept: str) -> None:
    app = create_app(title="t", policy=WebPolicy(statuses={}), pages=Pages(TEMPLATES, site_name="Tracks"))

    async def away() -> None:
        raise DatabaseUnavailable("the disk of its server is full")

    app.add_api_route("/away", away)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tracks.localhost") as client:
        answer = await client.get("/away", headers={"Accept": accept})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "database_unavailable" in answer.text or "disk" in answer.text


@pytest.mark.slow
@pytest.mark.parametrize("programs", postgres.programs_of_the_wheel()[:1], ids=["wheel"])
def test_the_server_of_the_wheel_serves_too(programs: Path) -> None:
    folder = postgres.folder_of_run(-1)
    try:
        url = postgres.start_once(folder, controller_pid=databases.RUN.controller_pid, programs=programs).url(
            "postgres"
        )
        database = Database(url)
        with database.read() as session:
            assert "PostgreSQL 18" in session.connection().execute(text("SELECT version()")).scalar_one()
        database.close()
    finally:
        postgres.stop(folder)
    assert not folder.exists()
