"""A server that fell silent is waited for once; one that is only slow, or full, is waited for as long as it takes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import text

from plumbing import database_pulse
from plumbing.database import Database, DatabaseUnavailable
from plumbing.database_pulse import Pulse
from tests.support.databases import server_of_run
from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SILENT = "its server does not answer"


@pytest.fixture
def database(on_server: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """One whose user has little patience, and that was asked already."""
    monkeypatch.setattr(database_pulse, "_LOOK_AFTER_S", 0.0)
    monkeypatch.setattr(database_pulse, "_REST_S", 0.0)
    database = Database(on_server("issuer"))
    ask(database)
    yield database
    database.close()


def ask(database: Database, sql: str = "SELECT 1") -> None:
    with database.read() as session:
        session.connection().execute(text(sql))


def knocks(monkeypatch: pytest.MonkeyPatch, *answers: str | None) -> list[str | None]:
    """Let whoever looks at the server see this, one after the other: a connection (None), or what went wrong."""
    left = list(answers)

    def connect(*_: object, **__: object) -> Knock:
        said = left.pop(0)
        if said:
            raise psycopg.OperationalError(said)
        return Knock()

    monkeypatch.setattr(psycopg, "connect", connect)
    return left


class Knock:
    """A connection that was only opened to see whether it can be."""

    def close(self) -> None:
        """End it."""


def test_a_statement_that_is_slow_is_waited_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str | None] = [None, "FATAL: sorry, too many clients already"]
    with psycopg.connect(server_of_run().url(str(database.url.database)), autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(1)")

        def connect(*_: object, **__: object) -> Knock:
            if not said:  # all was seen, and it waits on
                holder.execute("SELECT pg_advisory_unlock_all()")
            elif (wrong := said.pop(0)) is not None:
                raise psycopg.OperationalError(wrong)
            return Knock()

        monkeypatch.setattr(psycopg, "connect", connect)
        ask(database, "SELECT pg_advisory_xact_lock(1)")
    assert not said


def test_a_server_that_is_silent_is_given_up_until_it_answers(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = knocks(monkeypatch, "connection timeout expired", "connection timeout expired", None)
    with pytest.raises(DatabaseUnavailable, match=SILENT):
        ask(database, "SELECT pg_sleep(20)")
    with monkeypatch.context() as resting:
        resting.setattr(database_pulse, "_REST_S", 1000.0)
        with pytest.raises(DatabaseUnavailable, match=SILENT):
            ask(database)
    assert len(left) == 2
    with pytest.raises(DatabaseUnavailable, match=SILENT):
        ask(database)
    assert len(left) == 1
    ask(database)
    assert not left


def test_only_one_looks_again_and_the_others_are_told_meanwhile(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    knocks(monkeypatch, "connection timeout expired")
    with pytest.raises(DatabaseUnavailable, match=SILENT):
        ask(database, "SELECT pg_sleep(20)")
    looking, told = threading.Event(), threading.Event()

    def look(_: Pulse) -> bool:
        looking.set()
        return told.wait(PATIENCE_S)

    monkeypatch.setattr(Pulse, "_answers", look)
    one = threading.Thread(target=ask, args=(database,))
    one.start()
    assert looking.wait(PATIENCE_S)
    with pytest.raises(DatabaseUnavailable, match=SILENT):
        ask(database)
    told.set()
    one.join()
    ask(database)


def test_a_connection_that_alone_is_lost_is_given_up_too(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_pulse, "_LOST_AFTER_S", 0.0)
    with pytest.raises(DatabaseUnavailable, match=SILENT):
        ask(database, "SELECT pg_sleep(20)")
    monkeypatch.undo()
    ask(database)


def test_a_server_that_is_silent_from_the_beginning_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def time_out(*_: object, **__: object) -> None:
        raise psycopg.errors.ConnectionTimeout("connection timeout expired")

    monkeypatch.setattr(database_pulse.WatchedConnection, "connect", time_out)
    database = Database("postgresql:///nothing?host=/nowhere")
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable, match=SILENT):
            ask(database)


class Pauses:
    """A clock that jumps when a machine goes on that stood still."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("late", "silent"),
    [((2.01,), True), ((4.02,), True), ((9.0,), False), ((9.0, 9.0), True)],
    ids=["in time", "in time at two addresses", "once", "always"],
)
def test_who_stood_still_while_looking_looks_again(
    late: tuple[float, ...], silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses, left = Pauses(), list(late)

    def connect(*_: object, **__: object) -> Knock:
        if left:
            pauses.now += left.pop(0)
            raise psycopg.errors.ConnectionTimeout("connection timeout expired")
        return Knock()

    monkeypatch.setattr(psycopg, "connect", connect)
    monkeypatch.setattr(database_pulse.WatchedConnection, "connect", lambda *_, **__: Knock())
    monkeypatch.setattr(database_pulse, "time", pauses)
    monkeypatch.setattr(database_pulse, "_LOOK_FOR_S", 2)
    pulse = Pulse()
    pulse.open()
    pauses.now += 60
    assert pulse.is_silent() is silent
    assert not left


def test_who_was_late_to_connect_to_a_server_that_answers_tries_once_more(
    on_server: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []
    connect = database_pulse.WatchedConnection.connect

    def late_once(*arguments: str, **options: str) -> object:
        tries.append("tried")
        if len(tries) == 1:
            raise psycopg.errors.ConnectionTimeout("connection timeout expired")
        return connect(*arguments, **options)

    monkeypatch.setattr(database_pulse.WatchedConnection, "connect", late_once)
    database = Database(on_server("issuer"))
    ask(database)
    database.close()
    assert len(tries) == 2
