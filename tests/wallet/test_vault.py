"""The wallet file survives kills, other processes, wrong passphrases and damage, and says which of them it was."""

import multiprocessing
import os
import signal
import time
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wallet import errors, sealed
from wallet import vault as vault_module
from wallet.formats import build_state, parse_state
from wallet.state import Authority, Wallet
from wallet.vault import Vault

PASSPHRASE = "four words are easy"
CHEAP = sealed.Cost(memory_kib=64, iterations=1, lanes=1)
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def authority(name: str) -> Authority:
    return Authority(name=name, certificate="PEM", fingerprint=name, added_at=NOW)


def pin(vault: Vault, name: str) -> None:
    vault.change(lambda wallet: (wallet.with_authority(authority(name)), None))


def sealed_bytes(plain: bytes = b"{}") -> bytes:
    key = sealed.new_key(PASSPHRASE, cost=CHEAP, random=os.urandom)
    return sealed.seal(plain, key=key, random=os.urandom)


def test_what_was_changed_is_there_when_the_wallet_is_opened_again(vault: Vault) -> None:
    pin(vault, "Demo authority")

    again = Vault.open(vault.path, PASSPHRASE)

    assert [each.name for each in again.load().authorities] == ["Demo authority"]


def test_the_file_is_the_owners_alone_and_holds_no_readable_word(vault: Vault) -> None:
    pin(vault, "A very particular name")

    assert vault.path.stat().st_mode & 0o777 == 0o600
    assert vault.path.parent.stat().st_mode & 0o777 == 0o700
    assert b"particular" not in vault.path.read_bytes()


def test_one_more_entry_does_not_show_in_the_length_of_the_file(vault: Vault) -> None:
    before = vault.path.stat().st_size
    pin(vault, "one more")
    assert vault.path.stat().st_size == before


def test_a_new_wallet_never_takes_the_place_of_another(vault: Vault) -> None:
    before = vault.path.read_bytes()
    with pytest.raises(errors.WalletExists, match="Nothing was changed"):
        Vault.create(vault.path, PASSPHRASE, cost=CHEAP)
    assert vault.path.read_bytes() == before


def test_a_short_passphrase_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(errors.WeakPassphrase, match="at least 8"):
        Vault.create(tmp_path / "w", "short", cost=CHEAP)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_passphrase_is_called_so(vault: Vault) -> None:
    with pytest.raises(errors.WrongPassphrase, match="Nothing is lost"):
        Vault.open(vault.path, "another passphrase")


def test_a_passphrase_typed_with_combining_marks_is_the_same_passphrase(tmp_path: Path) -> None:
    Vault.create(tmp_path / "w", "caf\u00e9 caf\u00e9", cost=CHEAP)
    assert Vault.open(tmp_path / "w", "cafe\u0301 cafe\u0301").load() == Wallet()


def test_a_wallet_that_is_not_there_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(errors.NoWallet, match="handstamp wallet create"):
        Vault.open(tmp_path / "none", PASSPHRASE)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_file_that_others_may_read_is_not_opened(vault: Vault, mode: int) -> None:
    vault.path.chmod(mode)
    with pytest.raises(errors.ExposedVault, match="chmod 600"):
        Vault.open(vault.path, PASSPHRASE)


