from __future__ import annotations

import gc
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwcrypto import jwk as peer_jwk
from jwcrypto import jws as peer_jws

from credentials.encoding import base64url
from credentials.errors import HandstampError, Malformed
from credentials.keys.errors import BadSignature, UnsupportedAlgorithm, UnsupportedHeader, WrongTyp
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import parse_jws, sign_jws
from credentials.keys.signer import LocalSigner

SIGNER = LocalSigner.generate()

# RFC 7515 appendix A.3: an ES256 JWS and its key.
RFC_7515_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
RFC_7515_JWS = (
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)


def write(header: Any, payload: bytes = b"{}", signature: bytes = bytes(64)) -> str:
    first = header if isinstance(header, str) else base64url.encode(json.dumps(header).encode())
    return f"{first}.{base64url.encode(payload)}.{base64url.encode(signature)}"


def test_the_example_of_rfc_7515_appendix_a_3_verifies() -> None:
    jws = parse_jws(RFC_7515_JWS, what="example", typ=None)
    jws.check_signature(PublicKey.parse_jwk(RFC_7515_KEY, what="key"))
    assert jws.claims() == {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}


def test_what_we_sign_jwcrypto_verifies_and_the_other_way_round() -> None:
    text = sign_jws({"typ": "test"}, {"a": "é"}, SIGNER)
    peer = peer_jws.JWS()
    peer.deserialize(text, peer_jwk.JWK.from_pem(SIGNER.to_pem(None)))
    assert json.loads(peer.payload) == {"a": "é"}
    peer = peer_jws.JWS(b'{"b":1}')
    peer.add_signature(peer_jwk.JWK.from_pem(SIGNER.to_pem(None)), protected='{"alg":"ES256","typ":"test"}')
    jws = parse_jws(peer.serialize(compact=True), what="test", typ="test")
    jws.check_signature(SIGNER.public_key)
    assert jws.claims() == {"b": 1}


@pytest.mark.parametrize(
    "alg", ["none", "None", "HS256", "ES512", "Ed448", "es256", "ES256K", "", None, 1, ["ES256"], {}], ids=repr
)
def test_no_algorithm_but_those_named_by_the_caller_is_accepted(alg: Any) -> None:
    with pytest.raises(UnsupportedAlgorithm, match="ES256"):
        parse_jws(write({"alg": alg, "typ": "t"}), what="message", typ="t")
    with pytest.raises(UnsupportedAlgorithm):
        parse_jws(write({"typ": "t"}), what="message", typ="t")


@pytest.mark.parametrize("extension", [{"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"b64": True}])
def test_an_extension_that_is_not_understood_is_refused(extension: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedHeader):
        parse_jws(write({"alg": "ES256"} | extension), what="message", typ=None)


@pytest.mark.parametrize("typ", ["JWT", "dpop+jwt ", "DPOP+JWT", None, ["dpop+jwt"]])
def test_a_message_of_another_type_is_refused(typ: Any) -> None:
    with pytest.raises(WrongTyp, match=r"dpop\+jwt"):
        parse_jws(write({"alg": "ES256", "typ": typ}), what="proof", typ="dpop+jwt")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "a.b",
        "a.b.c.d",
        write("e30"),
        write("bm90IGpzb24"),
        write([1]),
        write({"alg": "ES256"}) + "=",
        write({"alg": "ES256"}) + "\n",
        "A" * 65537,
    ],
    ids=["empty", "dots", "two parts", "four parts", "no alg", "not JSON", "array", "padding", "newline", "oversize"],
)
def test_what_is_not_a_compact_jws_is_refused(text: str) -> None:
    with pytest.raises((Malformed, UnsupportedAlgorithm)):
        parse_jws(text, what="message", typ=None)


def test_a_payload_that_is_no_object_is_malformed_only_when_asked_for_claims() -> None:
    jws = parse_jws(write({"alg": "ES256"}, b"[]"), what="message", typ=None)
    with pytest.raises(Malformed, match="payload of the message"):
        jws.claims()


@given(st.text(max_size=60) | st.text(alphabet="eyJ.{}-_=", max_size=40))
def test_any_text_is_a_jws_or_is_refused(text: str) -> None:
    try:
        parse_jws(text, what="message", typ=None)
    except HandstampError:
        return


@given(st.data())
def test_a_changed_character_breaks_the_message(data: st.DataObject) -> None:
    text = sign_jws({"typ": "test"}, {"iss": "a", "n": 1}, SIGNER)
    place = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.characters(codec="ascii").filter(lambda c: c != text[place]))
    with pytest.raises(HandstampError):
        parse_jws(text[:place] + character + text[place + 1 :], what="message", typ="test").check_signature(
            SIGNER.public_key
        )


def test_another_key_does_not_verify() -> None:
    with pytest.raises(BadSignature):
        parse_jws(sign_jws({}, {}, SIGNER), what="message", typ=None).check_signature(LocalSigner.generate().public_key)


def test_a_message_shows_no_payload_in_its_repr() -> None:
    assert "aGVsbG8" not in repr(parse_jws(sign_jws({}, {"secret": "aGVsbG8"}, SIGNER), what="message", typ=None))


def test_what_strangers_write_into_headers_does_not_stay_in_memory() -> None:
    headers = [write({"alg": "ES256", "typ": "x", "n": number, "a": [[]] * 3000}) for number in range(10)]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for header in headers:
            with pytest.raises(WrongTyp):
                parse_jws(header, what="key binding", typ="kb+jwt")
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000
