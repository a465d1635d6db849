"""The proofs of a document, each read once into a frozen value (Data Integrity 1.0 §2.1), and what they build on.

Nothing here is proven yet: a suite checks the signature, and `check_options` what the proof says of itself.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Self

from credentials.data_integrity.errors import (
    PreviousProofMissing,
    ProofContextMismatch,
    ProofExpired,
    ProofFromTheFuture,
    ProofMissing,
    UnsupportedSuite,
    WrongChallenge,
    WrongDomain,
    WrongPurpose,
)
from credentials.encoding import jcs
from credentials.encoding.date_time import parse_date_time
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed

DATA_INTEGRITY_PROOF: Final = "DataIntegrityProof"
ASSERTION: Final = "assertionMethod"
AUTHENTICATION: Final = "authentication"
JCS_SUITES: Final = frozenset({"eddsa-jcs-2022", "ecdsa-jcs-2019"})
"""The suites whose proofs carry the context that they were made under."""
MAX_PROOFS: Final = 16
MAX_PROOF_VALUE_CHARACTERS: Final = 65_536
_MAX_TEXT_CHARACTERS: Final = 2_048
_WHAT: Final = "proof"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One proof as it stands in a document; `members` is all of it, for the suite that hashes it."""

    cryptosuite: str
    verification_method: str
    proof_purpose: str
    proof_value: str = field(repr=False)
    """With its Multibase prefix; the suite knows how it is encoded."""
    id: str | None
    created: datetime | None
    expires: datetime | None
    challenge: str | None
    domain: frozenset[str] | None
    """A single domain is a set of one."""
    nonce: str | None
    previous_proof: frozenset[str]
    """The ids of the proofs in the same document that this one builds on; empty if none."""
    members: Mapping[str, Json] = field(repr=False)

    @classmethod
    def parse(cls, value: Json, *, kind: str = DATA_INTEGRITY_PROOF) -> Self:
        """Read one proof.

        Args:
            value: the proof.
            kind: its type; one from before `DataIntegrityProof` is its own cryptosuite.

        Raises:
            Malformed: a member is missing, or not what Data Integrity 1.0 §2.1 says of it.
            UnsupportedSuite: it is of another type.
        """
        if not isinstance(value, dict):
            raise Malformed(_WHAT, "it is not a JSON object")
        found = _text(value, "type")
        if found != kind:
            raise UnsupportedSuite(found, [kind])
        cryptosuite = _text(value, "cryptosuite") if kind == DATA_INTEGRITY_PROOF else kind
        # The RDFC suites read a proof under the document's context (vc-di-eddsa §3.2.5 step 4). One of its own would
        # let other readers see other words than those that were signed.
        if "@context" in value and cryptosuite not in JCS_SUITES:
            raise Malformed(_WHAT, "it has a context of its own")
        return cls(
            cryptosuite=cryptosuite,
            verification_method=_url(value, "verificationMethod"),
            proof_purpose=_text(value, "proofPurpose"),
            proof_value=_text(value, "proofValue", max_characters=MAX_PROOF_VALUE_CHARACTERS),
            id=_url(value, "id") if "id" in value else None,
            created=_moment(value, "created"),
            expires=_moment(value, "expires"),
            challenge=_text(value, "challenge") if "challenge" in value else None,
            domain=_texts(value, "domain") if "domain" in value else None,
            nonce=_text(value, "nonce") if "nonce" in value else None,
            previous_proof=_texts(value, "previousProof") if "previousProof" in value else frozenset(),
            members=MappingProxyType(dict(value)),
        )

    def build_options(self, document: Mapping[str, Json]) -> dict[str, Json]:
        """Return what a suite hashes beside the document: the proof without its value, under the document's context."""
        options = {name: value for name, value in self.members.items() if name != "proofValue"}
        return build_configuration(options, document)


def controller_of(verification_method: str) -> str:
    """Return a verification method up to its fragment: the DID, or address, of whoever controls the key."""
    return verification_method.partition("#")[0]


def build_configuration(options: Mapping[str, Json], document: Mapping[str, Json]) -> dict[str, Json]:
    """Return a proof's options under the document's context (vc-di-eddsa §3.2.5 step 4, and the same in each suite)."""
    context = {"@context": document["@context"]} if "@context" in document else {}
    return {**options, **context}


