"""Verify all proofs of a document, be it one, a set or a chain (Data Integrity 1.0 §4.4, §4.5).

Every proof must hold: one that does not is a forgery, or a promise by somebody who did not keep it. So whatever a
proof builds on is verified too, and a document is good for exactly what it carries.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from credentials.data_integrity.errors import ProofContextsDiffer, UnsupportedSuite
from credentials.data_integrity.keys import FindKey
from credentials.data_integrity.proofs import (
    ASSERTION,
    Proof,
    check_options,
    find_previous,
    read_proofs,
    under_signed_context,
    without_proof,
)
from credentials.data_integrity.suites import LINKED_SUITES, verify_proof
from credentials.encoding import jcs
from credentials.encoding.strict_json import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenDocument:
    """A document all of whose proofs hold. Whose they are, and whether the document makes sense, is not said."""

    document: Mapping[str, Json] = field(repr=False)
    """The document without its proofs, under the context that these were made under."""
    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofPolicy:
    """What a checker asks of proofs."""

    find_key: FindKey
    at: datetime
    clock_skew_s: int = 0
    purpose: str = ASSERTION
    challenge: str | None = None
    domain: str | None = None
    suites: frozenset[str] = LINKED_SUITES
    """The suites that will do. Who says nothing gets those that sign what a document means."""


def verify_proofs(document: Mapping[str, Json], policy: ProofPolicy) -> ProvenDocument:
    """Verify every proof of a document.

    Args:
        document: with its proofs.
        policy: what is asked of each of them.

    Raises:
        ProofError: there is none, or one of them does not hold; each reason has its class.
        DidKeyUnknown: a proof names a key that is not known, or not for the purpose.
        ProofContextsDiffer: they were made under different contexts.
        Malformed: a proof cannot be read.
        HandstampError: the document is no safe JSON-LD.
    """
    proofs = read_proofs(document)
    # What costs nothing comes first, for all proofs, before a curve is touched.
    for proof in proofs:
        _check(proof, proofs, policy)
    for proof in proofs:
        verify_proof(document, proof, policy.find_key(proof.verification_method, purpose=proof.proof_purpose))
    return ProvenDocument(document=_read_proven(document, proofs), proofs=proofs)


def _read_proven(document: Mapping[str, Json], proofs: tuple[Proof, ...]) -> dict[str, Json]:
    alone = without_proof(document)
    if not any("@context" in proof.members for proof in proofs):
        return alone
    signed = [under_signed_context(alone, proof) for proof in proofs]
    # What somebody appended to the context, and signed, would change what others signed before.
    if len({jcs.canonicalize(_contexts_of(each)) for each in signed}) > 1:
        raise ProofContextsDiffer
    return signed[0]


def _contexts_of(document: Mapping[str, Json]) -> list[Json]:
    context = document.get("@context", [])
    return context if isinstance(context, list) else [context]


def _check(proof: Proof, proofs: tuple[Proof, ...], policy: ProofPolicy) -> None:
    if proof.cryptosuite not in policy.suites:
        raise UnsupportedSuite(proof.cryptosuite, policy.suites)
    find_previous(proof.previous_proof, proofs)
    check_options(
        proof,
        purpose=policy.purpose,
        at=policy.at,
        clock_skew_s=policy.clock_skew_s,
        challenge=policy.challenge,
        domain=policy.domain,
    )
