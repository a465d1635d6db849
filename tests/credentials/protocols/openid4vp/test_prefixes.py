"""Each client identifier prefix has its own proof; a request under one is never believed on the proof of another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import HandstampError, Malformed
from credentials.keys.errors import BadSignature, CertificateUntrusted
from credentials.keys.jws import sign_jws
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vp import (
    ClientId,
    ForeignResponseUri,
    MissingClientIdPrefix,
    PlainInLink,
    Prefix,
    PublicUnsignedRequest,
    RequestReference,
    SignedInLink,
    SignedRedirectUri,
    UnprovenDid,
    WrongCertificateHash,
    WrongClientId,
    WrongWalletNonce,
    build_client_id,
    build_did_client_id,
    build_hash_client_id,
    build_redirect_client_id,
    build_request_object,
    build_signed_link,
    build_unsigned_link,
    check_plain_request,
    parse_request_link,
    verify_request_object,
)

if TYPE_CHECKING:
    from tests.credentials.protocols.openid4vp.conftest import Gate

DID = "did:web:artist.localhost%3A8703"
KEY = f"{DID}#key-1"


def under(gate: Gate, client_id: str, **change: Any) -> Gate:
    request = replace(gate.request, client_id=client_id, **change)
    return replace(gate, request=request, reference=replace(gate.reference, client_id=client_id))


@pytest.fixture
def hashed(gate: Gate) -> Gate:
    return under(gate, build_hash_client_id(gate.x5c))


@pytest.fixture
def did(gate: Gate) -> Gate:
    return under(gate, build_did_client_id(DID))


def verify_did(gate: Gate, text: str, **change: Any) -> Any:
    keys = {KEY: gate.signer.public_key}
    return gate.verify(text, **{"did_keys": keys, "anchors": (), **change})


def sign_did(gate: Gate, *, kid: Any = KEY, **claims: Any) -> str:
    return sign_jws({"typ": "oauth-authz-req+jwt", "kid": kid}, gate.request.to_json() | claims, gate.signer)


def test_a_certificate_is_named_by_its_hash_and_the_host_by_the_certificate(hashed: Gate) -> None:
    request = hashed.verify(build_request_object(hashed.request, signer=hashed.signer, x5c=hashed.x5c))
    assert request == hashed.request
    assert request.host == "artist.localhost"
    assert request.client.is_certified


def test_another_certificate_than_the_hash_names_is_refused(hashed: Gate) -> None:
    other = under(hashed, f"x509_hash:{'A' * 43}")
    with pytest.raises(WrongCertificateHash) as refusal:
        other.verify(other.sign())
    assert refusal.value.code == "wrong_certificate_hash"


def test_a_hash_of_a_certificate_does_not_let_the_answer_go_to_another_host(hashed: Gate) -> None:
    with pytest.raises(ForeignResponseUri):
        hashed.verify(hashed.sign(response_uri="http://shop.localhost:8704/r"))


def test_a_hash_of_a_certificate_by_nobody_trusted_is_refused(hashed: Gate) -> None:
    with pytest.raises(CertificateUntrusted):
        hashed.verify(hashed.sign(), anchors=())


@pytest.mark.parametrize("kid", [KEY, "#key-1"])
def test_a_did_is_proven_by_a_key_of_its_document(did: Gate, kid: str) -> None:
    request = verify_did(did, build_request_object(did.request, signer=did.signer, kid=kid))
    assert request == did.request
    assert not request.client.is_certified


def test_a_did_of_older_drafts_without_a_prefix_is_read_and_kept_as_it_came(gate: Gate) -> None:
    older = under(gate, DID)
    assert verify_did(older, sign_did(older)).client_id == DID


@pytest.mark.parametrize("kid", ["#other", "did:web:shop.localhost#key-1", f"{DID}x#key-1", 7, None, ""])
def test_a_key_that_the_document_does_not_list_is_refused(did: Gate, kid: Any) -> None:
    with pytest.raises(UnprovenDid) as refusal:
        verify_did(did, sign_did(did, kid=kid))
    assert refusal.value.code == "unproven_did"


def test_a_did_without_its_document_is_unproven(did: Gate) -> None:
    with pytest.raises(UnprovenDid):
        verify_did(did, sign_did(did), did_keys=None)


def test_another_key_than_the_documents_is_a_bad_signature(did: Gate) -> None:
    with pytest.raises(BadSignature):
        verify_did(did, sign_did(did), did_keys={KEY: LocalSigner.generate().public_key})


def test_a_certificate_proves_no_did(did: Gate) -> None:
    with pytest.raises(UnprovenDid):
        did.verify(did.sign())


def test_a_did_of_a_host_sends_the_answer_nowhere_else(did: Gate) -> None:
    with pytest.raises(ForeignResponseUri):
        verify_did(did, sign_did(did, response_uri="http://shop.localhost:8704/r"))


def test_a_did_that_is_a_key_binds_the_answer_by_its_signature_alone(gate: Gate) -> None:
    plain = under(gate, build_did_client_id("did:key:zDnaeUKTWUXc1HDpGfKbEK31nKLN19yX5aunFd7VK1CUMeyJu"))
    key = f"{plain.request.client.identifier}#1"
    keys = {key: gate.signer.public_key}
    request = plain.verify(sign_did(plain, kid="#1"), anchors=(), did_keys=keys)
    assert request.client.host is None
    assert request.host == "artist.localhost"


SWAPPED = {
    "from certificate name to hash": lambda gate: build_hash_client_id(gate.x5c),
    "from certificate name to did": lambda _: build_did_client_id(DID),
    "from certificate name to no proof": lambda gate: build_redirect_client_id(gate.request.response_uri),
    "from certificate name to no prefix": lambda _: "artist.localhost",
}


@pytest.mark.parametrize("swap", SWAPPED)
def test_a_swapped_prefix_is_refused_in_the_link_and_in_the_request(gate: Gate, swap: str) -> None:
    client_id = SWAPPED[swap](gate)
    text = build_request_object(gate.request, signer=gate.signer, x5c=gate.x5c)
    with pytest.raises(WrongClientId):
        gate.verify(text, reference=replace(gate.reference, client_id=client_id))
    with pytest.raises(WrongClientId):
        gate.verify(gate.sign(client_id=client_id))


@pytest.mark.parametrize("client_id", ["redirect_uri:http://artist.localhost:8703/responses/1"])
def test_a_signed_request_under_a_prefix_without_proof_is_refused(gate: Gate, client_id: str) -> None:
    forged = under(gate, client_id)
    with pytest.raises(SignedRedirectUri) as refusal:
        forged.verify(forged.sign())
    assert refusal.value.code == "signed_redirect_uri"
    with pytest.raises(SignedRedirectUri):
        build_request_object(forged.request, signer=gate.signer, x5c=gate.x5c)


def test_a_signed_request_in_the_link_is_verified_like_one_at_an_address(gate: Gate) -> None:
    text = build_request_object(gate.request, signer=gate.signer, x5c=gate.x5c)
    link = parse_request_link(build_signed_link(SignedInLink(client_id=gate.request.client_id, request_object=text)))
    assert isinstance(link, SignedInLink)
    assert verify_request_object(text, reference=link, anchors=(gate.anchor,), at=gate.at) == gate.request


@pytest.fixture
def unsigned(gate: Gate) -> Gate:
    return under(gate, build_redirect_client_id(gate.request.response_uri), issued_at=None, expires_at=None)


def test_an_unsigned_request_on_this_machine_is_read_as_it_was_written(unsigned: Gate) -> None:
    link = parse_request_link(build_unsigned_link(unsigned.request))
    assert isinstance(link, PlainInLink)
    assert check_plain_request(link) == unsigned.request
    assert not unsigned.request.client.is_signed


def test_an_unsigned_request_may_leave_out_the_address_that_is_its_name(unsigned: Gate) -> None:
    claims = {name: value for name, value in unsigned.request.to_json().items() if name != "response_uri"}
    request = check_plain_request(PlainInLink(client_id=unsigned.request.client_id, parameters=claims))
    assert request.response_uri == unsigned.request.response_uri


@pytest.mark.parametrize("address", ["http://shop.localhost:8704/r", "http://artist.localhost:8703/responses/2"])
def test_an_unsigned_request_answers_only_to_the_address_that_is_its_name(unsigned: Gate, address: str) -> None:
    claims = unsigned.request.to_json() | {"response_uri": address}
    with pytest.raises(ForeignResponseUri):
        check_plain_request(PlainInLink(client_id=unsigned.request.client_id, parameters=claims))


def test_an_unsigned_request_of_a_public_site_is_refused(unsigned: Gate) -> None:
    address = "https://artist.example/r"
    public = replace(unsigned.request, client_id=build_redirect_client_id(address), response_uri=address)
    with pytest.raises(PublicUnsignedRequest) as refusal:
        build_unsigned_link(public)
    assert refusal.value.code == "public_unsigned_request"


def test_an_unsigned_request_cannot_repeat_a_nonce_that_nobody_sent(unsigned: Gate) -> None:
    with pytest.raises(WrongWalletNonce):
        build_unsigned_link(replace(unsigned.request, wallet_nonce="a" * 22))


@pytest.mark.parametrize(
    ("text", "prefix", "host"),
    [
        (build_client_id("Artist.localhost"), Prefix.X509_SAN_DNS, "artist.localhost"),
        (f"x509_hash:{'A' * 43}", Prefix.X509_HASH, None),
        ("decentralized_identifier:did:web:a.example:sites:1", Prefix.DECENTRALIZED_IDENTIFIER, "a.example"),
        ("decentralized_identifier:did:example:123", Prefix.DECENTRALIZED_IDENTIFIER, None),
        ("did:jwk:eyJ", Prefix.DECENTRALIZED_IDENTIFIER, None),
        ("redirect_uri:https://client.example.org/cb", Prefix.REDIRECT_URI, "client.example.org"),
    ],
)
def test_a_client_is_named_by_its_prefix_and_the_host_in_it(text: str, prefix: Prefix, host: str | None) -> None:
    client = ClientId.parse(text)
    assert (client.text, client.prefix, client.host) == (text, prefix, host)


@pytest.mark.parametrize("text", ["https://client.example.org", "example-client", "http:x"])
def test_a_client_without_a_prefix_is_refused(text: str) -> None:
    with pytest.raises(MissingClientIdPrefix):
        ClientId.parse(text)


@given(st.text(max_size=40) | st.from_regex(r"(x509_hash|did|redirect_uri|x509_san_dns):[ -~]{0,50}", fullmatch=True))
def test_any_text_is_a_client_or_refused(text: str) -> None:
    try:
        assert ClientId.parse(text).text == text
    except HandstampError:
        return


@pytest.mark.parametrize(
    ("sent", "repeated"),
    [("n" * 22, ...), ("n" * 22, "m" * 22), (None, "m" * 22), ("n" * 22, 7), ("n" * 22, "\u00fc")],
    ids=["missing", "another's", "for a GET", "a number", "a stranger letter"],
)
def test_a_wallet_nonce_that_is_missing_or_anothers_is_refused(gate: Gate, sent: str | None, repeated: Any) -> None:
    with pytest.raises(WrongWalletNonce) as refusal:
        gate.verify(gate.sign(wallet_nonce=repeated), wallet_nonce=sent)
    assert refusal.value.code == "wrong_wallet_nonce"


def test_a_request_that_repeats_the_wallets_nonce_is_its_own(gate: Gate) -> None:
    mine = replace(gate.request, wallet_nonce="n" * 22)
    text = build_request_object(mine, signer=gate.signer, x5c=gate.x5c)
    assert gate.verify(text, wallet_nonce="n" * 22) == mine


def test_a_verifier_signs_no_request_without_a_certificate_or_key_id_that_a_wallet_would_take(gate: Gate) -> None:
    with pytest.raises(HandstampError, match="x5c"):
        gate.verify(build_request_object(gate.request, signer=gate.signer))


def test_a_client_id_of_another_type_is_malformed(gate: Gate) -> None:
    with pytest.raises(Malformed):
        gate.verify(gate.sign(client_id=["x509_san_dns:artist.localhost"]))


def test_a_link_by_reference_keeps_the_prefix_whole() -> None:
    link = f"openid4vp://?client_id=x509_hash:{'A' * 43}&request_uri=https://a.example/r&request_uri_method=post"
    reference = parse_request_link(link)
    assert reference == RequestReference(
        client_id=f"x509_hash:{'A' * 43}", request_uri="https://a.example/r", method="post"
    )
