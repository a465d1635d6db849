from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from credentials.data_integrity import errors
from credentials.data_integrity.proofs import (
    ASSERTION,
    AUTHENTICATION,
    MAX_PROOFS,
    Proof,
    build_proven_document,
    check_options,
    controller_of,
    find_previous,
    read_proofs,
)
from credentials.errors import HandstampError, Malformed

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
MEMBERS = {
    "type": "DataIntegrityProof",
    "cryptosuite": "eddsa-rdfc-2022",
    "verificationMethod": "did:example:coop#key",
    "proofPurpose": "assertionMethod",
    "proofValue": "z1",
}


def build(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (MEMBERS | changes).items() if value is not ...}


def parse(**changes: Any) -> Proof:
    return Proof.parse(build(**changes))


def test_a_proof_is_read_into_plain_values() -> None:
    proof = parse(
        id="urn:uuid:1",
        created="2026-11-20T00:00:00Z",
        expires="2026-11-22T01:00:00+01:00",
        challenge="c",
        domain=["b", "a"],
        nonce="n",
        previousProof="urn:uuid:0",
    )
    assert proof.created == datetime(2026, 11, 20, tzinfo=UTC)
    assert proof.expires == datetime(2026, 11, 22, tzinfo=UTC)
    assert proof.domain == {"a", "b"}
    assert proof.previous_proof == {"urn:uuid:0"}
    assert (proof.id, proof.challenge, proof.nonce) == ("urn:uuid:1", "c", "n")
    assert controller_of(proof.verification_method) == "did:example:coop"


def test_what_is_hashed_is_the_proof_without_its_value_under_the_documents_context() -> None:
    options = parse(created="2026-11-20T00:00:00Z").build_options({"@context": ["urn:c"], "id": "urn:d"})
    assert options == {**build(proofValue=..., created="2026-11-20T00:00:00Z"), "@context": ["urn:c"]}
    assert "@context" not in parse().build_options({"id": "urn:d"})


@pytest.mark.parametrize(
    "changes",
    [
        *({name: ...} for name in MEMBERS),
        *({name: 7} for name in MEMBERS),
        {"proofValue": ""},
        {"proofValue": "z" * 65_537},
        {"verificationMethod": "key"},
        {"verificationMethod": "did:example:a b"},
        {"id": "proof-1"},
        {"created": "yesterday"},
        {"expires": 1},
        {"challenge": 3},
        {"nonce": []},
        {"domain": []},
        {"domain": ["a", "a"]},
        {"domain": [1]},
        {"previousProof": [f"urn:uuid:{number}" for number in range(MAX_PROOFS + 1)]},
        {"@context": "https://www.w3.org/ns/credentials/v2"},
    ],
    ids=str,
)
def test_a_proof_that_is_not_what_the_standard_says_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse(**changes)


@pytest.mark.parametrize("value", ["proof", 1, [], None])
def test_a_proof_that_is_no_object_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        Proof.parse(value)


def test_a_type_of_proof_from_before_cryptosuites_is_not_read() -> None:
    with pytest.raises(errors.UnsupportedSuite, match="Ed25519Signature2020"):
        parse(type="Ed25519Signature2020")


def test_a_document_has_one_proof_or_a_set() -> None:
    first, second = build(id="urn:uuid:1"), build(previousProof=["urn:uuid:1"])
    assert len(read_proofs({"proof": first})) == 1
    assert [proof.id for proof in read_proofs({"proof": [first, second]})] == ["urn:uuid:1", None]


@pytest.mark.parametrize("document", [{}, {"proof": []}])
def test_a_document_without_a_proof_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(errors.ProofMissing):
        read_proofs(document)


@pytest.mark.parametrize("proofs", [[build(id="urn:uuid:1")] * 2, [build()] * (MAX_PROOFS + 1)], ids=["id", "many"])
def test_two_proofs_under_one_id_or_too_many_are_malformed(proofs: list[Any]) -> None:
    with pytest.raises(Malformed):
        read_proofs({"proof": proofs})


def test_a_proof_in_a_chain_is_about_the_document_and_the_proofs_before_it() -> None:
    first, second, third = build(id="urn:uuid:1"), build(id="urn:uuid:2"), build(previousProof="urn:uuid:1")
    document: dict[str, Any] = {"id": "urn:d", "proof": [first, second, third]}
    proofs = read_proofs(document)
    previous = find_previous(proofs[2].previous_proof, proofs)
    assert build_proven_document(document, previous) == {"id": "urn:d", "proof": [first]}
    assert build_proven_document(document, []) == {"id": "urn:d"}


def test_a_proof_whose_predecessor_is_not_there_is_refused() -> None:
    proofs = read_proofs({"proof": [build(id="urn:uuid:1"), build(previousProof=["urn:uuid:1", "urn:uuid:2"])]})
    with pytest.raises(errors.PreviousProofMissing):
        find_previous(proofs[1].previous_proof, proofs)


@pytest.mark.parametrize(
    ("members", "asked", "refusal"),
    [
        ({}, {"purpose": AUTHENTICATION}, errors.WrongPurpose),
        ({}, {"domain": "shop.example"}, errors.WrongDomain),
        ({"domain": "other.example"}, {"domain": "shop.example"}, errors.WrongDomain),
        ({"domain": ["shop.example", "other.example"]}, {"domain": "shop.example"}, errors.WrongDomain),
        ({}, {"challenge": "c"}, errors.WrongChallenge),
        ({"challenge": "d"}, {"challenge": "c"}, errors.WrongChallenge),
        ({"expires": "2026-11-21T08:00:00Z"}, {}, errors.ProofExpired),
        ({"created": "2026-11-21T08:00:01Z"}, {}, errors.ProofFromTheFuture),
    ],
)
def test_what_a_proof_says_of_itself_must_be_what_is_asked(
    members: dict[str, Any], asked: dict[str, Any], refusal: type[HandstampError]
) -> None:
    with pytest.raises(refusal):
        check_options(parse(**members), **({"purpose": ASSERTION, "at": NOW} | asked))


def test_a_proof_that_fits_what_is_asked_passes_and_clocks_may_differ() -> None:
    proof = parse(domain=["shop.example"], challenge="c", created="2026-11-21T08:00:30Z")
    asked: dict[str, Any] = {"purpose": ASSERTION, "at": NOW, "clock_skew_s": 60}
    check_options(proof, domain="shop.example", challenge="c", **asked)
    check_options(parse(expires="2026-11-21T08:00:00Z"), **(asked | {"at": NOW + timedelta(seconds=59)}))