def test_a_link_to_the_wallet_stays_a_link_when_the_wallet_changes(vault: Vault, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(vault.path)
    pin(Vault.open(link, PASSPHRASE), "through the link")
    assert link.is_symlink()
    assert vault.load().authorities


def test_every_truncation_is_found_and_called_damage(vault: Vault) -> None:
    whole = vault.path.read_bytes()
    for length in [*range(0, 400, 7), len(whole) // 2, len(whole) - 1]:
        vault.path.write_bytes(whole[:length])
        with pytest.raises(errors.DamagedVault, match="left as it is"):
            Vault.open(vault.path, PASSPHRASE)


def test_something_added_at_the_end_is_called_damage(vault: Vault) -> None:
    vault.path.write_bytes(vault.path.read_bytes() + b"x")
    with pytest.raises(errors.DamagedVault):
        Vault.open(vault.path, PASSPHRASE)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_flipped_bit_is_found_and_called_damage_not_a_wrong_passphrase(vault: Vault, data: st.DataObject) -> None:
    whole = bytearray(sealed_bytes(build_state(Wallet())))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    vault.path.write_bytes(whole)
    with pytest.raises((errors.DamagedVault, sealed.NewerFormat)):
        Vault.open(vault.path, PASSPHRASE)


@settings(deadline=None)
@given(st.binary(max_size=600))
def test_no_bytes_make_the_reader_fail_in_another_way(junk: bytes) -> None:
    for data in (junk, sealed_bytes()[:20] + junk, sealed_bytes()[:300] + junk):
        with pytest.raises((sealed.Damaged, sealed.NewerFormat)):
            sealed.unseal(data, passphrase=PASSPHRASE)


def forged(**changes: object) -> bytes:
    """A file whose header is well formed and says something else; its digest fits."""
    import hashlib  # noqa: PLC0415
    import json  # noqa: PLC0415

    whole = sealed_bytes()
    length = int.from_bytes(whole[17:19], "big")
    header = json.dumps(json.loads(whole[19 : 19 + length]) | changes).encode()
    front = whole[:17] + len(header).to_bytes(2, "big") + header
    return front + hashlib.sha256(front).digest() + whole[19 + length + 32 :]


@pytest.mark.parametrize(
    "changes",
    [
        {"memory_kib": 2**40},
        {"memory_kib": 1},
        {"iterations": 0},
        {"iterations": 10**9},
        {"memory_kib": 1024 * 1024, "iterations": 64},
        {"lanes": 1000},
        {"salt": "AAAA"},
        {"salt": "not base64url!"},
        {"kdf": "md5"},
        {"cipher": "rot13"},
        {"length": 5},
        {"padding": "x" * 2000},
    ],
)
def test_a_header_that_asks_for_the_impossible_is_refused_before_any_work(changes: dict[str, object]) -> None:
    with pytest.raises(sealed.Damaged):
        sealed.unseal(forged(**changes), passphrase=PASSPHRASE)


def test_a_changed_nonce_with_a_fitting_digest_is_still_found() -> None:
    with pytest.raises(sealed.Damaged, match="content was changed"):
        sealed.unseal(forged(nonce="A" * 16), passphrase=PASSPHRASE)


def test_a_file_of_a_newer_version_asks_for_an_update() -> None:
    whole = bytearray(sealed_bytes())
    whole[16] = 2
    with pytest.raises(sealed.NewerFormat, match="update Handstamp"):
        sealed.unseal(bytes(whole), passphrase=PASSPHRASE)


def test_content_of_another_version_is_refused_not_guessed() -> None:
    for content in (b"[]", b"not json", b'{"format": 2, "copies": 1}', b'{"format": "2"}', b'{"copies": []}'):
        with pytest.raises(sealed.Damaged):
            parse_state(content)


def test_a_wallet_made_anew_by_another_process_does_not_open_with_the_old_key(vault: Vault) -> None:
    vault.path.unlink()
    Vault.create(vault.path, "quite another one", cost=CHEAP)
    with pytest.raises(errors.WrongPassphrase):
        vault.load()


def test_keys_do_not_show_themselves() -> None:
    key = sealed.new_key(PASSPHRASE, cost=CHEAP, random=os.urandom)
    assert repr(key) == "Key(…)"


def test_every_write_has_a_nonce_of_its_own(vault: Vault) -> None:
    first = vault.path.read_bytes()
    pin(vault, "a")
    assert first[-40:] != vault.path.read_bytes()[-40:]


def test_a_change_that_raises_leaves_the_file_untouched(vault: Vault) -> None:
    before = vault.path.read_bytes()

    def refuse(_: Wallet) -> tuple[Wallet, None]:
        raise errors.ConsentDeclined

    with pytest.raises(errors.ConsentDeclined):
        vault.change(refuse)
    assert vault.path.read_bytes() == before


def test_a_change_that_changes_nothing_writes_nothing(vault: Vault) -> None:
    before = vault.path.read_bytes()
    assert vault.change(lambda wallet: (replace(wallet), 7)) == 7
    assert vault.path.read_bytes() == before


def test_a_full_disk_leaves_the_old_state(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    pin(vault, "kept")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(vault_module.os, "fsync", full)
        with pytest.raises(errors.UnwritableVault, match=r"No space left.*as it was before"):
            pin(vault, "not kept")
    assert [each.name for each in vault.load().authorities] == ["kept"]


def test_a_folder_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(errors.UnwritableVault):
        Vault.create(tmp_path / "file" / "wallet", PASSPHRASE, cost=CHEAP)


def test_a_folder_in_the_place_of_the_wallet_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(errors.DamagedVault, match="cannot be read"):
        Vault.open(tmp_path, PASSPHRASE)


def test_an_absurdly_large_file_is_not_read(vault: Vault) -> None:
    os.truncate(vault.path, 600 * 1024 * 1024)
    with pytest.raises(errors.DamagedVault, match="larger than any wallet"):
        Vault.open(vault.path, PASSPHRASE)


def test_a_wallet_in_use_says_so_instead_of_waiting_forever(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_module, "LOCK_WAIT_S", 0.05)
    with (
        FileLock(vault.path.with_name(f".{vault.path.name}.lock")),
        pytest.raises(errors.VaultInUse, match="try again"),
    ):
        pin(vault, "later")


def _add_many(path: str, who: str, count: int) -> None:
    vault = Vault.open(Path(path), PASSPHRASE)
    for number in range(count):
        pin(vault, f"{who}-{number}")


def test_processes_that_write_at_once_lose_nothing_of_each_other(vault: Vault) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_add_many, args=(str(vault.path), who, 20)) for who in "abc"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    names = {each.name for each in vault.load().authorities}
    assert names == {f"{who}-{number}" for who in "abc" for number in range(20)}


def _write_without_pause(path: Path, number: int, report: int) -> None:
    """Be the child process: write one state after another, and report each number once its write has returned."""
    vault = Vault.open(path, PASSPHRASE)
    while True:
        number += 1
        entry = replace(authority(str(number)), certificate="c" * 100_000)
        vault.change(lambda _, entry=entry: (Wallet(authorities=(entry,)), None))
        os.write(report, f"{number}\n".encode())


def _fork_writer(path: Path, number: int) -> tuple[int, int]:
    read_end, write_end = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a test runner may have threads; the child touches none
        child = os.fork()
    if child == 0:
        try:
            _write_without_pause(path, number, write_end)
        finally:
            os._exit(1)
    os.close(write_end)
    return child, read_end


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs fork and SIGKILL")
def test_a_hundred_kills_while_writing_never_leave_a_broken_wallet(vault: Vault) -> None:
    """Each round: a child writes, is killed at another moment, and the wallet opens in a committed state.

    The file holds the last number that the child reported, or the one after, which was renamed into place just before
    the kill.
    """
    reached, unfinished = 0, 0
    for round_number in range(100):
        child, report = _fork_writer(vault.path, reached)
        with os.fdopen(report) as reports:
            first = int(reports.readline())
            time.sleep(0.0001 * (round_number * 37 % 100))  # another part of a write each time
            os.kill(child, signal.SIGKILL)
            reported = int((reports.read().split() or [first])[-1])
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        unfinished += vault.path.with_name(f".{vault.path.name}.new").exists()

        state = Vault.open(vault.path, PASSPHRASE).load()

        reached = int(state.authorities[0].name)
        assert reached in {reported, reported + 1}
    assert unfinished > 10, "the kills did not fall into writes, so this proved nothing"
    left = {each.name for each in vault.path.parent.iterdir()}
    assert left <= {vault.path.name, f".{vault.path.name}.new", f".{vault.path.name}.lock"}


def test_a_changed_passphrase_opens_the_wallet_and_the_old_one_does_not(vault: Vault) -> None:
    pin(vault, "kept")
    vault.change_passphrase("quite another one", cost=CHEAP)
    pin(vault, "written afterwards")
    assert len(Vault.open(vault.path, "quite another one").load().authorities) == 2
    with pytest.raises(errors.WrongPassphrase):
        Vault.open(vault.path, PASSPHRASE)


def test_a_new_passphrase_that_is_too_short_changes_nothing(vault: Vault) -> None:
    before = vault.path.read_bytes()
    with pytest.raises(errors.WeakPassphrase):
        vault.change_passphrase("short")
    assert vault.path.read_bytes() == before


def test_a_full_disk_while_the_passphrase_changes_leaves_the_old_one(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(vault, "kept")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(vault_module.os, "fsync", full)
        with pytest.raises(errors.UnwritableVault):
            vault.change_passphrase("quite another one", cost=CHEAP)
    pin(vault, "the open wallet goes on")
    assert len(Vault.open(vault.path, PASSPHRASE).load().authorities) == 2


def test_a_state_that_did_not_change_is_not_read_anew_and_one_that_did_is(vault: Vault) -> None:
    pin(vault, "first")
    assert vault.load() is vault.load()

    pin(Vault.open(vault.path, PASSPHRASE), "second")

    assert [each.name for each in vault.load().authorities] == ["first", "second"]


def test_damage_is_noticed_in_a_wallet_that_was_read_before(vault: Vault) -> None:
    pin(vault, "first")
    vault.load()
    whole = vault.path.read_bytes()
    vault.path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))

    with pytest.raises(errors.DamagedVault):
        vault.load()
