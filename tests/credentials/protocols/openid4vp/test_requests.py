from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import HandstampError, Malformed
from credentials.keys.certificates import load_chain_pem
from credentials.keys.errors import (
    BadSignature,
    CertificateExpired,
    CertificateUntrusted,
    CertificateWrongName,
    UnsupportedAlgorithm,
    WrongTyp,
)
from credentials.keys.signer import LocalSigner
from credentials.protocols.handshake import HandshakeMismatch
from credentials.protocols.members import Members
from credentials.protocols.openid4vp import (
    AuthorizationRequest,
    ClientMetadata,
    ForeignResponseUri,
    FormatsNotSupported,
    NoUsableEncryption,
    RequestExpired,
    RequestNotYetValid,
    RequestReference,
    RequestRefused,
    TransactionDataRefused,
    UnsupportedResponse,
    WrongClientId,
    WrongRequestAudience,
    build_request_object,
)
from credentials.protocols.urls import LeadsToLoopback

if TYPE_CHECKING:
    from pathlib import Path

    from credentials.protocols.oauth import OAuthError
    from tests.credentials.protocols.openid4vp.conftest import Gate


def test_a_request_is_verified_as_it_was_signed(gate: Gate) -> None:
    text = build_request_object(gate.request, signer=gate.signer, x5c=gate.x5c)
    request = gate.verify(text)
    assert request == gate.request
    assert request.host == "artist.localhost"


def test_a_request_of_another_verifier_may_leave_out_what_is_optional(gate: Gate) -> None:
    text = gate.sign(
        iat=...,
        exp=...,
        state=...,
        aud=...,
        handstamp_handshake=...,
        client_metadata=...,
        nonce="n-0S6_WzA2Mj-1234",
        x="y",
    )
    request = gate.verify(text)
    assert (request.state, request.handshake, request.issued_at, request.expires_at) == (None, None, None, None)
    assert gate.verify(gate.sign(aud=["https://self-issued.me/v2"], iss="whoever"))


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"client_id": "x509_san_dns:evil.localhost"}, WrongClientId),
        ({"client_id": "x509_san_dns:ARTIST.localhost"}, WrongClientId),
        ({"client_id": ...}, Malformed),
        ({"aud": "https://wallet.example"}, WrongRequestAudience),
        ({"response_type": "code"}, UnsupportedResponse),
        ({"response_type": "vp_token id_token"}, UnsupportedResponse),
        ({"response_type": ...}, Malformed),
        ({"response_mode": "direct_post.jwt"}, NoUsableEncryption),
        ({"response_mode": "dc_api"}, UnsupportedResponse),
        ({"response_mode": "fragment"}, UnsupportedResponse),
        ({"response_mode": ...}, Malformed),
        ({"redirect_uri": "http://artist.localhost:8703/cb"}, RequestRefused),
        ({"transaction_data": ["eyJ0eXBlIjoieCJ9"]}, TransactionDataRefused),
        ({"scope": "track"}, Malformed),
        ({"dcql_query": ...}, Malformed),
        ({"dcql_query": {}}, Malformed),
        ({"response_uri": ...}, Malformed),
        ({"response_uri": "http://evil.example/"}, Malformed),
        ({"response_uri": "http://evil.localhost:8703/responses/1"}, ForeignResponseUri),
        ({"response_uri": "https://artist.localhost.evil.example/"}, ForeignResponseUri),
        ({"response_uri": "http://artist.localhost@evil.localhost/"}, Malformed),
        ({"nonce": ...}, Malformed),
        ({"nonce": "short"}, Malformed),
        ({"nonce": "with spaces in between"}, Malformed),
        ({"nonce": "a" * 43}, HandshakeMismatch),
        ({"state": "a b"}, Malformed),
        ({"handstamp_handshake": {}}, Malformed),
        ({"handstamp_handshake": {"text": "Give away all.", "language": "en", "salt": "A" * 22}}, HandshakeMismatch),
        ({"client_metadata": {"vp_formats_supported": {"mso_mdoc": {}}}}, FormatsNotSupported),
        (
            {"client_metadata": {"vp_formats_supported": {"dc+sd-jwt": {"kb-jwt_alg_values": ["EdDSA"]}}}},
            FormatsNotSupported,
        ),
        ({"client_metadata": []}, Malformed),
        ({"exp": "soon"}, Malformed),
    ],
)
def test_a_wrong_request_is_refused(gate: Gate, change: dict[str, Any], refusal: type[HandstampError]) -> None:
    with pytest.raises(refusal):
        gate.verify(gate.sign(**change))


