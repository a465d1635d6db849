"""The same with a PostgreSQL server: pg_dump while somebody writes, pg_restore into an empty database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from handstamp.backup import errors, places
from handstamp.backup.databases import has_tables
from issuer.tables import ListenerRow
from plumbing.database_errors import DatabaseUnavailable
from tests.support import databases, postgres

if TYPE_CHECKING:
    from pathlib import Path

    from tests.handstamp.backup.conftest import Machine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tools() -> Path:
    try:
        programs = postgres.find_programs()
    except postgres.NoServer as none:
        pytest.skip(f"PostgreSQL: NOT RUN, {none}")
    if not (programs / "pg_dump").exists():
        pytest.skip(f"PostgreSQL: NOT RUN, there is no pg_dump in {programs}")
    return programs


def empty() -> str:
    return databases.fresh_postgresql(databases.EMPTY)


def keys_only(machine: Machine) -> None:
    machine.furnish("issuer")
    for file in (machine.folder / "data" / "issuer").glob("issuer.sqlite*"):
        file.unlink()


def test_a_coop_on_postgresql_comes_back_in_another_database(machine: Machine, other: Machine, tools: Path) -> None:
    machine.set_up(issuer=f"{empty()}&sslpassword=unused")  # told to pg_dump by a file, as nothing else can tell it
    keys_only(machine)
    coop = machine.coop()
    coop.add_release()
    coop.owner()
    coop.parts.database.close()
    machine.back_up(tools=tools)
    other.set_up(issuer=empty())
    restored = other.restore(machine.folder / "backup", tools=tools)
    assert not restored.aside
    again = other.coop()
    assert again.rows(ListenerRow) == 1
    assert again.parts.identity.x5c == coop.parts.identity.x5c
    again.parts.database.close()


def test_site_and_trackserver_come_back_too_and_forget_what_was_open(
    machine: Machine, other: Machine, tools: Path
) -> None:
    urls = {
        "verifier": databases.fresh_postgresql("verifier"),
        "trackserver": databases.fresh_postgresql("trackserver"),
    }
    machine.set_up(**urls)
    machine.furnish("verifier", "trackserver")
    with psycopg.connect(urls["trackserver"]) as connection:
        connection.execute(
            "INSERT INTO release (id, folder, content_digest, title, artist, release_type, added_at) "
            "VALUES ('r', '/music', 'd', 't', 'a', 'EP', 1)"
        )
        connection.execute("INSERT INTO ticket VALUES ('secret', 'r', '', 'flac', false, 9000000000)")
    made = machine.back_up(tools=tools)
    assert {role: each.engine for role, each in made.manifest.roles.items()} == {
        "verifier": "postgresql",
        "trackserver": "postgresql",
    }
    restored_into = {"verifier": empty(), "trackserver": empty()}
    other.set_up(**restored_into)
    restored = other.restore(machine.folder / "backup", tools=tools)
    assert set(restored.words) == {"verifier", "trackserver"}
    with psycopg.connect(restored_into["trackserver"]) as connection:
        assert connection.execute("SELECT count(*) FROM release").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM ticket").fetchone() == (0,)


def test_what_was_in_the_database_is_kept_in_another_schema(machine: Machine, other: Machine, tools: Path) -> None:
    machine.set_up(issuer=empty())
    keys_only(machine)
    machine.coop().parts.database.close()
    machine.back_up(tools=tools)
    url = empty()
    other.set_up(issuer=url)
    keys_only(other)
    there = other.coop()
    there.listener(name="Kim")
    there.parts.database.close()
    with pytest.raises(errors.PlaceTaken):
        other.restore(machine.folder / "backup", tools=tools)
    restored = other.restore(machine.folder / "backup", tools=tools, replace=True)
    schema = next(aside for aside in restored.aside if aside.startswith("schema ")).split()[1]
    with psycopg.connect(url) as connection:
        assert connection.execute(f"SELECT count(*) FROM {schema}.listener").fetchone() == (1,)  # noqa: S608
        assert connection.execute("SELECT count(*) FROM public.listener").fetchone() == (0,)
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


def test_a_restore_that_fails_leaves_what_was_there(machine: Machine, other: Machine, tools: Path) -> None:
    machine.set_up(issuer=empty())
    keys_only(machine)
    machine.coop().parts.database.close()
    machine.back_up(tools=tools)
    other.set_up(issuer=empty())
    keys_only(other)
    there = other.coop()
    there.listener(name="Kim")
    there.parts.database.close()
    with pytest.raises(errors.ToolFailed, match=r"pg_restore is not in"):
        other.restore(machine.folder / "backup", tools=machine.folder, replace=True)
    assert other.coop().rows(ListenerRow) == 1
    assert not list((other.folder / "data").glob(".restore-*"))


def test_a_restore_that_fails_after_the_rows_came_leaves_none_that_were_not_closed(
    machine: Machine, other: Machine, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.set_up(issuer=empty())
    keys_only(machine)
    machine.coop().parts.database.close()
    machine.back_up(tools=tools)
    url = empty()
    other.set_up(issuer=url)

    def fail(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("the disk of its server is full")

    monkeypatch.setattr(places, "forget", fail)
    with pytest.raises(DatabaseUnavailable):
        other.restore(machine.folder / "backup", tools=tools)
    assert not has_tables(url)
    monkeypatch.undo()
    other.restore(machine.folder / "backup", tools=tools)
    assert has_tables(url)


def test_a_missing_program_is_named(machine: Machine, tools: Path) -> None:
    url = empty()
    machine.set_up(issuer=url)
    keys_only(machine)
    machine.coop().parts.database.close()
    assert has_tables(url)
    assert tools
    with pytest.raises(errors.ToolFailed, match="pg_dump is not in"):
        machine.back_up(tools=machine.folder)
    assert not (machine.folder / "backup").exists()
