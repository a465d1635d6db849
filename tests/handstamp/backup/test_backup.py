"""A backup made while others write, restored on an empty machine: the co-op issues again, and nothing spent opens."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlmodel import select

from handstamp.backup import archive, errors
from handstamp.backup.archive import Source, open_archive, write_archive
from handstamp.backup.making import RECORD, Wish, locked, make_backup
from issuer.status_tables import StatusEntryRow, StatusListRow
from issuer.tables import ListenerRow, LoginLinkRow, OfferRow
from plumbing.clock import system_clock
from tests.handstamp.backup.conftest import CHEAP, PASSPHRASE, Machine
from tests.issuer.conftest import URL, Coop, Wallet
from wallet.errors import WeakPassphrase

if TYPE_CHECKING:
    from pathlib import Path


async def receive(coop: Coop, offer: Any) -> httpx.Response:
    """Take an offer into a wallet, up to its first SD-JWT VC."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(coop.app), base_url=URL) as http:
        wallet = Wallet(coop, http)
        token = (await wallet.token(offer)).json()
        identifier = token["authorization_details"][0]["credential_identifiers"][0]
        return await wallet.ask(token["access_token"], identifier)


async def test_a_restored_coop_issues_again_with_the_same_key(machine: Machine, other: Machine) -> None:
    coop = machine.coop()
    coop.add_release()
    listener = coop.owner()
    made = machine.back_up()
    assert set(made.manifest.roles) == {"issuer"}
    restored = other.restore(machine.folder / "backup")
    again = other.coop()
    assert again.parts.identity.signer.public_key == coop.parts.identity.signer.public_key
    assert again.parts.identity.x5c == coop.parts.identity.x5c
    answer = await receive(again, again.offer(listener))
    assert answer.status_code == 200, answer.text
    assert not restored.aside
    assert not restored.without_key_file


def test_a_backup_holds_one_moment_while_others_write(machine: Machine, other: Machine) -> None:
    coop = machine.coop()
    coop.add_release()
    stop = threading.Event()
    written: list[str] = []

    def write() -> None:
        while not stop.is_set():
            written.append(coop.owner())  # a listener and what they bought, in two transactions

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(written) < 3:
            writer.join(0.005)
        machine.back_up()
        before = len(written)
        while len(written) < before + 3:  # nobody who writes waits for a backup
            writer.join(0.005)
    finally:
        stop.set()
        writer.join()
    other.restore(machine.folder / "backup")
    with closing(sqlite3.connect(other.folder / "data/issuer/issuer.sqlite")) as restored:
        assert restored.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert restored.execute("PRAGMA foreign_key_check").fetchall() == []
        (count,) = restored.execute("SELECT count(*) FROM listener").fetchone()
    assert 3 <= count < len(written)


def test_all_three_roles_come_back_with_the_settings_that_were_lost(machine: Machine, tmp_path: Path) -> None:
    machine.furnish("issuer", "verifier", "trackserver")
    (machine.folder / "handstamp.toml").write_text(
        (machine.folder / "handstamp.toml").read_text().replace(str(machine.folder), str(tmp_path / "new"))
    )
    made_in = machine.folder / "data"
    made_in.rename(tmp_path / "moved")
    (tmp_path / "new").mkdir()
    (tmp_path / "moved").rename(tmp_path / "new" / "data")
    made = machine.back_up()
    assert set(made.manifest.roles) == {"issuer", "verifier", "trackserver"}
    (tmp_path / "new" / "data").rename(tmp_path / "lost")
    empty = Machine(tmp_path / "new", machine.monkeypatch)
    restored = empty.restore(machine.folder / "backup")
    assert restored.settings_at is not None
    assert set(restored.words) == {"issuer", "verifier", "trackserver"}
    assert (tmp_path / "new" / "data" / "verifier" / "verifier.sqlite").is_file()
    masters = tmp_path / "new" / "data" / "trackserver" / "masters.sha256"
    assert (masters.read_text(), masters.stat().st_mode & 0o777) == ("", 0o600)
    assert empty.settings.issuer.port == 0


