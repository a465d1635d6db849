"""What the doctor sees of the machine, in one place. Nothing in here changes anything."""

import contextlib
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
_LISTENING: Final = "0A"  # TCP_LISTEN, as the kernel's tables have it


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much of something is left."""

    free: int
    total: int


class Machine:
    """The machine as it is."""

    proc = Path("/proc")
    groups = Path("/sys/fs/cgroup")

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

    def listener(self, port: int) -> int | None:
        """Return the process that listens on a port; None if there is none, or it is another user's."""
        sockets = {f"socket:[{inode}]" for inode in self._listening(port)}
        processes = self.proc.glob("[0-9]*") if sockets else ()
        return next((int(each.name) for each in processes if sockets & _opened(each / "fd")), None)

    def _listening(self, port: int) -> list[str]:
        found = []
        for table in ("tcp", "tcp6"):
            try:
                lines = (self.proc / "net" / table).read_text().splitlines()[1:]
            except OSError:
                continue
            rows = [line.split() for line in lines]
            found += [row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == _LISTENING]
        return found

    def files_of(self, process: int) -> int | None:
        """Return how many files a process may have open; None if it may have any number, or that cannot be seen."""
        try:
            lines = (self.proc / str(process) / "limits").read_text().splitlines()
        except OSError:
            return None
        said = next((line.split()[3] for line in lines if line.startswith("Max open files")), "")
        return int(said) if said.isdigit() else None

    def memory_of(self, process: int) -> int | None:
        """Return how many bytes of memory the unit of a process may take; None without a limit that can be seen."""
        try:
            lines = (self.proc / str(process) / "cgroup").read_text().splitlines()
            group = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
            folder = self.groups / group
            limits = [(each / "memory.max").read_text().strip() for each in _up_to(folder, self.groups)]
        except OSError:
            return None
        return min((int(each) for each in limits if each.isdigit()), default=None)

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
        return self._mount(path)[0]

    def mount_options(self, path: Path) -> frozenset[str]:
        """Return the options with which the file system is mounted that a path is on; none if that cannot be seen."""
        return frozenset(self._mount(path)[1].split(","))

    def holder(self, path: Path, byte: int) -> int | None:
        """Return the process that alone has a byte of a file locked; None if there is none or it cannot be seen."""
        try:
            found = path.stat()
            lines = (self.proc / "locks").read_text().splitlines()
        except OSError:
            return None
        what = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
        held = [line.split()[1:] for line in lines if " WRITE " in line]
        locks = [fields for fields in held if fields[-3] == what and fields[-2].isdigit() and fields[-1].isdigit()]
        return next((int(fields[-4]) for fields in locks if int(fields[-2]) <= byte <= int(fields[-1])), None)

    def memory(self) -> Room | None:
        """Return how much memory is left for who asks for some; None if that cannot be seen."""
        try:
            lines = (self.proc / "meminfo").read_text().splitlines()
        except OSError:
            return None
        known = {line.split()[0]: int(line.split()[1]) * 1024 for line in lines if len(line.split()) > 1}
        if not {"MemAvailable:", "MemTotal:"} <= set(known):
            return None
        return Room(free=known["MemAvailable:"], total=known["MemTotal:"])

    def _mount(self, path: Path) -> tuple[str, str]:
        try:
            lines = (self.proc / "self" / "mounts").read_text().splitlines()
        except OSError:
            return "", ""
        target = _nearest(path).resolve()
        mounted = [line.split() for line in lines]
        under = [
            (len(where), number, kind, options)
            for number, (_, place, kind, options, *_) in enumerate(mounted)
            if target.is_relative_to(where := place.replace("\\040", " "))
        ]
        return max(under, default=(0, 0, "", ""))[2:]

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


def _opened(descriptors: Path) -> set[str]:
    """Return what a process has open; nothing if it has ended meanwhile, or is not ours to see."""
    found = set()
    with contextlib.suppress(OSError):
        for each in descriptors.iterdir():
            with contextlib.suppress(OSError):  # it was closed meanwhile
                found.add(str(each.readlink()))
    return found


def _up_to(folder: Path, top: Path) -> list[Path]:
    """Return a control group's folder and those above it, as far as they may bound memory."""
    groups = [each for each in (folder, *folder.parents) if each.is_relative_to(top)]
    return [each for each in groups if (each / "memory.max").is_file()]


def _nearest(path: Path) -> Path:
    """Return the path, or the first folder above it that is there."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path
