"""What a wallet keeps is valid, its own, and like every other of its type."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

import schemas
from credentials.bbs import ProverNym
from credentials.data_integrity import bbs_2023
from credentials.data_integrity.bbs_2023_values import Feature
from credentials.linked_credential import MANDATORY_POINTERS
from credentials.verify_linked import ReceivedLinked
from tests.credentials.verify_linked.conftest import DID, HEADER, KIND, NOW, URL
from tests.support.refusing import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.credentials.verify_linked.conftest import Town


def test_what_was_received_is_evidence_and_ready_to_be_shown(town: Town) -> None:
    for issuer in (URL, DID):
        received = town.receive(town.plain_credential, issuer=issuer)
    assert isinstance(received, ReceivedLinked)
    assert (received.issuer, received.issuer_key, received.kind) == (URL, town.method, KIND)
    assert dict(received.claims) == {name: KIND.example[name] for name in KIND.linked_claim_names}
    assert received.expires_at - received.issued_at == 40 * 86_400
    shown = bbs_2023.derive(
        received.base, selective=["/credentialSubject/track"], presentation_header=HEADER, random=secrets.token_bytes
    )
    assert town.verify(shown).disclosed["track"] == KIND.example["track"]
    with pytest.raises(TypeError, match="Evidence comes from"):
        ReceivedLinked(object(), **dict.fromkeys(received.__slots__))  # type: ignore[arg-type]


def test_one_with_a_pseudonym_opens_with_our_secrets_only(town: Town) -> None:
    secured, blind = town.countable_credential
    received = town.receive(secured, feature=Feature.PSEUDONYM, prover_nym=town.nym, blind=blind)
    assert received.feature is Feature.PSEUDONYM
    another = ProverNym.generate(secrets.token_bytes)
    refused("bad_proof", town.receive, secured, feature=Feature.PSEUDONYM, prover_nym=another, blind=blind)


def test_one_that_is_signed_in_another_way_than_asked_is_refused(town: Town) -> None:
    secured, blind = town.countable_credential
    refused("wrong_feature", town.receive, secured, prover_nym=town.nym, blind=blind)
    refused("wrong_feature", town.receive, town.plain_credential, feature=Feature.PSEUDONYM)


def test_one_of_another_type_or_issuer_than_asked_is_refused(town: Town) -> None:
    refused("unknown_type", town.receive, town.plain_credential, kind=schemas.RELEASE_OWNERSHIP)
    refused("untrusted_issuer", town.receive, town.plain_credential, issuer="https://other.example")


TAGS: dict[str, tuple[str, Callable[[Town], dict[str, Any]]]] = {
    "a key of its own": (
        "wrong_issuer_key",
        lambda town: town.sign(verification_method=f"{DID}#for-you"),
    ),
    "the moment of its making": ("malformed", lambda town: town.sign(created=NOW)),
    "a proof with a name": ("malformed", lambda town: town.sign(proof_id="urn:uuid:1")),
    "labels in another order": (
        "recognisable",
        lambda town: next(
            signed
            for signed in (town.sign(in_document_order=False) for _ in range(200))
            if not bbs_2023.open_base(signed, public_key=town.bbs_key.public_key).labels_in_document_order
        ),
    ),
    "another mandatory pointer": (
        "recognisable",
        lambda town: town.sign(mandatory=(*MANDATORY_POINTERS, "/credentialSubject/acquired")),
    ),
    "an id": ("schema_mismatch", lambda town: town.sign({**town.build(), "id": "urn:uuid:1"})),
    "an id of the subject": (
        "schema_mismatch",
        lambda town: town.sign(
            {**town.build(), "credentialSubject": {"id": "did:key:zYou", **town.build()["credentialSubject"]}}
        ),
    ),
    "last month's cohort": (
        "recognisable",
        lambda town: town.sign(
            {**town.build(), "validFrom": "2026-10-01T00:00:00Z", "validUntil": "2026-12-11T00:00:00Z"}
        ),
    ),
    "claims in another order": (
        "recognisable",
        lambda town: town.sign(
            {**town.build(), "credentialSubject": dict(reversed(town.build()["credentialSubject"].items()))}
        ),
    ),
    "one claim less": (
        "schema_mismatch",
        lambda town: town.sign({**town.build(), "credentialSubject": {"track": KIND.example["track"]}}),
    ),
}


@pytest.mark.parametrize(("code", "make"), TAGS.values(), ids=TAGS)
def test_whatever_tags_its_holder_is_refused(town: Town, code: str, make: Callable[[Town], dict[str, Any]]) -> None:
    refused(code, town.receive, make(town))