def test_a_restored_role_has_the_permissions_and_moments_that_it_had(machine: Machine, other: Machine) -> None:
    machine.furnish("issuer")
    folder = machine.folder / "data" / "issuer"
    poster = folder / "posters" / "gate.svg"
    poster.parent.mkdir()
    poster.write_text("<svg/>")
    poster.chmod(0o640)
    os.utime(poster, ns=(1, 1_700_000_000_123_456_789))
    machine.back_up()
    other.restore(machine.folder / "backup")
    there = other.folder / "data" / "issuer"
    assert (there / "posters" / "gate.svg").stat().st_mtime_ns == 1_700_000_000_123_456_789
    assert (there / "posters" / "gate.svg").stat().st_mode & 0o777 == 0o640
    for path in (there / "keys").iterdir():
        assert path.stat().st_mode & 0o177 == 0 or path.name.endswith(".chain.pem"), path
    assert (there / "keys").stat().st_mode & 0o077 == 0
    assert (there / "issuer.sqlite").stat().st_mode & 0o177 == 0


def test_what_opens_once_opens_no_more_after_a_restore(machine: Machine, other: Machine) -> None:
    coop = machine.coop()
    coop.add_release()
    listener = coop.owner()
    offer = coop.offer(listener)
    coop.login_token(listener)
    machine.back_up()
    other.restore(machine.folder / "backup")
    again = other.coop()
    assert again.rows(LoginLinkRow) == 0
    with again.parts.database.read() as session:
        assert session.exec(select(OfferRow.state).where(OfferRow.id == offer.id)).one() == "burnt"


async def test_no_entry_of_a_status_list_is_given_to_two_over_a_restore(machine: Machine, other: Machine) -> None:
    coop = machine.coop()
    coop.add_release()
    listener = coop.owner()
    assert (await receive(coop, coop.offer(listener))).status_code == 200
    machine.back_up()
    with coop.parts.database.read() as session:
        known = set(session.exec(select(StatusListRow.id)))
        backed_up = set(session.exec(select(StatusListRow.month)))
    other.restore(machine.folder / "backup")
    again = other.coop()
    with again.parts.database.read() as session:
        entries = set(session.exec(select(StatusEntryRow.list_id, StatusEntryRow.position)))
        assert set(session.exec(select(StatusListRow.signed_at))) == {None}
    assert (await receive(again, again.offer(listener))).status_code == 200
    with again.parts.database.read() as session:
        new = set(session.exec(select(StatusEntryRow.list_id, StatusEntryRow.position))) - entries
        months = set(session.exec(select(StatusListRow.month)))
    assert new
    assert {list_id for list_id, _ in new} & known == set()
    assert months >= {f"{month} before a restore" for month in backed_up} > set()


def test_a_backup_keeps_no_deleted_listener_in_its_pages(machine: Machine) -> None:
    coop = machine.coop()
    name = f"Robin {secrets.token_hex(16)}"
    coop.listener(name=name)
    source = machine.folder / "data" / "issuer" / "issuer.sqlite"
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("DELETE FROM listener")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert name.encode() in source.read_bytes()
    machine.back_up()
    with open_archive(machine.folder / "backup", PASSPHRASE) as opened:
        held = bytearray()
        for entry in opened.manifest.files:
            opened.copy_out(entry, held.extend)
    assert name.encode() not in held
    assert coop.rows(ListenerRow) == 0


def test_a_backup_is_private_leaves_nothing_beside_it_and_is_noted(machine: Machine) -> None:
    machine.furnish("issuer")
    machine.back_up()
    assert (machine.folder / "backup").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in machine.folder.iterdir()) == ["backup", "data", "handstamp.toml"]
    assert not list((machine.folder / "data").glob(".backup-*"))
    assert "made_at" in json.loads((machine.folder / "data" / "issuer" / RECORD).read_text())
    assert PASSPHRASE.encode() not in (machine.folder / "backup").read_bytes()


def test_a_backup_within_the_folder_does_not_come_into_the_next(machine: Machine) -> None:
    machine.furnish("verifier")
    machine.back_up("data/verifier/monday.backup")
    made = machine.back_up()
    assert not [entry.name for entry in made.manifest.files if "monday" in entry.name]


def test_a_file_that_is_no_backup_or_not_there_is_named(machine: Machine, other: Machine) -> None:
    (machine.folder / "notes").write_text("buy milk")
    with pytest.raises(errors.UnusableBackup, match="not a backup of Handstamp"):
        other.restore(machine.folder / "notes")
    with pytest.raises(errors.UnusableBackup, match="No such file"):
        other.restore(machine.folder / "nothing")


def test_what_a_killed_backup_left_goes_with_the_next(machine: Machine) -> None:
    machine.furnish("issuer")
    left = machine.folder / "data" / ".backup-0123"
    left.mkdir()
    (left / "database").write_bytes(b"listeners")
    machine.back_up()
    assert not left.exists()


