"""The wallet file survives wrong passphrases and damage, and says which of them it was."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.wallet.conftest import CHEAP, PASSPHRASE
from tests.wallet.pinning import pin
from wallet import errors, sealed
from wallet.formats import build_state, parse_state
from wallet.state import Wallet
from wallet.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path


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
