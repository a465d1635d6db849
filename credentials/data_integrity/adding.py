"""Add a proof to a document that has none, one, or a set (Data Integrity 1.0 §4.2, §4.3): what all suites share."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from typing_extensions import TypedDict

from credentials.data_integrity.errors import ProofImpossible
from credentials.data_integrity.proofs import ASSERTION, DATA_INTEGRITY_PROOF, Proof, read_proofs, without_proof
from credentials.encoding.date_time import write_date_time
from credentials.encoding.strict_json import Json
from credentials.linked_data.contexts import DATA_INTEGRITY_V2
from schemas.context import CREDENTIALS_V2_URL

_CONTEXTS_WITH_PROOFS: Final = frozenset(
    {
        CREDENTIALS_V2_URL,
        "https://w3id.org/security/data-integrity/v1",
        DATA_INTEGRITY_V2,
    }
)


class ProofOptions(TypedDict, total=False):
    """What a proof may say of itself; whatever is absent or None is left out."""

    purpose: str
    """`assertionMethod`, unless another is given."""
    created: datetime | None
    expires: datetime | None
    challenge: str | None
    domain: str | Collection[str] | None
    proof_id: str | None
    """A URL, so that a later proof can build on this one."""
    previous_proof: str | Collection[str] | None
    """The ids of proofs in the document that this one builds on."""
    nonce: str | None


def build_proof_members(cryptosuite: str, verification_method: str, options: ProofOptions) -> dict[str, Json]:
    """Return a proof without its value, its members in the order of the standard's examples."""
    created, expires = options.get("created"), options.get("expires")
    members: dict[str, Json] = {
        "id": options.get("proof_id"),
        "type": DATA_INTEGRITY_PROOF,
        "cryptosuite": cryptosuite,
        "created": None if created is None else write_date_time(created),
        "expires": None if expires is None else write_date_time(expires),
        "verificationMethod": verification_method,
        "proofPurpose": options.get("purpose", ASSERTION),
        "challenge": options.get("challenge"),
        "domain": _one_or_many(options.get("domain")),
        "nonce": options.get("nonce"),
        "previousProof": _one_or_many(options.get("previous_proof")),
    }
    return {name: value for name, value in members.items() if value is not None}


def with_proof_context(document: Mapping[str, Json]) -> dict[str, Json]:
    """Return the document with a context that knows the terms of proofs, added if there is none (§2.4.2).

    Nothing is changed in a document that carries a proof already: its context is signed.
    """
    if "proof" in document:
        return dict(document)
    context = document.get("@context", [])
    contexts = context if isinstance(context, list) else [context]
    if any(isinstance(each, str) and each in _CONTEXTS_WITH_PROOFS for each in contexts):
        return dict(document)
    return {**document, "@context": [*contexts, DATA_INTEGRITY_V2]}


def read_existing_proofs(document: Mapping[str, Json]) -> tuple[Proof, ...]:
    """Return the proofs that a document carries already; none is fine."""
    return read_proofs(document) if "proof" in document else ()


def append_proof(document: Mapping[str, Json], proof: Mapping[str, Json]) -> dict[str, Json]:
    """Return the document with one more proof: alone it is an object, beside others an element of an array.

    Raises:
        ProofImpossible: one of the others has the same id.
    """
    existing = document.get("proof", [])
    others = existing if isinstance(existing, list) else [existing]
    if "id" in proof and any(isinstance(other, dict) and other.get("id") == proof["id"] for other in others):
        raise ProofImpossible("the document carries a proof with this id already")
    proofs: list[Json] = [*others, dict(proof)]
    return {**without_proof(document), "proof": proofs if len(proofs) > 1 else proofs[0]}


def _one_or_many(value: str | Collection[str] | None) -> Json:
    if value is None or isinstance(value, str):
        return value
    return list(value) or None
