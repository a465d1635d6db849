"""The browser comes back from a wallet on the same device: only now does the door open, and only for that browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.errors import ForeignBrowser, UsedResponseCode
from verifier.service.count_passage import count_passage
from verifier.service.transitions import step
from verifier.visits import Accepted, Answered, LiveVisit, Refused, digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from verifier.ports import Work


def complete_return(
    work: Work, response_code: str, *, cookie_of: Callable[[str], str | None], now: datetime
) -> Accepted | Refused:
    """Spend the response code and open the door (OpenID4VP 1.0 §14.2).

    A foreign browser does not spend the code: whoever was lured into answering cannot be made to open the lurer's door,
    and the listener's own browser may still come.

    Args:
        work: opens transactions.
        response_code: what the return link carried.
        cookie_of: gives the cookie that the browser holds for a visit's id.
        now: the time.

    Returns:
        The visit: accepted, or refused because the gate was closed or what was shown was used up meanwhile.

    Raises:
        UsedResponseCode: nobody waits for that code, or it was spent.
        ForeignBrowser: the browser is not the one that started the visit.
        VisitExpired: too late.
    """

    def come_back(visit: LiveVisit) -> Accepted:
        if not isinstance(visit, Answered):
            raise UsedResponseCode
        return visit.come_back(now=now)

    # Which visit it is, only the code tells: whoever brings the same one waits, and the visit's other writers are kept
    # off by compare and swap.
    with work.write(f"return:{response_code}") as stores:
        visit = stores.load_visit_by_response_code(digest(response_code))
        if visit is None:
            raise UsedResponseCode
        if not visit.facts.is_from(cookie_of(visit.facts.visit_id)):
            raise ForeignBrowser
        accepted = step(stores, visit.facts.visit_id, come_back, now=now, seen=visit)
        return count_passage(stores, accepted, now=now)
