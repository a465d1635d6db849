"""A full or read-only disk under a trackserver, a wallet, keys and a backup. A co-op's and a site's: `test_disk.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handstamp.backup import errors as backup_errors
from plumbing.key_turning import Exchange, KeyTurner
from plumbing.keystore import KeyStore, UnusableKey
from tests.faults.filling import full_after
from tests.faults.trouble import FULL, READ_ONLY, trouble
from tests.handstamp.backup.conftest import machine
from tests.support.databases import rows_in
from tests.support.hostile_site import GATE
from tests.support.hostile_tracks import ONE
from tests.trackserver.conftest import _album_once, add, album_folder, client, clock, gate, parts
from tests.wallet.conftest import authority, issuer, outside, ready, run
from tests.wallet.terminal import done, refused
from wallet.errors import UnwritableFolder, UnwritableVault

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.handstamp.backup.conftest import Machine
    from tests.support.hostile_issuer import HostileIssuer
    from tests.trackserver.conftest import Gate
    from tests.wallet.terminal import Run

__all__ = [
    "_album_once",
    "add",
    "album_folder",
    "authority",
    "client",
    "clock",
    "gate",
    "issuer",
    "machine",
    "outside",
    "parts",
    "ready",
    "run",
]
pytestmark = pytest.mark.sqlite
BOTH = pytest.mark.parametrize("kind", [FULL, READ_ONLY], ids=["full", "read-only"])
_MORE_THAN_A_PAGE_HOLDS = 40


@BOTH
async def test_a_trackserver_redeems_afterwards_what_it_had_no_room_to_note(
    kind: str, client: httpx.AsyncClient, gate: Gate
) -> None:
    with trouble(gate.parts.database, kind):
        for grant in (gate.grant() for _ in range(_MORE_THAN_A_PAGE_HOLDS)):
            answer = await client.post("/grants", json={"grant": grant})
            if answer.status_code != 201:
                break
        before = rows_in(gate.parts.database)
        answer = await client.post("/grants", json={"grant": grant})
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert kind in answer.json()["detail"]
        assert rows_in(gate.parts.database) == before
    assert (await client.post("/grants", json={"grant": grant})).status_code == 201
    assert (await client.post("/grants", json={"grant": grant})).json()["code"] == "grant_used"


def test_a_wallet_that_cannot_be_saved_says_so_stays_whole_and_receives_afterwards(
    ready: Run, issuer: HostileIssuer, tmp_path: Path
) -> None:
    file = tmp_path / "w" / "wallet.handstamp"
    before, files = file.read_bytes(), sorted(file.parent.iterdir())
    with full_after(100):
        refusal = refused(ready("receive", issuer.link(), "--code", "123456"))
    assert isinstance(refusal, UnwritableVault)
    assert "It is as it was before; make room and try again" in refusal.detail
    assert (file.read_bytes(), sorted(file.parent.iterdir())) == (before, files)
    assert "Night Bus" in done(ready("receive", issuer.link(), "--code", "123456"))


def test_a_download_for_which_there_is_no_room_goes_on_when_there_is(
    ready: Run, issuer: HostileIssuer, tmp_path: Path
) -> None:
    done(ready("receive", issuer.link(), "--code", "123456"))
    done(ready("open", GATE, "--yes"))
    vault_bytes = (tmp_path / "w" / "wallet.handstamp").stat().st_size
    assert vault_bytes < 2 * len(ONE)
    with full_after(len(ONE) // 2):
        refusal = refused(ready("download", "--to", "files"))
    assert isinstance(refusal, UnwritableFolder | UnwritableVault)
    assert "make room" in refusal.detail
    assert not [path for path in (tmp_path / "files").glob("*") if not path.name.endswith((".part", ".etag"))]
    done(ready("download", "--to", "files"))
    assert (tmp_path / "files" / "01 Night Bus.flac").read_bytes() == ONE
    assert not list((tmp_path / "files").glob("*.part*"))


def test_no_half_key_is_left_and_the_key_is_made_when_there_is_room(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path / "keys")
    for room in (0, 10, 70):
        with full_after(room), pytest.raises(UnusableKey, match="keys"):
            keys.signer("issuer")
    assert {path.name for path in (tmp_path / "keys").iterdir()} <= {"key-encryption-key"}
    made = keys.signer("issuer").public_key
    turner = KeyTurner(keys)
    whole = {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()}
    with full_after(10), pytest.raises(UnusableKey):
        turner.make_signer("issuer", Exchange(starts=None))
    assert {name: (tmp_path / "keys" / name).read_bytes() for name in whole} == whole
    assert KeyStore(tmp_path / "keys").signer("issuer").public_key == made
    turner.make_signer("issuer", Exchange(starts=None))


def test_a_backup_for_which_there_is_no_room_leaves_no_half_archive(machine: Machine) -> None:
    machine.furnish("issuer")
    before = {path.name for path in machine.folder.iterdir()}
    with full_after(4096), pytest.raises(backup_errors.CannotBackUp):
        machine.back_up()
    assert {path.name for path in machine.folder.iterdir()} == before
    machine.back_up()
