"""Consistent copies of databases that others write at this moment, and the way back into an empty one."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, inspect, text

from handstamp.backup.errors import CannotBackUp, ToolFailed, ToolMissing
from plumbing.database import Database
from plumbing.database_engine import POSTGRESQL, SQLITE, parse_database_url
from plumbing.private import make_private_folder

_WAIT_S: Final = 30
SECRET: Final = frozenset({"sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret"})
"""What an address may hold, besides a password, that nobody else may read."""
_SERVICE: Final = "handstamp"
_MOST_WORDS: Final = 300


def engine_of(url: str) -> str:
    """Return `sqlite` or `postgresql`."""
    return parse_database_url(url).get_backend_name()


def sqlite_file(url: str) -> Path | None:
    """Return where an SQLite database lies; None for PostgreSQL."""
    parsed = parse_database_url(url)
    return Path(str(parsed.database)) if parsed.get_backend_name() == SQLITE else None


def copy_database(url: str, target: Path, *, tools: Path | None) -> None:
    """Write what was committed at one moment to a private file, while others write.

    Raises:
        CannotBackUp: the database cannot be read or is damaged, or the disk is full.
        ToolMissing, ToolFailed: pg_dump is missing or failed.
    """
    make_private_folder(target.parent)
    source = sqlite_file(url)
    if source is not None:
        _copy_sqlite(source, target)
    else:
        how = ["--format=custom", "--no-owner", "--no-privileges", f"--file={target}"]
        _run("pg_dump", how, url, tools=tools, beside=target.parent)


def load_postgresql(url: str, source: Path, *, tools: Path | None) -> None:
    """Fill an empty database with what pg_dump wrote, all of it or nothing.

    Raises:
        ToolMissing, ToolFailed: pg_restore is missing or failed; then the database is as empty as before.
    """
    how = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    _run("pg_restore", [*how, str(source)], url, tools=tools, beside=source.parent)


def has_tables(url: str) -> bool:
    """Tell whether anything is in a PostgreSQL database.

    Raises:
        DatabaseUnavailable: it cannot be asked.
    """
    with _opened(url) as database, database.read() as session:
        connection = session.connection()
        return bool(inspect(connection).get_table_names())


def put_schema_aside(url: str, name: str) -> None:
    """Give the tables of a PostgreSQL database to a schema of another name, where only a person finds them.

    Raises:
        DatabaseUnavailable: it cannot be done.
    """
    with _changing(url) as connection:
        connection.execute(text(f'ALTER SCHEMA public RENAME TO "{name}"'))
        connection.execute(text("CREATE SCHEMA public"))


def take_schema_back(url: str, name: str) -> None:
    """Undo `put_schema_aside`, with whatever stands in the new schema."""
    with _changing(url) as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text(f'ALTER SCHEMA "{name}" RENAME TO public'))


def empty_again(url: str) -> None:
    """Take out of a PostgreSQL database, in which nothing was, whatever is there now."""
    with _changing(url) as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))


def revision_of(url: str, role: str) -> str:
    """Return the version of a role's tables, empty if there are none.

    Raises:
        DatabaseUnavailable: it cannot be asked.
    """
    with _opened(url) as database, database.read() as session:
        connection = session.connection()
        if not inspect(connection).has_table(f"{role}_version"):
            return ""
        # The role is one of our own three, no input.
        found = connection.execute(text(f"SELECT version_num FROM {role}_version")).scalar()  # noqa: S608
    return str(found or "")


def known_revisions(scripts: Path) -> Sequence[str]:
    """Return the versions of tables that this code knows, newest first."""
    return [each.revision for each in ScriptDirectory(str(scripts)).walk_revisions()]


def _copy_sqlite(source: Path, target: Path) -> None:
    # VACUUM INTO leaves out what was deleted, which the pages of the file may still hold; and it takes no lock that a
    # writer would notice. It refuses a file that is there, so the folder is what keeps the copy private.
    try:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=_WAIT_S)) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
        target.chmod(0o600)
    except (sqlite3.Error, OSError) as error:
        raise CannotBackUp(f"The database {source}", str(error)) from error


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = Database(url, pool=1)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _changing(url: str) -> Iterator[Connection]:
    with _opened(url) as database, database.write() as session:
        yield session.connection()


def _run(program: str, arguments: Sequence[str], url: str, *, tools: Path | None, beside: Path) -> None:
    found = shutil.which(program, path=str(tools) if tools else None)
    if found is None:
        raise ToolMissing(program, f"in {tools}" if tools else "on the PATH")
    # No secret goes by the arguments: everybody on a machine may read those of its programs.
    target, environment, secrets = _without_secrets(parse_database_url(url))
    if secrets and "service" in parse_database_url(url).query:
        raise ToolFailed(program, f"it reads one service file; put {', '.join(secrets)} into the one that you name")
    with _service_file(beside / "service", secrets) as told:
        done = subprocess.run(  # noqa: S603  # no shell; the program is PostgreSQL's, the arguments are ours
            [found, *arguments, f"--dbname={target.render_as_string()}"],
            env={**os.environ, **environment, **told},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    if done.returncode:
        raise ToolFailed(program, _words_of(program, done.stderr) or f"it ended with {done.returncode}")


def _words_of(program: str, stderr: bytes) -> str:
    """Return what a program of PostgreSQL calls its error, and what it adds to it."""
    marks = tuple(f"{program}: {each}: " for each in ("error", "detail", "hint"))
    lines = stderr.decode(errors="replace").splitlines()
    said = [line.partition(": ")[2].partition(": ")[2].strip() for line in lines if line.startswith(marks)]
    return ". ".join(each.rstrip(".") for each in said or [line.strip() for line in lines[-1:]])[:_MOST_WORDS]


def _without_secrets(url: URL) -> tuple[URL, Mapping[str, str], Mapping[str, str]]:
    """Take out of an address what is secret: the password for the environment, the rest for a file."""
    password = str(url.query.get("password", url.password or ""))
    secrets = {name: str(value) for name, value in url.query.items() if name in SECRET}
    query = {name: value for name, value in url.query.items() if name not in {"password", *secrets}}
    if secrets:
        query["service"] = _SERVICE
    bare = URL.create(
        POSTGRESQL, username=url.username, host=url.host, port=url.port, database=url.database, query=query
    )
    return bare, {"PGPASSWORD": password} if password else {}, secrets


@contextmanager
def _service_file(path: Path, secrets: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Write what no variable of the environment can say to a private file, and say by one where it is."""
    if not secrets:
        yield {}
        return
    lines = [f"[{_SERVICE}]", *(f"{name}={value}" for name, value in secrets.items())]
    path.touch(mode=0o600, exist_ok=False)
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield {"PGSERVICEFILE": str(path)}
    finally:
        path.unlink()
