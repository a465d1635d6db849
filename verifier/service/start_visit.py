"""Start a visit: one browser, one gate, two requests (one for a wallet on this device, one for a wallet elsewhere)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from plumbing.ids import new_public_id, new_secret
from plumbing.turns import BESIDE_ALL
from verifier.errors import NoSuchGate
from verifier.visits import REQUEST_LIFE, Device, PendingRequest, Requested, VisitFacts, digest

if TYPE_CHECKING:
    from datetime import datetime

    from verifier.gates import Gate
    from verifier.party import AnswerKeys
    from verifier.ports import Gates, Work

_SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedVisit:
    """A new visit, and the cookie that only its browser gets."""

    visit: Requested
    gate: Gate
    requests: tuple[PendingRequest, ...]
    cookie: str


def load_gate(gates: Gates, gate_id: str) -> Gate:
    """Return a gate.

    Raises:
        NoSuchGate: there is none with that id.
    """
    gate = gates.load_gate(gate_id)
    if gate is None:
        raise NoSuchGate
    return gate


def start_visit(work: Work, gate_id: str, *, now: datetime, answer_keys: AnswerKeys | None = None) -> StartedVisit:
    """Start a visit to a gate.

    Args:
        work: opens transactions.
        gate_id: the gate.
        now: the time.
        answer_keys: makes the keys that answers are encrypted to; None where answers come plain.

    Raises:
        NoSuchGate: there is no gate with that id.
        GateClosed: the site closed it.
    """
    kept_keys = [None if answer_keys is None else answer_keys.new() for _ in Device]
    cookie = new_secret()
    # All its rows are new.
    with work.write(BESIDE_ALL) as stores:
        gate = load_gate(stores, gate_id)
        gate.check_open()
        visit = Requested(
            facts=VisitFacts(
                visit_id=new_public_id(),
                gate_id=gate.gate_id,
                site=gate.site,
                browser=digest(cookie),
                created_at=now,
                expires_at=now + REQUEST_LIFE,
            )
        )
        requests = tuple(
            _new_request(visit.facts.visit_id, device, key) for device, key in zip(Device, kept_keys, strict=True)
        )
        stores.save_visit(visit, requests)
    return StartedVisit(visit=visit, gate=gate, requests=requests, cookie=cookie)


def _new_request(visit_id: str, device: Device, answer_key: bytes | None) -> PendingRequest:
    return PendingRequest(
        request_id=new_public_id(),
        visit_id=visit_id,
        device=device,
        state=new_public_id(),
        salt=secrets.token_bytes(_SALT_BYTES),
        answer_key=answer_key,
    )
