"""`handstamp backup` and `handstamp restore` as a person or a timer runs them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from handstamp.backup import archive, places
from handstamp.commands import backup, restore
from handstamp.commands.backup import BackupPassphraseNeeded
from handstamp.commands.wallet_opening import read_text
from tests.handstamp.backup.conftest import CHEAP, PASSPHRASE
from wallet.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.handstamp.backup.conftest import Machine


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a passphrase be guessed cheaply: what that costs is a matter of `wallet.sealed`."""
    monkeypatch.setattr(archive, "Cost", lambda: CHEAP)


@pytest.fixture
def secret(tmp_path: Path) -> str:
    file = tmp_path / "secret"
    file.write_text(f"{PASSPHRASE}\n")
    file.chmod(0o600)
    return str(file)


def invoke(command: Any, *arguments: str) -> Any:
    return CliRunner().invoke(command.app, list(arguments))


def said(done: Any) -> str:
    return re.sub(r"\s+", " ", done.output)


def test_one_command_each_backs_up_and_restores(machine: Machine, other: Machine, secret: str) -> None:
    machine.furnish("issuer", "verifier", "trackserver")
    machine.enter()
    done = invoke(backup, "today", "--passphrase-file", secret, "--role", "tracks", "--role", "issuer")
    assert done.exit_code == 0, done.output
    assert "files of issuer, trackserver" in said(done)
    other.enter()
    done = invoke(restore, str(machine.folder / "today"), "--passphrase-file", secret)
    assert done.exit_code == 0, done.output
    assert "Restored: issuer, trackserver" in said(done)
    assert "what the backup cannot know" in said(done)
    assert "drop again what was stolen" in said(done)
    assert "handstamp doctor" in said(done)
    assert PASSPHRASE not in done.output
    done = invoke(restore, str(machine.folder / "today"), "--passphrase-file", secret, "--replace", "--role", "issuer")
    assert "delete it once you are sure" in said(done), done.output


def test_what_is_left_out_is_said_on_both_sides(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    machine.furnish("issuer")
    machine.enter()
    done = invoke(backup, "today", "--passphrase-file", secret, "--without-key-file")
    assert "Not in it: the key-encryption files" in said(done)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    # Settings of the backup come back first; they say where the rest goes, which is where it came from.
    done = invoke(restore, str(machine.folder / "today"), "--passphrase-file", secret, "--replace")
    assert done.exit_code == 0, done.output
    assert "The settings of the backup are in" in said(done)
    assert "The keys of the issuer cannot be used yet" in said(done)


@pytest.mark.usefixtures("_endings")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_stops_a_restore_in_its_middle_hears_that_all_is_as_it_was(
    machine: Machine, other: Machine, secret: str, monkeypatch: pytest.MonkeyPatch, ending: signal.Signals
) -> None:
    machine.furnish("verifier")
    machine.enter()
    assert invoke(backup, "today", "--passphrase-file", secret).exit_code == 0
    other.furnish("verifier")
    (other.folder / "data" / "verifier" / "mine").touch()
    other.enter()

    def stop(*_: object) -> None:
        os.kill(os.getpid(), ending)
        os.kill(os.getpid(), ending)  # who is impatient does it twice

    monkeypatch.setattr(places.Place, "_put_folder", stop)
    done = invoke(restore, str(machine.folder / "today"), "--passphrase-file", secret, "--replace")
    assert done.exit_code == 130
    assert "Stopped. Nothing was restored; what was there before is still there." in said(done)
    assert [path.name for path in (other.folder / "data").iterdir() if path.is_dir()] == ["verifier"]
    assert (other.folder / "data" / "verifier" / "mine").exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("_endings")
def test_a_backup_that_is_stopped_leaves_nothing(
    machine: Machine, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.furnish("verifier")
    machine.enter()
    monkeypatch.setattr(archive.SealedWriter, "finish", lambda _: os.kill(os.getpid(), signal.SIGTERM))
    done = invoke(backup, "today", "--passphrase-file", secret)
    assert "Stopped. No backup was written." in said(done)
    assert sorted(path.name for path in machine.folder.iterdir()) == ["data", "handstamp.toml"]
    assert not list((machine.folder / "data").glob(".backup-*"))


def test_a_passphrase_is_asked_for_or_comes_from_a_private_file(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.furnish("verifier")
    machine.enter()
    refused = invoke(backup, "today")
    assert isinstance(refused.exception, BackupPassphraseNeeded)
    open_to_all = tmp_path / "open"
    open_to_all.write_text(PASSPHRASE)
    open_to_all.chmod(0o644)
    assert isinstance(invoke(backup, "today", "--passphrase-file", str(open_to_all)).exception, UnreadableFile)
    with monkeypatch.context() as systemd:
        systemd.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
        assert invoke(backup, "handed-over", "--passphrase-file", str(open_to_all)).exit_code == 0
    monkeypatch.setattr(backup, "is_terminal", lambda: True)
    typed = CliRunner().invoke(backup.app, ["today"], input=f"{PASSPHRASE}\n{PASSPHRASE}\n")
    assert typed.exit_code == 0, typed.output
    assert PASSPHRASE not in typed.output


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user whom no file's mode makes an exception for."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_file_that_may_not_be_read_is_not_called_unreadable_text(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"\xff")
    with pytest.raises(UnreadableFile, match="it is not text in UTF-8"):
        read_text(secret)
    secret.chmod(0)
    with as_nobody(), pytest.raises(UnreadableFile, match="you may not read it; run this as the user whose file it is"):
        read_text(secret)
    with pytest.raises(UnreadableFile, match="it cannot be read: Is a directory"):
        read_text(tmp_path)
