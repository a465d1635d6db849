"""P-256, P-384 and Ed25519: each signs, is written, is read, and is never taken for another."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwcrypto import jwk as peer_jwk
from jwcrypto import jws as peer_jws

from credentials.encoding import base64url
from credentials.encoding.multibase import decode_base58btc, encode_base58btc
from credentials.errors import HandstampError, Malformed
from credentials.keys.errors import BadSignature, UnsupportedAlgorithm, WrongAlgorithm
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import parse_jws, sign_jws
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner, Signer

KINDS = list(KeyKind)
SIGNERS = {kind: LocalSigner.generate(kind) for kind in KINDS}
# RFC 8037 appendix A.1 to A.4: an Ed25519 key, its thumbprint and a JWS of it.
RFC_8037_KEY: dict[str, Any] = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
RFC_8037_JWS = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)


def test_the_example_of_rfc_8037_is_read_and_verified() -> None:
    key = PublicKey.parse_jwk(RFC_8037_KEY, what="key")
    assert key.jwk == RFC_8037_KEY
    assert key.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    jws = parse_jws(RFC_8037_JWS, what="example", typ=None)
    jws.check_signature(key)
    assert jws.payload == b"Example of Ed25519 signing"


@pytest.mark.parametrize("kind", KINDS)
def test_what_each_kind_signs_jwcrypto_verifies_and_the_other_way_round(kind: KeyKind) -> None:
    signer = SIGNERS[kind]
    key = peer_jwk.JWK.from_pem(signer.to_pem(None))
    message = peer_jws.JWS()
    message.deserialize(sign_jws({}, {"a": 1}, signer), key)
    theirs = peer_jws.JWS(b'{"b":1}')
    theirs.add_signature(key, protected=json.dumps({"alg": signer.algorithm}))
    jws = parse_jws(theirs.serialize(compact=True), what="test", typ=None)
    jws.check_signature(signer.public_key)
    assert signer.public_key.thumbprint == key.thumbprint()
    assert PublicKey.parse_jwk(json.loads(key.export_public()), what="key") == signer.public_key


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_of_each_kind_comes_back_from_jwk_multikey_and_file(kind: KeyKind) -> None:
    signer = SIGNERS[kind]
    key = signer.public_key
    assert PublicKey.parse_jwk(key.jwk, what="key") == key
    assert PublicKey.from_multikey(key.multikey, what="key") == key
    again = LocalSigner.from_pem(signer.to_pem(b"password"), b"password")
    assert (again.public_key, again.algorithm) == (key, kind.algorithm)
    assert key.kind is kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_of_each_kind_holds_for_its_bytes_key_and_length_only(kind: KeyKind) -> None:
    signer = SIGNERS[kind]
    signature = signer.sign(b"bytes")
    signer.public_key.verify(signature, b"bytes")
    wrong = [(signature, b"other"), (signature[:-1], b"bytes"), (signature + b"\0", b"bytes"), (b"", b"bytes")]
    for changed, data in [*wrong, (bytes(len(signature)), b"bytes"), (b"\xff" * len(signature), b"bytes")]:
        with pytest.raises(BadSignature):
            signer.public_key.verify(changed, data)
    with pytest.raises(BadSignature):
        LocalSigner.generate(kind).public_key.verify(signature, b"bytes")


@pytest.mark.parametrize("named", KINDS)
@pytest.mark.parametrize("signed", KINDS)
def test_the_algorithm_in_the_header_must_be_the_one_of_the_key(named: KeyKind, signed: KeyKind) -> None:
    signer = SIGNERS[signed]
    header = base64url.encode(json.dumps({"alg": named.algorithm}).encode())
    text = f"{header}.e30.{base64url.encode(signer.sign(f'{header}.e30'.encode()))}"
    jws = parse_jws(text, what="message", typ=None)
    if named is signed:
        jws.check_signature(signer.public_key)
    else:
        with pytest.raises(WrongAlgorithm, match=signed.algorithm):
            jws.check_signature(signer.public_key)


def test_eddsa_is_read_under_its_newer_name_where_it_is_accepted_and_nowhere_else() -> None:
    signer = SIGNERS[KeyKind.ED25519]
    header = base64url.encode(b'{"alg":"Ed25519"}')
    text = f"{header}.e30.{base64url.encode(signer.sign(f'{header}.e30'.encode()))}"
    parse_jws(text, what="message", typ=None).check_signature(signer.public_key)
    with pytest.raises(UnsupportedAlgorithm, match="ES256"):
        parse_jws(text, what="message", typ=None, algorithms={"ES256"})


@pytest.mark.parametrize(
    "y",
    [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # 1, written as p + 1
        "0200000000000000000000000000000000000000000000000000000000000000",  # on the twist
    ],
)
def test_an_ed25519_key_that_binds_nobody_is_refused(y: str) -> None:
    with pytest.raises(Malformed, match="small order"):
        PublicKey.parse_jwk(RFC_8037_KEY | {"x": base64url.encode(bytes.fromhex(y))}, what="key")


@pytest.mark.parametrize(
    "change",
    [
        {"crv": "X25519"},
        {"crv": "Ed448"},
        {"kty": "EC"},
        {"crv": "P-384"},
        {"alg": "ES256"},
        {"use": "enc"},
        {"x": base64url.encode(bytes(31))},
        {"x": None},
    ],
    ids=str,
)
def test_an_okp_key_that_is_none_for_ed25519_signatures_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        PublicKey.parse_jwk(RFC_8037_KEY | change, what="key")
    assert PublicKey.parse_jwk(RFC_8037_KEY | {"alg": "Ed25519"}, what="key").algorithm == "EdDSA"


def multikeys() -> dict[str, str]:
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    uncompressed = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    compressed = point.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return {
        "empty": "",
        "another base": "u" + base64url.encode(b"\x80\x24" + compressed),
        "no bytes": "z",
        "outside the alphabet": "z0OIl",
        "not ASCII": "zé",
        "too long": "z" + "1" * 80,
        "secp256k1": encode_base58btc(b"\xe7\x01" + compressed),
        "uncompressed": encode_base58btc(b"\x80\x24" + uncompressed),
        "not compressed": encode_base58btc(b"\x80\x24\x04" + compressed[1:]),
        "the wrong curve": encode_base58btc(b"\x81\x24" + compressed),
        "off the curve": encode_base58btc(b"\x80\x24\x02" + b"\xff" * 32),
        "Ed25519 too short": encode_base58btc(b"\xed\x01" + bytes(31)),
    }


@pytest.mark.parametrize("text", multikeys().values(), ids=multikeys().keys())
def test_what_is_no_multikey_of_ours_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        PublicKey.from_multikey(text, what="key")


@given(st.text(alphabet="z123ABCabc0O", max_size=70) | st.binary(max_size=50).map(encode_base58btc))
def test_any_text_is_a_multikey_or_is_refused(text: str) -> None:
    try:
        assert PublicKey.from_multikey(text, what="key").multikey == text
    except HandstampError:
        return


@given(st.binary(max_size=60))
def test_base58btc_comes_back(data: bytes) -> None:
    assert decode_base58btc(encode_base58btc(data), what="text", max_characters=100) == data


@dataclass(frozen=True)
class Vault:
    """A key that this process cannot read: what stands for a key service or a hardware module."""

    inner: LocalSigner

    @property
    def algorithm(self) -> str:
        return self.inner.algorithm

    @property
    def public_key(self) -> PublicKey:
        return PublicKey.parse_jwk(self.inner.public_key.jwk, what="key of the vault")

    def sign(self, data: bytes) -> bytes:
        return self.inner.sign(data)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_signs_takes_the_place_of_a_local_key(kind: KeyKind) -> None:
    vault: Signer = Vault(SIGNERS[kind])
    jws = parse_jws(sign_jws({"typ": "t"}, {"a": 1}, vault), what="message", typ="t")
    jws.check_signature(vault.public_key)


@given(
    st.fixed_dictionaries(
        {
            "kty": st.sampled_from(["EC", "OKP", "RSA"]),
            "crv": st.sampled_from(["P-256", "P-384", "Ed25519", "X25519"]),
            "x": st.binary(min_size=31, max_size=49).map(base64url.encode),
        },
        optional={
            "y": st.binary(min_size=31, max_size=49).map(base64url.encode),
            "alg": st.sampled_from(["ES256", "ES384", "EdDSA", "Ed25519"]) | st.none(),
            "d": st.just("AA"),
        },
    )
)
def test_any_numbers_are_a_key_that_reads_back_or_are_refused(value: dict[str, Any]) -> None:
    try:
        key = PublicKey.parse_jwk(value, what="key")
    except HandstampError:
        return
    assert PublicKey.from_multikey(key.multikey, what="key") == key
    assert key.jwk.items() <= value.items()
