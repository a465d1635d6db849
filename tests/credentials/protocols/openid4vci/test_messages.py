"""Refresh, deferred, notification, encryption and signed metadata as messages: written, read again, and refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import HandstampError, Malformed
from credentials.keys.certificates import load_chain_pem
from credentials.keys.encryption import DecryptionKey
from credentials.keys.errors import WrongTyp
from credentials.keys.jws import sign_jws
from credentials.keys.signer import LocalSigner
from credentials.protocols.oauth import (
    InvalidAuthorizationDetails,
    InvalidCredentialRequest,
    InvalidNotificationRequest,
    InvalidRequest,
    OAuthError,
    UnsupportedGrantType,
)
from credentials.protocols.openid4vci import (
    CodeRequest,
    CredentialRequest,
    CredentialResponse,
    DeferredCredentialRequest,
    DeferredResponse,
    EncryptionOffer,
    IssuerMetadata,
    Notification,
    NotificationEvent,
    NotSenderBound,
    PushedRequest,
    PushedResponse,
    RefreshRequest,
    TokenRequest,
    TokenResponse,
    WantedEncryption,
    WrongIssuerIdentifier,
    make_code_challenge,
    parse_credential_response,
    parse_signed_metadata,
    parse_token_request,
    sign_metadata,
)

COOP = "https://coop.example"
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20)
TEXTS = st.lists(TEXT, max_size=3, unique=True).map(tuple)
SCOPES = st.lists(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), max_size=3, unique=True).map(tuple)
KEY = DecryptionKey.generate()
WANTED = WantedEncryption(jwk=KEY.public_jwk, enc="A256GCM")


@given(
    st.builds(RefreshRequest, refresh_token=TEXT, client_id=st.none() | TEXT, scopes=SCOPES)
    | st.builds(RefreshRequest, refresh_token=TEXT, requested_configuration_ids=TEXTS)
    | st.builds(TokenRequest, pre_authorized_code=TEXT, tx_code=st.none() | TEXT, scopes=SCOPES)
    | st.builds(CodeRequest, code=TEXT, code_verifier=TEXT, redirect_uri=TEXT, client_id=TEXT)
)
def test_every_token_request_is_read_as_it_was_written(request_: RefreshRequest | TokenRequest | CodeRequest) -> None:
    assert parse_token_request(request_.to_form()) == request_


@pytest.mark.parametrize(
    ("form", "refusal"),
    [
        ({}, InvalidRequest),
        ({"grant_type": "password"}, UnsupportedGrantType),
        ({"grant_type": "refresh_token"}, InvalidRequest),
        ({"grant_type": "refresh_token", "refresh_token": "x" * 1025}, InvalidRequest),
        ({"grant_type": "refresh_token", "refresh_token": "x", "scope": "a  b"}, InvalidRequest),
        ({"grant_type": "refresh_token", "refresh_token": "x", "scope": 'a"b'}, InvalidRequest),
        (
            {"grant_type": "refresh_token", "refresh_token": "x", "authorization_details": "{"},
            InvalidAuthorizationDetails,
        ),
        ({"grant_type": "authorization_code", "code": "x"}, InvalidRequest),
        ({"grant_type": "authorization_code", "code": "x", "code_verifier": "y" * 129}, InvalidRequest),
    ],
)
def test_a_wrong_token_request_of_any_grant_has_the_exact_error(
    form: dict[str, str], refusal: type[OAuthError]
) -> None:
    with pytest.raises(refusal):
        parse_token_request(urlencode(form).encode())


@given(st.binary(max_size=80))
def test_any_form_has_an_oauth_error(data: bytes) -> None:
    with pytest.raises(OAuthError):
        parse_token_request(data)


@given(
    st.builds(
        PushedRequest,
        client_id=st.from_regex(r"[ -~]{1,20}", fullmatch=True),
        redirect_uri=st.sampled_from(
            ["https://wallet.example/back", "http://localhost:7/", "com.example.wallet:/back?x=y"]
        ),
        code_challenge=st.from_regex(r"[A-Za-z0-9_-]{43}", fullmatch=True),
        scopes=SCOPES,
        requested_configuration_ids=TEXTS,
        state=st.none() | TEXT,
    )
)
def test_a_pushed_request_is_read_as_it_was_written(asked: PushedRequest) -> None:
    assert PushedRequest.parse_form(asked.to_form()) == asked


PUSHED = ["response_type", "client_id", "redirect_uri", "code_challenge", "code_challenge_method", "state"]


@given(
    st.binary(max_size=80)
    | st.dictionaries(st.sampled_from(PUSHED), st.text(max_size=9)).map(lambda fields: urlencode(fields).encode())
)
def test_any_pushed_form_has_an_oauth_error(data: bytes) -> None:
    with pytest.raises(OAuthError):
        PushedRequest.parse_form(data)


def test_where_a_pushed_request_lies_is_read_as_it_was_written() -> None:
    pushed = PushedResponse(request_uri="urn:ietf:params:oauth:request_uri:x", expires_in=60)
    assert PushedResponse.parse(json.dumps(pushed.to_json()).encode()) == pushed


def test_the_challenge_is_the_one_of_the_standard() -> None:
    # RFC 7636 appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert make_code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_bearer_token_is_taken_only_by_who_allows_it() -> None:
    data = b'{"access_token":"t","token_type":"bearer","refresh_token":"r"}'
    read = TokenResponse.parse(data, allow_bearer=True)
    assert (read.token_type, read.refresh_token) == ("Bearer", "r")
    assert TokenResponse.parse(json.dumps(read.to_json()).encode(), allow_bearer=True) == read
    for refused in (data, b'{"access_token":"t","token_type":"mac"}'):
        with pytest.raises(NotSenderBound):
            TokenResponse.parse(refused)
    with pytest.raises(NotSenderBound):
        TokenResponse.parse(b'{"access_token":"t","token_type":"mac"}', allow_bearer=True)


@given(
    st.builds(DeferredResponse, transaction_id=TEXT, interval=st.integers(1, 10**6))
    | st.builds(CredentialResponse, credentials=TEXTS.filter(bool), notification_id=st.none() | TEXT)
)
def test_either_answer_is_read_as_it_was_written(answer: DeferredResponse | CredentialResponse) -> None:
    assert parse_credential_response(json.dumps(answer.to_json()).encode()) == answer


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"transaction_id": "x"},
        {"transaction_id": "x", "interval": 0},
        {"transaction_id": "x", "interval": "60"},
        {"transaction_id": "x", "interval": 60, "credentials": [{"credential": "y"}]},
        {"transaction_id": "", "interval": 60},
    ],
)
def test_an_answer_that_is_neither_or_both_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed):
        parse_credential_response(json.dumps(document).encode())


@given(st.builds(DeferredCredentialRequest, transaction_id=TEXT, response_encryption=st.none() | st.just(WANTED)))
def test_a_deferred_request_is_read_as_it_was_written(request_: DeferredCredentialRequest) -> None:
    assert DeferredCredentialRequest.parse(json.dumps(request_.to_json()).encode(), encrypted=True) == request_


@given(st.binary(max_size=60) | st.from_regex(rb'\{"transaction_id":.{0,30}\}', fullmatch=True))
def test_any_body_of_a_deferred_request_is_read_or_has_an_oauth_error(data: bytes) -> None:
    try:
        assert DeferredCredentialRequest.parse(data).response_encryption is None
    except InvalidCredentialRequest:
        return


def test_a_request_for_attested_keys_and_an_encrypted_answer_is_read_as_it_was_written() -> None:
    asked = CredentialRequest(
        credential_identifier="copy-1", proofs=("a.b.c",), proof_type="attestation", response_encryption=WANTED
    )
    assert CredentialRequest.parse(json.dumps(asked.to_json()).encode(), encrypted=True) == asked


def test_an_algorithm_beside_the_key_as_older_wallets_write_it_is_read() -> None:
    older = {"jwk": {name: value for name, value in KEY.public_jwk.items() if name != "alg"}, "alg": "ECDH-ES"}
    body = {
        "credential_identifier": "x",
        "proofs": {"jwt": ["a"]},
        "credential_response_encryption": {**older, "enc": "A128GCM"},
    }
    read = CredentialRequest.parse(json.dumps(body).encode(), encrypted=True)
    assert read.response_encryption
    assert read.response_encryption.jwk["alg"] == "ECDH-ES"


@given(
    st.builds(
        Notification,
        notification_id=TEXT,
        event=st.sampled_from(NotificationEvent),
        description=st.none() | st.from_regex(r"[ !#-\[\]-~]{1,20}", fullmatch=True),
    )
)
def test_a_notification_is_read_as_it_was_written(told: Notification) -> None:
    assert Notification.parse(json.dumps(told.to_json()).encode()) == told


@given(st.binary(max_size=60) | st.from_regex(rb'\{"notification_id":"x","event":.{0,30}\}', fullmatch=True))
def test_any_body_of_a_notification_is_read_or_has_its_error(data: bytes) -> None:
    try:
        assert Notification.parse(data).event in NotificationEvent
    except InvalidNotificationRequest:
        return


# Metadata

METADATA = IssuerMetadata(
    credential_issuer=COOP,
    credential_endpoint=f"{COOP}/credential",
    configurations=(),
    request_encryption=EncryptionOffer(keys=(KEY.public_jwk,), encs=("A128GCM",)),
    response_encryption=EncryptionOffer(algorithms=("ECDH-ES",), required=True),
)


def test_what_may_be_encrypted_is_read_as_it_was_written() -> None:
    read = IssuerMetadata.parse(json.dumps(METADATA.to_json()).encode(), issuer=COOP)
    assert read == METADATA
    assert read.encryption_required
    assert read.request_encryption
    assert read.request_encryption.usable_key() == KEY.public_jwk
    assert read.request_encryption.usable_enc() == "A128GCM"


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "RSA", "alg": "RSA-OAEP", "kid": "1", "n": "AQAB", "e": "AQAB"},
        {**KEY.public_jwk, "alg": "ECDH-ES+A256KW"},
        {**KEY.public_jwk, "d": "AAAA"},
        {**KEY.public_jwk, "crv": "P-521"},
    ],
)
def test_a_key_that_we_cannot_encrypt_for_is_not_usable(key: dict[str, Any]) -> None:
    offer = EncryptionOffer(keys=(key,), encs=("A256CBC-HS512",))
    assert (offer.usable_key(), offer.usable_enc()) == (None, None)


@pytest.mark.parametrize("member", ["kid", "alg"])
def test_a_published_key_without_its_name_or_algorithm_is_malformed(member: str) -> None:
    key = {name: value for name, value in KEY.public_jwk.items() if name != member}
    offer = {"jwks": {"keys": [key]}, "enc_values_supported": ["A128GCM"], "encryption_required": False}
    document = METADATA.to_json() | {"credential_request_encryption": offer}
    with pytest.raises(Malformed, match=member):
        IssuerMetadata.parse(json.dumps(document).encode(), issuer=COOP)


AUTHORITY = trustme.CA(key_type=trustme.KeyType.ECDSA)
ANCHORS = (AUTHORITY.cert_pem.bytes(),)


def certified(host: str) -> tuple[LocalSigner, tuple[str, ...]]:
    leaf = AUTHORITY.issue_cert(host, key_type=trustme.KeyType.ECDSA)
    chain = load_chain_pem(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    return LocalSigner.from_pem(leaf.private_key_pem.bytes(), None), tuple(chain.x5c())


SIGNER, X5C = certified("coop.example")


def signed(*, issued: timedelta = timedelta(0), expires: timedelta = timedelta(days=1)) -> str:
    at = int((NOW + issued).timestamp())
    return sign_metadata(METADATA, signer=SIGNER, x5c=X5C, issued_at=at, expires_at=int((NOW + expires).timestamp()))


def read_signed(text: str, *, anchors: tuple[bytes, ...] = ANCHORS, issuer: str = COOP) -> IssuerMetadata:
    return parse_signed_metadata(text, issuer=issuer, anchors=anchors, at=NOW)


def test_signed_metadata_is_read_as_it_was_written() -> None:
    assert read_signed(signed()) == METADATA


def test_signed_metadata_of_another_time_is_refused() -> None:
    with pytest.raises(Malformed, match="time is over"):
        read_signed(signed(expires=timedelta(minutes=-2)))
    with pytest.raises(Malformed, match="in the future"):
        read_signed(signed(issued=timedelta(minutes=2)))


def test_signed_metadata_by_anybody_else_is_refused() -> None:
    other, x5c = certified("shop.example")
    claims = METADATA.to_json() | {"sub": COOP, "iat": int(NOW.timestamp())}
    typ = "openidvci-issuer-metadata+jwt"
    forged = {
        "another host": sign_jws({"typ": typ, "x5c": list(x5c)}, claims, other),
        "another key": sign_jws({"typ": typ, "x5c": list(X5C)}, claims, other),
        "no certificate": sign_jws({"typ": typ}, claims, SIGNER),
        "no time": sign_jws({"typ": typ, "x5c": list(X5C)}, METADATA.to_json() | {"sub": COOP}, SIGNER),
    }
    for text in forged.values():
        with pytest.raises(HandstampError):
            read_signed(text)
    with pytest.raises(HandstampError):
        read_signed(signed(), anchors=(trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.bytes(),))
    with pytest.raises(WrongTyp):
        read_signed(sign_jws({"typ": "JWT", "x5c": list(X5C)}, claims, SIGNER))


def test_signed_metadata_that_speaks_for_another_issuer_is_refused() -> None:
    for member in ("sub", "credential_issuer"):
        claims = METADATA.to_json() | {"sub": COOP, "iat": int(NOW.timestamp()), member: "https://other.example"}
        text = sign_jws({"typ": "openidvci-issuer-metadata+jwt", "x5c": list(X5C)}, claims, SIGNER)
        with pytest.raises(WrongIssuerIdentifier):
            read_signed(text)
