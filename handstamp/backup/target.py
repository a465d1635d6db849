"""The file that becomes a backup: it is there whole or not at all, and what a killed run left of one goes."""

import contextlib
import importlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from handstamp.backup.errors import CannotWriteBackup

_OWNER_ONLY: Final = 0o600
_UNFINISHED: Final = ".handstamp-backup-"
_OURS: Final = re.compile(re.escape(_UNFINISHED) + "[0-9a-f]{16}")


def check_target(path: Path) -> None:
    """Check that a backup can be written to a path.

    Raises:
        CannotWriteBackup: something is there, or nothing can be put there.
    """
    if path.exists() or path.is_symlink():
        raise CannotWriteBackup(path, "there is something of this name already; take another name")
    if not path.parent.is_dir():
        raise CannotWriteBackup(path, f"there is no folder {path.parent}; make it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise CannotWriteBackup(path, f"this user may not write in {path.parent}")


@contextlib.contextmanager
def new_backup(path: Path, settle: Callable[[], object]) -> Iterator[BinaryIO]:
    """Write beside `path` and put it there at the end; whatever goes wrong leaves nothing.

    Args:
        path: where the backup shall be.
        settle: called just before it gets this name.

    Raises:
        CannotWriteBackup: something is at `path`, or it cannot be written.
    """
    unfinished: Path | None = None
    try:
        check_target(path)
        _clear_left(path.parent)
        unfinished, descriptor = _begin(path.parent)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            settle()
            unfinished.rename(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise CannotWriteBackup(path, error.strerror or "nobody says why") from error
    finally:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)


def _begin(folder: Path) -> tuple[Path, int]:
    """Make a file that only its owner may read, and hold its lock for as long as it is open."""
    while True:
        path = folder / f"{_UNFINISHED}{secrets.token_hex(8)}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        with contextlib.suppress(OSError):  # not every network's file system knows locks
            lock(descriptor, wait=True)
        if os.fstat(descriptor).st_nlink:  # else it was taken for what somebody left, just before it was locked
            return path, descriptor
        os.close(descriptor)


def _clear_left(folder: Path) -> None:
    """Remove what a run that was killed left: nobody holds its lock any more."""
    for left in folder.iterdir():
        if _OURS.fullmatch(left.name):
            with contextlib.suppress(OSError):  # it is being written just now, or is no file of ours
                descriptor = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                try:
                    lock(descriptor, wait=False)
                    left.unlink()
                finally:
                    os.close(descriptor)


def lock(descriptor: int, *, wait: bool) -> None:
    """Take the lock of a file, which goes with the process that has it; raises OSError if it cannot be had."""
    fcntl = importlib.import_module("fcntl")  # not on Windows, where an open file cannot be removed anyway
    fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def _flush_folder(folder: Path) -> None:
    if os.name == "posix":  # Windows has no handle on a folder to flush
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
