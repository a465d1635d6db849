"""What root restores belongs to whom the folder belongs to, and root makes nothing where others could exchange it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from handstamp.backup import errors

if TYPE_CHECKING:
    from pathlib import Path

    from tests.handstamp.backup.conftest import Machine

SERVICE = 65534


def owners(folder: Path) -> set[tuple[int, int]]:
    """Whose a folder is, with all in it."""
    found = [each.lstat() for each in (folder, *folder.rglob("*"))]
    return {(each.st_uid, each.st_gid) for each in found}


def data_of_a_service(machine: Machine) -> Path:
    """The empty data folder of a service, in a folder of root's."""
    machine.folder.chmod(0o755)
    data = machine.folder / "data"
    data.mkdir(mode=0o700)
    os.chown(data, SERVICE, SERVICE)
    return data


@pytest.mark.root
def test_what_root_restores_belongs_to_the_service(machine: Machine, other: Machine) -> None:
    machine.furnish("trackserver")
    covers = machine.folder / "data" / "trackserver" / "covers"
    covers.mkdir()
    (covers / "a.jpg").write_bytes(b"picture")
    machine.back_up()
    data = data_of_a_service(other)
    other.restore(machine.folder / "backup")
    assert (data / "trackserver" / "covers" / "a.jpg").is_file()
    assert owners(data) == {(SERVICE, SERVICE)}
    other.restore(machine.folder / "backup", replace=True)
    assert owners(data) == {(SERVICE, SERVICE)}
    assert not list(other.folder.glob(".data*"))


@pytest.mark.root
def test_in_a_folder_of_root_s_each_role_keeps_its_user(machine: Machine, other: Machine) -> None:
    machine.furnish("issuer", "verifier")
    machine.back_up()
    other.furnish("issuer", "verifier")
    for path in ((other.folder / "data" / "issuer"), *(other.folder / "data" / "issuer").rglob("*")):
        os.chown(path, SERVICE, SERVICE)
    other.restore(machine.folder / "backup", replace=True)
    assert owners(other.folder / "data" / "issuer") == {(SERVICE, SERVICE)}
    assert owners(other.folder / "data" / "verifier") == {(0, os.getegid())}


@pytest.mark.root
def test_root_restores_nothing_where_others_could_exchange_it(machine: Machine, other: Machine) -> None:
    machine.furnish("issuer")
    machine.back_up()
    data = data_of_a_service(other)
    other.folder.chmod(0o777)
    with pytest.raises(errors.RunAsOwner, match=f"setpriv --reuid={SERVICE} --regid={SERVICE}"):
        other.restore(machine.folder / "backup")
    assert [path.name for path in data.iterdir()] == [".backup.lock"]


def test_who_is_not_root_gives_nothing_away(machine: Machine, other: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.furnish("issuer")
    machine.back_up()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for never in ("chown", "fchown", "lchown"):
        monkeypatch.delattr(os, never)
    other.restore(machine.folder / "backup")
    assert (other.folder / "data" / "issuer" / "issuer.sqlite").is_file()
