"""Keys at rest: encrypted, private, made once, and refused when somebody else could read them."""

import threading
from pathlib import Path

import pytest
import trustme

from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from plumbing.keystore import KeyRefused, KeyStore, UnusableKey


def certified(name: str) -> tuple[bytes, bytes]:
    leaf = trustme.CA(key_type=trustme.KeyType.ECDSA).issue_cert(name, key_type=trustme.KeyType.ECDSA)
    return leaf.private_key_pem.bytes(), b"".join(blob.bytes() for blob in leaf.cert_chain_pems)


def test_a_key_is_made_at_first_use_and_stays_the_same(tmp_path: Path) -> None:
    first = KeyStore(tmp_path / "keys").signer("grants")
    again = KeyStore(tmp_path / "keys").signer("grants")
    assert first.public_key.thumbprint == again.public_key.thumbprint


@pytest.mark.parametrize("kind", KeyKind)
def test_a_key_of_each_kind_is_kept_encrypted_and_stays_of_its_kind(tmp_path: Path, kind: KeyKind) -> None:
    made = KeyStore(tmp_path / "keys").signer("grants", kind=kind)
    assert b"ENCRYPTED PRIVATE KEY" in (tmp_path / "keys" / "grants.pem").read_bytes()
    again = KeyStore(tmp_path / "keys").signer("grants")
    assert (again.public_key, again.algorithm) == (made.public_key, kind.algorithm)
    made.public_key.verify(again.sign(b"bytes"), b"bytes")


def test_no_file_holds_an_unencrypted_key_and_none_is_readable_by_others(tmp_path: Path) -> None:
    KeyStore(tmp_path / "keys").signer("grants")
    files = sorted((tmp_path / "keys").iterdir())
    assert [file.name for file in files] == ["grants.pem", "key-encryption-key"]
    assert b"ENCRYPTED PRIVATE KEY" in files[0].read_bytes()
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)


def test_a_key_that_others_may_read_is_refused_with_what_to_do(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    store.signer("grants")
    (tmp_path / "grants.pem").chmod(0o644)
    with pytest.raises(UnusableKey, match="chmod 600"):
        store.signer("grants")


def test_a_decryption_key_is_kept_encrypted_too_and_a_damaged_one_refused_in_words(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    assert store.decryption_key("encryption").kid == store.decryption_key("encryption").kid
    assert b"ENCRYPTED PRIVATE KEY" in (tmp_path / "encryption.pem").read_bytes()
    (tmp_path / "encryption.pem").write_bytes(b"-----BEGIN NONSENSE-----")
    with pytest.raises(UnusableKey, match=r"encryption\.pem cannot be used"):
        store.decryption_key("encryption")


def test_a_bbs_key_is_kept_encrypted_under_its_name_and_stays_the_same(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    key = store.bbs_key("track")
    assert store.bbs_key("track").public_key == key.public_key
    assert store.bbs_key("release").public_key != key.public_key
    kept = (tmp_path / "track.bbs").read_bytes()
    assert key.to_bytes() not in kept
    assert (tmp_path / "track.bbs").stat().st_mode & 0o077 == 0
    for damaged in (kept[:-1] + bytes([kept[-1] ^ 1]), kept[:20], b"", (tmp_path / "release.bbs").read_bytes()):
        (tmp_path / "track.bbs").write_bytes(damaged)
        with pytest.raises(UnusableKey, match=r"track\.bbs cannot be used: it is damaged"):
            store.bbs_key("track")


def test_a_damaged_key_is_refused_in_words(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    store.signer("grants")
    (tmp_path / "grants.pem").write_bytes(b"-----BEGIN NONSENSE-----")
    with pytest.raises(UnusableKey, match=r"grants\.pem cannot be used"):
        store.signer("grants")


def test_workers_that_start_together_agree_on_one_key_and_one_secret(tmp_path: Path) -> None:
    found: set[str] = set()
    secrets: set[bytes] = set()

    def start() -> None:
        store = KeyStore(tmp_path / "keys")
        found.add(store.signer("grants").public_key.thumbprint)
        secrets.add(store.secret("forms"))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1
    assert len(secrets) == 1


def test_an_installed_certificate_comes_back_with_its_key(tmp_path: Path) -> None:
    key_pem, chain_pem = certified("coop.localhost")
    store = KeyStore(tmp_path)
    store.install("issuer", key_pem=key_pem, chain_pem=chain_pem)
    chain = store.chain("issuer")
    assert chain is not None
    assert chain.leaf_key.thumbprint == store.signer("issuer").public_key.thumbprint
    assert "coop.localhost" in chain.dns_names


def test_a_certificate_of_another_key_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    _, chain_pem = certified("coop.localhost")
    other = LocalSigner.generate().to_pem(b"password")
    with pytest.raises(KeyRefused, match=r"^Nothing was installed\. The first certificate belongs to another key"):
        KeyStore(tmp_path).install("issuer", key_pem=other, chain_pem=chain_pem, password=b"password")
    assert list(tmp_path.iterdir()) == []


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    leaf = trustme.CA().issue_cert("coop.localhost", key_type=trustme.KeyType.RSA)
    with pytest.raises(KeyRefused, match="needs to be a P-256"):
        KeyStore(tmp_path).install(
            "issuer", key_pem=leaf.private_key_pem.bytes(), chain_pem=leaf.cert_chain_pems[0].bytes()
        )


def test_a_folder_that_this_user_may_not_enter_is_said_in_words_and_no_key_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(UnusableKey, match=r"rings\.json cannot be used: Permission denied"):
        KeyStore(tmp_path).signer("grants")


def test_a_folder_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnusableKey, match="Not a directory"):
        KeyStore(tmp_path / "file" / "keys").signer("grants")
