"""Who serves many from one event loop never lets it wait for another writer, nor for a database server."""

from __future__ import annotations

import ast
import asyncio
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

import issuer
import plumbing
import trackserver
import verifier
from plumbing import database_queue
from plumbing.database import Database, DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from sqlmodel import Session


@pytest.fixture
def file(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'test.sqlite'}"


@pytest.fixture
def database(file: str) -> Iterator[Database]:
    database = Database(file)
    with database.write() as session:
        session.connection().execute(text("CREATE TABLE counter (n INTEGER NOT NULL)"))
        session.connection().execute(text("INSERT INTO counter VALUES (0)"))
    yield database
    database.close()


def add(session: Session) -> int:
    session.connection().execute(text("UPDATE counter SET n = n + 1"))
    return threading.get_ident()


def count(session: Session) -> int:
    return int(session.connection().execute(text("SELECT n FROM counter")).scalar_one())


async def test_what_waits_for_nobody_is_done_where_it_was_asked_for(database: Database) -> None:
    assert await database.writing(add) == threading.get_ident()
    assert await database.reading(count) == 1


@pytest.mark.parametrize("of_another_process", [True, False])
async def test_the_loop_goes_on_while_somebody_else_writes(
    database: Database, file: str, *, of_another_process: bool
) -> None:
    other = Database(file) if of_another_process else database
    with other.write():  # held by this very thread: a loop that waited for it would wait in vain
        waiting = asyncio.create_task(database.writing(add))
        await asyncio.sleep(0)
        assert await database.reading(count) == 0
        assert not waiting.done()
    assert await waiting != threading.get_ident()
    assert await database.reading(count) == 1
    with database.write() as session:  # nothing of the haste is left on the connection
        assert session.connection().execute(text("PRAGMA busy_timeout")).scalar_one() == database_queue.BUSY_TIMEOUT_MS
    other.close()


async def test_work_that_fails_is_undone_and_not_tried_again(database: Database) -> None:
    tries = []

    def fail(session: Session) -> None:
        tries.append(add(session))
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        await database.writing(fail)
    assert len(tries) == 1
    assert await database.reading(count) == 0


async def test_a_file_that_cannot_be_written_is_called_so_at_once_too(database: Database) -> None:
    def forbid(session: Session) -> None:
        session.connection().execute(text("PRAGMA query_only=ON"))

    await database.reading(forbid)
    with pytest.raises(DatabaseUnavailable, match="attempt to write a readonly database"):
        await database.writing(add)


async def test_who_waited_long_while_nobody_could_write_is_told_at_once(
    database: Database, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Database(file)
    with other.write(), monkeypatch.context() as impatient:
        impatient.setattr(database_queue, "BUSY_TIMEOUT_MS", -1)
        with pytest.raises(DatabaseUnavailable, match="others were writing for too long"):
            await database.writing(add)
    other.close()
    assert await database.writing(add) == threading.get_ident()


async def test_a_server_is_never_asked_from_the_loop(on_server: Callable[[str], str]) -> None:
    database = Database(on_server("issuer"))
    here = threading.get_ident()
    assert await database.reading(lambda _: threading.get_ident()) != here
    assert await database.writing(lambda _: threading.get_ident()) != here
    database.close()


async def test_who_reads_at_a_server_does_not_wait_for_who_waits_to_write(on_server: Callable[[str], str]) -> None:
    database = Database(on_server("empty"), pool=3)
    other = Database(database.url.render_as_string(hide_password=False))
    with other.write() as session:
        session.connection().execute(text("CREATE TABLE counter (n INTEGER NOT NULL)"))
        session.connection().execute(text("INSERT INTO counter VALUES (0)"))
    with other.write():  # as an import does, in another process
        written = [asyncio.create_task(database.writing(add)) for _ in range(6)]
        done = [asyncio.create_task(database.doing(partial(add_in, database))) for _ in range(6)]
        await asyncio.sleep(0)
        assert await database.reading(count) == 0
        assert await database.doing(lambda _: count_in(database)) == 0
        await asyncio.to_thread(database.check_writable)
        assert not any(task.done() for task in (*written, *done))
    await asyncio.gather(*written, *done)
    assert await database.reading(count) == 12
    for each in (database, other):
        each.close()


def add_in(database: Database, at_once: bool) -> None:  # as `doing` tells it
    with database.write(at_once=at_once) as session:
        add(session)


def count_in(database: Database) -> int:
    with database.read() as session:
        return count(session)


async def test_a_closed_database_leaves_no_thread_behind_and_is_opened_anew(database: Database) -> None:
    async def threads() -> list[threading.Thread]:
        first = await database.apart(lambda _: threading.current_thread())
        return [first, await database.waiting(threading.current_thread)]

    used = await threads()
    assert [each.is_alive() for each in used] == [True, True]
    database.close()
    assert [each.is_alive() for each in used] == [False, False]
    assert [each.is_alive() for each in await threads()] == [True, True]


@pytest.mark.parametrize("package", [issuer, plumbing, trackserver, verifier], ids=lambda each: each.__name__)
def test_nothing_that_runs_on_a_loop_opens_a_session_there(package: ModuleType) -> None:
    found = {
        f"{path}:{each.lineno}"
        for path in Path(package.__path__[0]).rglob("*.py")
        if "async def" in (text_of := path.read_text("utf-8"))
        for function in ast.walk(ast.parse(text_of))
        if isinstance(function, ast.AsyncFunctionDef)
        for each in ast.walk(function)
        if isinstance(each, ast.With) and any(_opens(item.context_expr) for item in each.items)
    }
    assert not found


def _opens(used: ast.expr) -> bool:
    match used:
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id="work") | ast.Attribute(attr="_work" | "work" | "database"))
        ):
            return True
    return False
