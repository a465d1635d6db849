"""A door opens: count the passage, in the same transaction, or keep the door shut after all.

What is remembered: which gate, which terms, which month. At a limited gate also what is needed to count, and the
receipt. Nothing of the listener.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from verifier.errors import AlreadyUsed, GateClosed, MonthTurned, NoLongerTrusted, VisitTooBusy
from verifier.limits import month_of
from verifier.ports import Gates, Redemptions, Trust, Visits
from verifier.receipts import Receipt
from verifier.service.distrust_issuer import NO_LONGER_TRUSTED, are_trusted
from verifier.service.start_visit import load_gate
from verifier.visits import Accepted, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from credentials.errors import HandstampError
    from verifier.gates import Gate


class _Stores(Gates, Visits, Redemptions, Trust, Protocol):
    """The stores that a passage needs."""


def count_passage(stores: _Stores, visit: Accepted, *, now: datetime) -> Accepted | Refused:
    """Count one passage through the gate of a visit that was opened in this very transaction.

    Returns:
        The visit as it stands: refused if the gate was closed meanwhile, a co-op that vouched was struck out, the month
        of the pseudonym ended, or the copy was used up by somebody faster. That refusal must be committed, so it is
        returned.

    Raises:
        VisitTooBusy: somebody else used the copy at this very moment; nothing was counted.
    """
    gate = load_gate(stores, visit.facts.gate_id)
    if gate.closed_at is not None:
        return _shut(stores, visit, GateClosed.code, None, now=now)
    if not are_trusted(visit.answer.vouched_by, stores.load_policy(gate.site), now=now):
        return _shut(stores, visit, NO_LONGER_TRUSTED, None, now=now)
    if not _is_due(gate, visit, now=now):
        return _shut(stores, visit, MonthTurned.code, None, now=now)
    first_use = _use_up(stores, gate, visit, now=now)
    if first_use is not None:
        return _shut(stores, visit, AlreadyUsed.code, first_use, now=now)
    signed = visit.answer.signed
    if signed is not None:
        terms = gate.terms
        stores.save_receipt(
            Receipt(gate_id=gate.gate_id, terms=terms.text, language=terms.language, signed=signed, made_at=now)
        )
    stores.count_passage(site=gate.site, gate_id=gate.gate_id, terms=gate.terms.digest, month=month_of(now))
    return visit


def load_spent(stores: Redemptions, gate: Gate, marks: Sequence[bytes], *, now: datetime) -> datetime | None:
    """Return when one of the copies that were shown was used first, if it is used up; None if all can still pass."""
    if gate.counting is None:
        return None
    limit = gate.counting.limit
    found = (stores.load_spent(gate.gate_id, period=limit.period(now), mark=mark, times=limit.times) for mark in marks)
    return next((first_use for first_use in found if first_use is not None), None)


def why_shut(visit: Refused) -> HandstampError:
    """Say to a program why a door stayed shut after all, as the page says it to a person."""
    if visit.first_use is not None:
        return AlreadyUsed(visit.first_use)
    words: dict[str, type[NoLongerTrusted | MonthTurned]] = {
        NoLongerTrusted.code: NoLongerTrusted,
        MonthTurned.code: MonthTurned,
    }
    return words.get(visit.last_failure, GateClosed)()


def _use_up(stores: Redemptions, gate: Gate, visit: Accepted, *, now: datetime) -> datetime | None:
    """Count every copy that was shown, or none; return the time of the first use of one that was used up before."""
    marks = sorted(visit.answer.marks)
    spent = load_spent(stores, gate, marks, now=now)
    if spent is not None or gate.counting is None:
        return spent
    limit = gate.counting.limit
    for mark in marks:
        first_use = stores.use_up(gate.gate_id, period=limit.period(now), mark=mark, times=limit.times, now=now)
        if first_use is None:
            continue
        # Somebody was faster, where an engine lets two write at once.
        if mark == marks[0]:
            return first_use
        # What was counted of this visit is undone with all the rest; whoever tries again is told since when.
        raise VisitTooBusy
    return None


def _is_due(gate: Gate, visit: Accepted, *, now: datetime) -> bool:
    """Tell whether the month of the pseudonym is still the month: counted in the next, it would be a fresh one."""
    period = visit.answer.period
    return gate.counting is None or period is None or period == gate.counting.limit.period(now)


def _shut(stores: Visits, visit: Accepted, code: str, first_use: datetime | None, *, now: datetime) -> Refused:
    refused = Refused(facts=visit.facts, last_failure=code, first_use=first_use)
    if not stores.replace_visit(visit, refused, now=now):
        raise VisitTooBusy
    return refused
