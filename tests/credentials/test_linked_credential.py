"""One shape for every linked credential of a type, and nothing that a wallet would keep in another."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import schemas
from credentials.data_integrity.proofs import Proof
from credentials.json_schema import check_linked_form, check_public_form
from credentials.linked_credential import (
    MANDATORY_POINTERS,
    build_linked_credential,
    build_public_credential,
    check_linked_shape,
    claim_pointers,
)
from credentials.months import start_of_month
from tests.support.refusing import refused

if TYPE_CHECKING:
    from schemas.types import CredentialType

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MONTH = start_of_month(NOW)
DID = "did:web:coop.example"
KIND = schemas.TRACK_OWNERSHIP
PROOF: dict[str, Any] = {
    "type": "DataIntegrityProof",
    "cryptosuite": "bbs-2023",
    "verificationMethod": f"{DID}#zKey",
    "proofPurpose": "assertionMethod",
    "proofValue": "u2V0C",
}


def build(kind: CredentialType = KIND) -> dict[str, Any]:
    return build_linked_credential(kind, issuer_did=DID, month_start=MONTH, claims=kind.example)


@dataclass(frozen=True, kw_only=True)
class Base:
    document: dict[str, Any] = field(default_factory=build)
    proof: Proof = field(default_factory=lambda: Proof.parse(PROOF))
    mandatory: tuple[str, ...] = MANDATORY_POINTERS
    message_count: int = KIND.message_count
    labels_in_document_order: bool = True


def with_members(**members: Any) -> Base:
    return Base(document={**Base().document, **members})


@pytest.mark.parametrize("kind", schemas.ALL, ids=lambda each: each.configuration_id)
def test_what_is_built_has_the_form_of_its_type(kind: CredentialType) -> None:
    built = build(kind)
    check_linked_form(kind, built, complete=True)
    assert built["validFrom"] == "2026-11-01T00:00:00Z"
    assert built["validUntil"] == "2026-12-11T00:00:00Z"
    assert kind.countable_claim not in built["credentialSubject"]


def test_a_cohort_at_the_end_of_a_year_ends_in_the_next() -> None:
    december = start_of_month(datetime(2026, 12, 31, 23, tzinfo=UTC))
    built = build_linked_credential(KIND, issuer_did=DID, month_start=december, claims=KIND.example)
    assert (built["validFrom"], built["validUntil"]) == ("2026-12-01T00:00:00Z", "2027-01-11T00:00:00Z")


def test_a_published_credential_names_its_subject_and_lasts_as_its_type() -> None:
    kind = schemas.VERIFIED_ARTIST
    entry = {"type": "BitstringStatusListEntry"}
    for status in (None, entry):
        built = build_public_credential(
            kind, issuer_did=DID, month_start=MONTH, claims=kind.example, subject_id="did:key:zA", status=status
        )
        check_public_form(kind, built)
        assert built["validUntil"] == "2027-11-01T00:00:00Z"
        assert built.get("credentialStatus") == status
    with pytest.raises(ValueError, match=KIND.configuration_id):
        build_public_credential(KIND, issuer_did=DID, month_start=MONTH, claims=KIND.example, subject_id="did:key:zA")


def test_claims_are_pointed_at_in_the_subject() -> None:
    assert claim_pointers(["track", "name"]) == ["/credentialSubject/track", "/credentialSubject/name"]


def test_what_a_co_op_builds_is_kept() -> None:
    check_linked_shape(Base(), KIND, issuer_did=DID, at=NOW)


def test_around_the_turn_of_a_month_either_cohort_is_kept() -> None:
    turn = datetime(2026, 11, 30, 23, 59, 30, tzinfo=UTC)
    check_linked_shape(Base(), KIND, issuer_did=DID, at=turn)
    check_linked_shape(Base(), KIND, issuer_did=DID, at=turn + timedelta(seconds=60))
    refused("recognisable", check_linked_shape, Base(), KIND, issuer_did=DID, at=turn + timedelta(minutes=5))


def with_proof(**members: Any) -> Base:
    return replace(Base(), proof=Proof.parse({**PROOF, **members}))


def other_subject(**claims: Any) -> Base:
    return with_members(credentialSubject={**build()["credentialSubject"], **claims})


TAGS: dict[str, tuple[Base, str]] = {
    "a member more": (with_members(id="urn:uuid:1"), "other members"),
    "a status": (with_members(credentialStatus={"type": "BitstringStatusListEntry"}), "other members"),
    "another order": (Base(document=dict(reversed(Base().document.items()))), "other members"),
    "a context more": (with_members(**{"@context": [*build()["@context"], {}]}), "terms are explained"),
    "types in another order": (with_members(type=list(reversed(KIND.ldp_types))), "type is written"),
    "one type as text": (with_members(type="VerifiableCredential"), "type is written"),
    "an issuer as an object": (with_members(issuer={"id": DID, "name": "for you"}), "issuer is written"),
    "another issuer": (with_members(issuer="did:web:other.example"), "issuer is written"),
    "a date of its own": (with_members(validFrom="2026-11-01T00:00:01Z"), "dates are not"),
    "a date in another zone": (with_members(validFrom="2026-11-01T00:00:00+00:00"), "dates are not"),
    "an end of its own": (with_members(validUntil="2026-12-11T00:00:01Z"), "dates are not"),
    "last month's cohort": (
        with_members(validFrom="2026-10-01T00:00:00Z", validUntil="2026-11-11T00:00:00Z"),
        "dates are not",
    ),
    "a claim more": (other_subject(id="did:key:zYou"), "other claims"),
    "the countable claim": (other_subject(copy=KIND.example["copy"]), "other claims"),
    "no subject": (with_members(credentialSubject=[]), "other claims"),
    "claims in another order": (
        with_members(credentialSubject=dict(reversed(build()["credentialSubject"].items()))),
        "other claims",
    ),
    "a claim that is a list": (other_subject(name=["a", "b"]), "not plain text"),
    "a claim in a language": (other_subject(name={"@value": "a", "@language": "de"}), "not plain text"),
    "a claim that is empty": (other_subject(name=""), "not plain text"),
    "another mandatory pointer": (replace(Base(), mandatory=(*MANDATORY_POINTERS, "/type")), "always shows"),
    "pointers in another order": (replace(Base(), mandatory=MANDATORY_POINTERS[::-1]), "always shows"),
    "a message more": (replace(Base(), message_count=KIND.message_count + 1), "more or fewer parts"),
    "labels in another order": (replace(Base(), labels_in_document_order=False), "labelled"),
    "the time of its making": (with_proof(created="2026-11-21T12:00:00Z"), "proof says"),
    "a name of its own": (with_proof(id="urn:uuid:1"), "proof says"),
    "a proof in another order": (
        replace(Base(), proof=Proof.parse(dict(reversed(PROOF.items())))),
        "proof says",
    ),
}


@pytest.mark.parametrize(("base", "words"), TAGS.values(), ids=TAGS)
def test_each_kind_of_tag_is_refused_on_receipt(base: Base, words: str) -> None:
    error = refused("recognisable", check_linked_shape, base, KIND, issuer_did=DID, at=NOW)
    assert words in error.detail
