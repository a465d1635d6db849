"""What the parts of the store share."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from sqlalchemy import CursorResult, Executable, Select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, SQLModel

from plumbing.statements import Adding, Row, Value, all_or_nothing

# Below the smallest limit of bound variables in any SQLite that Python 3.11 is built with.
_MANY: Final = 500
_Row = TypeVar("_Row")


class SessionStore:
    """A part of the store.

    Args:
        session: an open session; the store adds and reads, and never commits.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def _changed_one(self, statement: Executable) -> bool:
        """Run an UPDATE or DELETE and tell whether it found its row: how races are decided."""
        return self._changed(statement) == 1

    def _changed(self, statement: Executable) -> int:
        result = self._session.execute(statement)
        if not isinstance(result, CursorResult):
            raise TypeError("Only UPDATE and DELETE count rows.")
        return result.rowcount

    def _read(self, query: Select[*tuple[Any, ...]]) -> Sequence[Row]:
        """Rows of a query that is another each time: one over a list of keys."""
        return [tuple(row) for row in self._session.connection().execute(query)]

    def _add_unless_there(self, *rows: SQLModel) -> bool:
        """Add rows; False, and nothing changed, if a key is taken, also by somebody at this very moment."""
        try:
            with self._session.begin_nested():
                self._session.add_all(rows)
        except IntegrityError:
            return False
        return True

    def _add_all_unless_there(self, adding: Adding, rows: Sequence[Mapping[str, Value]]) -> bool:
        """Add rows with a statement that passes over those whose key is taken; False, and none added, if one is."""

        def add() -> bool:
            return adding.changed_by_all(self._session, rows) == len(rows)

        return add() if len(rows) == 1 else all_or_nothing(self._session, add)

    def _in_parts(self, keys: Iterable[str], read: Callable[[list[str]], Iterable[_Row]]) -> Iterator[_Row]:
        """Read rows for any number of keys without passing an engine's limit of bound variables."""
        ordered = sorted(set(keys))
        for start in range(0, len(ordered), _MANY):
            yield from read(ordered[start : start + _MANY])


def to_s(moment: datetime) -> int:
    """Write a moment as the tables do: whole seconds since 1970."""
    return int(moment.timestamp())


def from_s(seconds: int) -> datetime:
    """Read a moment from a table."""
    return datetime.fromtimestamp(seconds, UTC)
