"""Answers that only the verifier can read: made, opened, and refused when they come another way than was asked."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.encoding import base64url
from credentials.errors import HandstampError, Malformed
from credentials.keys.encryption import DecryptionKey, decrypt, encrypt
from credentials.keys.errors import UnreadableEncryption
from credentials.protocols.members import Members
from credentials.protocols.oauth import InvalidRequest, build_form, parse_form
from credentials.protocols.openid4vp import (
    DIRECT_POST_JWT,
    OUR_WALLET,
    AnswerEncryption,
    AuthorizationResponse,
    ClientMetadata,
    EncryptedResponse,
    ErrorResponse,
    FormatsNotSupported,
    NoUsableEncryption,
    PlainResponse,
    RequestUriPost,
    ResponseDecryption,
    VpTokenNotArrays,
    WalletMetadata,
    build_request_object,
    build_request_uri_post,
    parse_response_form,
)

if TYPE_CHECKING:
    from tests.credentials.protocols.openid4vp.conftest import Gate

KEY = DecryptionKey.generate()
BOTH = ("A128GCM", "A256GCM")
ANSWER = AuthorizationResponse(vp_token={"q": ("eyJ.eyJ.sig~d~kb",)}, state="the-state")
OPENING = ResponseDecryption(key=KEY)


def metadata(**changes: Any) -> ClientMetadata:
    written = ClientMetadata(encryption_keys=(KEY.public_jwk,), encryption_encs=BOTH).to_json()
    return ClientMetadata.read(Members(written | changes, what="client_metadata"))


def sealed(payload: Any, *, key: DecryptionKey = KEY, enc: str = "A128GCM", **beside: str) -> bytes:
    text = encrypt(json.dumps(payload).encode(), to=key.public_jwk, enc=enc)
    return build_form({"response": text, **beside})


@pytest.mark.parametrize("enc", BOTH)
def test_an_encrypted_answer_is_read_as_it_was_written(enc: str) -> None:
    form = ANSWER.to_form(AnswerEncryption(key=KEY.public_jwk, enc=enc))
    assert set(parse_form(form)) == {"response"}
    assert b"eyJ.eyJ" not in form
    assert parse_response_form(form, decryption=OPENING) == ANSWER


def test_a_refusal_may_be_encrypted_or_plain() -> None:
    no = ErrorResponse(error="access_denied", description="No.", state="the-state")
    encryption = AnswerEncryption(key=KEY.public_jwk, enc="A128GCM")
    assert parse_response_form(no.to_form(encryption), decryption=OPENING) == no
    assert parse_response_form(no.to_form(), decryption=OPENING) == no


def test_the_wallet_takes_the_strongest_encryption_that_is_offered() -> None:
    assert metadata().choose_encryption() == AnswerEncryption(key=KEY.public_jwk, enc="A256GCM")
    # §5.1: A128GCM when nothing is said.
    silent = {k: v for k, v in metadata().to_json().items() if k != "encrypted_response_enc_values_supported"}
    assert ClientMetadata.read(Members(silent, what="m")).choose_encryption().enc == "A128GCM"


def test_a_request_for_an_encrypted_answer_says_to_which_key(gate: Gate) -> None:
    asking = replace(gate.request, response_mode=DIRECT_POST_JWT, client_metadata=metadata())
    request = gate.verify(build_request_object(asking, signer=gate.signer, x5c=gate.x5c))
    assert request == asking
    assert request.encryption == AnswerEncryption(key=KEY.public_jwk, enc="A256GCM")
    assert gate.request.encryption is None


WRONG_WAY: dict[str, tuple[bytes, ResponseDecryption | None, type[HandstampError]]] = {
    "plain where encrypted was demanded": (ANSWER.to_form(), OPENING, PlainResponse),
    "a refusal and an answer in one, plain": (
        build_form({"error": "x", "vp_token": '{"q": ["a"]}'}),
        OPENING,
        PlainResponse,
    ),
    "nothing at all": (b"state=the-state", OPENING, PlainResponse),
    "encrypted where plain was asked": (sealed(ANSWER.to_json()), None, EncryptedResponse),
    "to another key": (sealed(ANSWER.to_json(), key=DecryptionKey.generate()), OPENING, UnreadableEncryption),
    "by an encryption that was not offered": (
        sealed(ANSWER.to_json(), enc="A256GCM"),
        ResponseDecryption(key=KEY, encs=frozenset({"A128GCM"})),
        UnreadableEncryption,
    ),
    "no JWE": (build_form({"response": "a.b.c"}), OPENING, Malformed),
    "no object inside": (sealed(["vp_token"]), OPENING, Malformed),
    "an answer and a refusal inside": (sealed({"error": "x", "vp_token": {"q": ["a"]}}), OPENING, Malformed),
    "a vp_token that is text inside": (sealed({"vp_token": '{"q": ["a"]}'}), OPENING, Malformed),
    "a vp_token of an older draft inside": (sealed({"vp_token": {"q": "a"}}), OPENING, VpTokenNotArrays),
    "only the state inside": (sealed({"state": "the-state"}), OPENING, Malformed),
}


@pytest.mark.parametrize("case", WRONG_WAY)
def test_an_answer_that_comes_another_way_than_asked_is_refused(case: str) -> None:
    form, decryption, refusal = WRONG_WAY[case]
    with pytest.raises(refusal):
        parse_response_form(form, decryption=decryption)


def test_each_refusal_of_a_way_has_its_code() -> None:
    assert (PlainResponse.code, EncryptedResponse.code) == ("plain_response", "encrypted_response")


def test_what_stands_plain_beside_an_encrypted_answer_counts_for_nothing() -> None:
    form = sealed(ANSWER.to_json(), state="another-state", vp_token='{"q": ["mine"]}', error="access_denied")
    assert parse_response_form(form, decryption=OPENING) == ANSWER


@given(st.binary(max_size=200) | st.from_regex(rb"response=[A-Za-z0-9_.-]{0,120}", fullmatch=True))
@settings(max_examples=50)
def test_any_form_is_an_answer_or_refused(form: bytes) -> None:
    try:
        parse_response_form(form, decryption=OPENING)
    except HandstampError:
        return


EC = {name: KEY.public_jwk[name] for name in ("kty", "crv", "x", "y")}


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [EC | {"use": "sig", "kid": "1"}],
        [EC | {"alg": "ECDH-ES+A256KW", "kid": "1"}],
        [EC | {"x": EC["y"], "kid": "1"}],
        [EC | {"d": "AAAA", "kid": "1"}],
        [{"kty": "OKP", "crv": "X25519", "x": "WPX7wnwq10hFNK9aDSyG1QlLswE_CJY14LdhcFUIVVc", "alg": "ECDH-ES"}],
        [{}],
    ],
    ids=["none", "to sign", "another agreement", "off the curve", "private", "another curve", "empty"],
)
def test_a_request_for_an_encrypted_answer_without_a_usable_key_is_refused_before_anything_is_shown(
    gate: Gate, keys: list[Any]
) -> None:
    said = metadata().to_json() | {"jwks": {"keys": keys} if keys else {}}
    with pytest.raises(NoUsableEncryption) as refusal:
        gate.verify(gate.sign(response_mode=DIRECT_POST_JWT, client_metadata=said))
    assert (refusal.value.code, refusal.value.error) == ("no_usable_encryption", "invalid_request")


def test_an_encryption_that_nobody_here_has_is_refused(gate: Gate) -> None:
    said = metadata().to_json() | {"encrypted_response_enc_values_supported": ["A128CBC-HS256"]}
    with pytest.raises(NoUsableEncryption):
        gate.verify(gate.sign(response_mode=DIRECT_POST_JWT, client_metadata=said))


def test_keys_and_names_of_older_drafts_are_read() -> None:
    older = {
        "vp_formats": {"dc+sd-jwt": {}},
        "jwks": {"keys": [EC]},
        "authorization_encrypted_response_alg": "ECDH-ES",
        "authorization_encrypted_response_enc": "A256GCM",
    }
    read = ClientMetadata.read(Members(older, what="m"))
    assert read.choose_encryption() == AnswerEncryption(key=EC | {"use": "enc", "alg": "ECDH-ES"}, enc="A256GCM")
    assert "authorization_encrypted_response_enc" not in read.to_json()


def test_the_standards_own_example_opens() -> None:
    """The encrypted response of §8.3, with the private key that the text gives for it."""
    header = (
        "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTEyOEdDTSIsImtpZCI6ImFjIiwiZXBrIjp7Imt0eSI6IkVDIiwieCI6Im5ubVZwbTNWM2piaGNh"
        "ZlFhUkJrU1ZOSGx3Wkh3dC05ck9wSnVmeVlJdWsiLCJ5IjoicjRmakRxd0p5czlxVU9QLV9iM21SNVNaRy0tQ3dPMm1pYzVWU05UWU45ZyIs"
        "ImNydiI6IlAtMjU2In19"
    )
    body = "uAYcHRUSSn2X0WPX.yVzlGSYG4qbg0bq18JcUiDRw56yVnbKR8E7S7YlEtzT00RqE3Pw5oTpUG3hdLN4taHZ9gC1kwak8JOnJgQ"
    text = f"{header}..{body}.1wR024_3-qtAlx1oFIUpQQ"
    secret = int.from_bytes(base64url.decode("Et-3ce0omz8_TuZ96Df9lp0GAaaDoUnDe6X-CRO7Aww", what="d"))
    key = DecryptionKey(ec.derive_private_key(secret, ec.SECP256R1()))
    payload = decrypt(text, keys={"ac": key}, max_bytes=1000).payload
    answer = parse_response_form(sealed(json.loads(payload)), decryption=OPENING)
    assert answer == AuthorizationResponse(vp_token={"example_credential_id": ("eyJhb...YMetA",)})


def test_a_wallet_says_the_same_of_itself_every_time() -> None:
    first, second = (parse_form(build_request_uri_post(nonce)) for nonce in ("a" * 22, "b" * 22))
    assert first["wallet_metadata"] == second["wallet_metadata"] == json.dumps(OUR_WALLET, separators=(",", ":"))
    read = RequestUriPost.parse_form(build_request_uri_post("a" * 22))
    assert read.wallet_nonce == "a" * 22
    assert read.wallet_metadata == WalletMetadata(
        formats=frozenset({"dc+sd-jwt", "ldp_vc"}),
        client_id_prefixes=frozenset({"x509_san_dns", "x509_hash", "decentralized_identifier", "redirect_uri"}),
        encryption_encs=("A256GCM", "A128GCM"),
        request_algorithms=("ES256", "ES384", "Ed25519"),
    )


def test_what_other_wallets_leave_out_has_the_standards_default() -> None:
    assert RequestUriPost.parse_form(b"") == RequestUriPost()
    form = build_form({"wallet_metadata": '{"vp_formats": {"mso_mdoc": {}}}', "unknown": "1"})
    said = RequestUriPost.parse_form(form).wallet_metadata
    assert said == WalletMetadata(formats=frozenset({"mso_mdoc"}), client_id_prefixes=frozenset({"pre-registered"}))


@pytest.mark.parametrize(
    "form",
    [
        b"wallet_nonce=a&wallet_nonce=b",
        b"wallet_nonce=%00",
        b"wallet_nonce=" + b"a" * 600,
        b"wallet_metadata=[]",
        b"wallet_metadata={}",
        b"wallet_metadata={",
        b"x=" + b"a" * 40_000,
    ],
)
def test_a_post_that_cannot_be_read_is_an_invalid_request(form: bytes) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        RequestUriPost.parse_form(form)
    assert refusal.value.error == "invalid_request"


def test_a_verifier_that_reads_none_of_our_algorithms_is_refused() -> None:
    with pytest.raises(FormatsNotSupported):
        metadata(vp_formats_supported={"dc+sd-jwt": {"sd-jwt_alg_values": ["ES512"]}})
    assert metadata(vp_formats_supported={"dc+sd-jwt": {"sd-jwt_alg_values": ["EdDSA"]}}).takes_issuer("Ed25519")
    assert not metadata(vp_formats_supported={"dc+sd-jwt": {"sd-jwt_alg_values": ["ES256"]}}).takes_issuer("ES384")
    assert metadata(vp_formats_supported={"dc+sd-jwt": {}}).takes_issuer("ES384")
