"""A real disk of a few mebibytes, in memory, that only one process and its children see; as root or as anybody."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NEW_MOUNTS, _NEW_USER = 0x20000, 0x10000000  # clone(2)
_READ_ONLY, _AGAIN, _ALL_BELOW, _PRIVATE = 1, 32, 16384, 1 << 18  # mount(2)
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def cannot_mount() -> str:
    """Say why nobody may mount anything here; nothing if one may."""
    namespaces = ["-m"] if os.geteuid() == 0 else ["-U", "-r", "-m"]
    command = ["unshare", *namespaces, "mount", "-t", "tmpfs", "-o", "size=64k", "none", "/mnt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return " ".join(done.stderr.split()) if done.returncode else ""


@dataclass(frozen=True)
class SmallDisk:
    """One that is mounted at a folder."""

    folder: Path

    @classmethod
    def mount(cls, folder: Path, *, kib: int) -> SmallDisk:
        """Mount one for this very process, which has one thread only.

        Raises:
            OSError: the system does not allow it.
        """
        folder.mkdir()
        user, group = os.geteuid(), os.getegid()
        if user == 0:
            _do(_LIBC.unshare(_NEW_MOUNTS))
        else:
            _do(_LIBC.unshare(_NEW_USER | _NEW_MOUNTS))
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        _do(_LIBC.mount(b"none", b"/", None, _ALL_BELOW | _PRIVATE, None))
        _do(_LIBC.mount(b"none", os.fsencode(folder), b"tmpfs", 0, f"size={kib}k,mode=0755".encode()))
        return cls(folder)

    def fill(self) -> None:
        """Leave no room for one more byte."""
        with (self._ballast).open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError as error:
                assert error.errno == errno.ENOSPC  # noqa: PT017

    def empty(self) -> None:
        """Make room again."""
        self._ballast.unlink()

    def set_read_only(self, *, is_so: bool) -> None:
        """Let nobody write, or everybody; nobody must have a file open for writing."""
        flags = _AGAIN | (_READ_ONLY if is_so else 0)
        _do(_LIBC.mount(b"none", os.fsencode(self.folder), b"tmpfs", flags, None))

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"


def _do(answer: int) -> None:
    if answer != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
