"""Runs a service of ours in a process of its own, as an operator does."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

_STARTS_WITHIN_S: Final = 120


@contextlib.contextmanager
def running(
    *command: str, port: int, folder: Path, settings: Mapping[str, str], one_core: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `handstamp COMMAND` until the block ends.

    Args:
        command: as `"issuer", "serve"`.
        port: that it listens on; the block begins when it does.
        folder: of its data.
        settings: further ones, without `HANDSTAMP_` before their names.
        one_core: whether all its threads stay on one core, where a system can hold a process to one.
    """
    named = {f"HANDSTAMP_{name}": value for name, value in settings.items()}
    with _one_core() if one_core else contextlib.nullcontext():
        process = subprocess.Popen(  # noqa: S603  # our own words
            [sys.executable, "-m", "handstamp", *command],
            cwd=folder,
            env=os.environ | {"HANDSTAMP_DATA_DIR": str(folder)} | named,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    try:
        _wait_for(port, process)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def cpu_s_of(process: subprocess.Popen[bytes]) -> float:
    """Return how much CPU a process took so far: user and system, all threads, in seconds (proc(5), `stat`)."""
    behind_name = Path(f"/proc/{process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    user, system = behind_name[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    """Hold ourselves to one core; what is started meanwhile stays there."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("the service did not start")
