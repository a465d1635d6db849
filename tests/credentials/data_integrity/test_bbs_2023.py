from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

from credentials.bbs import BbsSecretKey, ProverNym, commit_nym
from credentials.data_integrity import bbs_2023
from credentials.data_integrity.bbs_2023_values import Feature
from credentials.data_integrity.errors import BadProof, ProofImpossible

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
DOCUMENT: dict[str, Json] = {
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


def issue(document: dict[str, Json] = DOCUMENT, **changes: Any) -> dict[str, Json]:
    arguments: dict[str, Any] = {
        "secret_key": SECRET_KEY,
        "verification_method": METHOD,
        "mandatory": MANDATORY,
        "random": secrets.token_bytes,
    }
    return bbs_2023.add_base_proof(document, **(arguments | changes))


def open_base(secured: dict[str, Json], **changes: Any) -> BaseCredential:
    return bbs_2023.open_base(secured, **({"public_key": KEY, "prover_nym": NYM, "blind": COMMITTED.blind} | changes))


def derive(base: BaseCredential, *selective: str, **changes: Any) -> dict[str, Json]:
    arguments: dict[str, Any] = {
        "selective": selective,
        "presentation_header": HEADER,
        "random": secrets.token_bytes,
    }
    return bbs_2023.derive(base, **(arguments | changes))


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
