"""Files that only their owner may read, whatever the process's umask says."""

import os
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
