from __future__ import annotations

import base64
import copy
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from credentials.keys.errors import KeyUnreadable
from credentials.keys.signer import LocalSigner


def test_a_key_comes_back_from_its_file() -> None:
    signer = LocalSigner.generate()
    again = LocalSigner.from_pem(signer.to_pem(b"a long password"), b"a long password")
    again.public_key.verify(signer.sign(b"x"), b"x")
    assert again.public_key == signer.public_key
    assert again.algorithm == "ES256"


def test_a_file_for_an_encrypted_store_needs_no_password() -> None:
    signer = LocalSigner.generate()
    assert LocalSigner.from_pem(signer.to_pem(None), None).public_key == signer.public_key


def test_a_key_does_not_open_with_a_wrong_password_or_none() -> None:
    pem = LocalSigner.generate().to_pem(b"right")
    assert b"ENCRYPTED" in pem
    for password in (b"wrong", None):
        with pytest.raises(KeyUnreadable):
            LocalSigner.from_pem(pem, password)


def test_a_file_with_another_kind_of_key_is_refused() -> None:
    for key in (ec.generate_private_key(ec.SECP521R1()), rsa.generate_private_key(65537, 2048)):
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with pytest.raises(KeyUnreadable):
            LocalSigner.from_pem(pem, None)
    with pytest.raises(KeyUnreadable):
        LocalSigner.from_pem(b"not a key", None)


def test_a_private_key_is_not_shown_pickled_or_copied() -> None:
    signer = LocalSigner.generate()
    assert repr(signer) == f"LocalSigner({signer.public_key.thumbprint})"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled or copied"):
            leak(signer)


def test_a_signature_has_64_bytes_however_small_its_numbers() -> None:
    signer = LocalSigner.generate()
    # About one signature in 128 has a number with a leading zero byte, which must not be dropped.
    assert {len(signer.sign(bytes([n % 256, n // 256]))) for n in range(600)} == {64}


@given(st.binary(max_size=60), st.none() | st.binary(max_size=8))
def test_any_file_is_a_key_or_is_refused(middle: bytes, password: bytes | None) -> None:
    encoded = base64.encodebytes(middle)
    for pem in (middle, b"-----BEGIN PRIVATE KEY-----\n" + encoded + b"-----END PRIVATE KEY-----\n"):
        with pytest.raises(KeyUnreadable):
            LocalSigner.from_pem(pem, password)
