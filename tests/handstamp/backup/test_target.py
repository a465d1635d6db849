"""What a backup leaves and clears away beside what it makes, and what it does not follow in a folder of others."""

from __future__ import annotations

import fcntl
import json
from typing import TYPE_CHECKING

import pytest

from handstamp.backup import errors, making, target
from handstamp.backup.making import RECORD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.handstamp.backup.conftest import Machine


def test_what_root_works_on_beside_a_service_s_folder_goes_too(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.furnish("issuer")
    monkeypatch.setattr(making, "safe_beside", lambda folder: folder.parent)
    left, others = machine.folder / ".data.backup-0123", machine.folder / ".other.backup-0123"
    left.mkdir()
    others.mkdir()
    machine.back_up()
    assert sorted(path.name for path in machine.folder.iterdir()) == [others.name, "backup", "data", "handstamp.toml"]


def test_a_link_in_place_of_the_note_is_not_followed(machine: Machine) -> None:
    machine.furnish("issuer")
    victim, note = machine.folder / "victim", machine.folder / "data" / "issuer" / RECORD
    victim.write_text("kept")
    victim.chmod(0o644)
    for planted in (note, note.with_name(f".{RECORD}"), machine.folder / "data" / ".backup.lock"):
        planted.unlink(missing_ok=True)
        planted.symlink_to(victim)
    with pytest.raises(errors.DataFolderUnusable):  # the lock that is a link
        machine.back_up()
    (machine.folder / "data" / ".backup.lock").unlink()
    machine.back_up()
    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("kept", 0o644)
    assert not note.is_symlink()
    assert "made_at" in json.loads(note.read_text())


def test_an_unfinished_backup_that_nobody_writes_goes_with_the_next(machine: Machine) -> None:
    machine.furnish("issuer")
    left, written, link, notes = (
        machine.folder / f".handstamp-backup-{end}" for end in ("0" * 16, "1" * 16, "2" * 16, "notes")
    )
    for file in (left, written, notes):
        file.write_bytes(b"handstamp-backup")
    link.symlink_to(notes)
    with written.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        machine.back_up()
    assert [left.exists(), written.exists(), link.is_symlink(), notes.exists()] == [False, True, True, True]


def test_who_clears_away_never_takes_what_was_just_begun(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.furnish("issuer")
    lock, made = target.lock, list["Path"]()

    def cleared_first(descriptor: int, *, wait: bool) -> None:
        if not made:
            made.extend(machine.folder.glob(".handstamp-backup-*"))
            made[0].unlink()
        lock(descriptor, wait=wait)

    monkeypatch.setattr(target, "lock", cleared_first)
    machine.back_up()
    assert len(made) == 1
    assert (machine.folder / "backup").is_file()
