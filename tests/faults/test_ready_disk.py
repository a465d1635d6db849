"""Readiness sees a disk that is full or may not be written, and is green again as soon as it is well."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from handstamp.composition.observing import compose_observing
from handstamp.settings import Settings
from issuer.parts import MIGRATIONS
from plumbing import database_engine, health
from plumbing.database import Database, DatabaseUnavailable
from tests.faults.trouble import READ_ONLY, trouble
from tests.support.databases import fresh_sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Usage(NamedTuple):
    """What a disk says of itself."""

    free: int


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(fresh_sqlite("issuer", tmp_path))
    yield made
    made.close()


async def ready(database: Database) -> tuple[int, str]:
    app = FastAPI()
    compose_observing("issuer", Settings(), database=database, scripts=MIGRATIONS, checks={}).health().add_to(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        answer = await http.get(health.READY)
    return answer.status_code, answer.json()["checks"]["database"]


@pytest.mark.sqlite
async def test_a_full_or_read_only_disk_turns_ready_red_and_it_recovers(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await ready(database) == (200, "ok")
    with trouble(database, READ_ONLY):
        assert await ready(database) == (503, "failed")
    assert await ready(database) == (200, "ok")
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: Usage(free=4096))
        assert await ready(database) == (503, "failed")
    assert await ready(database) == (200, "ok")


@pytest.mark.sqlite
async def test_who_only_waits_for_another_writer_is_ready(database: Database) -> None:
    other = Database(database.url.render_as_string(hide_password=False))
    with other.write():
        assert await ready(database) == (200, "ok")
    other.close()
    with database.write() as session:  # nothing of the look is left on the connection
        assert session.connection().execute(text("PRAGMA busy_timeout")).scalar_one() == database_engine.BUSY_TIMEOUT_MS


def test_a_server_that_takes_no_changes_is_not_ready(on_server: Callable[[str], str]) -> None:
    database = Database(on_server("issuer"))
    database.check_writable()
    name = database.url.database
    with database.engine.connect() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    database.close()
    try:
        with pytest.raises(DatabaseUnavailable, match="read-only"):
            database.check_writable()
    finally:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("SET default_transaction_read_only = off")
            connection.exec_driver_sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        database.close()
    database.check_writable()
    database.close()
