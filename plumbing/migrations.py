"""Alembic without a command line: each role brings its own scripts and its own version table."""

from pathlib import Path

from alembic import command, context
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import MetaData, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError

from plumbing.database import DatabaseUnavailable
from plumbing.private import make_private_file


def upgrade(database_url: str, scripts: Path) -> None:
    """Bring the database at `database_url` to the newest version of the role whose migrations folder is `scripts`.

    An SQLite file and its folder are made if they are missing, readable by their owner only.

    Raises:
        DatabaseUnavailable: it cannot be made or written, is damaged, or was written by a newer version.
    """
    place = make_url(database_url).database
    try:
        _make_file(database_url)
        command.upgrade(_config(database_url, scripts), "head")
    except OSError as error:
        raise DatabaseUnavailable(f"{place}: {error.strerror}") from error
    except DatabaseError as error:
        raise DatabaseUnavailable(f"{place}: {error.orig}") from error
    except CommandError as error:
        raise DatabaseUnavailable(f"{place}: a newer version of Handstamp wrote it") from error


def downgrade(database_url: str, scripts: Path, revision: str) -> None:
    """Take the database back to `revision` ("base" for an empty one)."""
    command.downgrade(_config(database_url, scripts), revision)


def run_environment(metadata: MetaData, *, role: str) -> None:
    """Run the migrations of one role; called by that role's `migrations/env.py`."""
    url = context.config.get_main_option("sqlalchemy.url") or ""
    engine = create_engine(make_url(url))
    try:
        with engine.connect() as connection:
            context.configure(
                connection=connection,
                target_metadata=metadata,
                version_table=f"{role}_version",
                render_as_batch=True,
            )
            with context.begin_transaction():
                context.run_migrations()
    finally:
        engine.dispose()


def _config(database_url: str, scripts: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("sqlalchemy.url", database_url.replace("%", "%%"))
    return config


def _make_file(database_url: str) -> None:
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}:
        # SQLite itself would let everybody read it; its `-wal` and `-shm` get the mode of the database.
        make_private_file(Path(str(url.database)))
