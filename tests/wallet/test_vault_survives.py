"""The wallet file survives other processes, kills and full disks, whatever was being written."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from tests.wallet.conftest import CHEAP, PASSPHRASE
from tests.wallet.pinning import authority, pin
from wallet import errors
from wallet import vault as vault_module
from wallet.state import Wallet
from wallet.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path


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


def test_a_wallet_in_use_says_so_instead_of_waiting_forever(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_module, "LOCK_WAIT_S", 0.05)
    with (
        FileLock(vault.path.with_name(f".{vault.path.name}.lock")),
        pytest.raises(errors.VaultInUse, match="try again"),
    ):
        pin(vault, "later")


def _add_many(path: Path, who: str, count: int) -> None:
    vault = Vault.open(path, PASSPHRASE)
    for number in range(count):
        pin(vault, f"{who}-{number}")


@pytest.mark.skipif(os.name != "posix", reason="needs fork")
def test_processes_that_write_at_once_lose_nothing_of_each_other(vault: Vault) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_add_many, args=(vault.path, who, 20)) for who in "abc"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # as below
        for worker in workers:
            worker.start()
    for worker in workers:
        worker.join()
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
    the kill. How many fall into a write depends on the disk: there are more rounds where it is quick.
    """
    reached, unfinished = 0, 0
    for round_number in range(1000):
        if round_number >= 100 and unfinished > 10:
            break
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
