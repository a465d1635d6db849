from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import HandstampError, Malformed
from credentials.protocols.oauth import (
    InvalidCredentialRequest,
    InvalidEncryptionParameters,
    InvalidProof,
    OAuthError,
)
from credentials.protocols.openid4vci import CredentialRequest, CredentialResponse, DeferredIssuance, NonceResponse

if TYPE_CHECKING:
    from pathlib import Path

ENCRYPTION: dict[str, Any] = {
    "jwk": {
        "kty": "EC",
        "crv": "P-256",
        "alg": "ECDH-ES",
        "x": "YO4epjifD-KWeq1sL2tNmm36BhXnkJ0He-WqMYrp9Fk",
        "y": "Hekpm0zfK7C-YccH5iBjcIXgf6YdUvNUac_0At55Okk",
    },
    "enc": "A256GCM",
}
REQUEST: dict[str, Any] = {"credential_identifier": "copy-1", "proofs": {"jwt": ["a.b.c"]}}
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20)
TEXTS = st.lists(TEXT, min_size=1, max_size=4).map(tuple)


def parse(document: Any) -> CredentialRequest:
    return CredentialRequest.parse(json.dumps(document).encode())


@given(
    st.builds(CredentialRequest, credential_identifier=TEXT, proofs=TEXTS)
    | st.builds(CredentialRequest, credential_configuration_id=TEXT, proofs=TEXTS)
    | st.builds(CredentialRequest, credential_identifier=TEXT, proofs=st.just(()))
    | st.builds(
        CredentialRequest, credential_identifier=TEXT, proofs=st.just(("a",)), proof_type=st.just("bbs2023_commitment")
    )
)
def test_a_credential_request_is_read_as_it_was_written(request_: CredentialRequest) -> None:
    assert parse(request_.to_json()) == request_


def test_twenty_proofs_are_read_and_unknown_members_ignored() -> None:
    document = REQUEST | {"proofs": {"jwt": [f"{n}" for n in range(20)]}, "colour": "blue"}
    assert len(parse(document).proofs) == 20


@pytest.mark.parametrize(
    ("change", "refusal", "reason"),
    [
        ({"credential_identifier": None}, InvalidCredentialRequest, "either"),
        ({"credential_configuration_id": "Track"}, InvalidCredentialRequest, "either"),
        ({"credential_identifier": 1}, InvalidCredentialRequest, "not a string"),
        ({"credential_identifier": "x" * 257}, InvalidCredentialRequest, "longer"),
        ({"credential_response_encryption": {"jwk": {}}}, InvalidEncryptionParameters, "empty|P-256"),
        ({"credential_response_encryption": ENCRYPTION}, InvalidEncryptionParameters, "encrypt the request too"),
        ({"proofs": {}}, InvalidProof, "exactly one"),
        ({"proofs": []}, InvalidProof, "not a JSON object"),
        ({"proofs": {"jwt": "a.b.c"}}, InvalidProof, "not an array"),
        ({"proofs": {"jwt": []}}, InvalidProof, "empty array"),
        ({"proofs": {"jwt": [1]}}, InvalidProof, "not a string"),
        ({"proofs": {"jwt": ["a"] * 21}}, InvalidProof, "more than 20"),
        ({"proofs": {"jwt": ["a"], "attestation": ["b"]}}, InvalidProof, "exactly one"),
        ({"proofs": {"attestation": ["b", "c"]}}, InvalidProof, "more than 1"),
        ({"proofs": {"bbs2023_commitment": ["b", "c"]}}, InvalidProof, "more than 1"),
        ({"proofs": {"di_vp": ["b"]}}, InvalidProof, "`jwt`"),
        ({"proofs": None, "proof": {"proof_type": "ldp_vp", "jwt": "a.b.c"}}, InvalidProof, "send `proofs`"),
        ({"proofs": None, "proof": {"proof_type": "jwt"}}, InvalidProof, "`jwt` is missing"),
    ],
)
def test_a_wrong_credential_request_has_the_exact_error(
    change: dict[str, Any], refusal: type[OAuthError], reason: str
) -> None:
    with pytest.raises(refusal, match=reason):
        parse(REQUEST | change)


@given(st.binary(max_size=60) | st.from_regex(rb'\{"proofs":.{0,30}\}', fullmatch=True))
def test_any_body_has_an_oauth_error(data: bytes) -> None:
    with pytest.raises(OAuthError):
        CredentialRequest.parse(data)


def test_a_nonce_is_read_as_it_was_written() -> None:
    nonce = NonceResponse(c_nonce="wKI4LT17ac15ES9bw8ac4")
    assert NonceResponse.parse(json.dumps(nonce.to_json()).encode()) == nonce
    with pytest.raises(Malformed, match="c_nonce"):
        NonceResponse.parse(b"{}")


@given(
    st.builds(CredentialResponse, credentials=TEXTS, notification_id=st.none() | TEXT)
    | st.builds(CredentialResponse, documents=st.just(({"@context": []}, {"a": {"b": 1}})), notification_id=TEXT)
)
def test_a_credential_response_is_read_as_it_was_written(response: CredentialResponse) -> None:
    assert CredentialResponse.parse(json.dumps(response.to_json()).encode()) == response


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"credential": "eyJ"},
        {"credentials": []},
        {"credentials": "eyJ"},
        {"credentials": ["eyJ"]},
        {"credentials": [{"credential": {}}]},
        {"credentials": [{"credential": {"@context": []}}, {"credential": "eyJ"}]},
        {"credentials": [{"credential": ""}]},
        {"credentials": [{"credential": "x"}] * 101},
    ],
)
def test_a_wrong_credential_response_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed):
        CredentialResponse.parse(json.dumps(document).encode())


def test_an_issuer_that_needs_more_time_is_told_apart() -> None:
    with pytest.raises(DeferredIssuance):
        CredentialResponse.parse(b'{"transaction_id":"8xLOxBtZp8","interval":3600}')


@given(st.binary(max_size=60) | st.from_regex(rb'\{"credentials":.{0,30}\}', fullmatch=True))
def test_any_body_is_a_credential_response_or_refused(data: bytes) -> None:
    try:
        CredentialResponse.parse(data)
    except HandstampError:
        return


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_standards_response_is_read(vectors_dir: Path, version: str) -> None:
    path = vectors_dir / "openid4vci" / version / "examples" / "credential_response_sd_jwt_vc.txt"
    text = path.read_text(encoding="utf-8")
    # The example breaks its long string into lines, as its caption says; JSON does not allow that.
    body = re.sub(r"\n\s+(?=[\w~.-])", "", text[text.index("{") :])
    [credential] = CredentialResponse.parse(body.encode()).credentials
    assert credential.startswith("eyJhbGciOiAiRVMyNTYi")
    assert credential.count("~") == 10


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_standards_request_of_an_older_shape_is_refused_in_words(vectors_dir: Path, version: str) -> None:
    path = vectors_dir / "openid4vci" / version / "examples" / "credential_request_iso_mdl.json"
    with pytest.raises(InvalidCredentialRequest, match="either"):
        CredentialRequest.parse(path.read_bytes())
