"""Steps 1 to 5: what a linked credential says of itself, before any curve is touched."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from credentials.data_integrity.errors import UnsupportedSuite, WrongController
from credentials.data_integrity.proofs import ASSERTION, Proof, check_options, controller_of, read_proofs
from credentials.encoding.date_time import parse_date_time
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.linked_credential import SUBJECT
from credentials.refusals import UnknownType
from credentials.trust import TrustedIssuer, TrustPolicy
from credentials.vcdm import Version, check_credential, check_valid_at
from schemas import BY_LDP_TYPE, CredentialType

FRAME_STEPS: Final = (
    "1 read, by every rule of the data model",
    "2 type and form",
    "3 issuer and type trusted",
    "4 key is the issuer's",
    "5 valid now",
)
_WHAT: Final = "credential"
_MEMBERS_OF_A_DERIVED_PROOF: Final = frozenset(
    {"type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A credential that passed steps 1 to 3 and 5; nothing in it is proven yet."""

    kind: CredentialType
    trusted: TrustedIssuer
    proof: Proof
    issued_at: float
    """`validFrom` in seconds."""
    disclosed: Mapping[str, Json]
    """The claims of the subject, without its `id`."""
    subject_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePolicy:
    """What a credential is held to."""

    policy: TrustPolicy
    at: datetime
    suites: frozenset[str]
    check_form: Callable[[CredentialType, Mapping[str, Json]], None]
    """Holds it to the JSON Schema of its type."""
    types: Collection[str] | None = None
    """The types asked for, by `vct`; None for all that the issuer is trusted for."""
    clock_skew_s: int = 60
    bare_proof: bool = True
    """Whether the proof may say nothing that another's does not."""


def read_frame(document: Mapping[str, Json], held_to: FramePolicy) -> Frame:
    """Take steps 1 to 3 and 5, and find the proof whose key is to be looked up.

    Raises:
        HandstampError: the error of the step that failed.
    """
    if check_credential(document) is not Version.V2_0:  # (1)
        raise Malformed(_WHAT, "it follows an older data model than ours do")
    proof = _read_proof(document, held_to)
    kind = _read_kind(document, held_to.types)  # (2)
    held_to.check_form(kind, document)
    issuer = document["issuer"]
    trusted = held_to.policy.issuer_for(str(issuer))  # (3)
    trusted.check_may_issue(kind.vct)
    if controller_of(proof.verification_method) != issuer:
        raise WrongController("issuer")
    check_valid_at(document, at=held_to.at, clock_skew_s=held_to.clock_skew_s)  # (5)
    subject = document[SUBJECT]
    claims = dict(subject) if isinstance(subject, dict) else {}
    subject_id = claims.pop("id", None)
    return Frame(
        kind=kind,
        trusted=trusted,
        proof=proof,
        issued_at=parse_date_time(document["validFrom"], what="`validFrom` of the credential").timestamp(),
        disclosed=MappingProxyType(claims),
        subject_id=subject_id if isinstance(subject_id, str) else None,
    )


def _read_proof(document: Mapping[str, Json], held_to: FramePolicy) -> Proof:
    proofs = read_proofs(document)
    if len(proofs) != 1:
        raise Malformed(_WHAT, "it has more than one proof")
    (proof,) = proofs
    if proof.cryptosuite not in held_to.suites:
        raise UnsupportedSuite(proof.cryptosuite, held_to.suites)
    if held_to.bare_proof and proof.members.keys() != _MEMBERS_OF_A_DERIVED_PROOF:
        raise Malformed("proof", "it says more than the proofs of others, which could tell its holder from them")
    check_options(proof, purpose=ASSERTION, at=held_to.at, clock_skew_s=held_to.clock_skew_s)
    return proof


def _read_kind(document: Mapping[str, Json], types: Collection[str] | None) -> CredentialType:
    named = document["type"]
    kinds = [BY_LDP_TYPE[each] for each in (named if isinstance(named, list) else []) if each in BY_LDP_TYPE]
    wanted = {kind.vct for kind in BY_LDP_TYPE.values()} if types is None else types
    if len(kinds) != 1 or kinds[0].vct not in wanted:
        raise UnknownType(frozenset(wanted))
    return kinds[0]
