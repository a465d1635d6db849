from __future__ import annotations

import secrets
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from credentials.bbs import BadCommitment, BbsSecretKey, ProverNym, commit_nym
from credentials.data_integrity import bbs_2023
from credentials.data_integrity.bbs_2023 import Derived
from credentials.data_integrity.bbs_2023_values import BaseValue, DerivedValue, Feature
from credentials.data_integrity.errors import BadProof, ProofImpossible
from credentials.data_integrity.proof_values import read_value, write_value
from credentials.data_integrity.selection import PointerMismatch
from credentials.encoding.strict_json import dump
from credentials.errors import Malformed

if TYPE_CHECKING:
    from credentials.data_integrity.bbs_2023 import BaseCredential
    from credentials.encoding.strict_json import Json

METHOD = "did:web:coop.example#key"
MANDATORY = ["/issuer", "/validFrom", "/validUntil"]
HEADER = bytes(32)
DOMAIN = "https://shop.example/gates/1"
SECRET_KEY = BbsSecretKey.from_key_material(bytes(32))
KEY = SECRET_KEY.public_key
NYM = ProverNym.from_bytes(bytes(31) + b"\7")
ENTROPY = bytes(31) + b"\5"
COMMITTED = commit_nym(NYM, random=secrets.token_bytes)
_TYPE_IRI = "urn:handstamp:vocabulary:TrackOwnershipCredential"
DOCUMENT: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/credentials/v2", "urn:handstamp:context:1"],
    "type": ["VerifiableCredential", "TrackOwnershipCredential"],
    "issuer": "did:web:coop.example",
    "validFrom": "2026-11-01T00:00:00Z",
    "validUntil": "2026-12-11T00:00:00Z",
    "credentialSubject": {"name": "Möbius Strip", "byArtist": "The Loops", "isrcCode": "QZABC2600001"},
}
PSEUDONYM: dict[str, Any] = {
    "feature": Feature.PSEUDONYM,
    "commitment_with_proof": COMMITTED.commitment_with_proof,
    "entropy": ENTROPY,
}


def issue(document: dict[str, Json] = DOCUMENT, **changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "secret_key": SECRET_KEY,
        "verification_method": METHOD,
        "mandatory": MANDATORY,
        "random": secrets.token_bytes,
    }
    return bbs_2023.add_base_proof(document, **(arguments | changes))


def open_base(secured: dict[str, Any], **changes: Any) -> BaseCredential:
    arguments: dict[str, Any] = {"public_key": KEY, "prover_nym": NYM, "blind": COMMITTED.blind}
    return bbs_2023.open_base(secured, **(arguments | changes))


def derive(base: BaseCredential, *selective: str, **changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "selective": selective,
        "presentation_header": HEADER,
        "random": secrets.token_bytes,
    }
    return bbs_2023.derive(base, **(arguments | changes))


def change(secured: dict[str, Any], position: int, value: Any) -> dict[str, Any]:
    """Put something else in the place of one component of the proof's value."""
    kind, components = read_value(secured["proof"]["proofValue"], range(10))
    components[position] = value
    return {**secured, "proof": {**secured["proof"], "proofValue": write_value(kind, components)}}


BASE: dict[str, Any] = issue(in_document_order=True, **PSEUDONYM)
DERIVED: dict[str, Any] = derive(open_base(BASE), "/credentialSubject/isrcCode", nym_domain=DOMAIN)


def test_a_holder_shows_a_part_and_the_verifier_learns_no_more() -> None:
    derived = derive(open_base(issue()), "/credentialSubject/isrcCode")
    found = bbs_2023.verify_derived(derived, public_key=KEY)
    assert found.document == {**DOCUMENT, "credentialSubject": {"isrcCode": "QZABC2600001"}}
    assert (found.presentation_header, found.pseudonym, found.nym_domain) == (HEADER, None, None)
    assert found.feature is Feature.BASELINE


def test_a_pseudonym_is_the_same_in_its_domain_and_another_elsewhere() -> None:
    base = open_base(issue(**PSEUDONYM))
    pseudonyms = [
        bbs_2023.verify_derived(derive(base, nym_domain=domain), public_key=KEY).pseudonym
        for domain in (DOMAIN, DOMAIN, DOMAIN + "#2026-11")
    ]
    assert pseudonyms[0] == pseudonyms[1] != pseudonyms[2]
    assert pseudonyms[0] is not None


