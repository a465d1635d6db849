"""Makes a database refuse, as one does whose disk is full or read-only, and lets it be well again."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from plumbing.database import Database

FULL, READ_ONLY = "database or disk is full", "attempt to write a readonly database"


@contextmanager
def trouble(database: Database, kind: str) -> Iterator[None]:
    """Let every connection meet a disk without one free page, or without the right to write, while the block lasts."""

    def meet(connection: sqlite3.Connection, *_: Any) -> None:
        if kind == READ_ONLY:
            connection.execute("PRAGMA query_only=ON")
        else:
            connection.execute("PRAGMA max_page_count=1")  # SQLite takes it as: as many as there are

    def recover(connection: sqlite3.Connection, *_: Any) -> None:
        connection.execute("PRAGMA query_only=OFF")
        connection.execute("PRAGMA max_page_count=1073741823")

    event.listen(database.engine, "checkout", meet)
    try:
        yield
    finally:
        event.remove(database.engine, "checkout", meet)
        event.listen(database.engine, "checkout", recover)
