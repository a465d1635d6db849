"""What ties a linked credential to a request: the header that its proof signs, and the domain of its pseudonym."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import HandstampError, Malformed
from credentials.protocols.dcql import CredentialQuery, Query
from credentials.protocols.members import Members
from credentials.protocols.openid4vp import (
    AuthorizationRequest,
    AuthorizationResponse,
    ClientMetadata,
    ForeignNymDomain,
    RequestRefused,
    UnprovenNymDomain,
    WrongPresentationHeader,
    build_gate_domain,
    build_presentation_header,
    build_request_object,
    check_presentation_header,
    parse_response_form,
)
from credentials.protocols.openid4vp.linked import origin_of, parse_nym_domain

if TYPE_CHECKING:
    from tests.credentials.protocols.openid4vp.conftest import Gate

TYPES = (("https://www.w3.org/2018/credentials#VerifiableCredential", "urn:handstamp:vocabulary:X"),)
LINKED = CredentialQuery(id="track-nym", format="ldp_vc", type_values=TYPES, require_cryptographic_holder_binding=False)
OWN = "http://artist.localhost:8703/gates/1"
PUBLIC = "https://a.example/responses/1"


def asking(gate: Gate, domain: str = OWN, query_id: str = "track-nym", **change: object) -> AuthorizationRequest:
    dcql = Query(credentials=(*gate.request.dcql.credentials, LINKED))
    return replace(gate.request, **{"dcql": dcql, "nym_domains": {query_id: domain}, **change})


def test_the_header_is_the_hash_of_client_nonce_and_address() -> None:
    text = '{"aud":"x509_san_dns:a.example","nonce":"n","response_uri":"https://a.example/r"}'
    header = build_presentation_header("x509_san_dns:a.example", "n", "https://a.example/r")
    assert header == hashlib.sha256(text.encode()).digest()
    browser = build_presentation_header("origin:https://a.example", "n", None)
    assert browser == hashlib.sha256(b'{"aud":"origin:https://a.example","nonce":"n","response_uri":null}').digest()


def test_a_header_of_another_request_is_refused(gate: Gate) -> None:
    wanted = gate.request.presentation_header
    check_presentation_header(wanted, wanted=wanted)
    for other in (
        replace(gate.request, nonce="a" * 43),
        replace(gate.request, client_id="x509_san_dns:evil.localhost"),
        replace(gate.request, response_uri="http://artist.localhost:8703/responses/2"),
    ):
        with pytest.raises(WrongPresentationHeader) as refusal:
            check_presentation_header(other.presentation_header, wanted=wanted)
        assert refusal.value.code == "wrong_presentation_header"


def test_a_request_that_names_its_own_domain_is_verified_as_it_was_signed(gate: Gate) -> None:
    for domain in (OWN, build_gate_domain(OWN, month="2026-11")):
        request = asking(gate, domain)
        read = gate.verify(build_request_object(request, signer=gate.signer, x5c=gate.x5c))
        assert read == request
        assert dict(read.nym_domains) == {"track-nym": domain}
        with pytest.raises(TypeError):
            read.nym_domains["track-nym"] = OWN  # type: ignore[index]
    assert domain == "http://artist.localhost:8703/gates/1#2026-11"


@pytest.mark.parametrize(
    "domain",
    [
        "http://shop.localhost:8703/gates/1",
        "http://artist.localhost:8704/gates/1",
        "http://artist.localhost/gates/1",
        "https://artist.localhost:8703/gates/1",
        "http://x.artist.localhost:8703/gates/1",
        "https://tracker.example/gates/1",
    ],
)
def test_two_sites_cannot_agree_on_one_domain(gate: Gate, domain: str) -> None:
    with pytest.raises(ForeignNymDomain):
        gate.verify(gate.sign(**asking(gate, domain).to_json()))
    with pytest.raises(ForeignNymDomain):
        build_request_object(asking(gate, domain), signer=gate.signer, x5c=gate.x5c)


@pytest.mark.parametrize(
    ("domain", "refusal"),
    [
        ("http://artist.localhost:8703", RequestRefused),
        ("HTTP://artist.localhost:8703/gates/1", RequestRefused),
        ("http://ARTIST.localhost:8703/gates/1", RequestRefused),
        ("https://artist.example:443/gates/1", RequestRefused),
        ("https://artist.example:0443/gates/1", RequestRefused),
        ("http://artist.localhost:8703#x", RequestRefused),
        ("http://u@artist.localhost:8703/", Malformed),
        ("http://artist.example/gates/1", Malformed),
        ("urn:handstamp:gate", Malformed),
        ("x" * 600, Malformed),
        ("", Malformed),
        (1, Malformed),
    ],
)
def test_a_domain_that_can_be_written_in_two_ways_is_refused(
    gate: Gate, domain: object, refusal: type[HandstampError]
) -> None:
    with pytest.raises(refusal):
        gate.verify(gate.sign(**asking(gate).to_json() | {"handstamp_nym_domains": {"track-nym": domain}}))


@pytest.mark.parametrize("domains", [[], "x", {"a b": OWN}, {f"q{n}": OWN for n in range(65)}])
def test_domains_that_are_no_object_by_ids_are_refused(gate: Gate, domains: object) -> None:
    with pytest.raises(Malformed):
        gate.verify(gate.sign(handstamp_nym_domains=domains))


@pytest.mark.parametrize("query_id", ["q", "nobody"])
def test_a_domain_is_named_only_for_a_linked_credential_that_is_asked_for(gate: Gate, query_id: str) -> None:
    with pytest.raises(RequestRefused, match="beside no query"):
        asking(gate, query_id=query_id).check_consistent()


@pytest.mark.parametrize(
    ("client_id", "response_uri", "domain"),
    [
        ("redirect_uri:http://a.localhost:1/responses/1", "http://a.localhost:1/responses/1", "http://a.localhost:1/"),
        ("decentralized_identifier:did:jwk:eyJ9", PUBLIC, "https://a.example/gates/1"),
    ],
)
def test_a_client_whose_host_nothing_proves_gets_no_pseudonym(
    gate: Gate, client_id: str, response_uri: str, domain: str
) -> None:
    request = asking(gate, domain, client_id=client_id, response_uri=response_uri)
    with pytest.raises(UnprovenNymDomain):
        request.check_consistent()


@pytest.mark.parametrize(
    "client_id", ["decentralized_identifier:did:web:a.example", "x509_san_dns:a.example", f"x509_hash:{'a' * 43}"]
)
def test_certificate_and_did_web_prove_a_host(gate: Gate, client_id: str) -> None:
    asking(gate, "https://a.example/gates/1", client_id=client_id, response_uri=PUBLIC).check_consistent()


def test_an_object_is_sent_and_read_where_a_linked_credential_is_due() -> None:
    shown = {"@context": ["x"], "proof": {"type": "DataIntegrityProof", "proofValue": "u2V0"}}
    response = AuthorizationResponse(vp_token={"q": (shown,), "r": ("a~b",)}, state="s")
    assert json.loads(json.dumps(response.to_json())) == {"vp_token": {"q": [shown], "r": ["a~b"]}, "state": "s"}
    assert parse_response_form(response.to_form()) == response


@pytest.mark.parametrize(
    ("formats", "sd_jwt", "linked"),
    [
        ({"ldp_vc": {}}, False, True),
        ({"ldp_vc": {"cryptosuite_values": ["bbs-2023"]}, "dc+sd-jwt": {}}, True, True),
        ({"ldp_vc": {"cryptosuite_values": ["ecdsa-sd-2023"]}, "dc+sd-jwt": {}}, True, False),
        ({"ldp_vc": {"proof_type_values": ["Ed25519Signature2020"]}, "dc+sd-jwt": {}}, True, False),
        ({"ldp_vc": {}, "dc+sd-jwt": {"kb-jwt_alg_values": ["ES512"]}}, False, True),
        ({"dc+sd-jwt": {}}, True, False),
        (None, True, True),
    ],
)
def test_a_verifier_says_which_formats_it_reads(formats: dict[str, object] | None, sd_jwt: bool, linked: bool) -> None:
    given = {} if formats is None else {"vp_formats_supported": formats}
    read = ClientMetadata.read(Members(json.loads(json.dumps(given)), what="client_metadata"))
    assert (read.takes_issuer("ES256"), read.takes_suite("bbs-2023")) == (sd_jwt, linked)
    again = ClientMetadata.read(Members(read.to_json(), what="client_metadata"))
    assert (again.takes_issuer("ES256"), again.takes_suite("bbs-2023")) == (sd_jwt, linked)


ADDRESSES = st.from_regex(
    r"https?://(localhost|\[::1\]|a\.example|A\.b)(:[0-9]{1,6})?(/[a-z/%.#?@]{0,6})?", fullmatch=True
)


@given(st.text(max_size=30) | ADDRESSES)
def test_any_domain_has_one_spelling_or_is_refused(text: str) -> None:
    try:
        domain = parse_nym_domain(text, what="domain")
    except HandstampError:
        return
    assert domain == text
    assert domain.startswith(f"{origin_of(domain)}/")
    assert origin_of(domain) == origin_of(domain).lower()