def test_a_new_credential_of_another_key_keeps_the_pseudonym_of_the_same_commitment_and_entropy() -> None:
    other = BbsSecretKey.generate()
    again = commit_nym(NYM, random=secrets.token_bytes, blind=COMMITTED.blind)
    renewed = issue(**{**PSEUDONYM, "commitment_with_proof": again.commitment_with_proof}, secret_key=other)
    before = bbs_2023.verify_derived(derive(open_base(issue(**PSEUDONYM)), nym_domain=DOMAIN), public_key=KEY)
    base = open_base(renewed, public_key=other.public_key)
    after = bbs_2023.verify_derived(derive(base, nym_domain=DOMAIN), public_key=other.public_key)
    assert before.pseudonym == after.pseudonym
    assert before.nym_domain == after.nym_domain == DOMAIN


def test_another_key_did_not_sign() -> None:
    other = BbsSecretKey.generate().public_key
    secured = issue()
    with pytest.raises(BadProof):
        open_base(secured, public_key=other)
    with pytest.raises(BadProof):
        bbs_2023.verify_derived(derive(open_base(secured)), public_key=other)


def test_without_the_nym_that_was_committed_to_a_credential_cannot_be_opened() -> None:
    secured = issue(**PSEUDONYM)
    with pytest.raises(BadProof):
        open_base(secured, prover_nym=ProverNym.generate(secrets.token_bytes))
    with pytest.raises(ProofImpossible, match="secret of the holder's pseudonyms"):
        open_base(secured, prover_nym=None)
    with pytest.raises(ProofImpossible, match="blind"):
        open_base(secured, blind=None)


def test_labels_follow_the_document_if_that_is_asked_for() -> None:
    assert all(open_base(issue(in_document_order=True)).labels_in_document_order for _ in range(4))
    orders = {open_base(issue(hmac_key=bytes([number]) * 32)).labels_in_document_order for number in range(8)}
    assert orders == {True, False}


def test_a_key_that_draws_another_order_is_not_taken_for_the_document_s() -> None:
    unfit = next(
        bytes([number]) * 32
        for number in range(9)
        if not open_base(issue(hmac_key=bytes([number]) * 32)).labels_in_document_order
    )
    with pytest.raises(ProofImpossible, match="order of the document"):
        issue(hmac_key=unfit, in_document_order=True)


def test_two_showings_of_documents_with_other_claims_differ_in_numbers_only() -> None:
    other: Any = {**DOCUMENT, "credentialSubject": {"name": "B", "byArtist": "C", "isrcCode": "QZABC2600001"}}
    bases = [open_base(issue(document, in_document_order=True, **PSEUDONYM)) for document in (DOCUMENT, other)]
    shown: list[Any] = [derive(base, "/credentialSubject/isrcCode", nym_domain=DOMAIN) for base in bases]
    values = [DerivedValue.parse(each["proof"].pop("proofValue")) for each in shown]
    assert dump(shown[0]) == dump(shown[1])
    assert replace(values[0], proof=values[1].proof) == values[1]
    assert len(values[0].proof) == len(values[1].proof)
    assert [base.message_count for base in bases] == [4, 4]


def test_many_proofs_are_verified_at_once_and_the_bad_ones_found() -> None:
    base = open_base(issue(**PSEUDONYM))
    good: list[Any] = [derive(base, nym_domain=f"{DOMAIN}/{number}") for number in range(3)]
    bad = change(good[1], 4, bytes(31))
    unread = {**good[2], "proof": {**good[2]["proof"], "proofValue": "u"}}
    results = bbs_2023.verify_many(
        [(each, KEY) for each in (good[0], bad, unread, good[2])], random=secrets.token_bytes
    )
    assert [type(result) for result in results] == [Derived, BadProof, Malformed, Derived]
    assert isinstance(results[3], Derived)
    assert results[3].nym_domain == f"{DOMAIN}/2"


