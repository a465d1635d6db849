"""A gate as a door: what a pass must say, how it is counted there, and what a scanning device proves itself with."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

from credentials.door_pass import Door, Limit
from credentials.encoding import base64url
from credentials.trust.errors import UntrustedIssuer
from schemas import CONTRIBUTION, COOP_MEMBERSHIP, RELEASE_OWNERSHIP, TRACK_OWNERSHIP, VERIFIED_ARTIST
from verifier.errors import NotADoor, WrongDoorKey
from verifier.limits import Monthly
from verifier.proofs import AllOf, Contributed, MemberOf, OwnsRelease, OwnsTrack, Proof, SpeaksFor, proofs_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from credentials.evidence import Verified
    from credentials.trust import TrustPolicy
    from verifier.gates import Gate
    from verifier.party import Party

_KEY_BYTES: Final = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Green: the pass opens, and was counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedBefore:
    """Yellow: the pass is good, but was used as often as it may be. Whoever stands at the door decides."""

    first_use: datetime


Verdict = Admitted | UsedBefore
"""What came of a pass; red is an error, whose words are the reason."""


class DoorKeys:
    """Makes the keys that scanning devices send with a pass, so that nobody else can use passes up.

    Args:
        secret: 32 bytes that never leave the service.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def key_of(self, gate_id: str) -> str:
        """Return the key of a gate's devices, to type or paste into them."""
        return base64url.encode(self._digest(f"device {gate_id}")[:_KEY_BYTES])

    def check(self, gate_id: str, given: str | None) -> None:
        """Check the key that a device sent.

        Raises:
            WrongDoorKey: it is another, or none.
        """
        if not hmac.compare_digest((given or "").encode("utf-8", "replace"), self.key_of(gate_id).encode()):
            raise WrongDoorKey

    def slot_key(self, gate_id: str) -> bytes:
        """Return the key under which a door without a limit remembers the passes of the last slots."""
        return self._digest(f"slots {gate_id}")

    def _digest(self, what: str) -> bytes:
        return hmac.digest(self._secret, what.encode(), hashlib.sha256)


def build_door(gate: Gate, party: Party, *, device: bytes | None = None) -> Door:
    """Return what a gate asks for at the door.

    Raises:
        NotADoor: it asks for more than one pass can say.
    """
    _check_can_be_door(gate)
    accepts: dict[str, frozenset[str] | None] = {}
    for proof in proofs_of(gate.requirement):
        for vct, subject in _subjects(proof).items():
            accepts[vct] = (accepts.get(vct) or frozenset()) | {subject}
    return Door(gate=party.gate_url(gate.gate_id), accepts=accepts, limit=limit_of(gate), device=device)


def can_be_door(gate: Gate) -> bool:
    """Tell whether what a gate asks for can be said by one pass, and it is not closed."""
    try:
        _check_can_be_door(gate)
    except NotADoor:
        return False
    return gate.closed_at is None


def limit_of(gate: Gate) -> Limit:
    """Return how often the door lets the same holder in, in the words of a pass."""
    if gate.counting is None:
        return Limit.NONE
    return Limit.MONTH if isinstance(gate.counting.limit, Monthly) else Limit.EVER


def is_met(gate: Gate, shown: Verified, policy: TrustPolicy) -> bool:
    """Tell whether a pass that passed the check meets one of the gate's proofs in what `Door` cannot say."""
    return any(_meets(proof, shown, policy) for proof in proofs_of(gate.requirement))


def _check_can_be_door(gate: Gate) -> None:
    if isinstance(gate.requirement, AllOf):
        raise NotADoor("it wants several things at once, and a pass says one")
    if any(isinstance(proof, MemberOf) and proof.over16 for proof in proofs_of(gate.requirement)):
        raise NotADoor("it asks for an age, which no pass says")


def _subjects(proof: Proof) -> Mapping[str, str]:
    match proof:
        case OwnsRelease():
            return {RELEASE_OWNERSHIP.vct: proof.release_id}
        case OwnsTrack():
            # Whoever owns the release owns the track; both have one pseudonym.
            return {TRACK_OWNERSHIP.vct: proof.track_id, RELEASE_OWNERSHIP.vct: proof.release_id}
        case MemberOf():
            return {COOP_MEMBERSHIP.vct: proof.coop}
        case SpeaksFor():
            return {VERIFIED_ARTIST.vct: proof.persona}
        case Contributed():
            return {CONTRIBUTION.vct: proof.contribution}
        case _:
            assert_never(proof)


def _meets(proof: Proof, shown: Verified, policy: TrustPolicy) -> bool:
    said = shown.disclosed.values()
    if _subjects(proof).get(shown.vct) not in said:
        return False
    if isinstance(proof, MemberOf | Contributed) and not _is_own_word(proof.coop, shown, policy):
        return False
    wanted = proof.share_class if isinstance(proof, MemberOf) else None
    return wanted is None or shown.disclosed.get("shareClass") == wanted


def _is_own_word(coop: str, shown: Verified, policy: TrustPolicy) -> bool:
    try:
        known = policy.issuer_for(shown.issuer)
    except UntrustedIssuer:
        return False
    return coop in (known.issuer, known.did)
