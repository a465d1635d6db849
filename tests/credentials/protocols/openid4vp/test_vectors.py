"""The example messages that OpenID4VP 1.0 publishes: read, or refused for the reason that the profile gives."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from credentials.encoding import base64url
from credentials.encoding.strict_json import parse
from credentials.errors import HandstampError
from credentials.protocols.dcql import Query
from credentials.protocols.members import Members
from credentials.protocols.openid4vp import (
    AuthorizationRequest,
    ClientMetadata,
    ErrorResponse,
    FormatsNotSupported,
    TransactionData,
    TransactionDataRefused,
    UnsupportedResponse,
    parse_request_link,
)

if TYPE_CHECKING:
    from pathlib import Path

Reader = Callable[[str], Any]


@pytest.fixture
def read(vectors_dir: Path) -> Reader:
    """Read an example; where the text says `{...}`, the first query of §6 stands in."""
    examples = vectors_dir / "openid4vp" / "1.0" / "examples"

    def example(path: str) -> Any:
        query = (examples / "query_lang" / "simple.json").read_text("utf-8")
        text = re.sub(r"\{\s*\.\.\.\s*\}", lambda _: query, (examples / path).read_text("utf-8"))
        return parse(text.encode(), what=path)

    return example


QUERIES = ["request/dcql_jwt_vc.json", "request/dcql_ldp_vc.json"] + [
    f"query_lang/{name}.json"
    for name in (
        "simple",
        "simple_mdoc",
        "complex_mdoc",
        "multi_credentials",
        "value_matching_simple",
        "claims_alternatives",
        "credentials_alternatives",
    )
]


@pytest.mark.parametrize("path", QUERIES)
def test_every_query_is_read_and_written_as_it_was(read: Reader, path: str) -> None:
    query = read(path)
    assert Query.parse(Query.parse(query).to_json()) == Query.parse(query)


METADATA: dict[str, type[HandstampError] | None] = {
    "sd_jwt_vc_verifier_metadata": None,
    "mso_mdoc_verifier_metadata": FormatsNotSupported,
    "w3c_jwt_verifier_metadata": FormatsNotSupported,
    "w3c_ldp_verifier_metadata": None,
}


@pytest.mark.parametrize("name", METADATA)
def test_every_verifiers_metadata_is_read_or_asks_for_a_format_that_is_not_here(read: Reader, name: str) -> None:
    members = Members(read(f"client_metadata/{name}.json"), what="client_metadata")
    expected = METADATA[name]
    if expected is None:
        read_metadata = ClientMetadata.read(members)
        assert read_metadata.takes_issuer("ES384") != read_metadata.takes_suite("bbs-2023")
        return
    with pytest.raises(expected) as refusal:
        ClientMetadata.read(members)
    assert refusal.value.code == "vp_formats_not_supported"


def test_the_request_of_a_did_is_read_once_it_takes_the_answer_by_post(read: Reader) -> None:
    claims = read("request/request_object_client_id_did.json")
    claims["nonce"] += "-1234"  # The example's nonce is shorter than a fresh one can be.
    with pytest.raises(HandstampError):  # response_mode fragment, by redirect_uri: a way that a wallet here has not.
        AuthorizationRequest.parse(claims)
    claims |= {"response_mode": "direct_post", "response_uri": claims.pop("redirect_uri")}
    request = AuthorizationRequest.parse(claims)
    assert request.client.identifier == "did:example:123"
    assert read("request/request_header_client_id_did.json")["kid"].startswith("did:example:123#")


@pytest.mark.parametrize("name", ["signed_request_payload", "signed_request_payload_compact"])
def test_requests_of_the_browsers_own_interface_are_refused_by_their_mode_and_their_keys_are_read(
    read: Reader, name: str
) -> None:
    claims = {"client_id": "x509_san_dns:rp.example.com"} | read(f"digital_credentials_api/{name}.json")
    with pytest.raises(UnsupportedResponse) as refusal:
        AuthorizationRequest.parse(claims)
    assert refusal.value.code == "unsupported_response"
    key = ClientMetadata.read(Members(claims["client_metadata"], what="m")).choose_encryption().key
    assert key["kid"] == "1"


def test_the_error_is_read(read: Reader) -> None:
    error = read("digital_credentials_api/error_invalid_request.json")
    assert ErrorResponse.parse_form(f"error={error['error']}".encode()).error == "invalid_request"


def test_the_links_of_the_text_are_read() -> None:
    by_reference = (
        "https://wallet.example.org/authorize?client_id=x509_san_dns%3Aclient.example.org"
        "&request_uri=https%3A%2F%2Fclient.example.org%2Frequest%2Fvapof4ql2i7m41m68uep&request_uri_method=post"
    )
    assert parse_request_link(by_reference).method == "post"  # type: ignore[union-attr]
    by_value = (
        "https://wallet.example.org/universal-link?response_type=vp_token"
        "&client_id=redirect_uri%3Ahttps%3A%2F%2Fclient.example.org%2Fcb"
        "&redirect_uri=https%3A%2F%2Fclient.example.org%2Fcb&dcql_query=%7B%7D&nonce=n-0S6_WzA2Mj"
    )
    assert parse_request_link(by_value).client_id == "redirect_uri:https://client.example.org/cb"


def coded(value: Any) -> str:
    return base64url.encode(json.dumps(value).encode())


def test_the_transaction_of_the_text_is_read_and_its_unknown_type_refused_by_name() -> None:
    example = coded({"type": "example_type", "credential_ids": ["id_card_credential"]})
    assert TransactionData.parse(example) == TransactionData(
        type="example_type", credential_ids=("id_card_credential",)
    )
    with pytest.raises(TransactionDataRefused, match="'example_type' is not known"):
        AuthorizationRequest.parse({"transaction_data": [example]})


@pytest.mark.parametrize(
    "value",
    [[], "x", ["%"], [coded([])], [coded({"type": "x"})], [coded({"type": "", "credential_ids": ["a"]})], ["e30"] * 17],
)
def test_a_transaction_that_cannot_be_read_is_refused_too(value: Any) -> None:
    with pytest.raises(TransactionDataRefused) as refusal:
        AuthorizationRequest.parse({"transaction_data": value})
    assert (refusal.value.code, refusal.value.error) == ("invalid_transaction_data", "invalid_transaction_data")
