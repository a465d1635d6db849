"""Where one role's part of a backup goes: its folder and its database, exchanged together or not at all."""

import contextlib
import os
import shutil
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from handstamp.backup.afterwards import MIGRATIONS, Memory, forget
from handstamp.backup.archive import Manifest
from handstamp.backup.databases import (
    empty_again,
    engine_of,
    has_tables,
    known_revisions,
    load_postgresql,
    put_schema_aside,
    sqlite_file,
    take_schema_back,
)
from handstamp.backup.errors import CannotRestore, NewerBackup, OtherEngine, PlaceTaken, ServiceRuns
from handstamp.backup.making import DATABASE, FILES, KEY_FILE, RECORD
from handstamp.settings import Role, ServiceSettings, Settings
from plumbing.migrations import upgrade
from plumbing.private import hand_over, make_private_folder, new_private_file

_CONNECT_S: Final = 1.0
_BESIDE: Final = ("", "-wal", "-shm", "-journal")


@dataclass(slots=True, kw_only=True)
class Place:
    """The place of one role.

    Attributes:
        role: whose.
        service: its settings.
        folder: where its files lie.
        url: where its database is.
        memory: when the backup was made, and where the folder lay then.
        manifest: what the backup says.
        stamp: names what is put aside.
        aside: what was put aside, once it was.
    """

    role: Role
    service: ServiceSettings
    folder: Path
    url: str
    memory: Memory
    manifest: Manifest
    stamp: str
    aside: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, settings: Settings, role: Role, manifest: Manifest, *, now: datetime) -> "Place":
        """Read from the settings where a role's part goes."""
        folder = settings.folder(role)
        facts = manifest.roles[role]
        return cls(
            role=role,
            service=getattr(settings, role),
            folder=folder,
            url=settings.database_url(role),
            memory=Memory(
                role=role, made_at=manifest.made_at, folder_then=facts.folder, folder_now=str(folder.absolute())
            ),
            manifest=manifest,
            stamp=f"{now:%Y%m%dT%H%M%SZ}",
        )

    @property
    def lacks_key_file(self) -> bool:
        """Whether there are keys that nothing here opens, because the backup was made without their key file."""
        keys = self.folder / "keys"
        return any(keys.glob("*.pem")) and not (keys / KEY_FILE).is_file()

    def check(self, backup: Path, *, replace: bool) -> None:
        """Refuse what cannot go well, before anything is changed.

        Raises:
            NewerBackup, OtherEngine, ServiceRuns, PlaceTaken: as their words say.
            DatabaseUnavailable: a PostgreSQL database cannot be asked.
        """
        facts = self.manifest.roles[self.role]
        if facts.revision not in known_revisions(MIGRATIONS[self.role]):
            raise NewerBackup(backup, f"{self.manifest.version}, tables {facts.revision or 'none'}")
        if engine_of(self.url) != facts.engine:
            raise OtherEngine(self.role, facts.engine)
        if _answers(self.service):
            raise ServiceRuns(self.role, f"{self.service.bind_host}:{self.service.port}")
        if not replace:
            self._check_empty()

    def prepare(self, stage: Path, *, now: datetime) -> None:
        """Bring an SQLite copy to this version's tables, and let it forget what must not come back."""
        if sqlite_file(self.url) is not None:
            self._words = self._finish_database(f"sqlite:///{stage / DATABASE}", now=now)

    def put(self, stage: Path, undo: contextlib.ExitStack, *, tools: Path | None, now: datetime) -> Sequence[str]:
        """Exchange what is there for what was unpacked; return what a person must know.

        Args:
            stage: where it was unpacked.
            undo: takes what brings back what was there before.
            tools: the folder of PostgreSQL's programs.
            now: the moment.

        Raises:
            CannotRestore, ToolFailed, DatabaseUnavailable: then `undo` is to be used.
        """
        try:
            file = sqlite_file(self.url)
            if file is None:
                self._fill_postgresql(stage / DATABASE, undo, tools=tools, now=now)
            else:
                self._put_file(stage, file, undo)
            self._put_folder(stage / FILES, undo)
        except OSError as error:
            raise CannotRestore(str(self.folder), error.strerror or str(error)) from error
        return self._words

    _words: Sequence[str] = ()

    def _check_empty(self) -> None:
        file = sqlite_file(self.url)
        if file is not None and file.exists():
            raise PlaceTaken(str(file))
        if self.folder.is_dir() and any(not _is_ours(each) for each in self.folder.iterdir()):
            raise PlaceTaken(str(self.folder))
        if file is None and has_tables(self.url):
            raise PlaceTaken(f"the database of the {self.role}")

    def _finish_database(self, url: str, *, now: datetime) -> Sequence[str]:
        upgrade(url, MIGRATIONS[self.role])
        return forget(url, self.memory, now=now)

    def _fill_postgresql(self, dump: Path, undo: contextlib.ExitStack, *, tools: Path | None, now: datetime) -> None:
        if has_tables(self.url):
            schema = f"before_restore_{self.stamp.lower()}"
            put_schema_aside(self.url, schema)
            self._put_aside(
                f"schema {schema} of the {self.role}'s database", undo, lambda: take_schema_back(self.url, schema)
            )
        else:
            # Half done it would open again what was opened since: nothing in it was closed yet.
            undo.callback(empty_again, self.url)
        load_postgresql(self.url, dump, tools=tools)
        self._words = self._finish_database(self.url, now=now)

    def _put_file(self, stage: Path, file: Path, undo: contextlib.ExitStack) -> None:
        """Put a database file in place; one that lies in its role's folder goes there with it."""
        if file.parent.absolute() == self.folder.absolute():
            make_private_folder(stage / FILES)
            (stage / DATABASE).rename(stage / FILES / file.name)
            return
        for end in _BESIDE:
            self._move_aside(file.with_name(f"{file.name}{end}"), undo)
        make_private_folder(file.parent)
        # Copied beside its place first: it may be another file system, where nothing can be renamed to.
        beside = file.with_name(f".{file.name}.{self.stamp}")
        undo.callback(_remove, beside)
        _copy(stage / DATABASE, beside)
        undo.callback(_remove, file)
        beside.rename(file)

    def _put_folder(self, unpacked: Path, undo: contextlib.ExitStack) -> None:
        make_private_folder(self.folder.parent)
        make_private_folder(unpacked)
        hand_over(unpacked, self.folder)
        self._move_aside(self.folder, undo)
        undo.callback(_rename, self.folder, unpacked)
        unpacked.rename(self.folder)

    def _move_aside(self, path: Path, undo: contextlib.ExitStack) -> None:
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        if path.exists():
            aside = path.with_name(f"{path.name}.before-restore-{self.stamp}")
            self._put_aside(str(aside), undo, lambda: _rename(aside, path))
            path.rename(aside)

    def _put_aside(self, what: str, undo: contextlib.ExitStack, back: Callable[[], object]) -> None:
        self.aside.append(what)
        undo.callback(back)


def _remove(path: Path) -> None:
    """Remove what may not be there, or not removable: what comes back in its place replaces it."""
    with contextlib.suppress(OSError):
        path.unlink()


def _copy(path: Path, to: Path) -> None:
    """Copy a file, with its permissions, to where nothing is: a link there could lead anywhere."""
    with path.open("rb") as source, os.fdopen(new_private_file(to), "wb") as target:
        shutil.copyfileobj(source, target)
        target.flush()
        os.fchmod(target.fileno(), path.stat().st_mode & 0o777)
        os.fsync(target.fileno())


def _rename(path: Path, to: Path) -> None:
    """Rename what may not be there yet, if somebody stopped this just before."""
    with contextlib.suppress(FileNotFoundError):
        path.rename(to)


def _is_ours(path: Path) -> bool:
    return path.name.startswith(".") or path.name == RECORD


def _answers(service: ServiceSettings) -> bool:
    """Tell whether anything listens where the service does."""
    if not service.port:
        return False
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(service.bind_host, service.bind_host)  # noqa: S104  # as a client
    with contextlib.suppress(OSError), socket.create_connection((host, service.port), timeout=_CONNECT_S):
        return True
    return False
