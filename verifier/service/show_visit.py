"""Show a visit to the browser that started it, and to nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from verifier.errors import AlreadyAnswered, ForeignBrowser, NoSuchVisit
from verifier.service.build_request import OpenRequest
from verifier.service.start_visit import load_gate
from verifier.visits import (
    Accepted,
    Answered,
    AwaitingCode,
    Device,
    PendingRequest,
    Refused,
    Requested,
    TimedOut,
    Visit,
    at,
)

if TYPE_CHECKING:
    from datetime import datetime

    from verifier.gates import Gate
    from verifier.ports import Visits, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownVisit:
    """A visit as it stands at a moment, with its gate and both requests."""

    now: datetime
    visit: Visit
    gate: Gate
    requests: tuple[PendingRequest, ...]

    def request(self, device: Device) -> PendingRequest:
        """Return the request for a wallet on that device."""
        return next(request for request in self.requests if request.device is device)

    def open_request(self, device: Device) -> OpenRequest:
        """Return the request for a wallet on that device, with all that its link needs.

        Raises:
            AlreadyAnswered: the visit does not wait for an answer any more.
        """
        if not isinstance(self.visit, Requested):
            raise AlreadyAnswered
        return OpenRequest(request=self.request(device), visit=self.visit, gate=self.gate)


def show_visit(work: Work, visit_id: str, *, cookie: str | None, now: datetime) -> ShownVisit:
    """Return the visit as it stands at `now`.

    Raises:
        NoSuchVisit: it was swept, or never was.
        ForeignBrowser: the cookie is not the one of the browser that started it.
    """
    with work.read() as stores:
        visit = load_own_visit(stores, visit_id, cookie=cookie, now=now)
        gate = load_gate(stores, visit.facts.gate_id)
        return ShownVisit(now=now, visit=visit, gate=gate, requests=stores.load_requests(visit_id))


def load_own_visit(visits: Visits, visit_id: str, *, cookie: str | None, now: datetime) -> Visit:
    """Return a visit that `cookie` belongs to; see `show_visit` for what it raises."""
    visit = visits.load_visit(visit_id)
    if visit is None:
        raise NoSuchVisit
    if not visit.facts.is_from(cookie):
        raise ForeignBrowser
    return at(visit, now)


def watch_visit(work: Work, visit_id: str, *, cookie: str | None, now: datetime) -> tuple[str, str]:
    """Return the word for the visit's state, and a mark that changes with everything its page shows.

    A visit that was swept is expired to whoever watched it.

    Raises:
        ForeignBrowser: the cookie is not the one of the browser that started it.
    """
    with work.read() as stores:
        try:
            visit = load_own_visit(stores, visit_id, cookie=cookie, now=now)
        except NoSuchVisit:
            return "expired", "expired"
    return state_word(visit), page_mark(visit)


def state_word(visit: Visit) -> str:
    """Return the visit's state as its waiting page and its event stream name it."""
    match visit:
        case Requested() | Answered() | AwaitingCode():
            return "waiting"
        case Accepted():
            return "accepted"
        case Refused():
            return "refused"
        case TimedOut():
            return "expired"
        case _:
            assert_never(visit)


def page_mark(visit: Visit) -> str:
    """Return a short text that differs whenever the visit's page looks different."""
    match visit:
        case Requested():
            return f"waiting-{visit.failed_answers}"
        case Answered():
            return "waiting-return"
        case AwaitingCode():
            return f"waiting-code-{visit.wrong_codes}"
        case _:
            return state_word(visit)
