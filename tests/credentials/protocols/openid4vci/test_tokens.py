from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import HandstampError, Malformed
from credentials.protocols.oauth import (
    InvalidAuthorizationDetails,
    InvalidGrant,
    InvalidRequest,
    OAuthError,
    UnsupportedGrantType,
)
from credentials.protocols.openid4vci import AuthorizedCredential, NotSenderBound, TokenRequest, TokenResponse

GRANT = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
FORM = {"grant_type": GRANT, "pre-authorized_code": "SplxlOBeZQQYbYS6WxSbIA", "tx_code": "493536"}
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20)


def form(**change: Any) -> bytes:
    fields = FORM | {name.replace("__", "-"): value for name, value in change.items()}
    return urlencode({name: value for name, value in fields.items() if value is not None}).encode()


def test_the_token_request_of_the_standard_is_read() -> None:
    # OpenID4VCI 1.0 §6.1.1, the example, typed in.
    data = (
        b"grant_type=urn:ietf:params:oauth:grant-type:pre-authorized_code&pre-authorized_code=SplxlOBeZQQYbYS6WxSbIA"
        b"&tx_code=493536&authorization_details=%5B%7B%22type%22%3A%20%22openid_credential%22%2C%20%22"
        b"credential_configuration_id%22%3A%20%22UniversityDegreeCredential%22%7D%5D"
    )
    assert TokenRequest.parse_form(data) == TokenRequest(
        pre_authorized_code="SplxlOBeZQQYbYS6WxSbIA",
        tx_code="493536",
        requested_configuration_ids=("UniversityDegreeCredential",),
    )


@given(
    st.builds(
        TokenRequest,
        pre_authorized_code=TEXT,
        tx_code=st.none() | TEXT,
        client_id=st.none() | TEXT,
        requested_configuration_ids=st.lists(TEXT, max_size=3).map(tuple),
    )
)
def test_a_token_request_is_read_as_it_was_written(request_: TokenRequest) -> None:
    assert TokenRequest.parse_form(request_.to_form()) == request_


@pytest.mark.parametrize(
    ("data", "refusal", "reason"),
    [
        (b"", InvalidRequest, "grant_type"),
        (form(grant_type=None), InvalidRequest, "grant_type"),
        (form(grant_type="authorization_code"), UnsupportedGrantType, "pre-authorized"),
        (form(pre__authorized_code=None), InvalidRequest, "pre-authorized_code"),
        (form(pre__authorized_code=""), InvalidRequest, "pre-authorized_code"),
        (form(pre__authorized_code="x" * 1025), InvalidRequest, "longer"),
        (form() + b"&tx_code=1", InvalidRequest, "twice"),
        (form(tx_code="1" * 65), InvalidGrant, "wrong"),
        (form(authorization_details="{}"), InvalidAuthorizationDetails, "not an array"),
        (form(authorization_details="nonsense"), InvalidAuthorizationDetails, "not JSON"),
        (form(authorization_details="[]"), InvalidAuthorizationDetails, "empty"),
        (form(authorization_details='[{"type":"other"}]'), InvalidAuthorizationDetails, "openid_credential"),
        (form(authorization_details='[{"type":"openid_credential"}]'), InvalidAuthorizationDetails, "configuration_id"),
    ],
)
def test_a_wrong_token_request_has_the_exact_error(data: bytes, refusal: type[OAuthError], reason: str) -> None:
    with pytest.raises(refusal, match=reason):
        TokenRequest.parse_form(data)


def test_parameters_that_nobody_knows_are_ignored() -> None:
    assert TokenRequest.parse_form(form(colour="blue")).tx_code == "493536"


FORMS = st.dictionaries(st.sampled_from([*FORM, "authorization_details"]), st.text(max_size=9))


@given(st.binary(max_size=80) | FORMS.map(lambda fields: urlencode(fields).encode()))
def test_any_body_has_an_oauth_error(data: bytes) -> None:
    with pytest.raises(OAuthError):
        TokenRequest.parse_form(data)


RESPONSE: dict[str, Any] = {
    "access_token": "t0ken",
    "token_type": "DPoP",
    "expires_in": 600,
    "authorization_details": [
        {
            "type": "openid_credential",
            "credential_configuration_id": "TrackOwnershipCredential",
            "credential_identifiers": ["one", "two"],
        }
    ],
}


def parse(document: Any) -> TokenResponse:
    return TokenResponse.parse(json.dumps(document).encode())


@given(
    st.builds(
        TokenResponse,
        access_token=TEXT,
        expires_in=st.none() | st.integers(0, 10**6),
        authorization_details=st.lists(
            st.builds(
                AuthorizedCredential,
                credential_configuration_id=TEXT,
                commitments=st.dictionaries(TEXT, TEXT, max_size=2),
                credential_identifiers=st.lists(TEXT, min_size=1, max_size=3, unique=True).map(tuple),
            ),
            max_size=3,
        ).map(tuple),
    )
)
def test_a_token_response_is_read_as_it_was_written(response: TokenResponse) -> None:
    assert parse(response.to_json()) == response


def test_the_types_case_does_not_matter_but_a_bearer_token_is_thrown_away() -> None:
    assert parse(RESPONSE | {"token_type": "dpop"}) == parse(RESPONSE)
    with pytest.raises(NotSenderBound):
        parse(RESPONSE | {"token_type": "Bearer"})


def test_details_of_other_types_and_unknown_members_are_ignored() -> None:
    details = [{"type": "payment", "amount": 1}, RESPONSE["authorization_details"][0] | {"colour": "blue"}]
    assert parse(RESPONSE | {"authorization_details": details, "scope": "x"}) == parse(RESPONSE)


@pytest.mark.parametrize(
    "change",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 1},
        {"token_type": None},
        {"expires_in": "600"},
        {"expires_in": -1},
        {"authorization_details": {}},
        {"authorization_details": [{}]},
        {"authorization_details": [{"type": "openid_credential", "credential_configuration_id": "a"}]},
        {
            "authorization_details": [
                {"type": "openid_credential", "credential_configuration_id": "a", "credential_identifiers": []}
            ]
        },
        {
            "authorization_details": [
                {
                    "type": "openid_credential",
                    "credential_configuration_id": "a",
                    "credential_identifiers": ["b"],
                    "handstamp_commitments": {"b": 1},
                }
            ]
        },
    ],
)
def test_a_wrong_token_response_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse(RESPONSE | change)


@given(st.binary(max_size=60) | st.from_regex(rb'\{"token_type":"DPoP",.{0,30}\}', fullmatch=True))
def test_any_body_is_a_token_response_or_refused(data: bytes) -> None:
    with pytest.raises(HandstampError):
        TokenResponse.parse(data)
