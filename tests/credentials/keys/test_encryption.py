"""What is encrypted opens with the right key only, and never says why it does not."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwcrypto import jwe as peer_jwe
from jwcrypto import jwk as peer_jwk

from credentials.encoding import base64url
from credentials.errors import HandstampError, Malformed
from credentials.keys.encryption import Decrypted, DecryptionKey, decrypt, encrypt
from credentials.keys.errors import EncryptionImpossible, KeyUnreadable, PrivateKeyExposed, UnreadableEncryption
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner

KEY = DecryptionKey.generate()
BOTH = ["A128GCM", "A256GCM"]


def open_it(text: str, *keys: DecryptionKey, **change: Any) -> Decrypted:
    return decrypt(text, **({"keys": {key.kid: key for key in keys or (KEY,)}, "max_bytes": 65_536} | change))


def sealed(header: dict[str, Any] | None = None, *, drop: str = "", part: tuple[int, str] | None = None) -> str:
    """Encrypt by jwcrypto alone, under a header of any kind."""
    full: dict[str, Any] = {"alg": "ECDH-ES", "enc": "A128GCM", "kid": KEY.kid} | (header or {})
    full.pop(drop, None)
    message = peer_jwe.JWE(b"payload" * 9, json.dumps(full), algs=["ECDH-ES", "ECDH-ES+A128KW", full["enc"]])
    message.add_recipient(peer_jwk.JWK(**{k: v for k, v in KEY.public_jwk.items() if k != "alg"}))
    parts = str(message.serialize(compact=True)).split(".")
    if part is not None:
        parts[part[0]] = part[1]
    return ".".join(parts)


def with_header(text: str, **members: Any) -> str:
    """Change the header after the fact; the ciphertext no longer fits, and must not be what is noticed first."""
    first, *rest = text.split(".")
    header = json.loads(base64url.decode(first, what="header"))
    return ".".join([base64url.encode(json.dumps(header | members).encode()), *rest])


@pytest.mark.parametrize("enc", BOTH)
def test_what_is_encrypted_opens_with_its_header(enc: str) -> None:
    more = {"cty": "JWT", "apu": base64url.encode(b"Alice"), "apv": base64url.encode(b"Bob")}
    text = encrypt(b'{"a":1}', to=KEY.public_jwk, enc=enc, header=more)
    opened = open_it(text)
    assert opened.payload == b'{"a":1}'
    assert {name: value for name, value in opened.header.items() if name != "epk"} == {
        "alg": "ECDH-ES",
        "enc": enc,
        "kid": KEY.kid,
        **more,
    }


@pytest.mark.parametrize("enc", BOTH)
def test_what_we_encrypt_jwcrypto_opens_and_the_other_way_round(enc: str) -> None:
    private = peer_jwk.JWK.from_pem(KEY.to_pem(None))
    message = peer_jwe.JWE()
    message.deserialize(encrypt(b"ours", to=KEY.public_jwk, enc=enc), private)
    assert message.payload == b"ours"
    assert open_it(sealed({"enc": enc})).payload == b"payload" * 9


def test_a_published_key_says_what_it_is_for() -> None:
    public = KEY.public_jwk
    assert {name: public[name] for name in ("kty", "crv", "use", "alg", "kid")} == {
        "kty": "EC",
        "crv": "P-256",
        "use": "enc",
        "alg": "ECDH-ES",
        "kid": KEY.kid,
    }
    assert "d" not in public


def test_no_two_messages_are_alike() -> None:
    assert encrypt(b"x", to=KEY.public_jwk, enc="A128GCM") != encrypt(b"x", to=KEY.public_jwk, enc="A128GCM")


def test_a_message_without_kid_opens_when_there_is_one_key() -> None:
    text = sealed(drop="kid")
    assert open_it(text).payload
    with pytest.raises(UnreadableEncryption):
        open_it(text, KEY, DecryptionKey.generate())


def test_a_key_without_a_kid_is_encrypted_to_without_naming_it() -> None:
    text = encrypt(b"x", to={name: value for name, value in KEY.public_jwk.items() if name != "kid"}, enc="A128GCM")
    assert "kid" not in open_it(text).header


REFUSED: dict[str, str] = {
    "another key's kid": with_header(sealed(), kid="another"),
    "a kid that is no text": with_header(sealed(), kid=["a"]),
    "wrapped": sealed({"alg": "ECDH-ES+A128KW"}),
    "RSA": with_header(sealed(), alg="RSA-OAEP-256"),
    "direct": with_header(sealed(), alg="dir"),
    "no algorithm": with_header(sealed(), alg=None),
    "compressed": sealed({"zip": "DEF"}),
    "an extension": with_header(sealed(), crit=["exp"]),
    "CBC": sealed({"enc": "A128CBC-HS256"}),
    "no encryption": with_header(sealed(), enc=None),
    "no passing key": with_header(sealed(), epk=None),
    "a passing key off the curve": with_header(
        sealed(), epk={"kty": "EC", "crv": "P-256", "x": base64url.encode(bytes(32)), "y": base64url.encode(bytes(32))}
    ),
    "a passing key on another curve": with_header(sealed(), epk=LocalSigner.generate(KeyKind.P384).public_key.jwk),
    "another passing key": with_header(sealed(), epk=LocalSigner.generate().public_key.jwk),
    "a changed header": with_header(sealed(), cty="JWT"),
    "apu that is no text": with_header(sealed(), apu=1),
    "an encrypted key": sealed(part=(1, "AAAA")),
    "another nonce": sealed(part=(2, base64url.encode(bytes(12)))),
    "a short nonce": sealed(part=(2, "")),
    "another text": sealed(part=(3, "AAAA")),
    "no text": sealed(part=(3, "")),
    "another tag": sealed(part=(4, base64url.encode(bytes(16)))),
    "a short tag": sealed(part=(4, base64url.encode(bytes(4)))),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_was_not_encrypted_as_offered_does_not_open_and_all_refusals_read_alike(text: str) -> None:
    with pytest.raises(UnreadableEncryption) as refusal:
        open_it(text, what="answer")
    assert refusal.value.detail == UnreadableEncryption("answer").detail


def test_an_encryption_that_was_not_offered_does_not_open() -> None:
    with pytest.raises(UnreadableEncryption):
        open_it(sealed(), encs=frozenset({"A256GCM"}))
    with pytest.raises(UnreadableEncryption):
        open_it(sealed({"enc": "A128CBC-HS256"}), encs=frozenset({"A128CBC-HS256"}))


@pytest.mark.parametrize(
    "text",
    ["", "a.b.c", "....", sealed() + ".", sealed() + "=", sealed(part=(0, "e30 ")), sealed(part=(0, "W10")), "{}"],
)
def test_what_is_no_compact_jwe_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        open_it(text)


def test_what_is_too_large_is_not_looked_at() -> None:
    with pytest.raises(Malformed, match="larger than 100 bytes"):
        open_it(sealed(), max_bytes=100)


@given(st.data())
def test_a_damaged_message_is_refused_and_nothing_else_happens(data: st.DataObject) -> None:
    text = list(DAMAGED)
    for _ in range(data.draw(st.integers(1, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.sampled_from("AZaz09-_.={"))
    try:
        open_it("".join(text))
    except HandstampError:
        return
    assert "".join(text) == DAMAGED


DAMAGED = sealed()


@pytest.mark.parametrize(
    "key",
    [
        {},
        LocalSigner.generate(KeyKind.P384).public_key.jwk,
        LocalSigner.generate(KeyKind.ED25519).public_key.jwk,
        KEY.public_jwk | {"use": "sig"},
        KEY.public_jwk | {"alg": "ECDH-ES+A256KW"},
        KEY.public_jwk | {"x": base64url.encode(bytes(32))},
    ],
    ids=lambda key: f"{key.get('crv')} {key.get('use')} {key.get('alg')}",
)
def test_nothing_is_encrypted_to_a_key_that_is_not_for_it(key: dict[str, Any]) -> None:
    with pytest.raises(EncryptionImpossible):
        encrypt(b"x", to=key, enc="A128GCM")


def test_nothing_is_encrypted_to_a_private_key_or_in_an_unknown_way() -> None:
    private = json.loads(peer_jwk.JWK.from_pem(KEY.to_pem(None)).export_private())
    with pytest.raises(PrivateKeyExposed):
        encrypt(b"x", to=private, enc="A128GCM")
    with pytest.raises(EncryptionImpossible, match="A128GCM and A256GCM"):
        encrypt(b"x", to=KEY.public_jwk, enc="A128CBC-HS256")
    with pytest.raises(EncryptionImpossible, match="member of the header"):
        encrypt(b"x", to=KEY.public_jwk, enc="A128GCM", header={"apu": 1})


def test_a_header_cannot_change_how_it_is_encrypted() -> None:
    forced: dict[str, Any] = {"alg": "dir", "enc": "none", "zip": "DEF", "crit": ["b64"], "epk": {}}
    text = encrypt(b"x", to=KEY.public_jwk, enc="A256GCM", header=forced)
    assert open_it(text).header["enc"] == "A256GCM"


def test_a_decryption_key_comes_back_from_its_file_and_from_nothing_else() -> None:
    again = DecryptionKey.from_pem(KEY.to_pem(b"password"), b"password")
    assert (again.kid, open_it(sealed(), again).payload) == (KEY.kid, b"payload" * 9)
    others = [(KEY.to_pem(b"password"), b"wrong"), (KEY.to_pem(b"password"), None), (b"text", None)]
    others += [(LocalSigner.generate(kind).to_pem(None), None) for kind in (KeyKind.P384, KeyKind.ED25519)]
    for pem, password in others:
        with pytest.raises(KeyUnreadable):
            DecryptionKey.from_pem(pem, password)


def test_a_decryption_key_is_not_shown_pickled_or_copied() -> None:
    assert repr(KEY) == f"DecryptionKey({KEY.kid})"
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled or copied"):
            leak(KEY)
