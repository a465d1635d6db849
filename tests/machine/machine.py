"""A machine of its own, for as long as a test takes: Debian's systemd as the first process, in namespaces of this one.

It has this machine's programs and what is written above them in memory, a network of its own with nobody in it, and
cgroups of its own. Nothing that it does is seen outside, and when it ends nothing of it is left.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BOOT = Path(__file__).with_name("boot.sh")
NAMESPACES = ("--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup")
PROGRAMS = (
    "/lib/systemd/systemd",
    "/usr/sbin/nginx",
    "/usr/bin/pg_ctlcluster",
    "/usr/bin/dbus-daemon",
    "/usr/bin/unshare",
)
GIVEN = "/srv/from-outside"
_BOOTS_WITHIN = 600


class NoMachine(Exception):
    """This machine lets nobody boot another inside it, or lacks what is run there."""


class Machine:
    """Runs shell scripts as its root."""

    def __init__(self, first: int) -> None:
        """Take the process id, seen from outside, of its first process."""
        self._enter = ["nsenter", "-t", str(first), "-a", "env", "-i", "HOME=/root", "LANG=C.UTF-8"]
        self._enter += ["PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "bash", "-euo", "pipefail", "-c"]

    def run(self, script: str, *, said: str = "", within: float = 1200) -> str:
        """Run a script to its end and return what it printed; `said` is what its commands are told."""
        done = subprocess.run(
            [*self._enter, script], check=False, capture_output=True, text=True, input=said, timeout=within
        )
        if done.returncode:
            raise SystemExit(f"This failed ({done.returncode}):\n{script}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def wait(self, script: str, *, within: float = _BOOTS_WITHIN) -> None:
        """Run a script again and again until it succeeds."""
        give_up = time.monotonic() + within
        while subprocess.run([*self._enter, script], check=False, capture_output=True).returncode:
            if time.monotonic() > give_up:
                self.run(script)
            time.sleep(0.2)


@contextmanager
def booted(folder: Path, *, packages: Path) -> Iterator[Machine]:
    """Boot one, with what lies in `folder` at `/srv/from-outside`, and the Python packages at `/opt/packages`.

    Raises:
        NoMachine: its first process did not come up.
    """
    group = _make_group()
    root = folder.parent / "machine"
    root.mkdir()
    root.with_name("machine.given").symlink_to(folder, target_is_directory=True)
    # Whoever ends this process, however, ends the machine too.
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", *NAMESPACES, "--fork", "--kill-child"]
    command += [str(BOOT), str(root), str(packages)]
    with (folder.parent / "boot.log").open("wb") as log:
        started = subprocess.Popen(
            ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(group), *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        machine = Machine(_first_process(started, folder.parent / "boot.log"))
        machine.wait("systemctl is-system-running --wait | grep -xE 'running|degraded'")
        yield machine
    finally:
        started.send_signal(signal.SIGKILL)
        started.wait()
        _remove_group(group)


def check_possible() -> None:
    """Refuse where another machine cannot be booted.

    Raises:
        NoMachine: with what is missing.
    """
    if os.geteuid() != 0:
        raise NoMachine("it takes root")
    missing = [each for each in PROGRAMS if shutil.which(each) is None]
    if missing:
        raise NoMachine(f"there is no {', '.join(missing)}")
    tried = subprocess.run(["unshare", *NAMESPACES, "--fork", "true"], check=False, capture_output=True, text=True)
    if tried.returncode:
        raise NoMachine(tried.stderr.strip())
    _remove_group(_make_group())


def _make_group() -> Path:
    """Make a cgroup of version 2 that the machine takes for the root of all."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text("utf-8").splitlines()]
    ours = [line for line in Path("/proc/self/cgroup").read_text("utf-8").splitlines() if line.startswith("0::")]
    try:
        place = Path(next(place for _, place, kind, *_ in mounts if kind == "cgroup2"))
        group = place / ours[0].removeprefix("0::/") / f"handstamp-units-{os.getpid()}"
        group.mkdir()
    except (StopIteration, IndexError, OSError) as error:
        raise NoMachine("there is no cgroup of version 2 that may be divided") from error
    return group


def _remove_group(group: Path) -> None:
    for _ in range(50):
        try:
            for each in sorted(group.rglob("*/"), reverse=True):
                each.rmdir()
            group.rmdir()
        except OSError:  # a process of it is still going
            time.sleep(0.1)
        else:
            return


def _first_process(started: subprocess.Popen[bytes], log: Path) -> int:
    """Wait until the child of `unshare` has become systemd, and return its process id."""
    give_up = time.monotonic() + _BOOTS_WITHIN
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children")
    while started.poll() is None and time.monotonic() < give_up:
        time.sleep(0.05)
        with suppress(OSError):  # one of them has just ended
            for child in children.read_text("utf-8").split():
                if Path(f"/proc/{child}/comm").read_text("utf-8").strip() == "systemd":
                    return int(child)
    raise NoMachine(f"it did not boot: {log.read_text('utf-8', 'replace')}")
