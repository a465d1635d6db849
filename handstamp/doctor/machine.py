"""What the doctor sees of the machine, in one place. Nothing in here changes anything."""

import ctypes
import importlib.util
import os
import shutil
import socket
import sqlite3
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_UNSYNCHRONISED: Final = 5  # adjtimex(2): TIME_ERROR
_ROOM_FOR_TIMEX: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much of something is left."""

    free: int
    total: int


class Machine:
    """The machine as it is."""

    proc = Path("/proc")

    def versions(self) -> dict[str, tuple[int, ...]]:
        """Return the versions of what we stand on."""
        return {
            "python": sys.version_info[:3],
            "openssl": ssl.OPENSSL_VERSION_INFO[:3],
            "sqlite": sqlite3.sqlite_version_info[:3],
        }

    def user(self) -> int | None:
        """Return the number of the user who runs this; None where users have none."""
        return os.geteuid() if hasattr(os, "geteuid") else None

    def umask(self) -> int | None:
        """Return the process's umask, without touching it."""
        try:
            lines = (self.proc / "self" / "status").read_text().splitlines()
        except OSError:
            return None
        return next((int(line.split()[1], 8) for line in lines if line.startswith("Umask:")), None)

    def open_files(self) -> int | None:
        """Return how many files a process of ours may have open."""
        if os.name != "posix":
            return None
        import resource  # noqa: PLC0415  # not on every system

        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]

    def is_clock_set(self) -> bool | None:
        """Tell whether something keeps the kernel's clock right; None where that cannot be seen."""
        if not sys.platform.startswith("linux"):
            return None
        try:
            state = ctypes.CDLL(None).adjtimex(ctypes.byref(ctypes.create_string_buffer(_ROOM_FOR_TIMEX)))
        except (OSError, AttributeError):
            return None
        return None if state < 0 else state != _UNSYNCHRONISED

    def space(self, folder: Path) -> Room:
        """Return the bytes of the disk on which a folder lies."""
        found = shutil.disk_usage(_nearest(folder))
        return Room(free=found.free, total=found.total)

    def entries(self, folder: Path) -> Room | None:
        """Return how many more files its disk has room for, whatever their size; None if it does not count them."""
        if not hasattr(os, "statvfs"):
            return None
        found = os.statvfs(_nearest(folder))
        return Room(free=found.f_favail, total=found.f_files) if found.f_files else None

    def file_system(self, path: Path) -> str:
        """Return the kind of file system that a path is on, empty if that cannot be seen."""
        try:
            lines = (self.proc / "self" / "mounts").read_text().splitlines()
        except OSError:
            return ""
        target = _nearest(path).resolve()
        mounted = [(line.split()[1].replace("\\040", " "), line.split()[2]) for line in lines]
        under = [(len(where), kind) for where, kind in mounted if target.is_relative_to(where)]
        return max(under, default=(0, ""))[1]

    def resolves(self, host: str) -> bool:
        """Tell whether this machine's resolver knows a name."""
        try:
            socket.getaddrinfo(host, None)
        except OSError:
            return False
        return True

    def has_module(self, name: str) -> bool:
        """Tell whether a library is installed."""
        return importlib.util.find_spec(name) is not None


def _nearest(path: Path) -> Path:
    """Return the path, or the first folder above it that is there."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path