@pytest.mark.parametrize(
    "changes",
    [
        {"feature": Feature.BASELINE},
        {"commitment_with_proof": None},
        {"entropy": None},
        {"feature": Feature.HOLDER_BINDING},
        {"previous_proof": "urn:example:proof"},
    ],
    ids=str,
)
def test_what_does_not_belong_to_a_feature_is_not_signed(changes: dict[str, Any]) -> None:
    with pytest.raises(ProofImpossible):
        issue(**(PSEUDONYM | changes))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"commitment_with_proof": bytes(144)}, Malformed),
        ({"commitment_with_proof": COMMITTED.commitment_with_proof[:-1] + b"\0"}, BadCommitment),
        ({"entropy": b"\xff" * 32}, Malformed),
        ({"feature": Feature.HOLDER_BINDING_PSEUDONYM}, Malformed),
        ({"feature": Feature.HOLDER_BINDING, "entropy": None, "commitment_with_proof": bytes(112)}, Malformed),
    ],
    ids=range(5),
)
def test_a_commitment_that_says_nothing_is_not_signed(changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        issue(**(PSEUDONYM | changes))


def test_a_holder_s_secret_and_pseudonyms_go_together() -> None:
    secret = b"only mine"
    commitment = commit_nym(NYM, committed=[secret], random=secrets.token_bytes)
    both = {"feature": Feature.HOLDER_BINDING_PSEUDONYM, "commitment_with_proof": commitment.commitment_with_proof}
    secured = issue(**(PSEUDONYM | both))
    base = open_base(secured, blind=commitment.blind, holder_secret=secret)
    found = bbs_2023.verify_derived(derive(base, nym_domain=DOMAIN), public_key=KEY)
    assert found.feature is Feature.HOLDER_BINDING_PSEUDONYM
    with pytest.raises(ProofImpossible, match="holder's secret"):
        open_base(secured, blind=commitment.blind)
    with pytest.raises(BadProof):
        open_base(secured, blind=commitment.blind, holder_secret=b"not mine")


@pytest.mark.parametrize(
    ("base", "changes", "reason"),
    [
        ({}, {"nym_domain": DOMAIN}, "no use for a domain"),
        (PSEUDONYM, {}, "needs a domain"),
        (PSEUDONYM, {"nym_domain": "a" * 1_025}, "needs a domain"),
        ({}, {"presentation_header": bytes(1_025)}, "presentation header"),
    ],
)
def test_a_proof_that_nobody_could_read_is_not_made(base: dict[str, Any], changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ProofImpossible, match=reason):
        derive(open_base(issue(**base)), **changes)


def test_secrets_are_not_shown() -> None:
    shown = repr(open_base(issue(**PSEUDONYM)))
    value = BaseValue.parse(str(issue(**PSEUDONYM)["proof"]["proofValue"]))
    assert "nym=" not in shown
    assert "QZABC" in shown
    for hidden in (ENTROPY, value.signature, value.hmac_key):
        assert repr(hidden) not in shown + repr(value)


@pytest.mark.parametrize(
    ("position", "value", "error"),
    [
        (0, bytes(79), Malformed),
        (0, bytes(80), Malformed),
        (1, bytes(64), BadProof),
        (1, bytes(63), Malformed),
        (2, bytes(96), Malformed),
        (2, BbsSecretKey.from_key_material(b"\1" * 32).public_key.data, BadProof),
        (3, bytes(31), Malformed),
        (4, ["/issuer"], BadProof),
        (4, ["/absent"], PointerMismatch),
        (4, ["issuer"], Malformed),
        (4, [1], Malformed),
        (4, ["/issuer"] * 257, Malformed),
        (4, {}, Malformed),
        (5, bytes(31) + b"\6", BadProof),
        (5, bytes(32), Malformed),
        (5, 5, Malformed),
        (6, "cfrg-bbs-pseudonyms-02", Malformed),
        (6, 3, Malformed),
    ],
    ids=map(str, count()),
)
def test_a_base_proof_in_any_other_form_is_refused(position: int, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        open_base(change(BASE, position, value))


_POINT = COMMITTED.commitment_with_proof[:48]


@pytest.mark.parametrize(
    ("position", "value", "error"),
    [
        (0, b"", BadProof),
        (0, bytes(400), Malformed),
        (0, bytes(40_001), Malformed),
        (1, {}, BadProof),
        (1, {0: 1, 1: 0}, BadProof),
        (1, {0: 0, 1: 0}, BadProof),
        (1, {0: 0, 1: 1, 2: 2}, BadProof),
        (1, {0: 0, 2: 1}, BadProof),
        (1, {0: -1, 1: 1}, Malformed),
        (1, {0: "b0", 1: "b1"}, Malformed),
        (1, {"c14n0": 0}, Malformed),
        (1, {b"0": 0}, Malformed),
        (1, {0: 5_000, 1: 1}, Malformed),
        (1, dict.fromkeys(range(1_025), 0), Malformed),
        (1, [0, 1], Malformed),
        (2, [], BadProof),
        (2, [0, 1, 2, 3], BadProof),
        (2, [0, 1, 2, 3, 9], BadProof),
        (2, [0, 1, 1, 2, 3], Malformed),
        (2, [1, 0, 2, 3, 4], Malformed),
        (2, ["0"], Malformed),
        (2, [False, 1], Malformed),
        (2, [-1], Malformed),
        (2, list(range(4_097)), Malformed),
        (3, [], BadProof),
        (3, [0], BadProof),
        (3, [1, 2], BadProof),
        (3, [0, 4_000], BadProof),
        (3, [0, 4_097], Malformed),
        (3, [0, 0], Malformed),
        (3, b"\0", Malformed),
        (4, b"", BadProof),
        (4, bytes(33), BadProof),
        (4, "", Malformed),
        (4, bytes(1_025), Malformed),
        (5, DOMAIN + "/", BadProof),
        (5, "", Malformed),
        (5, "a" * 1_025, Malformed),
        (5, DOMAIN.encode(), Malformed),
        (6, bytes(48), Malformed),
        (6, b"\xc0" + bytes(47), Malformed),
        (6, _POINT, BadProof),
        (6, _POINT[:47], Malformed),
        (7, 3, BadProof),
        (7, 5, BadProof),
        (7, 5_000, Malformed),
        (7, None, Malformed),
        (8, "cfrg-bbs-pseudonyms-02", Malformed),
        (8, None, Malformed),
    ],
    ids=map(str, count()),  # The bytes would make names of thousands of characters.
)
def test_a_derived_proof_in_any_other_form_is_refused(position: int, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        bbs_2023.verify_derived(change(DERIVED, position, value), public_key=KEY)


@pytest.mark.parametrize("kind", [0x00, 0x01, 0x03, 0x05, 0x06, 0x08, 0x09, 0x0A])
def test_a_derived_proof_under_the_mark_of_another_kind_is_refused(kind: int) -> None:
    _, components = read_value(DERIVED["proof"]["proofValue"], {7})
    moved = {**DERIVED, "proof": {**DERIVED["proof"], "proofValue": write_value(kind, components)}}
    with pytest.raises((Malformed, BadProof)):
        bbs_2023.verify_derived(moved, public_key=KEY)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "did:web:other.example"},
        {"validFrom": "2026-10-01T00:00:00Z"},
        {"type": ["VerifiableCredential", "ReleaseOwnershipCredential"]},
        {"type": ["VerifiableCredential"]},
        {"credentialSubject": {"isrcCode": "QZABC2600002"}},
        {"credentialSubject": {"isrcCode": "QZABC2600001", "name": "Möbius Strip"}},
        {"credentialSubject": {"name": "QZABC2600001"}},
        {"credentialSubject": {"id": "did:example:thief", "isrcCode": "QZABC2600001"}},
        {"@context": ["https://www.w3.org/ns/credentials/v2", {"@vocab": "https://other.example/"}]},
    ],
    ids=str,
)
def test_a_shown_document_that_was_changed_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadProof):
        bbs_2023.verify_derived({**DERIVED, **changes}, public_key=KEY)


def test_statements_are_proven_and_not_the_words_for_them_so_that_readers_of_json_compare_contexts() -> None:
    terms: dict[str, Json] = {"shown": "https://schema.org/isrcCode", "TrackOwnershipCredential": _TYPE_IRI}
    reworded = {**DERIVED, "@context": [DOCUMENT["@context"][0], terms], "credentialSubject": {"shown": "QZABC2600001"}}
    found = bbs_2023.verify_derived(reworded, public_key=KEY)
    assert found.document["@context"] != DOCUMENT["@context"]


@pytest.mark.parametrize(
    "changes",
    [
        {"verificationMethod": "did:web:coop.example#other"},
        {"proofPurpose": "authentication"},
        {"created": "2026-11-01T00:00:00Z"},
        {"nonce": "a"},
    ],
    ids=str,
)
def test_what_a_proof_says_of_itself_cannot_be_changed(changes: dict[str, Any]) -> None:
    with pytest.raises(BadProof):
        bbs_2023.verify_derived({**DERIVED, "proof": {**DERIVED["proof"], **changes}}, public_key=KEY)
