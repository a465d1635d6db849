"""Each version of each role's tables, on both databases: up with rows in them, down again, and never twice at once."""

from __future__ import annotations

import subprocess
import sys
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, Table, insert, inspect, select
from sqlalchemy.types import Boolean, Integer, LargeBinary, String

from issuer import authorization_tables, counting_tables, delivery_tables, status_tables
from issuer.tables import Base as IssuerBase
from plumbing.database import Database, DatabaseUnavailable
from plumbing.migrations import downgrade, is_migrated, upgrade
from tests.support.databases import ROLES, migrations
from tests.support.waiting import PATIENCE_S
from trackserver.tables import Base as TrackserverBase
from verifier import status_tables as verifier_status_tables
from verifier.tables import Base as VerifierBase

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

pytestmark = pytest.mark.database
MODELS = {"issuer": IssuerBase, "verifier": VerifierBase, "trackserver": TrackserverBase}
PARTS_OF_MODELS = (authorization_tables, counting_tables, delivery_tables, status_tables, verifier_status_tables)
MAY_GO = {
    # Visits live for minutes, tokens of that time lived for ten: both began anew.
    ("verifier", "0005", "up"): {"visits", "requests"},
    ("verifier", "0005", "down"): {"visits", "requests"},
    # What the version before has no words for: receipts that no key signed, copies that ended, and what ended them.
    ("verifier", "0006", "down"): {"receipts"},
    ("issuer", "0002", "down"): {"entry", "entry_charge", "copy", "instance", "offer_copy"},
}
Rows = dict[str, list[dict[str, Any]]]


def revisions(role: str) -> list[str]:
    script = ScriptDirectory(str(migrations(role)))
    return [each.revision for each in reversed(list(script.walk_revisions()))]


def reflected(connection: Connection) -> list[Table]:
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if not table.name.endswith("_version")]


def some_value(table: Table, column: Any, number: int) -> Any:
    """A value that tells where it stands; a reference leads to the row of the same number."""
    if column.foreign_keys:
        (reference,) = column.foreign_keys
        return some_value(reference.column.table, reference.column, number)
    known = {"kind": "buy_release" if table.name == "entry" else "release", "month": "2026-10"}
    if column.name in known:
        return known[column.name] if number else f"{known[column.name]}-other"
    if isinstance(column.type, Boolean):
        return bool(number)
    if isinstance(column.type, Integer):
        return 1_700_000_000 + number if column.name.endswith(("_at", "at")) else number + 1
    if isinstance(column.type, LargeBinary):
        return f"{table.name}.{column.name}.{number}".encode()
    return f"{table.name}.{column.name}.{number}" if isinstance(column.type, String) else {"number": number}


def fill(database: Database) -> None:
    """Let every table have two rows: one that says all, and one that says no more than it must."""
    with database.write() as session:
        connection = session.connection()
        for table, number in product(reflected(connection), (0, 1)):
            key = [column == some_value(table, column, number) for column in table.primary_key]
            if connection.execute(select(table).where(*key)).first() is None:
                columns = [column for column in table.columns if number == 0 or not column.nullable]
                values = {column.name: some_value(table, column, number) for column in columns}
                connection.execute(insert(table).values(values))


def read(database: Database) -> Rows:
    with database.read() as session:
        connection = session.connection()
        return {
            table.name: sorted((dict(row) for row in connection.execute(select(table)).mappings()), key=str)
            for table in reflected(connection)
        }


def check_kept(before: Rows, after: Rows, losses: set[str]) -> None:
    for table in (before.keys() & after.keys()) - losses:
        columns = before[table][0].keys() & after[table][0].keys()
        kept = [[{name: row[name] for name in columns} for row in rows[table]] for rows in (before, after)]
        assert sorted(kept[0], key=str) == sorted(kept[1], key=str), table


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_every_version_goes_up_and_down_with_rows_in_its_tables(role: str, new_database: Callable[[str], str]) -> None:
    url, scripts = new_database("empty"), migrations(role)
    database = Database(url)
    for revision in revisions(role):
        before = {} if revision == "0001" else read(database)
        upgrade(url, scripts, revision)
        check_kept(before, read(database), MAY_GO.get((role, revision, "up"), set()))
        fill(database)
    for revision, to in zip(reversed(revisions(role)), [*reversed(revisions(role)), "base"][1:], strict=True):
        before = read(database)
        downgrade(url, scripts, to)
        if to != "base":
            check_kept(before, read(database), MAY_GO.get((role, revision, "down"), set()))
            fill(database)
    assert read(database) == {}
    upgrade(url, scripts)
    fill(database)
    assert is_migrated(database, scripts)
    database.close()


@pytest.mark.parametrize("role", ROLES)
def test_migrated_tables_are_those_of_the_models(role: str, new_database: Callable[[str], str]) -> None:
    database = Database(new_database(role))
    with database.read() as session:
        context = MigrationContext.configure(
            session.connection(), opts={"compare_type": True, "version_table": f"{role}_version"}
        )
        assert compare_metadata(context, MODELS[role].metadata) == []
    database.close()


@pytest.mark.slow
def test_workers_that_start_at_once_migrate_once(new_database: Callable[[str], str]) -> None:
    url, scripts = new_database("empty"), migrations("issuer")
    program = "import sys; from pathlib import Path; from plumbing.migrations import upgrade; input(); "
    program += "upgrade(sys.argv[1], Path(sys.argv[2]))"
    started = [
        subprocess.Popen([sys.executable, "-c", program, url, str(scripts)], stdin=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("now\n")
        process.stdin.flush()
    for process in started:
        process.communicate(timeout=PATIENCE_S)
    assert [process.returncode for process in started] == [0, 0, 0]
    database = Database(url)
    assert is_migrated(database, scripts)
    with database.read() as session:
        assert len(session.connection().exec_driver_sql("SELECT * FROM issuer_version").all()) == 1
    database.close()


def test_a_migration_that_fails_leaves_nothing_behind(new_database: Callable[[str], str]) -> None:
    url, scripts = new_database("empty"), migrations("issuer")
    upgrade(url, scripts, "0003")
    database = Database(url)
    with database.write() as session:  # a table that the fourth wants to make last of all
        session.connection().exec_driver_sql("CREATE TABLE hold (n INTEGER)")
    with pytest.raises(DatabaseUnavailable):
        upgrade(url, scripts)
    with database.read() as session:
        tables = inspect(session.connection()).get_table_names()
        version = session.connection().exec_driver_sql("SELECT version_num FROM issuer_version").scalar_one()
    assert version == "0003"
    assert "delivery" not in tables
    assert "token" in tables
    database.close()


def test_a_database_without_its_tables_is_not_migrated(new_database: Callable[[str], str]) -> None:
    database = Database(new_database("empty"))
    assert not is_migrated(database, migrations("issuer"))
    database.close()
