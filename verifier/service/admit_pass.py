"""Take a door pass: check it without asking anybody, and count it once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from credentials.door_pass import SLOT_S, StalePass, WrongRecord, check_door_pass, parse_door_pass
from credentials.encoding import base64url
from plumbing.turns import BESIDE_ALL
from verifier.doors import Admitted, DoorKeys, UsedBefore, Verdict, build_door, is_met
from verifier.errors import NoLongerTrusted
from verifier.limits import PSEUDONYM, SLOT, NotCountable, build_mark, month_of
from verifier.service.distrust_issuer import are_trusted
from verifier.service.start_visit import load_gate

if TYPE_CHECKING:
    from credentials.evidence import Verified
    from credentials.trust import TrustPolicy
    from verifier.gates import Gate
    from verifier.party import Party
    from verifier.ports import Work


def admit_pass(
    work: Work,
    gate_id: str,
    text: str,
    *,
    party: Party,
    keys: DoorKeys,
    now: datetime,
    device: bytes | None = None,
) -> Verdict:
    """Judge a scanned pass.

    1. The gate is open, and one that passes can answer.
    2. The pass is good, for this gate, now, by a key known beforehand (`credentials.door_pass`), and made for the
       scanning device, if that has a name of its own.
    3. It meets the gate's requirement; what speaks for a co-op comes from that co-op.
    4. The gate is still open and the co-op still trusted. The pass is counted, in the same transaction, as an answer
       online would be: by the pseudonym, which is the same there. At a door without a limit it is remembered for its
       slot, so that one code does not let two people in.

    Raises:
        NoSuchGate, GateClosed, NotADoor: there is no such door.
        HandstampError: the pass is not good; its words are for the person at the door.
    """
    with work.read() as stores:
        gate = load_gate(stores, gate_id)
        policy = stores.load_policy(party.site)
    gate.check_open()  # (1)
    shown = _check(gate, text, policy=policy, party=party, now=now, device=device)  # (2), (3)
    period, times, key = _count_by(gate, text, keys=keys, now=now)
    issuer = policy.issuer_for(shown.issuer).issuer
    mark = build_mark(key, issuer=issuer, claim=PSEUDONYM, value=base64url.encode(shown.pseudonym or b""))
    with work.write(BESIDE_ALL) as stores:  # (4)
        load_gate(stores, gate_id).check_open()
        if not are_trusted((issuer,), stores.load_policy(party.site), now=now):
            raise NoLongerTrusted
        if (first_use := stores.use_up(gate_id, period=period, mark=mark, times=times, now=now)) is not None:
            return UsedBefore(first_use=first_use)
        stores.count_passage(site=gate.site, gate_id=gate_id, terms=gate.terms.digest, month=month_of(now))
    return Admitted()


def _check(
    gate: Gate, text: str, *, policy: TrustPolicy, party: Party, now: datetime, device: bytes | None
) -> Verified:
    shown = check_door_pass(text, policy=policy, door=build_door(gate, party, device=device), at=now)
    if not is_met(gate, shown, policy):
        raise WrongRecord
    if shown.pseudonym is None:
        raise NotCountable
    return shown


def _count_by(gate: Gate, text: str, *, keys: DoorKeys, now: datetime) -> tuple[str, int, bytes]:
    """Return the period, the limit and the key by which a good pass is counted."""
    slot = parse_door_pass(text).slot
    if gate.counting is None:
        return f"{SLOT}{slot}", 1, keys.slot_key(gate.gate_id)
    limit = gate.counting.limit
    period = limit.period(now)
    # Its pseudonym is one of the month that it was drawn in; counted in the next, it would be a fresh one.
    if limit.period(datetime.fromtimestamp(slot * SLOT_S, UTC)) != period:
        raise StalePass
    return period, limit.times, gate.counting.key
