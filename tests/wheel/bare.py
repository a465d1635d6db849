"""Run by the interpreter of an environment that has the wheel and none of its extras; see `tests/wheel_check.py`."""

import contextlib
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from handstamp.cli import app

PACKAGES = ("schemas", "credentials", "plumbing", "issuer", "verifier", "wallet", "trackserver", "handstamp")


def main() -> None:
    """End with an error that says what is wrong, or in silence."""
    for package in PACKAGES:
        found = importlib.util.find_spec(package)
        if found is None or not str(found.origin).startswith(sys.prefix):
            raise SystemExit(f"{package} does not come from the wheel, but from {found and found.origin}")
    named = 0
    root = typer.main.get_command(app)
    for words in _commands((), root):
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            root.main([*words, "--help"], prog_name="handstamp")
        if "Usage:" not in said.getvalue():
            raise SystemExit(f"handstamp {' '.join(words)} --help explains nothing")
        named += 1
    _check_extras()
    print(f"{named} commands explain themselves.")


def _commands(typed: tuple[str, ...], command: Any) -> Iterator[tuple[str, ...]]:
    """Give every command of the tree, as words to be typed behind `handstamp`."""
    yield typed
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from _commands((*typed, name), command.get_command(None, name))


def _check_extras() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = {"HANDSTAMP_DATA_DIR": str(folder / "data")}
        _expect("pip install 'handstamp[audio]'", "tracks", "add", str(folder), **settings)
        _expect("pip install 'handstamp[audio]'", "demo", "--check", **settings)
        settings["HANDSTAMP_TRACING_ENDPOINT"] = "http://127.0.0.1:4318"
        _expect("'handstamp[tracing]'", "tracks", "serve", **settings)


def _expect(said: str, *arguments: str, **settings: str) -> None:
    """Run a command that must be refused in these words."""
    command = [str(Path(sys.prefix) / "bin" / "handstamp"), *arguments]
    environment = {**os.environ, **settings, "COLUMNS": "200"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 1 or said not in done.stderr:
        raise SystemExit(f"handstamp {' '.join(arguments)} did not say {said}: {done.stderr or done.stdout}")


if __name__ == "__main__":
    main()
