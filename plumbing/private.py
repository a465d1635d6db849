"""Files that only their owner may read, whatever the process's umask says; and root in the folder of somebody else.

Whoever owns a folder can put a link into it at any moment, so root opens nothing there that it did not make itself.
"""

import os
import stat
from pathlib import Path
from typing import Final

_OWNER_ONLY: Final = 0o600


def make_private_folder(folder: Path) -> None:
    """Make a folder and every one above it that is missing, each readable by its owner only; leave others as they are.

    `Path.mkdir` gives its mode to the last folder alone: those above it come as the umask wants, and what is written
    into them later is open to everybody on the machine.
    """
    if not folder.exists():
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def make_private_file(path: Path) -> None:
    """Make an empty file that only its owner may read, unless there is one; its folders too."""
    make_private_folder(path.parent)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, _OWNER_ONLY))


def new_private_file(path: Path) -> int:
    """Make a file that was not there and that only its owner may read; return its descriptor, for writing.

    What root makes belongs to whom the folder belongs to: a service must be able to use what lies in its own folder.

    Raises:
        OSError: something is there, were it a link that leads nowhere.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    if _is_root():
        owner = path.parent.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def safe_beside(folder: Path) -> Path:
    """Return where to work on what shall come into a folder: in it; root in somebody else's folder, beside it.

    That is where the owner of the folder can exchange nothing meanwhile. A folder that lies where everybody may rename
    things, or on a disk of its own, is worked in all the same: nothing could be renamed into it from elsewhere.
    """
    if not _is_root():
        return folder
    inside, above = folder.stat(), folder.resolve().parent
    outside = above.stat()
    open_to_others = outside.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not outside.st_mode & stat.S_ISVTX
    if inside.st_uid == 0 or outside.st_uid != 0 or open_to_others or inside.st_dev != outside.st_dev:
        return folder
    return above


def is_unsafe_for_root(folder: Path) -> bool:
    """Tell whether this is root, and the owner of a folder could exchange what root makes to come into it."""
    return _is_root() and folder.stat().st_uid != 0 and safe_beside(folder) == folder


def hand_over(made: Path, place: Path) -> None:
    """Give a folder that root made, with all in it, to whom the place is that it comes to; others keep what they make.

    Args:
        made: a folder that nobody but root can reach yet.
        place: where it comes to. What is there may be left of another root who gave nothing away, so the folder above
            it says first whose it is.
    """
    if not _is_root():
        return
    owners = [each.stat() for each in (place.parent, place) if each.exists()]
    owner = next((each for each in owners if each.st_uid), owners[0])
    for _, _, files, inside in os.fwalk(made):
        os.fchown(inside, owner.st_uid, owner.st_gid)
        for name in files:
            os.chown(name, owner.st_uid, owner.st_gid, dir_fd=inside, follow_symlinks=False)


def _is_root() -> bool:
    return os.name == "posix" and os.geteuid() == 0
