"""How a visit goes from one state to the next exactly once, whoever else tries at the same moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from verifier.errors import NoSuchVisit, VisitExpired, VisitTooBusy
from verifier.visits import MAX_FAILED_ANSWERS, MAX_GRANTS, MAX_WRONG_CODES, LiveVisit, TimedOut, at

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from verifier.ports import Visits

After = TypeVar("After", bound=LiveVisit)

# Who loses a compare-and-swap lost it to a step forward, and a visit has no more steps than these: failed answers, an
# answer, wrong codes, a return, a refusal, grants given and taken back.
_MOST_STEPS: Final = MAX_FAILED_ANSWERS + MAX_WRONG_CODES + 3 + 2 * MAX_GRANTS


def turn_of(visit_id: str) -> str:
    """Return the turn of whoever writes for one visit.

    What visits share is decided by the statements themselves: the state of a visit by compare and swap, a mark and the
    count of passages by an UPDATE that adds to what stands there or an INSERT that only the first can do. Closing a
    gate and distrusting a co-op take no turn: they wait for all of these, and these for them.
    """
    return f"visit:{visit_id}"


def load_live(visits: Visits, visit_id: str, *, now: datetime) -> LiveVisit:
    """Return a visit that is still going on.

    Raises:
        NoSuchVisit: it was swept, or never was.
        VisitExpired: its time is over.
    """
    visit = visits.load_visit(visit_id)
    if visit is None:
        raise NoSuchVisit
    match at(visit, now):
        case TimedOut():
            raise VisitExpired
        case live:
            return live


def step(
    visits: Visits,
    visit_id: str,
    change: Callable[[LiveVisit], After],
    *,
    now: datetime,
    seen: LiveVisit | None = None,
) -> After:
    """Carry out `change` on the visit as it stands, by compare and swap; look again after losing a race.

    Args:
        visits: where it stands.
        visit_id: which one.
        change: what becomes of it.
        now: the time.
        seen: the visit as it stood a moment ago: most likely it still does, and whether it does is found out anyway.

    Raises:
        NoSuchVisit, VisitExpired: see `load_live`.
        HandstampError: whatever `change` raises for the state that it finds.
    """
    for _ in range(_MOST_STEPS):
        before = load_live(visits, visit_id, now=now) if seen is None else seen
        seen = None
        after = change(before)
        if visits.replace_visit(before, after, now=now):
            return after
    raise VisitTooBusy
