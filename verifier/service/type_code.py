"""The short code: the wallet shows it, the waiting page takes it, and only then an answer from afar uses something up.

Somebody can show you the code of *their* waiting page as if it were yours. What you answer then must not open their
door; they would have to read six digits off your wallet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.errors import NoCodeWanted, NoSuchCode
from verifier.service.count_passage import count_passage
from verifier.service.show_visit import load_own_visit
from verifier.service.transitions import step, turn_of
from verifier.visits import Accepted, AwaitingCode, LiveVisit, Refused, TimedOut, at, digest

if TYPE_CHECKING:
    from datetime import datetime

    from verifier.ports import Work


def show_code(work: Work, page: str, *, now: datetime) -> tuple[str, datetime]:
    """Return the short code behind the address that only the wallet was given, and until when it is good.

    Raises:
        NoSuchCode: it was typed, or its time is over, or it never was.
    """
    with work.read() as stores:
        visit = stores.load_visit_by_code_page(digest(page))
    if not isinstance(visit, AwaitingCode) or isinstance(at(visit, now), TimedOut):
        raise NoSuchCode
    return visit.code, visit.facts.expires_at


def type_code(
    work: Work, visit_id: str, given: str, *, cookie: str | None, now: datetime
) -> Accepted | AwaitingCode | Refused:
    """Take what was typed into the waiting page; a wrong code is counted, and committed before anybody is told.

    Raises:
        NoSuchVisit, ForeignBrowser, VisitExpired: there is no such visit for this browser.
        NoCodeWanted: the visit waits for something else.
    """
    digits = "".join(letter for letter in given if not letter.isspace() and letter != "-")

    def take(visit: LiveVisit) -> Accepted | AwaitingCode | Refused:
        if not isinstance(visit, AwaitingCode):
            raise NoCodeWanted
        return visit.type_code(digits, now=now)

    with work.write(turn_of(visit_id)) as stores:
        load_own_visit(stores, visit_id, cookie=cookie, now=now)
        after = step(stores, visit_id, take, now=now)
        return count_passage(stores, after, now=now) if isinstance(after, Accepted) else after
