from __future__ import annotations

import secrets
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from jwcrypto import jwk as peer

from credentials.encoding import base64url
from credentials.errors import HandstampError, Malformed
from credentials.keys.errors import BadSignature, PrivateKeyExposed
from credentials.keys.jwk import PublicKey, der_signature
from credentials.keys.signer import LocalSigner

# RFC 9901, appendix "Elliptic Curve Key Used in the Examples".
RFC_9901_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ",
    "y": "Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8",
}

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group that P-256 generates (SEC 2 §2.4.2)."""


def test_the_key_of_rfc_9901_is_read_and_written_as_it_stands() -> None:
    assert PublicKey.parse_jwk(RFC_9901_KEY, what="key").jwk == RFC_9901_KEY


def test_a_thumbprint_is_the_one_that_jwcrypto_computes() -> None:
    ours = PublicKey.parse_jwk(RFC_9901_KEY | {"kid": "1", "use": "sig"}, what="key").thumbprint
    assert ours == peer.JWK(**RFC_9901_KEY).thumbprint()


def test_keys_are_equal_when_their_points_are() -> None:
    one = PublicKey.parse_jwk(RFC_9901_KEY, what="key")
    other = PublicKey.parse_jwk(RFC_9901_KEY | {"alg": "ES256", "key_ops": ["verify"]}, what="key")
    assert one == other
    assert hash(one) == hash(other)
    assert one != LocalSigner.generate().public_key


@pytest.mark.parametrize("member", ["d", "k", "p", "q", "dp", "dq", "qi", "oth"])
def test_a_private_key_sent_as_public_is_refused_without_being_repeated(member: str) -> None:
    with pytest.raises(PrivateKeyExposed) as refusal:
        PublicKey.parse_jwk(RFC_9901_KEY | {member: "the secret"}, what="holder's key")
    assert "the secret" not in refusal.value.detail


@pytest.mark.parametrize(
    "changes",
    [
        {"kty": "RSA"},
        {"kty": ...},
        {"crv": "P-384"},
        {"crv": ["P-256"]},
        {"x": ...},
        {"x": 1},
        {"y": RFC_9901_KEY["y"] + "="},
        {"x": base64url.encode(bytes(31))},
        {"x": base64url.encode(bytes(33))},
        {"x": base64url.encode(bytes(32))},
        {"y": RFC_9901_KEY["x"]},
        {"use": "enc"},
        {"alg": "ES384"},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
    ],
    ids=str,
)
def test_a_key_that_is_not_a_p256_point_for_verifying_is_malformed(changes: dict[str, Any]) -> None:
    changed = {name: value for name, value in (RFC_9901_KEY | changes).items() if value is not ...}
    with pytest.raises(Malformed):
        PublicKey.parse_jwk(changed, what="key")


@pytest.mark.parametrize("value", [None, "key", [], 1])
def test_a_key_that_is_not_an_object_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        PublicKey.parse_jwk(value, what="key")


@given(st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "use", "key_ops"]), st.text(max_size=44) | st.none()))
def test_any_object_is_a_key_or_is_refused(value: dict[str, Any]) -> None:
    try:
        PublicKey.parse_jwk(value, what="key")
    except HandstampError:
        return


def test_a_key_of_another_kind_cannot_be_wrapped() -> None:
    for key in (ec.generate_private_key(ec.SECP521R1()).public_key(), x25519.X25519PrivateKey.generate().public_key()):
        with pytest.raises(Malformed, match="P-256, P-384 or Ed25519"):
            PublicKey.from_cryptography(key)


def test_a_signature_holds_for_its_bytes_and_key_only() -> None:
    signer = LocalSigner.generate()
    signature = signer.sign(b"bytes")
    signer.public_key.verify(signature, b"bytes")
    for key, signed, data in (
        (signer.public_key, signature, b"other bytes"),
        (LocalSigner.generate().public_key, signature, b"bytes"),
        (signer.public_key, signature[:-1], b"bytes"),
        (signer.public_key, signature + b"\0", b"bytes"),
        (signer.public_key, bytes(64), b"bytes"),
        (signer.public_key, b"\xff" * 64, b"bytes"),
        (signer.public_key, secrets.token_bytes(64), b"bytes"),
        (signer.public_key, b"", b"bytes"),
        (signer.public_key, bytes(32) + signature[32:], b"bytes"),
        (signer.public_key, signature[:32] + bytes(32), b"bytes"),
        (signer.public_key, ORDER.to_bytes(32) + signature[32:], b"bytes"),
        (signer.public_key, signature[:32] + ORDER.to_bytes(32), b"bytes"),
        (signer.public_key, encode_dss_signature(1, 1).ljust(64, b"\0"), b"bytes"),
    ):
        with pytest.raises(BadSignature):
            key.verify(signed, data)


@pytest.mark.parametrize("size", [32, 48])
@given(data=st.data())
def test_two_numbers_become_the_der_that_the_library_writes(size: int, data: st.DataObject) -> None:
    halves = st.one_of(st.binary(min_size=size, max_size=size), st.integers(0, 1000).map(lambda n: n.to_bytes(size)))
    r, s = data.draw(halves), data.draw(halves)
    assert der_signature(r + s, size) == encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
