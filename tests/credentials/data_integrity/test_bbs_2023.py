from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import pytest

from credentials.bbs import BadCommitment, BbsSecretKey, ProverNym, commit_nym
from credentials.data_integrity import bbs_2023
from credentials.data_integrity.bbs_2023 import Derived
from credentials.data_integrity.bbs_2023_values import BaseValue, DerivedValue, Feature
from credentials.data_integrity.errors import BadProof, ProofImpossible
from credentials.encoding.strict_json import dump
from credentials.errors import Malformed
from tests.credentials.data_integrity.proving import (
    COMMITTED,
    DOCUMENT,
    DOMAIN,
    ENTROPY,
    HEADER,
    KEY,
    NYM,
    PSEUDONYM,
    change,
    derive,
    issue,
    open_base,
)


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
