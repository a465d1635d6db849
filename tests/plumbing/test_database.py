"""One request, one transaction: what is committed, what is undone, who waits for whom."""

import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from issuer.parts import MIGRATIONS
from plumbing.database import Database, DatabaseUnavailable
from plumbing.database_engine import prepare_sqlite
from plumbing.migrations import upgrade
from plumbing.statements import connection_of


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'test.sqlite'}")
    with database.write() as session:
        session.connection().execute(text("CREATE TABLE counter (n INTEGER NOT NULL)"))
        session.connection().execute(text("INSERT INTO counter VALUES (0)"))
    return database


def count(database: Database) -> int:
    with database.read() as session:
        return int(session.connection().execute(text("SELECT n FROM counter")).scalar_one())


def test_a_block_that_ends_well_is_committed(database: Database) -> None:
    with database.write() as session:
        session.connection().execute(text("UPDATE counter SET n = 7"))
    assert count(database) == 7


def test_a_block_that_raises_changes_nothing(database: Database) -> None:
    def half_a_change() -> None:
        with database.write() as session:
            session.connection().execute(text("UPDATE counter SET n = 7"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_a_change()
    assert count(database) == 0


def test_a_read_session_changes_nothing(database: Database) -> None:
    with database.read() as session:
        session.connection().execute(text("UPDATE counter SET n = 7"))
    assert count(database) == 0


def test_concurrent_writers_queue_and_none_is_lost(database: Database) -> None:
    def add_fifty() -> None:
        for _ in range(50):
            with database.write() as session:
                n = session.connection().execute(text("SELECT n FROM counter")).scalar_one()
                session.connection().execute(text("UPDATE counter SET n = :n"), {"n": n + 1})

    threads = [threading.Thread(target=add_fifty) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(database) == 200


def test_what_was_committed_is_durable_by_setting(database: Database) -> None:
    with database.read() as session:
        assert session.connection().execute(text("PRAGMA synchronous")).scalar_one() == 2
        assert session.connection().execute(text("PRAGMA journal_mode")).scalar_one() == "wal"


def test_a_database_that_cannot_be_opened_says_so_in_words(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'missing' / 'test.sqlite'}")
    with pytest.raises(DatabaseUnavailable, match="cannot be used"), database.read() as session:
        session.connection().execute(text("SELECT 1"))


def test_a_folder_that_cannot_be_made_is_said_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseUnavailable, match=r"file/issuer/issuer\.sqlite: Not a directory"):
        upgrade(f"sqlite:///{tmp_path / 'file' / 'issuer' / 'issuer.sqlite'}", MIGRATIONS)


def test_a_file_that_is_no_database_is_said_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "issuer.sqlite").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(DatabaseUnavailable, match=r"issuer\.sqlite: file is not a database"):
        upgrade(f"sqlite:///{tmp_path / 'issuer.sqlite'}", MIGRATIONS)


def test_a_database_of_a_newer_version_is_called_so(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'issuer.sqlite'}"
    upgrade(url, MIGRATIONS)
    newer = Database(url)
    with newer.write() as session:
        session.connection().execute(text("UPDATE issuer_version SET version_num = '9999'"))
    newer.close()
    with pytest.raises(DatabaseUnavailable, match="a newer version of Handstamp wrote it"):
        upgrade(url, MIGRATIONS)


def test_what_was_deleted_is_in_no_file_any_more(database: Database, tmp_path: Path) -> None:
    secret = "what a listener showed here"

    def lies_somewhere() -> bool:
        return any(secret.encode() in path.read_bytes() for path in tmp_path.glob("test.sqlite*"))

    with database.write() as session:
        session.connection().execute(text("CREATE TABLE shown (what TEXT)"))
        session.connection().execute(text("INSERT INTO shown VALUES (:what)"), {"what": secret})
    with database.write() as session:
        session.connection().execute(text("DELETE FROM shown"))
    assert lies_somewhere()
    with database.read() as reader:  # somebody reads just then: nobody waits long, and the next time it is gone
        reader.connection().execute(text("SELECT n FROM counter")).all()
        database.forget_deleted()
    database.forget_deleted()
    assert not lies_somewhere()
    assert count(database) == 0


def test_deleted_rows_are_overwritten_whatever_build_of_sqlite_it_is() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA secure_delete=OFF")
    prepare_sqlite(connection, None)
    assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)
    connection.close()


def test_whoever_was_at_work_last_goes_first(database: Database) -> None:
    # Another connection would have to read everything anew that was written since.
    with database.read() as last, database.write():
        expected = connection_of(last).connection.driver_connection
    used = set()
    for _ in range(3):
        with database.write() as session:
            used.add(connection_of(session).connection.driver_connection)
    assert used == {expected}
