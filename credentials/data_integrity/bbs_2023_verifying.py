"""The verifier's side of bbs-2023 (vc-di-bbs §3.4.7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from credentials.bbs import BadBbsProof, BbsPublicKey, ProofCheck, verify_batch
from credentials.bbs.secret import Random
from credentials.data_integrity.bbs_2023_features import build_check
from credentials.data_integrity.bbs_2023_values import DerivedValue, Feature
from credentials.data_integrity.errors import BadProof
from credentials.data_integrity.proofs import Proof, without_proof
from credentials.data_integrity.statements import find_proof, hash_proof, read_shown
from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError

SUITE: Final = "bbs-2023"


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What a derived proof shows, and for what it was made; its caller compares that with what was asked for."""

    document: Mapping[str, Json]
    """The part that is shown, without its proof."""
    presentation_header: bytes
    pseudonym: bytes | None
    """48 bytes; the same whenever the same holder shows anything under the same domain. None without the feature."""
    nym_domain: str | None
    feature: Feature
    proof: Proof


def verify_derived(secured: Mapping[str, Json], *, public_key: BbsPublicKey) -> Derived:
    """Check a document that was derived (§3.4.7).

    Args:
        secured: the part that is shown; it has one proof of this suite.
        public_key: the issuer's, found elsewhere than in the proof.

    Raises:
        BadProof: another key signed, or something was changed.
        ProofError, Malformed: the proof cannot be read.
        UnsafeLinkedData and others: the document is no safe JSON-LD.
    """
    derived, check = _read(secured, find_proof(secured, SUITE), public_key)
    _verify(check)
    return derived


def verify_many(
    secured: Sequence[tuple[Mapping[str, Json], BbsPublicKey]], *, random: Random
) -> tuple[Derived | HandstampError, ...]:
    """Check many documents that were derived, each with its issuer's key, in less time than one after another.

    For each, in order, it returns what `verify_derived` returns or raises; `random` as in `verify_batch`.
    """
    results: list[Derived | HandstampError] = []
    checks: dict[int, ProofCheck] = {}
    for index, (document, public_key) in enumerate(secured):
        try:
            derived, checks[index] = _read(document, find_proof(document, SUITE), public_key)
        except HandstampError as error:
            results.append(error)
        else:
            results.append(derived)
    for index, refusal in zip(checks, verify_batch(list(checks.values()), random=random), strict=True):
        if refusal is not None:
            results[index] = BadProof() if isinstance(refusal, BadBbsProof) else refusal
    return tuple(results)


def verify_proof(document: Mapping[str, Json], proof: Proof, *, key: BbsPublicKey) -> None:
    """Check one derived proof of a document; as `verify_derived`."""
    _verify(_read(document, proof, key)[1])


def _read(secured: Mapping[str, Json], proof: Proof, public_key: BbsPublicKey) -> tuple[Derived, ProofCheck]:
    """Read what a proof shows, and what remains to be checked of it."""
    value = DerivedValue.parse(proof.proof_value)
    document = without_proof(secured)
    header, disclosed = find_messages(document, proof, value)
    derived = Derived(
        document=document,
        presentation_header=value.presentation_header,
        pseudonym=value.pseudonym,
        nym_domain=value.nym_domain,
        feature=value.feature,
        proof=proof,
    )
    return derived, build_check(public_key, value, disclosed, header=header)


def find_messages(document: Mapping[str, Json], proof: Proof, value: DerivedValue) -> tuple[bytes, dict[int, bytes]]:
    """Return the header that was signed and the messages that are shown, by their numbers (§3.3.8).

    Raises:
        BadProof: the labels and indexes of the proof are not those of the document's statements.
    """
    shown = read_shown(document, value.label_map, value.mandatory_indexes)
    if len(value.selective_indexes) != len(shown.optional_lines):
        raise BadProof
    header = hash_proof(proof, document) + shown.mandatory_hash
    return header, dict(zip(value.selective_indexes, map(str.encode, shown.optional_lines), strict=True))


def _verify(check: ProofCheck) -> None:
    try:
        check.verify()
    except BadBbsProof as error:
        raise BadProof from error
