"""What was answered lies on the disk before the answer begins: an issuance and a redemption, on both engines."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import text

from plumbing.database import Database
from plumbing.migrations import upgrade
from tests.faults.issuing import Counter, Errand
from tests.faults.killing import Life, live_and_die
from tests.faults.redeeming import FREE, MONTHLY, begin_passage
from tests.faults.syncing import Answering, Flushed, can_trace, traced, unsynced
from tests.support import postgres
from tests.support.databases import fresh_sqlite, migrations

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from tests.faults.redeeming import Doors

    Mark = Callable[[str], None]

pytestmark = [pytest.mark.flow, pytest.mark.slow]
_FAR = 20_000_000
# As a server of a co-op, but that nothing of its own goes into its log beside what it is told.
_DURABLE = (
    "-c fsync=on -c listen_addresses='' -c unix_socket_permissions=0777 -c wal_level=minimal -c max_wal_senders=0 "
    "-c autovacuum=off -c synchronous_commit=off -c wal_writer_delay=10s -c log_min_messages=fatal"
)


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """A server for these tests alone, that would let commits wait for the disk if nobody told it not to."""
    folder = postgres.folder_of_run(os.getpid() + _FAR)
    try:
        yield postgres.start_once(folder, controller_pid=os.getpid(), options=_DURABLE)
    except postgres.NoServer as error:
        not_run(f"PostgreSQL tests: NOT RUN ({error})")
    postgres.stop(folder)


def not_run(why: str) -> None:
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Make an empty database of a role."""
    if request.param == "sqlite":
        if why := can_trace():
            not_run(f"Tests of what a power cut costs: NOT RUN ({why})")
        return lambda role: fresh_sqlite(role, tmp_path)
    server: postgres.Server = request.getfixturevalue("server")

    def fresh(role: str) -> str:
        name = f"{role}_{secrets.token_hex(4)}"
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        upgrade(server.url(name), migrations(role))
        return server.url(name)

    return fresh


def run_watched(work: Callable[[Life, Mark], Awaitable[None]], url: str, folder: Path) -> list[str]:
    """Do some work in a process of its own; return each answer that began before all was on the disk."""
    if url.startswith("sqlite"):
        return run_traced(work, url, folder)

    async def asking(life: Life) -> None:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as server:
            flushed = Flushed(server, folder / "flushed")
            flushed.watch()
            await work(life, flushed)

    live_and_die(asking, folder / "notes", moment=None)
    seen = (folder / "flushed").read_text().splitlines()
    assert len(seen) > 2
    return [each for each in seen if each.endswith("False")]


def run_traced(work: Callable[[Life, Mark], Awaitable[None]], url: str, folder: Path) -> list[str]:
    async def tracing(life: Life) -> None:
        with traced(folder) as mark:
            await work(life, mark)
            weaken(url, mark)

    live_and_die(tracing, folder / "notes", moment=None)
    *seen, (last, dirty, _) = unsynced(folder)
    assert last == "weak"
    assert dirty, "a write that was not synced was not noticed"
    assert sum(synced for _, _, synced in seen) > 2
    return [f"{moment} {files}" for moment, files, _ in seen if files]


def weaken(url: str, mark: Mark) -> None:
    """Write as a service would with a setting that loses with the power what it has answered: that must be noticed."""
    database = Database(url)
    with database.read() as session:
        session.connection().execute(text("PRAGMA user_version"))
        driver = session.connection().connection.driver_connection
    assert driver is not None
    driver.execute("PRAGMA synchronous=NORMAL")
    with database.write() as session:
        session.connection().execute(text("CREATE TABLE lost (what TEXT)"))
    mark("weak")
    database.close()


def test_what_a_wallet_was_answered_is_on_the_disk(new_database: Callable[[str], str], tmp_path: Path) -> None:
    counter = Counter.open(tmp_path, new_database("issuer"))

    async def issue(life: Life, mark: Mark) -> None:
        counter.begin(life)
        counter.coop.app = Answering(counter.coop.app, mark)  # type: ignore[assignment]
        await Errand(life=life, counter=counter, id="one").run()

    assert run_watched(issue, counter.url, tmp_path) == []


def test_what_a_gate_and_a_trackserver_answered_is_on_the_disk(doors: Doors, tmp_path: Path) -> None:
    async def pass_gates(life: Life, mark: Mark) -> None:
        doors.around = lambda app: Answering(app, mark)
        doors.begin(life)
        for gate in (MONTHLY, FREE):
            await begin_passage(life, doors, gate, doors.copies[0])

    url = doors.site.database.url.render_as_string(hide_password=False)
    assert run_watched(pass_gates, url, tmp_path) == []
