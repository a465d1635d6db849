"""Statements that go straight to the driver: what they give, what they count, what becomes of the driver's errors."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Field, SQLModel, col

from plumbing.database import Database, DatabaseUnavailable
from plumbing.statements import Adding, Statement, all_or_nothing


class StampRow(SQLModel, table=True):
    """A row as good as any."""

    __tablename__ = "stamp"
    name: str = Field(primary_key=True)
    owner: str | None = None
    uses: int = 0


ADD = Adding(StampRow)
ADD_UNLESS_THERE = Adding(StampRow, unless_there=True)
USE = Statement(
    update(StampRow)
    .where(col(StampRow.name) == bindparam("stamp"), col(StampRow.uses) < 2)
    .values(uses=StampRow.uses + 1)
)
ALL = Statement(select(col(StampRow.name), col(StampRow.owner), col(StampRow.uses)).order_by(col(StampRow.name)))
NAMED = Statement(select(col(StampRow.uses)).where(col(StampRow.name) == bindparam("stamp")))
NO_SUCH_TABLE = Statement(text("SELECT 1 FROM nowhere"))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'test.sqlite'}")
    with database.write() as session:
        session.connection().execute(text("CREATE TABLE stamp (name TEXT PRIMARY KEY, owner TEXT, uses INTEGER)"))
        ADD.changed(session, name="first", owner="Ada", uses=0)
    yield database
    database.close()


def row(name: str) -> dict[str, str | int | None]:
    return {"name": name, "owner": None, "uses": 0}


def test_a_statement_gives_tuples(database: Database) -> None:
    with database.read() as session:
        assert ALL.rows(session) == [("first", "Ada", 0)]
        assert NAMED.first(session, stamp="first") == (0,)
        assert NAMED.first(session, stamp="another") is None


def test_a_statement_counts_the_rows_that_it_changed(database: Database) -> None:
    with database.write() as session:
        assert [USE.changed(session, stamp="first") for _ in range(3)] == [1, 1, 0]


def test_a_row_that_is_there_is_passed_over_where_that_was_asked_for(database: Database) -> None:
    with database.write() as session:
        assert ADD_UNLESS_THERE.changed(session, **row("first")) == 0
        assert ADD_UNLESS_THERE.changed(session, **row("second")) == 1
        assert ADD_UNLESS_THERE.changed_by_all(session, [row("first"), row("third"), row("fourth")]) == 2
        assert ALL.rows(session)[0] == ("first", "Ada", 0)


def test_nothing_is_run_for_no_rows(database: Database) -> None:
    with database.write() as session:
        assert ADD.changed_by_all(session, []) == 0
        assert ADD.changed_by_all(session, [row("second")]) == 1


@pytest.mark.parametrize("worth_it", [True, False])
def test_what_came_to_nothing_is_undone_alone(database: Database, worth_it: bool) -> None:
    def work() -> bool:
        return ADD.changed(session, **row("within")) == 1 and worth_it

    with database.write() as session:
        ADD.changed(session, **row("before"))
        assert all_or_nothing(session, work) is worth_it
    with database.read() as session:
        names = {name for name, *_ in ALL.rows(session)}
    assert names == {"before", "first"} | ({"within"} if worth_it else set())


def test_a_column_that_was_not_named_is_never_filled_in(database: Database) -> None:
    with database.write() as session, pytest.raises(KeyError, match="uses"):
        ADD.changed(session, name="second", owner=None)


@pytest.mark.parametrize("rows", [1, 2])
def test_a_taken_key_is_sqlalchemys_error_and_quotes_no_value(database: Database, rows: int) -> None:
    with database.write() as session, pytest.raises(IntegrityError) as caught:
        ADD.changed_by_all(session, [{"name": "first", "owner": "a secret", "uses": 0}] * rows)
    assert "a secret" not in str(caught.value)


def test_a_database_that_fails_is_unavailable(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable), database.read() as session:
        NO_SUCH_TABLE.first(session)


def test_a_lost_connection_is_given_up(database: Database) -> None:
    with database.read() as session:
        connection = session.connection()
        driver = connection.connection.dbapi_connection
        assert driver is not None
        cursor = driver.cursor()
        driver.close()
        with pytest.raises(DBAPIError) as caught:
            ALL.rows(session)
        del cursor
        assert caught.value.connection_invalidated
        assert connection.invalidated
        session.invalidate()
