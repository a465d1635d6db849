"""Puts a backup in place: checked whole before anything that is there is touched, and what was there is put aside.

Everything is unpacked beside its place, brought to this version's tables, and told to forget what must not come back
(`handstamp.backup.afterwards`). Only when all of that is done does it take the place of what was there, by renaming. A
PostgreSQL database is filled in one transaction of its own; what was in it stays, in a schema of another name.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from handstamp.backup.archive import Archive, Entry, Manifest, open_archive
from handstamp.backup.errors import CannotRestore, RunAsOwner, UnusableBackup
from handstamp.backup.making import DATABASE, FILES, ROLES, SETTINGS_NAME, locked, staged
from handstamp.backup.places import Place
from handstamp.settings import Role, load_settings, settings_file
from plumbing.private import is_unsafe_for_root, make_private_folder, new_private_file

_STAGE: Final = ".restore-"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreWish:
    """What shall be restored, and how.

    Attributes:
        path: the backup.
        passphrase: what opens it.
        roles: whose; all in the backup if none is named.
        replace: whether what is there may be put aside.
        tools: the folder of PostgreSQL's programs; without it, the PATH.
        settle: called when all is in its place: from then on nothing is undone.
    """

    path: Path
    passphrase: str
    roles: tuple[Role, ...] = ()
    replace: bool = False
    tools: Path | None = None
    settle: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored.

    Attributes:
        manifest: what the backup says of itself.
        settings_at: where the settings were put; None if there were settings, which then rule.
        aside: where what was there before lies now.
        without_key_file: roles whose key-encryption file is not in the backup and must be put back by hand.
        words: what a person must know and do now, by role.
    """

    manifest: Manifest
    settings_at: Path | None
    aside: Sequence[str]
    without_key_file: Sequence[str]
    words: Mapping[Role, Sequence[str]]


def restore_backup(wish: RestoreWish, *, now: datetime) -> Restored:
    """Restore a backup into the places that the settings name.

    Raises:
        UnusableBackup, NewerBackup, WrongBackupPassphrase: the backup; nothing was changed.
        PlaceTaken, ServiceRuns, OtherEngine: the place; nothing was changed.
        RunAsOwner: this is root, in somebody else's folder, with nowhere safe to work; nothing was changed.
        CannotRestore, ToolFailed, DatabaseUnavailable: what was there before is still there.
        UnusableSettings: the settings cannot be used.
    """
    with open_archive(wish.path, wish.passphrase) as archive, contextlib.ExitStack() as undo:
        roles = _check_roles(archive.manifest, wish)
        settings_at = _put_settings(archive, undo)
        settings = load_settings()
        places = [Place.of(settings, role, archive.manifest, now=now) for role in roles]
        for place in places:
            place.check(wish.path, replace=wish.replace)
        with locked(settings.data_dir), _staged(settings.data_dir) as stage:
            _unpack(archive, stage, roles, settings_were_read=settings_at is not None)
            for place in places:
                place.prepare(stage / place.role, now=now)
            words = _exchange(places, stage, wish, now=now)
            undo.pop_all()
    return Restored(
        manifest=archive.manifest,
        settings_at=settings_at,
        aside=[aside for place in places for aside in place.aside],
        without_key_file=[place.role for place in places if place.lacks_key_file],
        words=words,
    )


@contextlib.contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    if is_unsafe_for_root(folder):
        raise RunAsOwner(folder)
    with staged(folder, _STAGE) as stage:
        yield stage


def _exchange(
    places: Sequence[Place], stage: Path, wish: RestoreWish, *, now: datetime
) -> Mapping[Role, Sequence[str]]:
    """Put the parts of all roles in place, or of none; return what a person must know, by role."""
    with contextlib.ExitStack() as exchanged:
        words = {place.role: place.put(stage / place.role, exchanged, tools=wish.tools, now=now) for place in places}
        wish.settle()
        exchanged.pop_all()
    return words


def _check_roles(manifest: Manifest, wish: RestoreWish) -> list[Role]:
    inside = [role for role in ROLES if role in manifest.roles]
    missing = [role for role in wish.roles if role not in inside]
    if missing or not inside or len(inside) != len(manifest.roles):
        raise UnusableBackup(wish.path, f"it holds {', '.join(inside) or 'nothing'}, not {', '.join(missing)}")
    return [role for role in inside if role in (wish.roles or inside)]


def _put_settings(archive: Archive, undo: contextlib.ExitStack) -> Path | None:
    """Put the settings where they are looked for, if there are none: they say where the rest goes."""
    first, file = next(iter(archive.manifest.files), None), settings_file()
    if first is None or first.name != SETTINGS_NAME or file.exists():
        return None
    read = bytearray()
    archive.copy_out(first, read.extend)
    undo.callback(file.unlink, missing_ok=True)
    _write(file, lambda write: write(bytes(read)))
    return file


def _unpack(archive: Archive, stage: Path, roles: Sequence[Role], *, settings_were_read: bool) -> None:
    for entry in archive.manifest.files[settings_were_read:]:
        if entry.role not in roles:
            archive.copy_out(entry, lambda _: None)
            continue
        if entry.place != DATABASE and not entry.place.startswith(f"{FILES}/"):
            raise CannotRestore(entry.name, "it is nothing that this version knows")
        target = stage / entry.role / entry.place
        _write(target, lambda write, entry=entry: archive.copy_out(entry, write))  # type: ignore[misc]
        _give_back(target, entry)
    archive.finish()
    for role in roles:
        if not (stage / role / DATABASE).is_file():  # an empty one would be made, and would pass for what was saved
            raise CannotRestore(f"{role}/{DATABASE}", "it is not in the backup")


def _write(target: Path, fill: Callable[[Callable[[bytes], object]], object]) -> None:
    try:
        make_private_folder(target.parent)
        with os.fdopen(new_private_file(target), "wb") as file:
            fill(file.write)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise CannotRestore(str(target), error.strerror or "it cannot be written") from error


def _give_back(target: Path, entry: Entry) -> None:
    """Give a file the permissions and the moment that it had: a trackserver compares the moment."""
    target.chmod(entry.mode)
    os.utime(target, ns=(entry.modified_ns, entry.modified_ns))
