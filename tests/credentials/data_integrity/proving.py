"""What the tests of bbs-2023 have in common."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from credentials.bbs import BbsSecretKey, ProverNym, commit_nym
from credentials.data_integrity import bbs_2023
from credentials.data_integrity.bbs_2023_values import Feature
from credentials.data_integrity.proof_values import read_value, write_value

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
