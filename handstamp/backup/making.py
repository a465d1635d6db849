"""Makes a backup: a consistent copy of each database, the keys, the settings, and digests of the masters."""

import contextlib
import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from sqlalchemy import text

from credentials.encoding import strict_json
from handstamp.backup.archive import Manifest, RoleFacts, Source, write_archive
from handstamp.backup.databases import copy_database, engine_of, revision_of, sqlite_file
from handstamp.backup.errors import BackupRunning, CannotBackUp, DataFolderUnusable, NothingToBackUp
from handstamp.backup.sealing import MAGIC
from handstamp.backup.target import check_target
from handstamp.settings import Role, Settings, settings_file
from plumbing.database import Database
from plumbing.database_engine import SQLITE
from plumbing.private import make_private_folder, new_private_file, safe_beside
from wallet.sealed import Cost
from wallet.vault import check_passphrase

DATABASE: Final = "database"
"""The name of a database in a backup; its keys and other files are under `files/`."""
FILES: Final = "files"
SETTINGS_NAME: Final = "settings/handstamp.toml"
MASTERS: Final = "masters.sha256"
RECORD: Final = "last-backup.json"
KEY_FILE: Final = "key-encryption-key"
ROLES: Final[tuple[Role, ...]] = ("issuer", "verifier", "trackserver")
_STAGE: Final = ".backup-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a backup shall be like.

    Attributes:
        path: the file to write.
        passphrase: what opens it.
        roles: whose; all that have a database if none is named.
        with_key_file: whether the key-encryption files are in it, too.
        tools: the folder of PostgreSQL's programs; without it, the PATH.
        cost: how dear one guess of the passphrase is.
        settle: called just before the backup gets its name: then it is written.
    """

    path: Path
    passphrase: str
    roles: tuple[Role, ...] = ()
    with_key_file: bool = True
    tools: Path | None = None
    cost: Cost | None = None
    settle: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A backup that was written, and how many masters are named in it and not held."""

    manifest: Manifest
    masters: int


def make_backup(settings: Settings, wish: Wish, *, now: datetime) -> Made:
    """Write a backup of the services of these settings while they serve.

    Raises:
        CannotWriteBackup: nothing can be put at its path.
        NothingToBackUp: no service has a database.
        CannotBackUp, ToolFailed, DatabaseUnavailable: nothing was written.
        WeakPassphrase: the passphrase is too short.
        BackupRunning: another process makes one.
    """
    check_passphrase(wish.passphrase)
    check_target(wish.path)
    roles = [role for role in ROLES if (role in wish.roles if wish.roles else has_database(settings, role))]
    if not roles:
        raise NothingToBackUp(settings.data_dir)
    with locked(settings.data_dir), staged(settings.data_dir, _STAGE) as stage:
        gathered = [_gather(settings, role, stage / role, wish) for role in roles]
        # The settings come first: where the rest goes is read from them.
        sources = _settings_sources() + [source for each in gathered for source in each.sources]
        manifest = write_archive(
            wish.path,
            wish.passphrase,
            roles={each.role: each.facts for each in gathered},
            sources=sources,
            now=now,
            cost=wish.cost,
            settle=wish.settle,
        )
    for role in roles:
        _record(settings.folder(role), now)
    return Made(manifest=manifest, masters=sum(each.masters for each in gathered))


def has_database(settings: Settings, role: Role) -> bool:
    """Tell whether a role has a database: a file that is there, or one at a server that somebody named."""
    file = sqlite_file(settings.database_url(role))
    return file is None or file.is_file()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gathered:
    role: Role
    facts: RoleFacts
    sources: Sequence[Source]
    masters: int