@pytest.mark.parametrize("error", [TransactionDataRefused("no"), FormatsNotSupported(), RequestExpired()])
def test_a_refusal_names_the_error_that_the_verifier_is_told(error: OAuthError) -> None:
    assert error.error in {"invalid_transaction_data", "vp_formats_not_supported", "invalid_request"}
    assert error.status == 400


@pytest.mark.parametrize(
    ("header", "refusal"),
    [
        ({"typ": "JWT"}, WrongTyp),
        ({"alg": "none"}, UnsupportedAlgorithm),
        ({"x5c": []}, Malformed),
        ({"x5c": ["AAAA"]}, Malformed),
        ({"x5c": "AAAA"}, Malformed),
    ],
)
def test_a_wrong_header_is_refused(gate: Gate, header: dict[str, Any], refusal: type[HandstampError]) -> None:
    with pytest.raises(refusal):
        gate.verify(gate.sign(header=header))


def test_a_request_without_a_certificate_is_refused(gate: Gate) -> None:
    from credentials.keys.jws import sign_jws  # noqa: PLC0415

    text = sign_jws({"typ": "oauth-authz-req+jwt"}, gate.request.to_json(), gate.signer)
    with pytest.raises(RequestRefused, match="x5c"):
        gate.verify(text)


def test_a_request_signed_by_another_key_than_certified_is_refused(gate: Gate) -> None:
    forged = replace(gate, signer=LocalSigner.generate())
    with pytest.raises(BadSignature):
        gate.verify(forged.sign())


def test_a_certificate_for_another_host_is_refused(gate: Gate) -> None:
    request = replace(
        gate.request, client_id="x509_san_dns:shop.localhost", response_uri="http://shop.localhost:8704/1"
    )
    text = build_request_object(request, signer=gate.signer, x5c=gate.x5c)
    reference = replace(gate.reference, client_id=request.client_id)
    with pytest.raises(CertificateWrongName):
        gate.verify(text, reference=reference)


def test_an_authority_that_is_not_trusted_is_refused(gate: Gate) -> None:
    stranger = trustme.CA(key_type=trustme.KeyType.ECDSA)
    with pytest.raises(CertificateUntrusted):
        gate.verify(gate.sign(), anchors=(stranger.cert_pem.bytes(),))
    with pytest.raises(CertificateUntrusted):
        gate.verify(gate.sign(), anchors=())
    leaf = stranger.issue_cert("artist.localhost", key_type=trustme.KeyType.ECDSA)
    impostor = replace(
        gate,
        signer=LocalSigner.from_pem(leaf.private_key_pem.bytes(), None),
        x5c=load_chain_pem(leaf.cert_chain_pems[0].bytes()).x5c(),
    )
    with pytest.raises(CertificateUntrusted):
        gate.verify(impostor.sign())


def test_a_request_is_refused_outside_its_time(gate: Gate) -> None:
    text = gate.sign()
    assert gate.verify(text, at=gate.at + timedelta(seconds=299))
    with pytest.raises(RequestExpired):
        gate.verify(text, at=gate.at + timedelta(seconds=300))
    assert gate.verify(text, at=gate.at - timedelta(seconds=60))
    with pytest.raises(RequestNotYetValid):
        gate.verify(text, at=gate.at - timedelta(seconds=61))
    with pytest.raises(RequestNotYetValid):
        gate.verify(gate.sign(nbf=gate.at.timestamp() + 100))
    with pytest.raises(CertificateExpired):
        gate.verify(gate.sign(exp=...), at=gate.at + timedelta(days=31))


def test_a_public_link_does_not_lead_to_this_machine(gate: Gate) -> None:
    reference = RequestReference(client_id=gate.request.client_id, request_uri="https://public.example/request")
    with pytest.raises(LeadsToLoopback):
        gate.verify(gate.sign(), reference=reference)


@pytest.mark.parametrize(
    "change",
    [
        {"response_uri": "http://shop.localhost:8704/1"},
        {"client_id": "artist.localhost"},
        {"client_id": "x509_san_dns:"},
        {"nonce": "a" * 43},
        {"state": "a b"},
        {"response_mode": "fragment"},
    ],
)
def test_no_request_is_signed_that_no_wallet_would_accept(gate: Gate, change: dict[str, Any]) -> None:
    with pytest.raises(HandstampError):
        build_request_object(replace(gate.request, **change), signer=gate.signer, x5c=gate.x5c)


