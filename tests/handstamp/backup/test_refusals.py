"""A restore that would harm what is there, or a backup that cannot be used, is refused before anything is touched."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from credentials.errors import HandstampError
from handstamp.backup import archive, errors
from handstamp.backup.archive import RoleFacts, Source, write_archive
from handstamp.settings import UnusableSettings
from issuer.tables import ListenerRow
from plumbing.clock import system_clock
from tests.handstamp.backup.conftest import CHEAP, PASSPHRASE, Machine
from tests.support.town import serving

if TYPE_CHECKING:
    from pathlib import Path


def test_a_place_that_is_taken_stays_unless_it_may_be_put_aside(machine: Machine, other: Machine) -> None:
    machine.furnish("issuer")
    machine.back_up()
    there = other.coop()
    mine = there.listener(name="Kim")
    there.parts.database.close()
    with pytest.raises(errors.PlaceTaken, match="issuer"):
        other.restore(machine.folder / "backup")
    assert there.rows(ListenerRow) == 1
    there.parts.database.close()
    restored = other.restore(machine.folder / "backup", replace=True)
    assert other.coop().rows(ListenerRow) == 0
    (aside,) = restored.aside
    assert ".before-restore-" in aside
    with closing(sqlite3.connect(f"{aside}/issuer.sqlite")) as old:
        assert old.execute("SELECT id FROM listener").fetchall() == [(mine,)]


def test_a_database_that_lies_elsewhere_is_put_there_and_the_old_one_beside_it(
    machine: Machine, other: Machine, tmp_path: Path
) -> None:
    machine.furnish("issuer")
    machine.back_up()
    elsewhere = tmp_path / "disk" / "coop.sqlite"
    other.set_up(issuer=f"sqlite:///{elsewhere}")
    other.restore(machine.folder / "backup")
    assert elsewhere.stat().st_mode & 0o177 == 0
    with pytest.raises(errors.PlaceTaken, match=r"coop\.sqlite"):
        other.restore(machine.folder / "backup")
    restored = other.restore(machine.folder / "backup", replace=True)
    assert len(restored.aside) == 2
    assert other.coop().rows(ListenerRow) == 0


def test_one_role_that_cannot_be_put_in_place_leaves_every_role_as_it_was(
    machine: Machine, other: Machine, tmp_path: Path
) -> None:
    machine.furnish("issuer", "verifier")
    machine.back_up()
    (tmp_path / "file").touch()
    other.set_up(verifier=f"sqlite:///{tmp_path}/file/site.sqlite")
    there = other.coop()
    there.listener(name="Kim")
    there.parts.database.close()
    with pytest.raises(errors.CannotRestore, match="verifier"):
        other.restore(machine.folder / "backup", replace=True)
    assert other.coop().rows(ListenerRow) == 1
    assert [path.name for path in (other.folder / "data").iterdir() if path.is_dir()] == ["issuer"]


def test_a_service_that_runs_is_not_exchanged_under_its_feet(machine: Machine, other: Machine) -> None:
    coop = machine.coop()
    machine.back_up()
    with serving(lambda _: coop.app) as port:
        settings = other.folder / "handstamp.toml"
        settings.write_text(settings.read_text().replace("[issuer]\nport = 0", f"[issuer]\nport = {port}"))
        with pytest.raises(errors.ServiceRuns, match="stop it first"):
            other.restore(machine.folder / "backup", replace=True)
    assert not (other.folder / "data").exists()


def test_keys_without_their_key_file_are_said_to_be_useless_until_it_is_back(machine: Machine, other: Machine) -> None:
    machine.furnish("issuer")
    machine.back_up(with_key_file=False)
    restored = other.restore(machine.folder / "backup")
    assert restored.without_key_file == ["issuer"]
    keys = "data/issuer/keys/key-encryption-key"
    assert not (other.folder / keys).exists()
    (other.folder / keys).write_bytes((machine.folder / keys).read_bytes())
    (other.folder / keys).chmod(0o600)
    assert other.coop().parts.identity.x5c


def test_one_role_of_a_backup_is_restored_alone(machine: Machine, other: Machine) -> None:
    machine.furnish("issuer", "verifier", "trackserver")
    machine.back_up()
    restored = other.restore(machine.folder / "backup", roles=("verifier",))
    assert set(restored.words) == {"verifier"}
    assert sorted(path.name for path in (other.folder / "data").iterdir() if path.is_dir()) == ["verifier"]
    machine.back_up("of-one", roles=("issuer",))
    with pytest.raises(errors.UnusableBackup, match="it holds issuer, not verifier"):
        other.restore(machine.folder / "of-one", roles=("verifier",))


@pytest.mark.parametrize("cut", [1, 3000, -1])
def test_a_backup_that_was_cut_restores_nothing(machine: Machine, other: Machine, cut: int) -> None:
    machine.furnish("issuer")
    machine.back_up()
    whole = (machine.folder / "backup").read_bytes()
    (machine.folder / "cut").write_bytes(whole[:cut])
    with pytest.raises(errors.UnusableBackup):
        other.restore(machine.folder / "cut")
    assert not [path for path in other.folder.rglob("*") if path.is_file() and path.name[0] not in ".h"]


def test_settings_that_came_with_a_backup_go_again_if_it_is_refused(machine: Machine, tmp_path: Path) -> None:
    machine.furnish("issuer")
    machine.back_up()
    whole = (machine.folder / "backup").read_bytes()
    (machine.folder / "cut").write_bytes(whole[:-1])
    empty = Machine(tmp_path / "empty", machine.monkeypatch)
    with pytest.raises(HandstampError):
        empty.restore(machine.folder / "cut")
    assert list(empty.folder.iterdir()) == []


def crafted(machine: Machine, name: str = "issuer/files/x", **roles: RoleFacts) -> Path:
    """A backup that somebody made who knows the passphrase."""
    target, source = machine.folder / "crafted", machine.folder / "source"
    source.write_bytes(b"#!/bin/sh\n")
    facts = roles or {"issuer": RoleFacts(engine="sqlite", revision="0006", folder="/srv")}
    write_archive(
        target,
        PASSPHRASE,
        roles=facts,
        sources=[Source(name=name, path=source)],
        now=system_clock(),
        cost=CHEAP,
    )
    return target


@pytest.mark.parametrize(
    "name",
    [
        "issuer/../../../home/robin/.profile",
        "/etc/cron.d/x",
        "issuer//etc/passwd",
        "issuer/files/..",
        "issuer/.",
        "issuer",
        "issuer/files/a\\..\\b",
        "issuer/files/nul\0",
    ],
)
def test_a_name_that_leads_out_of_its_folder_is_refused(machine: Machine, other: Machine, name: str) -> None:
    with pytest.raises(errors.UnusableBackup, match="table of contents"):
        other.restore(crafted(machine, name))
    assert not (other.folder / "data").exists()


@pytest.mark.parametrize(
    "lie",
    [
        {"made_at": "0001-01-01T00:00:00+23:59"},
        {"files": [{"name": "issuer/database", "size": 1, "sha256": "0" * 64, "mode": 0, "modified_ns": "9" * 40}]},
    ],
    ids=["made before the year 1", "changed beyond the calendar"],
)
def test_a_moment_that_no_calendar_has_is_refused(
    machine: Machine, other: Machine, monkeypatch: pytest.MonkeyPatch, lie: dict[str, Any]
) -> None:
    honest = archive.Manifest.to_json
    with monkeypatch.context() as lying:
        lying.setattr(archive.Manifest, "to_json", lambda manifest: honest(manifest) | lie)
        backup = crafted(machine)
    with pytest.raises(errors.UnusableBackup, match="table of contents"):
        other.restore(backup)


def test_a_backup_without_a_database_makes_no_empty_one(machine: Machine, other: Machine) -> None:
    with pytest.raises(errors.CannotRestore, match="issuer/database"):
        other.restore(crafted(machine))
    assert not (other.folder / "data" / "issuer").exists()


def test_what_this_version_does_not_know_is_refused(machine: Machine, other: Machine) -> None:
    with pytest.raises(errors.CannotRestore, match="issuer/plugins/x"):
        other.restore(crafted(machine, "issuer/plugins/x"))
    assert not (other.folder / "data" / "issuer").exists()


def test_tables_of_a_newer_version_are_refused_before_anything_is_touched(machine: Machine, other: Machine) -> None:
    newer = RoleFacts(engine="sqlite", revision="9999", folder="/srv")
    with pytest.raises(errors.NewerBackup, match="9999"):
        other.restore(crafted(machine, issuer=newer))


def test_a_backup_of_the_other_engine_is_refused(machine: Machine, other: Machine) -> None:
    elsewhere = RoleFacts(engine="postgresql", revision="0006", folder="/srv")
    with pytest.raises(errors.OtherEngine, match="postgresql"):
        other.restore(crafted(machine, issuer=elsewhere))


def test_a_newer_table_of_contents_is_refused(
    machine: Machine, other: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(archive, "FORMAT", 2)
        backup = crafted(machine)
    with pytest.raises(errors.NewerBackup, match="table of contents 2"):
        other.restore(backup)


def test_unusable_settings_are_said_before_anything_is_unpacked(machine: Machine, other: Machine) -> None:
    machine.furnish("issuer")
    machine.back_up()
    (other.folder / "handstamp.toml").write_text("nonsense = 1\n")
    with pytest.raises(UnusableSettings):
        other.restore(machine.folder / "backup")
