"""SQL statements of the hot paths: written with SQLAlchemy, compiled once, handed to the driver as they are.

A unit of work that loads objects, tracks them and flushes them costs several signature verifications for each
statement, and SQLAlchemy's own execution half of one; the driver alone costs a twentieth
(docs/decisions/0026-what-was-not-work.md). So what runs for every request is a `Statement`: a constant of its module,
that gives tuples and takes text, whole numbers, truth values and bytes. SQLite gives truth values back as 0 and 1.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Dialect, Executable, insert, inspect, text
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql import ClauseElement, ColumnElement
from sqlmodel import Session, SQLModel

from plumbing.driver import tell_driver, tell_driver_often

Value: TypeAlias = str | int | bytes | None
Row: TypeAlias = tuple[Any, ...]
_UNLESS_THERE: Final = " ON CONFLICT DO NOTHING"


class _Compiled:
    """The text for one engine, and how its driver wants the values."""

    def __init__(self, clause: ClauseElement, dialect: Dialect, columns: Sequence[str] | None, ending: str) -> None:
        compiled = clause.compile(dialect=dialect, column_keys=columns)
        self.sql: Final = f"{compiled}{ending}"
        self._order: Final[Sequence[str] | None] = getattr(compiled, "positiontup", None)
        given = {} if columns else compiled.params or {}
        self._constants: Final[Mapping[str, Value]] = {
            name: value for name, value in given.items() if isinstance(value, str | int | bytes)
        }

    def values(self, values: Mapping[str, Value]) -> Any:  # noqa: ANN401  # a sequence or a mapping, as the driver says
        """Put the values as the driver takes them: by position or by name."""
        if self._constants:
            values = {**self._constants, **values}
        return values if self._order is None else [values[name] for name in self._order]


class Statement:
    """One statement.

    Args:
        clause: with a `bindparam` for whatever differs from one use to the next; no list of values in it.
    """

    _columns: Sequence[str] | None = None
    _ending: str = ""

    def __init__(self, clause: Executable) -> None:
        if not isinstance(clause, ClauseElement):
            raise TypeError("Only what SQLAlchemy can compile is a statement.")
        self._clause = clause
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, session: Session, /, **values: Value) -> list[Row]:
        """Run it and return every row."""
        return list(self._run(session, values).fetchall())

    def first(self, session: Session, /, **values: Value) -> Row | None:
        """Run it and return the first row, if there is one."""
        return self._run(session, values).fetchone()

    def changed(self, session: Session, /, **values: Value) -> int:
        """Run it and return how many rows it changed: how races are decided."""
        return self._run(session, values).rowcount

    def changed_by_all(self, session: Session, rows: Sequence[Mapping[str, Value]]) -> int:
        """Run it once for each of the rows and return how many it changed; nothing is done for no rows."""
        if not rows:
            return 0
        if len(rows) == 1:
            return self._run(session, rows[0]).rowcount
        connection = connection_of(session)
        compiled = self._for(connection.dialect)
        return tell_driver_often(connection, compiled.sql, [compiled.values(row) for row in rows]).rowcount

    def _run(self, session: Session, values: Mapping[str, Value]) -> DBAPICursor:
        connection = connection_of(session)
        compiled = self._for(connection.dialect)
        return tell_driver(connection, compiled.sql, compiled.values(values))

    def _for(self, dialect: Dialect) -> _Compiled:
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled(self._clause, dialect, self._columns, self._ending)
        return compiled


class Adding(Statement):
    """An INSERT of whole rows of a table: every column is named, and no default is filled in.

    Args:
        table: whose rows are added.
        unless_there: pass over a row that is there, or whose unique key is taken, even by somebody at this very moment.
    """

    def __init__(self, table: type[SQLModel], *, unless_there: bool = False) -> None:
        super().__init__(insert(table))
        self._columns = [column.name for column in every_column(table)]
        self._ending = _UNLESS_THERE if unless_there else ""


def connection_of(session: Session) -> Connection:
    """The connection of a session, without waking its unit of work if it was made for one connection."""
    bind = session.bind
    return bind if isinstance(bind, Connection) else session.connection()


def every_column(table: type[SQLModel]) -> Sequence[ColumnElement[Any]]:
    """All columns of a table, in its order, for a statement that reads whole rows."""
    return list(inspect(table).columns)


def all_or_nothing(session: Session, work: Callable[[], bool]) -> bool:
    """Do some work, and undo that alone if it says that it came to nothing; return what it says.

    It does not stand within another one of its kind. An error undoes the whole transaction.
    """
    _SAVE.changed(session)
    done = work()
    if not done:
        _GO_BACK.changed(session)
    _RELEASE.changed(session)
    return done


_SAVE: Final = Statement(text("SAVEPOINT handstamp"))
_GO_BACK: Final = Statement(text("ROLLBACK TO SAVEPOINT handstamp"))
_RELEASE: Final = Statement(text("RELEASE SAVEPOINT handstamp"))