def under_signed_context(document: Mapping[str, Json], proof: Proof) -> dict[str, Json]:
    """Return the document as a proof signed it: under the context that the proof carries, if it carries one.

    vc-di-eddsa §3.3.2 step 4, and the same in vc-di-ecdsa: contexts may have been appended since.

    Raises:
        ProofContextMismatch: the document's context does not begin with the proof's.
        Malformed: a context has no canonical form.
    """
    if "@context" not in proof.members:
        return dict(document)
    signed = proof.members["@context"]
    own, all_of_it = _as_list(signed), _as_list(document.get("@context", []))
    # In canonical form, for Python takes `true` for 1.
    if jcs.canonicalize(all_of_it[: len(own)]) != jcs.canonicalize(own):
        raise ProofContextMismatch
    return {**document, "@context": signed}


def _as_list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def without_proof(document: Mapping[str, Json]) -> dict[str, Json]:
    """Return the document alone."""
    return {name: value for name, value in document.items() if name != "proof"}


def read_proofs(document: Mapping[str, Json]) -> tuple[Proof, ...]:
    """Read all proofs of a document, in the order in which they stand.

    Raises:
        ProofMissing: there is none.
        Malformed, UnsupportedSuite: one of them cannot be read, there are too many, or two have one id.
    """
    value = document.get("proof", [])
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ProofMissing
    if len(values) > MAX_PROOFS:
        raise Malformed("document", f"it carries more than {MAX_PROOFS} proofs")
    proofs = tuple(Proof.parse(each) for each in values)
    ids = [proof.id for proof in proofs if proof.id is not None]
    # `previousProof` would not say which one it means.
    if len(set(ids)) != len(ids):
        raise Malformed("document", "two of its proofs have one id")
    return proofs


def find_previous(previous: Collection[str], proofs: Sequence[Proof]) -> list[Proof]:
    """Return the proofs that `previousProof` names, in the order in which they stand in the document.

    Raises:
        PreviousProofMissing: one of them is not there.
    """
    found = [proof for proof in proofs if proof.id in previous]
    if len(found) != len(set(previous)):
        raise PreviousProofMissing
    return found


def build_proven_document(document: Mapping[str, Json], previous: Sequence[Proof]) -> dict[str, Json]:
    """Return what one proof is about: the document, with the proofs that this one builds on (§4.3 steps 4 to 6)."""
    alone = without_proof(document)
    return {**alone, "proof": [dict(proof.members) for proof in previous]} if previous else alone


def check_options(
    proof: Proof,
    *,
    purpose: str,
    at: datetime,
    clock_skew_s: int = 0,
    challenge: str | None = None,
    domain: str | None = None,
) -> None:
    """Check what a proof says of itself (Data Integrity 1.0 §4.4 steps 5 to 7) and its times.

    Args:
        proof: whose signature is checked elsewhere.
        purpose: what it must have been made for.
        at: the time of the check.
        clock_skew_s: how far clocks may differ.
        challenge: what it must answer; None if nothing was asked.
        domain: whom it must have been made for, and nobody else; None if nobody in particular.

    Raises:
        WrongPurpose, WrongChallenge, WrongDomain, ProofExpired, ProofFromTheFuture: as they say.
    """
    if proof.proof_purpose != purpose:
        raise WrongPurpose(purpose)
    if domain is not None and proof.domain != frozenset({domain}):
        raise WrongDomain
    if challenge is not None and proof.challenge != challenge:
        raise WrongChallenge
    skew = timedelta(seconds=clock_skew_s)
    if proof.expires is not None and proof.expires <= at - skew:
        raise ProofExpired
    if proof.created is not None and proof.created > at + skew:
        raise ProofFromTheFuture


def _text(members: dict[str, Json], name: str, *, max_characters: int = _MAX_TEXT_CHARACTERS) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= max_characters:
        raise Malformed(_WHAT, f"`{name}` is missing, or not text of at most {max_characters} characters")
    return value


def _url(members: dict[str, Json], name: str) -> str:
    text = _text(members, name)
    scheme, colon, rest = text.partition(":")
    if not colon or not rest or not scheme[:1].isalpha() or any(character <= " " for character in text):
        raise Malformed(_WHAT, f"`{name}` is not a URL")
    return text


def _texts(members: dict[str, Json], name: str) -> frozenset[str]:
    value = members[name]
    values = value if isinstance(value, list) else [value]
    texts = frozenset(each for each in values if isinstance(each, str) and 0 < len(each) <= _MAX_TEXT_CHARACTERS)
    if not values or len(values) > MAX_PROOFS or len(texts) != len(values):
        raise Malformed(_WHAT, f"`{name}` is not text, or a set of at most {MAX_PROOFS} texts")
    return texts


def _moment(members: dict[str, Json], name: str) -> datetime | None:
    return parse_date_time(members[name], what=f"member `{name}` of the proof") if name in members else None
