"""Steps 1 to 6 and 12: a credential that is published, whole, and names its subject."""

from collections.abc import Collection, Mapping
from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import datetime
from typing import Final

from credentials.data_integrity.suites import verify_proof
from credentials.encoding.strict_json import Json
from credentials.evidence import SEAL
from credentials.json_schema import check_public_form
from credentials.status import StatusCheck
from credentials.status.bitstring import read_entries
from credentials.status.bitstring_checking import RevocationList, check_bitstring_status
from credentials.trust import TrustPolicy
from credentials.verify_linked.frame import FRAME_STEPS, Frame, FramePolicy, read_frame
from schemas import CredentialType

SUITES: Final = frozenset({"eddsa-rdfc-2022", "ecdsa-rdfc-2019"})
_STEPS: Final = (*FRAME_STEPS, "6 the issuer's proof holds", "12 not taken back")


@dataclass(frozen=True, slots=True)
class Published:
    """Evidence that a published credential is true now. It says nothing of who shows it: everybody may."""

    seal: InitVar[object]
    _: KW_ONLY
    kind: CredentialType
    issuer: str
    """The issuer as the policy names it."""
    issuer_key: str
    """The verification method that signed it: a DID URL."""
    subject_id: str
    """The subject's DID, whose keys may speak as the subject."""
    claims: Mapping[str, Json] = field(repr=False)
    issued_at: float
    status: StatusCheck
    at: datetime
    steps: tuple[str, ...]

    def __post_init__(self, seal: object) -> None:
        if seal is not SEAL:
            raise TypeError("Evidence comes from verify_published() only.")


def verify_published(
    document: Mapping[str, Json],
    *,
    policy: TrustPolicy,
    at: datetime,
    types: Collection[str] | None = None,
    lists: Mapping[str, RevocationList] | None = None,
    lenient: Collection[str] = (),
    clock_skew_s: int = 60,
    receiving: bool = False,
) -> Published:
    """Verify a credential that is published. The steps are numbered in the package.

    No `types` are all that an issuer is trusted for. The status lists at hand stand under their addresses; `lenient`
    are those that could not be had, and without which the credential is taken. On `receiving` what was issued just now
    its status is not looked up, for nobody took it back yet.

    Raises:
        StatusListNeeded: all is right but for step 12; fetch the list that it names, and call again.
        HandstampError: the error of the step that failed.
    """
    frame = read_frame(document, _hold_to(policy, at, types, clock_skew_s))
    key = frame.trusted.find_key({"kid": frame.proof.verification_method}, at=at)  # (4)
    verify_proof(document, frame.proof, key)  # (6)
    return Published(
        SEAL,
        kind=frame.kind,
        issuer=frame.trusted.issuer,
        issuer_key=frame.proof.verification_method,
        subject_id=str(frame.subject_id),
        claims=frame.disclosed,
        issued_at=frame.issued_at,
        status=StatusCheck.NOT_ASKED if receiving else _check_status(document, frame, lists or {}, lenient, at),  # (12)
        at=at,
        steps=_STEPS,
    )


def _hold_to(policy: TrustPolicy, at: datetime, types: Collection[str] | None, clock_skew_s: int) -> FramePolicy:
    return FramePolicy(
        policy=policy,
        at=at,
        suites=SUITES,
        check_form=check_public_form,
        types=types,
        clock_skew_s=clock_skew_s,
        bare_proof=False,
    )


def _check_status(
    document: Mapping[str, Json],
    frame: Frame,
    lists: Mapping[str, RevocationList],
    lenient: Collection[str],
    at: datetime,
) -> StatusCheck:
    if "credentialStatus" not in document:
        return StatusCheck.NONE
    entries = read_entries(document["credentialStatus"])
    trusted = frame.trusted
    return check_bitstring_status(
        entries, issuer=trusted.did or trusted.issuer, known_as=trusted.issuer, lists=lists, lenient=lenient, at=at
    )