def test_what_a_killed_restore_left_goes_with_the_next(machine: Machine, other: Machine) -> None:
    machine.furnish("issuer")
    machine.back_up()
    left = other.folder / "data" / ".restore-0123"
    left.mkdir(parents=True)
    (left / "database").write_bytes(b"listeners")
    other.restore(machine.folder / "backup")
    assert not left.exists()


def test_a_backup_over_a_file_that_is_there_is_refused_and_leaves_it(machine: Machine) -> None:
    machine.furnish("issuer")
    (machine.folder / "backup").write_text("mine")
    with pytest.raises(errors.CannotBackUp, match="of this name already"):
        machine.back_up()
    assert (machine.folder / "backup").read_text() == "mine"


def test_a_backup_that_cannot_be_written_leaves_no_half_file(machine: Machine) -> None:
    machine.furnish("issuer")
    with pytest.raises(errors.CannotWriteBackup, match="make it first"):
        machine.back_up("no/such/folder")
    with pytest.raises(errors.CannotWriteBackup, match="of this name already"):
        machine.back_up("data")
    short = Wish(path=machine.folder / "b", passphrase="short")
    with pytest.raises(WeakPassphrase):
        make_backup(machine.settings, short, now=system_clock())
    assert sorted(path.name for path in machine.folder.iterdir()) == ["data", "handstamp.toml"]


def test_a_file_that_changes_while_it_is_read_stops_the_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"before")
    describe = Source.describe

    def and_change(source: Source) -> archive.Entry:
        entry = describe(source)
        source.path.write_bytes(b"after it was looked at")
        return entry

    monkeypatch.setattr(Source, "describe", and_change)
    with pytest.raises(errors.CannotBackUp, match="changed while"):
        write_archive(
            tmp_path / "backup",
            PASSPHRASE,
            roles={},
            sources=[Source(name="issuer/files/x", path=tmp_path / "file")],
            now=system_clock(),
            cost=CHEAP,
        )
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_nothing_to_back_up_says_where_it_looked(machine: Machine) -> None:
    with pytest.raises(errors.NothingToBackUp, match="data"):
        machine.back_up()
    with pytest.raises(errors.CannotBackUp, match="no database"):
        machine.back_up(roles=("verifier",))


def test_a_database_without_tables_is_no_backup_that_could_be_restored(machine: Machine) -> None:
    machine.furnish("verifier")
    (machine.folder / "data" / "issuer").mkdir()
    (machine.folder / "data" / "issuer" / "issuer.sqlite").touch()
    with pytest.raises(errors.CannotBackUp, match=r"The issuer .* no tables yet"):
        machine.back_up()
    machine.back_up(roles=("verifier",))


def test_a_damaged_database_is_not_backed_up_in_silence(machine: Machine) -> None:
    machine.furnish("issuer")
    file = machine.folder / "data" / "issuer" / "issuer.sqlite"
    damaged = bytearray(file.read_bytes())
    damaged[4096:] = os.urandom(len(damaged) - 4096)
    file.write_bytes(damaged)
    with pytest.raises(errors.CannotBackUp, match=r"issuer\.sqlite"):
        machine.back_up()


def test_two_backups_at_once_do_not_get_into_each_others_way(machine: Machine) -> None:
    machine.furnish("issuer")
    with locked(machine.folder / "data"), pytest.raises(errors.BackupRunning):
        machine.back_up()


def test_covers_are_found_where_they_lie_now(machine: Machine, other: Machine) -> None:
    machine.furnish("trackserver")
    covers = machine.folder / "data" / "trackserver" / "covers"
    covers.mkdir()
    (covers / "a.jpg").write_bytes(b"picture")
    database = machine.folder / "data" / "trackserver" / "trackserver.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        for name, path in (("a", covers / "a.jpg"), ("b", "/music/b.flac")):
            connection.execute("INSERT INTO stored_file VALUES (?, ?, 7, 1, 'aa', 1)", (name, str(path)))
        connection.commit()
    made = machine.back_up()
    assert made.masters == 2
    other.restore(machine.folder / "backup", roles=("trackserver",))
    with closing(sqlite3.connect(other.folder / "data" / "trackserver" / "trackserver.sqlite")) as connection:
        paths = [path for (path,) in connection.execute("SELECT path FROM stored_file ORDER BY id")]
    assert paths == [str(other.folder / "data" / "trackserver" / "covers" / "a.jpg"), "/music/b.flac"]
    listed = (other.folder / "data" / "trackserver" / "masters.sha256").read_text()
    assert "aa  /music/b.flac\n" in listed
