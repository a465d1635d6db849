"""Runs `handstamp` commands in processes of their own that begin with everything loaded.

A command loads for about a second before it does anything, and the demo runs about sixty. Here one process loads
once and every command is a fork of it (the standard library's fork server), with an environment, a folder and standard
streams of its own.
"""

import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import IO, Final

from handstamp import cli

_ROLES: Final = ("issuer", "verifier", "gate", "door", "tracks", "wallet")
_LOADED: Final = tuple(f"handstamp.commands.{role}" for role in _ROLES)
_STREAMS: Final = ("stdin", "stdout", "stderr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command that has ended."""

    exit_code: int
    printed: str
    complained: str


def run_command(arguments: Sequence[str], *, environment: Mapping[str, str], folder: Path, answer: str = "") -> Done:
    """Run one command to its end.

    Args:
        arguments: what follows `handstamp` on the command line.
        environment: all of its environment.
        folder: where it runs.
        answer: what it reads from its standard input.
    """
    with tempfile.TemporaryDirectory(prefix="handstamp-command-") as place:
        files = {stream: Path(place) / stream for stream in _STREAMS}
        files["stdin"].write_text(answer, "utf-8")
        process = _context().Process(
            target=_become, args=(tuple(arguments), dict(environment), folder, tuple(files.values()))
        )
        process.start()
        process.join()
        code = process.exitcode
        process.close()
        printed, complained = (_read(files[stream]) for stream in ("stdout", "stderr"))
    return Done(exit_code=1 if code is None else code, printed=printed, complained=complained)


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *_LOADED])
    # Ctrl-C reaches every process of a terminal: while this one loads, it would answer with a trace. The tracker comes
    # first, because starting it lets Ctrl-C in again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return context


def _become(arguments: tuple[str, ...], environment: dict[str, str], folder: Path, files: tuple[Path, ...]) -> None:
    """Become the command, in the forked process."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, (path, mode) in enumerate(zip(files, ("rb", "wb", "wb"), strict=True)):
        with path.open(mode) as stream:
            os.dup2(stream.fileno(), number)
    sys.stdin, sys.stdout, sys.stderr = _text(0, "r"), _text(1, "w"), _text(2, "w")
    sys.argv = ["handstamp", *arguments]
    cli.main()


def _text(number: int, mode: str) -> IO[str]:
    return open(number, mode, encoding="utf-8", closefd=False)


def _read(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.exists() else ""
