"""A database server is killed under a running co-op, or stands still: the co-op says so, and goes on by itself."""

from __future__ import annotations

import asyncio
import os
import secrets
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from issuer.parts import MIGRATIONS
from issuer.publishing import publish
from plumbing import database_engine, database_pulse
from plumbing.database import Database, DatabaseUnavailable
from plumbing.health import LIVE, READY, Health
from plumbing.migrations import is_migrated, upgrade
from tests.faults.issuing import Counter
from tests.support import postgres
from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.issuer.conftest import Coop

pytestmark = [pytest.mark.flow, pytest.mark.slow]
_FAR = 10_000_000


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A server for these tests alone."""
    folder = postgres.folder_of_run(os.getpid() + _FAR)
    try:
        postgres.start_once(folder, controller_pid=os.getpid())
    except postgres.NoServer as error:
        pytest.skip(f"PostgreSQL tests: NOT RUN ({error})")
    yield folder
    postgres.stop(folder)


@pytest.fixture
def counter(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    """A co-op on a database of its own at that server, which waits for it no longer than an operator's does."""
    monkeypatch.setattr(database_pulse, "_LOOK_FOR_S", 2)
    monkeypatch.setattr(database_engine, "_CONNECT_TIMEOUT_S", 3)
    server, name = postgres.Server(folder), f"coop_{secrets.token_hex(4)}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    upgrade(server.url(name), MIGRATIONS)
    counter = Counter.open(tmp_path, server.url(name))
    yield counter
    counter.coop.parts.database.close()


async def readiness(database: Database) -> int:
    """Ask whether a worker is ready; each answer is a new look."""

    def check() -> None:
        assert is_migrated(database, MIGRATIONS)

    app = FastAPI()
    Health({"database": check}).add_to(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://coop.localhost") as client:
        return (await client.get(READY)).status_code


async def all_through(coop: Coop, counter: Counter, offer: str) -> int:
    """Take an offer, and fetch what is in it."""
    wallet = counter.wallet()
    opened = coop.offer(offer)
    token = await wallet.token(opened)
    if token.status_code != 200:
        return token.status_code
    return (await wallet.ask(token.json()["access_token"], opened.copies[0].id)).status_code


def test_a_server_that_is_killed_and_started_again_costs_nothing(folder: Path, counter: Counter) -> None:
    coop = counter.coop
    owner, database = coop.owner(), coop.parts.database

    async def story() -> None:
        waiting, wallet = coop.offer(owner), counter.wallet()
        assert await all_through(coop, counter, owner) == 200
        assert await readiness(database) == 200
        await asyncio.to_thread(postgres.kill, folder)
        for _ in range(2):  # with a connection that is dead, and with none
            answer = await wallet.token(waiting)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
            assert "The database cannot be used" in answer.json()["error_description"]
        assert await readiness(database) == 503
        with pytest.raises(DatabaseUnavailable):
            publish(coop.parts, now=coop.now)
        await asyncio.to_thread(postgres.start_again, folder)
        assert await readiness(database) == 200
        assert (await wallet.token(waiting)).status_code == 200
        assert await all_through(coop, counter, owner) == 200
        assert publish(coop.parts, now=coop.now).lost == 0

    asyncio.run(story())


async def until_it_answers(database: Database) -> None:
    for _ in range(600):
        if await readiness(database) == 200:
            return
        await asyncio.sleep(0.1)


def test_a_server_that_stands_still_holds_up_nobody_but_who_waits_for_it(
    folder: Path, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    coop = counter.coop
    owner, database = coop.owner(), coop.parts.database

    async def story() -> None:
        waiting, wallet = coop.offer(owner), counter.wallet()
        assert await all_through(coop, counter, owner) == 200
        with postgres.held_still(folder):
            with monkeypatch.context() as patient:  # until it was seen that others are served
                patient.setattr(database_pulse, "_LOOK_AFTER_S", 1000.0)
                asked = [asyncio.create_task(wallet.token(waiting)) for _ in range(8)]  # more than have a connection
                await asyncio.sleep(0.1)
                assert (await wallet.http.get(LIVE)).status_code == 200
                assert not all(task.done() for task in asked)
            for answer in [*await asyncio.gather(*asked), await wallet.token(waiting)]:
                assert answer.status_code == 503
                assert int(answer.headers["retry-after"]) > 0
                assert "does not answer" in answer.json()["error_description"]
        await until_it_answers(database)
        assert (await wallet.token(waiting)).status_code == 200
        assert await all_through(coop, counter, owner) == 200

    asyncio.run(asyncio.wait_for(story(), 2 * PATIENCE_S))
