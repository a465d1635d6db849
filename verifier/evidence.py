"""What lets a visit be answered: presentations that passed the pipeline and are what the gate asked for."""

from __future__ import annotations

from dataclasses import KW_ONLY, InitVar, dataclass, field, replace
from typing import TYPE_CHECKING, Final

from credentials.data_integrity.bbs_2023_values import DerivedValue
from credentials.data_integrity.proofs import read_proofs
from credentials.encoding import base64url
from credentials.protocols.dcql import check_answer
from credentials.status import StatusCheck
from verifier.errors import WrongIssuerForClaim
from verifier.forms import Form
from verifier.limits import PSEUDONYM, NotCountable, build_mark
from verifier.receipts import SignedTerms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credentials.evidence import Verified
    from credentials.protocols.dcql import Presentation
    from credentials.trust import TrustPolicy
    from verifier.requirements import Asked

_SEAL: Final = object()
_LEAST_CERTAIN_FIRST: Final = (
    StatusCheck.NOT_ASKED,
    StatusCheck.UNKNOWN,
    StatusCheck.STALE,
    StatusCheck.NONE,
    StatusCheck.CURRENT,
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Says that the requirement was met, and which part of it. Only `build_evidence` makes one; no claim is in it."""

    seal: InitVar[object]
    _: KW_ONLY
    met: str
    """The ids of the credential queries that were answered, joined by commas."""
    vouched_by: tuple[str, ...]
    """The co-ops that issued what was shown."""
    status: StatusCheck
    """What was found out about the statuses: of several presentations, the least certain."""
    marks: tuple[bytes, ...] = field(default=(), repr=False)
    """What a limited gate counts by, each once, for all proofs that were shown; empty at others."""
    period: str | None = None
    """The only period that the marks are good for, as pseudonyms are of one month; None for any."""
    signed: SignedTerms | None = field(default=None, repr=False)
    """What a limited gate keeps; None at others."""

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("Evidence comes from build_evidence() only.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a limited gate counts by, and keeps: its key, what was sent when, and the salt of the request's nonce."""

    key: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    presentations: Mapping[str, Presentation] = field(repr=False)
    period: str


def build_evidence(
    asked: Asked, verified: Mapping[str, Verified], *, policy: TrustPolicy, basis: Basis | None = None
) -> Evidence:
    """Check verified presentations against what was asked, and forget what they disclosed.

    Args:
        asked: what was asked.
        verified: what the pipeline made of each presentation, under the id of its query.
        policy: who is trusted, and under which names.
        basis: for a gate with a limit.

    Raises:
        AnswerRefused: they are not what was asked; `values` are compared here (OpenID4VP 1.0 §6.4.1).
        WrongIssuerForClaim: a co-op speaks for another one.
        NotCountable: the gate has a limit, and nothing to count by was shown.
    """
    # Other wallets show some credentials whole, such as published ones; what nobody asked for is forgotten here.
    check_answer(asked.query, verified, whole=asked.ids_in(Form.SIGNED))
    for query_id, coop in asked.own_word.items():
        if query_id in verified:
            _check_own_word(verified[query_id].issuer, coop, policy)
    met, vouched_by = ",".join(verified), tuple(sorted({each.issuer for each in verified.values()}))
    status = min((each.status for each in verified.values()), key=_LEAST_CERTAIN_FIRST.index)
    evidence = Evidence(_SEAL, met=met, vouched_by=vouched_by, status=status)
    return evidence if basis is None else _counted(asked, verified, basis, evidence, policy)


def _counted(
    asked: Asked, verified: Mapping[str, Verified], basis: Basis, evidence: Evidence, policy: TrustPolicy
) -> Evidence:
    counted = [query_id for query_id in asked.counted if query_id in verified]
    shown_first = counted[0]  # each way into a gate with a limit has one
    marks = [_mark(asked.counted[each], verified[each], key=basis.key, policy=policy) for each in counted]
    return replace(
        evidence,
        seal=_SEAL,
        # A release and its track have one pseudonym: whoever shows both is one, and is counted once.
        marks=tuple(dict.fromkeys(marks)),
        period=basis.period if PSEUDONYM in (asked.counted[each] for each in counted) else None,
        signed=SignedTerms(
            binding=_binding(basis.presentations[shown_first]),
            holder_key=verified[shown_first].holder_key,
            salt=basis.salt,
        ),
    )


def _binding(shown: Presentation) -> str:
    """Return what was made for this request alone, without the pseudonym, which is forgotten sooner."""
    if isinstance(shown, str):
        return shown.rpartition("~")[2]
    (proof,) = read_proofs(shown)
    return base64url.encode(DerivedValue.parse(proof.proof_value).proof)


def _check_own_word(issuer: str, coop: str, policy: TrustPolicy) -> None:
    """Check that `issuer`, by address or DID, is the co-op of that address: any co-op could write the claim."""
    known = policy.issuer_for(issuer)
    if coop not in (known.issuer, known.did):
        raise WrongIssuerForClaim


def _mark(claim: str, shown: Verified, *, key: bytes, policy: TrustPolicy) -> bytes:
    # A co-op has two names, address and DID; under both, a copy is the same copy.
    issuer = policy.issuer_for(shown.issuer).issuer
    if claim != PSEUDONYM:
        return build_mark(key, issuer=issuer, claim=claim, value=shown.disclosed.get(claim))
    if shown.pseudonym is None:
        raise NotCountable
    return build_mark(key, issuer=issuer, claim=claim, value=base64url.encode(shown.pseudonym))
