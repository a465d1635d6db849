"""Steps 1 to 5 and 9 to 11: a bbs-2023 credential that a wallet just received, before it is kept."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import datetime
from typing import Final

from credentials.bbs import ProverBlind, ProverNym
from credentials.data_integrity import bbs_2023
from credentials.data_integrity.bbs_2023 import BaseCredential
from credentials.data_integrity.bbs_2023_values import Feature
from credentials.encoding.date_time import parse_date_time
from credentials.encoding.strict_json import Json
from credentials.evidence import SEAL
from credentials.linked_credential import check_linked_shape
from credentials.linked_refusals import WrongFeature
from credentials.trust import TrustPolicy
from credentials.verify_linked.frame import FRAME_STEPS, read_frame
from credentials.verify_linked.presented import find_bbs_key, hold_to
from schemas import CredentialType

_STEPS: Final = (
    *FRAME_STEPS,
    "9 issuer's signature over the whole, with our secrets",
    "10 signed in the way that was asked for",
    "11 like every other of its type",
)


@dataclass(frozen=True, slots=True)
class ReceivedLinked:
    """Evidence that a linked credential just issued is valid, ours, and like every other of its type."""

    seal: InitVar[object]
    _: KW_ONLY
    kind: CredentialType
    issuer: str
    """The issuer as the policy names it, mostly by its URL; the credential names its DID."""
    issuer_key: str
    """The verification method that signed it: a DID URL."""
    issued_at: float
    """`validFrom`, the first second of its cohort's month, in seconds."""
    expires_at: float
    """`validUntil` in seconds; this is the last second at which it is good."""
    feature: Feature
    claims: Mapping[str, Json] = field(repr=False)
    base: BaseCredential = field(repr=False)
    """Ready to derive from."""
    at: datetime
    steps: tuple[str, ...]

    def __post_init__(self, seal: object) -> None:
        if seal is not SEAL:
            raise TypeError("Evidence comes from verify_linked_issued() only.")


def verify_linked_issued(  # noqa: PLR0913 - what was asked for, all by name
    secured: Mapping[str, Json],
    *,
    policy: TrustPolicy,
    kind: CredentialType,
    issuer: str,
    feature: Feature,
    at: datetime,
    prover_nym: ProverNym | None = None,
    blind: ProverBlind | None = None,
    clock_skew_s: int = 60,
) -> ReceivedLinked:
    """Verify a linked credential on receipt, before it is kept. The steps are numbered in the package.

    The policy's BBS keys were read over another connection than this came by. What was asked for is the type, of an
    issuer as the policy names them (URL or DID), signed as `BASELINE` or `PSEUDONYM`; the latter with nym and blind.

    Raises:
        HandstampError: the error of the step that failed.
    """
    frame = read_frame(secured, hold_to(policy, at, (kind.vct,), clock_skew_s, complete=True))
    key = find_bbs_key(frame, at)  # (4)
    base = bbs_2023.open_base(secured, public_key=key, prover_nym=prover_nym, blind=blind)  # (9)
    if base.feature is not feature:  # (10)
        raise WrongFeature
    asked = policy.issuer_for(issuer)
    check_linked_shape(base, kind, issuer_did=asked.did or asked.issuer, at=at, clock_skew_s=clock_skew_s)  # (11)
    return ReceivedLinked(
        SEAL,
        kind=kind,
        issuer=frame.trusted.issuer,
        issuer_key=frame.proof.verification_method,
        issued_at=frame.issued_at,
        expires_at=parse_date_time(secured["validUntil"], what="`validUntil` of the credential").timestamp(),
        feature=base.feature,
        claims=frame.disclosed,
        base=base,
        at=at,
        steps=_STEPS,
    )
