"""Does harm to a copy of a database, to see whether whoever reads it afterwards notices."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.faults.reading import Books

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def unnoticed(harms: Sequence[str], url: str, check: Callable[[Books], None], folder: Path) -> list[str]:
    """Return those harms after which `check` finds nothing wrong; each is done to another copy of the database."""
    return [harm for number, harm in enumerate(harms) if _passes(check, _harmed(url, harm, folder / f"{number}"))]


def _passes(check: Callable[[Books], None], books: Books) -> bool:
    try:
        check(books)
    except (AssertionError, KeyError):
        return False
    return True


def _harmed(url: str, harm: str, path: Path) -> Books:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as whole, closing(sqlite3.connect(path)) as copy:
        whole.backup(copy)
        assert copy.execute(harm).rowcount > 0, f"nothing was harmed: {harm}"
        copy.commit()
    return Books(f"sqlite:///{path}")


def lost(table: str) -> str:
    """Take one row away."""
    return f"DELETE FROM {table} WHERE {_one(table)}"  # noqa: S608


def doubled(table: str, columns: str, **new: str) -> str:
    """Put one row there again, with other values where a key wants them."""
    values = ", ".join(new.get(each, each) for each in columns.split(", "))
    return f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} WHERE {_one(table)}"  # noqa: S608


def changed(table: str, what: str) -> str:
    """Let one row say something else."""
    return f"UPDATE {table} SET {what} WHERE {_one(table)}"  # noqa: S608


def _one(table: str) -> str:
    """Name the first row of a table."""
    return f"rowid = (SELECT min(rowid) FROM {table})"  # noqa: S608