def _gather(settings: Settings, role: Role, stage: Path, wish: Wish) -> _Gathered:
    url, folder = settings.database_url(role), settings.folder(role)
    if not has_database(settings, role):
        raise CannotBackUp(f"The {role}", f"it has no database at {sqlite_file(url)}")
    copy = stage / DATABASE
    # A server that cannot be asked says so before any program of its own stumbles.
    at_server = "" if engine_of(url) == SQLITE else revision_of(url, role)
    copy_database(url, copy, tools=wish.tools)
    sources = [Source(name=f"{role}/{DATABASE}", path=copy)]
    masters = 0
    if role == "trackserver":
        masters = _write_masters(url, stage / MASTERS)
        sources.append(Source(name=f"{role}/{FILES}/{MASTERS}", path=stage / MASTERS))
    # Keys come after the database: one that a row of it speaks of is in the backup, too.
    sources += [
        Source(name=f"{role}/{FILES}/{path.relative_to(folder).as_posix()}", path=path)
        for path in files_of(folder, besides=sqlite_file(url))
        if wish.with_key_file or path.name != KEY_FILE
    ]
    revision = _revision_of_copy(copy, role) if engine_of(url) == SQLITE else at_server
    if not revision:
        raise CannotBackUp(f"The {role}", "its database has no tables yet; start it once, or name others with --role")
    facts = RoleFacts(engine=engine_of(url), revision=revision, folder=str(folder.absolute()))
    return _Gathered(role=role, facts=facts, sources=sources, masters=masters)


def files_of(folder: Path, *, besides: Path | None) -> Iterator[Path]:
    """Yield the files of a role that belong into a backup: not its database, nothing hidden, unfinished or derived."""
    database = () if besides is None else tuple(f"{besides.name}{end}" for end in ("", "-wal", "-shm", "-journal"))
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        is_database = besides is not None and path.name in database and path.parent == besides.parent
        plain = path.is_file() and not path.is_symlink()
        if plain and not (hidden or is_database or path.name in {RECORD, MASTERS} or _is_backup(path)):
            yield path


def _is_backup(path: Path) -> bool:
    # One that somebody wrote into the folder would come into the next, and both into the one after that.
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False  # whoever reads it whole says why it cannot be read


def _settings_sources() -> list[Source]:
    file = settings_file()
    return [Source(name=SETTINGS_NAME, path=file)] if file.is_file() else []


def _write_masters(url: str, target: Path) -> int:
    """Write what the trackserver knows of files that are not in the backup, as `sha256sum --check` reads it."""
    database = Database(url, pool=1)
    try:
        with database.read() as session:
            rows = session.connection().execute(text("SELECT sha256, path FROM stored_file ORDER BY path")).all()
    finally:
        database.close()
    # A name with a line's end in it would be read as two; sha256sum marks such a line, and no master has one.
    lines = [f"{sha256}  {path}\n" for sha256, path in rows if "\n" not in path and "\\" not in path]
    target.touch(mode=0o600)
    target.write_text("".join(lines), encoding="utf-8")
    return len(lines)


def _revision_of_copy(copy: Path, role: str) -> str:
    with closing(sqlite3.connect(copy)) as connection:
        try:
            # The role is one of our own three, no input.
            row = connection.execute(f"SELECT version_num FROM {role}_version").fetchone()  # noqa: S608
        except sqlite3.OperationalError:
            return ""
    return str(row[0]) if row else ""


def _record(folder: Path, now: datetime) -> None:
    # For `handstamp doctor` alone: a backup that was written is one, whether this can be noted or not.
    with contextlib.suppress(OSError):
        new = folder / f".{RECORD}"
        new.unlink(missing_ok=True)
        with os.fdopen(new_private_file(new), "wb") as file:
            file.write(strict_json.dump({"made_at": now.isoformat()}))
        new.replace(folder / RECORD)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one backup or restore at a time work in a data folder.

    Raises:
        BackupRunning: another one does.
        DataFolderUnusable: the folder cannot be written.
    """
    file = folder / ".backup.lock"
    lock = FileLock(file, timeout=0, mode=0o600)
    try:
        make_private_folder(folder)
        with contextlib.suppress(FileExistsError):
            os.close(new_private_file(file))
        lock.acquire()
    except Timeout as error:
        raise BackupRunning(folder) from error
    except OSError as error:
        raise DataFolderUnusable(folder, error.strerror or "nobody says why") from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def staged(folder: Path, name: str) -> Iterator[Path]:
    """Make a private folder for the copies, and leave none behind, nor one of a run before that was killed."""
    place = safe_beside(folder)
    name = name if place == folder else f".{folder.name}{name}"  # beside it there are others
    for left in place.glob(f"{name}*"):
        shutil.rmtree(left, ignore_errors=True)
    stage = place / f"{name}{secrets.token_hex(8)}"
    make_private_folder(stage)
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
