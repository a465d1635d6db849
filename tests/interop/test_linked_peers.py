"""Independent Python code, openvc-core, on documents that are shown in parts: each side reads what the other made."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest
from openvc.keys import P256SigningKey
from openvc.proof.ecdsa_sd import EcdsaSdProofSuite

from credentials.data_integrity import ecdsa_sd_2023
from credentials.data_integrity.proofs import without_proof
from credentials.keys.jwk import PublicKey
from credentials.keys.signer import LocalSigner
from credentials.linked_data import load_context
from schemas.context import CONTEXT_URL

if TYPE_CHECKING:
    from collections.abc import Callable

METHOD = "did:web:coop.example#key"
DOCUMENT: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/credentials/v2", CONTEXT_URL],
    "type": ["VerifiableCredential", "TrackOwnershipCredential"],
    "issuer": "did:web:coop.example",
    "validFrom": "2026-11-01T00:00:00Z",
    "credentialSubject": {"name": "Möbius Strip", "byArtist": "The Loops", "isrcCode": "QZABC2600001"},
}
# Theirs shows no part of a document with blank nodes, its own neither (1.37.0: "no matching base signature").
NAMED: dict[str, Any] = {
    **DOCUMENT,
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "credentialSubject": {"id": "did:example:1", **DOCUMENT["credentialSubject"]},
}
MANDATORY = ["/issuer", "/validFrom"]
SELECTIVE = ["/credentialSubject/isrcCode"]
CONTEXTS = {CONTEXT_URL: dict(load_context(CONTEXT_URL))}
THEIRS = EcdsaSdProofSuite()
OUR_KEY = LocalSigner.generate()
THEIR_KEY = P256SigningKey.generate(kid=METHOD)
KEYS = {"ours": OUR_KEY.public_key, "theirs": PublicKey.parse_jwk(THEIR_KEY.public_jwk(), what="key")}


def issue_ours(document: dict[str, Any]) -> dict[str, Any]:
    return ecdsa_sd_2023.add_base_proof(
        document, signer=OUR_KEY, verification_method=METHOD, mandatory=MANDATORY, random=secrets.token_bytes
    )


def issue_theirs(document: dict[str, Any]) -> dict[str, Any]:
    return THEIRS.add_base_proof(
        document,
        signing_key=THEIR_KEY,
        verification_method=METHOD,
        mandatory_pointers=MANDATORY,
        extra_contexts=CONTEXTS,
    )


def derive_ours(secured: dict[str, Any]) -> dict[str, Any]:
    return ecdsa_sd_2023.derive(secured, selective=SELECTIVE)


def derive_theirs(secured: dict[str, Any]) -> dict[str, Any]:
    return THEIRS.derive_proof(secured, selective_pointers=SELECTIVE, extra_contexts=CONTEXTS)


@pytest.mark.parametrize(
    ("document", "derive"), [(DOCUMENT, derive_ours), (NAMED, derive_ours), (NAMED, derive_theirs)]
)
@pytest.mark.parametrize(("issue", "signer"), [(issue_ours, "ours"), (issue_theirs, "theirs")])
def test_what_one_signs_and_another_shows_both_verify(
    issue: Callable[[dict[str, Any]], dict[str, Any]],
    signer: str,
    document: dict[str, Any],
    derive: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    shown = derive(issue(document))
    subject = {
        name: document["credentialSubject"][name]
        for name in ("id", "isrcCode")
        if name in document["credentialSubject"]
    }
    assert without_proof(shown) == {**document, "credentialSubject": subject}
    key = KEYS[signer]
    ecdsa_sd_2023.verify_derived(shown, key=key)
    found = THEIRS.verify(shown, public_key_jwk=key.jwk, extra_contexts=CONTEXTS, check_temporal=False)
    assert found.issuer == document["issuer"]