@given(st.text(max_size=60))
def test_any_text_is_refused(gate: Gate, text: str) -> None:
    with pytest.raises(HandstampError):
        gate.verify(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(
    header=st.fixed_dictionaries({}, optional=dict.fromkeys(("typ", "alg", "kid", "jwk", "crit", "b64"), JSON)),
    x5c=JSON | st.lists(st.binary(max_size=20).map(lambda data: base64.b64encode(data).decode()), max_size=3),
)
def test_any_header_is_refused_or_changes_nothing(gate: Gate, header: dict[str, Any], x5c: Any) -> None:
    with pytest.raises(HandstampError):
        gate.verify(gate.sign(header=header | {"x5c": x5c}))


@given(st.integers(min_value=0), st.integers(0, 255))
def test_any_flipped_byte_is_refused(gate: Gate, position: int, byte: int) -> None:
    text = gate.sign().encode()
    position %= len(text)
    if text[position] == byte:
        return
    changed = (text[:position] + bytes([byte]) + text[position + 1 :]).decode("latin-1")
    with pytest.raises(HandstampError):
        gate.verify(changed)


@given(st.data())
def test_any_change_of_a_claim_is_read_or_refused(gate: Gate, data: st.DataObject) -> None:
    claims = gate.request.to_json()
    claims[data.draw(st.sampled_from([*sorted(claims), "transaction_data", "nbf"]))] = data.draw(JSON)
    try:
        request = AuthorizationRequest.parse(claims)
    except HandstampError:
        return
    assert AuthorizationRequest.parse(request.to_json()) == request


def test_only_the_final_name_of_the_formats_is_written_and_the_old_one_is_read() -> None:
    metadata = ClientMetadata(client_name="Artist")
    assert metadata.to_json() == {
        "client_name": "Artist",
        "vp_formats_supported": {
            "dc+sd-jwt": {
                "sd-jwt_alg_values": ["ES256", "ES384", "Ed25519"],
                "kb-jwt_alg_values": ["ES256", "ES384", "Ed25519"],
            }
        },
    }
    old = Members({"vp_formats": {"dc+sd-jwt": {"kb-jwt_alg_values": ["ES256", "ES384"]}}}, what="test")
    assert ClientMetadata.read(old).kb_jwt_algorithms == ("ES256", "ES384")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_standards_metadata_is_read(vectors_dir: Path, version: str) -> None:
    folder = vectors_dir / "openid4vp" / version / "examples"
    text = (folder / "client_metadata" / "sd_jwt_vc_verifier_metadata.json").read_text(encoding="utf-8")
    metadata = ClientMetadata.read(Members(json.loads(text), what="test"))
    assert metadata.sd_jwt_algorithms == ("ES256", "ES384")
    mdoc = (folder / "client_metadata" / "mso_mdoc_verifier_metadata.json").read_text(encoding="utf-8")
    with pytest.raises(FormatsNotSupported):
        ClientMetadata.read(Members(json.loads(mdoc), what="test"))


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize(
    "name", ["request/request_object_client_id_did.json", "digital_credentials_api/signed_request_payload_compact.json"]
)
def test_the_standards_requests_of_other_kinds_are_refused_in_words(vectors_dir: Path, version: str, name: str) -> None:
    folder = vectors_dir / "openid4vp" / version / "examples"
    query = json.loads((folder / "query_lang" / "simple.json").read_text(encoding="utf-8"))
    text = (folder / name).read_text(encoding="utf-8")
    # The examples leave the query out.
    claims = json.loads(text.replace("{ ... }", json.dumps(query)).replace("{...}", json.dumps(query)))
    with pytest.raises(HandstampError, match="response_mode"):
        AuthorizationRequest.parse(claims)
    claims |= {"response_mode": "direct_post", "response_uri": "https://client.example.org/post"}
    claims |= {"nonce": "n-0S6_WzA2Mj-and-more"}
    claims.pop("redirect_uri", None)
    claims.setdefault("client_id", "x509_san_dns:client.example.org")
    assert AuthorizationRequest.parse(claims).dcql.find("my_credential")
