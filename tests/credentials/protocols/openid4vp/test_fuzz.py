"""Whatever comes is read or refused: no foreign exception leaves a parser."""

from __future__ import annotations

from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.encoding import base64url
from credentials.encoding.strict_json import Json, dump
from credentials.errors import HandstampError
from credentials.protocols.members import Members
from credentials.protocols.openid4vp import (
    ClientMetadata,
    PlainInLink,
    RequestUriPost,
    TransactionData,
    check_plain_request,
    parse_request_link,
)

ADDRESS = "http://artist.localhost:8703/r"
CLIENT = f"redirect_uri:{ADDRESS}"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**54) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PARAMETERS = {
    "response_type": "vp_token",
    "response_mode": "direct_post",
    "response_uri": ADDRESS,
    "nonce": "n" * 22,
    "state": "s" * 22,
    "dcql_query": {"credentials": [{"id": "q", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:x"]}}]},
    "client_metadata": {"vp_formats_supported": {"dc+sd-jwt": {}}},
}
NAMES = [*PARAMETERS, "transaction_data", "handstamp_handshake", "wallet_nonce", "redirect_uri", "scope", "exp"]


def test_the_parameters_that_are_bent_here_are_good() -> None:
    assert check_plain_request(PlainInLink(client_id=CLIENT, parameters=PARAMETERS)).host == "artist.localhost"


@given(st.sampled_from(NAMES), JSON)
def test_a_plain_request_with_anything_in_it_is_read_or_refused(name: str, value: Json) -> None:
    try:
        request = check_plain_request(PlainInLink(client_id=CLIENT, parameters={**PARAMETERS, name: value}))
    except HandstampError:
        return
    assert request.response_uri == ADDRESS


@given(st.sampled_from(NAMES), st.text(max_size=30))
def test_a_link_with_anything_in_it_is_read_or_refused(name: str, text: str) -> None:
    fields = {key: value if isinstance(value, str) else dump(value).decode() for key, value in PARAMETERS.items()}
    try:
        link = parse_request_link(f"openid4vp://?{urlencode({'client_id': CLIENT, **fields, name: text})}")
        assert isinstance(link, PlainInLink)
        check_plain_request(link)
    except HandstampError:
        return


@given(st.binary(max_size=60) | st.from_regex(rb"wallet_(nonce|metadata)=[ -~]{0,60}", fullmatch=True))
def test_any_post_for_a_request_is_read_or_refused(form: bytes) -> None:
    try:
        RequestUriPost.parse_form(form)
    except HandstampError:
        return


@given(JSON)
@settings(max_examples=50)
def test_any_metadata_or_transaction_is_read_or_refused(value: Json) -> None:
    for read in (
        lambda: ClientMetadata.read(Members({"jwks": {"keys": [value]}, "vp_formats": value}, what="metadata")),
        lambda: ClientMetadata.read(Members({"jwks": value}, what="metadata")),
        lambda: TransactionData.parse(value),
        lambda: TransactionData.parse(base64url.encode(dump(value))),
    ):
        try:
            read()
        except HandstampError:
            continue
