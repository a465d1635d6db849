"""Whoever ends a command of the backup at its very end, when nothing is undone any more."""

from __future__ import annotations

import os
import shutil
import signal
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from handstamp.backup import archive
from handstamp.commands import backup, restore
from tests.handstamp.backup.conftest import CHEAP, PASSPHRASE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.handstamp.backup.conftest import Machine


@pytest.mark.usefixtures("_endings")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_who_ends_a_command_when_all_is_done_does_not_undo_half_of_it(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: signal.Signals
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSPHRASE)
    secret.chmod(0o600)
    machine.furnish("verifier")
    machine.enter()
    tidy = shutil.rmtree

    def end(*given: Any, **how: Any) -> None:
        os.kill(os.getpid(), ending)
        tidy(*given, **how)

    monkeypatch.setattr(archive, "Cost", lambda: CHEAP)
    monkeypatch.setattr(shutil, "rmtree", end)
    made = CliRunner().invoke(backup.app, ["today", "--passphrase-file", str(secret)])
    assert (made.exit_code, (machine.folder / "today").exists()) == (0, True), made.output
    (machine.folder / "handstamp.toml").unlink()
    (machine.folder / "data").rename(machine.folder / "lost")
    done = CliRunner().invoke(restore.app, ["today", "--passphrase-file", str(secret)])
    assert done.exit_code == 0, done.output
    assert (machine.folder / "handstamp.toml").exists()
    assert (machine.folder / "data" / "verifier").is_dir()
