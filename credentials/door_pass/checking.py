"""At the door, without a network: from a scanned text to evidence that it may open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from credentials.bbs import BbsPublicKey, NymCheck
from credentials.door_pass.errors import EarlyPass, StalePass, UnknownPassKey, WrongRecord, WrongVoice
from credentials.door_pass.showing import DoorPass
from credentials.door_pass.values import HEADER, Limit, PassContent, build_pass_header, key_id, slot_of
from credentials.errors import HandstampError
from credentials.evidence import SEAL, Verified
from credentials.linked_credential import OVERLAP_DAYS
from credentials.months import months_after
from credentials.refusals import Expired, NotYetValid, UnknownType
from credentials.status import StatusCheck
from credentials.trust import TrustedIssuer, TrustPolicy
from credentials.trust.errors import TrustExpired
from schemas import COOP_MEMBERSHIP

_TOLERATED_SLOTS: Final = 1
_DAY_S: Final = 86_400
_WHAT: Final = "door pass"
_STEPS: Final = (
    "1 read",
    "2 shown just now",
    "3 of a kind that the door asks for",
    "4 issuer and type trusted, by a key known beforehand",
    "5 valid now",
    "6 the proof holds, for this gate, slot and device, with its pseudonym",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What a door asks for.

    Attributes:
        gate: the address of its gate.
        accepts: the types (`vct`) that open it, each with the tracks, releases, personas, contributions or co-ops that
            do; None for any.
        limit: how often it lets the same holder in.
        device: what the scanning device calls itself, if passes must be made for it.
    """

    gate: str
    accepts: Mapping[str, frozenset[str] | None]
    limit: Limit
    device: bytes | None = None


def check_door_pass(text: str, *, policy: TrustPolicy, door: Door, at: datetime) -> Verified:
    """Check a scanned pass. The steps are numbered in the package.

    The evidence has the holder's pseudonym: at a door with a limit it is what counts. At any other it is good for its
    slot only, and lets the door notice that one code was shown twice.

    Raises:
        HandstampError: the error of the step that failed.
    """
    shown = DoorPass.parse(text)  # (1)
    _check_slot(shown.slot, at)  # (2)
    _check_asked(shown.content, door)  # (3)
    trusted, method, public_key = _find_key(shown, policy, at)  # (4)
    _check_cohort(shown.content, at)  # (5)
    NymCheck(  # (6)
        public_key=public_key,
        proof=shown.proof,
        pseudonym=shown.pseudonym,
        disclosed=dict(enumerate(shown.content.messages())),
        header=HEADER,
        presentation_header=build_pass_header(door.gate, shown.slot, door.device),
        context_id=door.limit.nym_domain(door.gate, shown.slot).encode(),
        # What the door names itself is no secret of a holder's, so what follows from it may be kept.
        is_usual=door.accepts[shown.content.vct] is not None,
    ).verify()
    return Verified(
        SEAL,
        issuer=trusted.issuer,
        vct=shown.content.vct,
        issued_at=float(shown.content.month_s),
        disclosed=MappingProxyType(dict(shown.content.claims)),
        issuer_key=method,
        at=at,
        steps=_STEPS,
        status=StatusCheck.NONE,
        holder_key=None,
        pseudonym=shown.pseudonym,
    )


def _check_slot(slot: int, at: datetime) -> None:
    now = slot_of(at)
    if slot < now - _TOLERATED_SLOTS:
        raise StalePass
    if slot > now + _TOLERATED_SLOTS:
        raise EarlyPass


def _check_asked(content: PassContent, door: Door) -> None:
    if content.vct not in door.accepts:
        raise UnknownType(frozenset(door.accepts))
    subjects = door.accepts[content.vct]
    if subjects is not None and content.subject not in subjects:
        raise WrongRecord


def _find_key(shown: DoorPass, policy: TrustPolicy, at: datetime) -> tuple[TrustedIssuer, str, BbsPublicKey]:
    # A co-op may list a key that is another's, and must not get in the way of whose it is.
    refusals: list[HandstampError] = []
    for trusted in policy.issuers:
        for method, key in trusted.bbs_keys_for(shown.content.type_name).items():
            if key_id(key) != shown.key_id:
                continue
            try:
                _check_trust(trusted, shown.content, at)
            except HandstampError as error:
                refusals.append(error)
            else:
                return trusted, method, key
    raise refusals[0] if refusals else UnknownPassKey()


def _check_trust(trusted: TrustedIssuer, content: PassContent, at: datetime) -> None:
    trusted.check_may_issue(content.vct)
    if trusted.until is not None and at >= trusted.until:
        raise TrustExpired(trusted.issuer)
    if content.vct == COOP_MEMBERSHIP.vct and content.subject not in (trusted.issuer, trusted.did):
        raise WrongVoice


def _check_cohort(content: PassContent, at: datetime) -> None:
    now = at.timestamp()
    if now < content.month_s:
        raise NotYetValid(_WHAT)
    if now >= months_after(content.month_s, 1) + OVERLAP_DAYS * _DAY_S:
        raise Expired(_WHAT)
