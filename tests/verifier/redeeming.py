"""What the visits to a site's gates must come to, foretold from a few fields: the model beside `test_any_order`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.verifier.conftest import COOP
from verifier.receipts import RECEIPT_LIFE
from verifier.visits import (
    ACCEPTED_LIFE,
    CODE_LIFE,
    MAX_FAILED_ANSWERS,
    MAX_GRANTS,
    MAX_WRONG_CODES,
    Device,
)

if TYPE_CHECKING:
    from datetime import datetime

    from tests.verifier.conftest import TestClock
    from verifier.gates import Gate
    from verifier.limits import Limit
    from verifier.service.start_visit import StartedVisit

NEIGHBOUR: Final = "http://neighbour.localhost:8701"
# Two copies of one co-op; and one that another co-op gave the number of the first.
COPIES: Final = (
    (COOP, "c83vEjRWeJCrze8SNFZ4kA"),
    (COOP, "d83vEjRWeJCrze8SNFZ4kA"),
    (NEIGHBOUR, "c83vEjRWeJCrze8SNFZ4kA"),
)


@dataclass
class Door:
    """A gate, as the model knows it."""

    gate: Gate
    limit: Limit | None
    closed: bool = False
    passed: Counter[tuple[int, str]] = field(default_factory=Counter)
    """By copy and period."""
    months: Counter[str] = field(default_factory=Counter)
    receipts: list[datetime] = field(default_factory=list)


@dataclass
class Known:
    """A visit, as the model knows it."""

    started: StartedVisit
    door: Door
    until: datetime
    state: str = "Requested"
    copy: int = 0
    failed: int = 0
    wrong: int = 0
    grants: int = 0
    returns: str = "a code that nobody was given"
    code: str = "000000"
    sent: list[tuple[Device, bytes, int]] = field(default_factory=list)
    """Good answers that went out, each with the copy in it."""

    @property
    def id(self) -> str:
        return self.started.visit.facts.visit_id

    def cookie(self, *, own: bool) -> str:
        return self.started.cookie if own else "the cookie of another browser"


@dataclass
class Model:
    """Foretells the word for each step, and changes what is known accordingly."""

    clock: TestClock
    visits: list[Known] = field(default_factory=list)
    doors: list[Door] = field(default_factory=list)
    trusted: set[str] = field(default_factory=set)

    @property
    def now(self) -> datetime:
        return self.clock.now

    def fail(self, visit: Known, why: str) -> str:
        visit.failed += 1
        if visit.failed == MAX_FAILED_ANSWERS:
            visit.state = "Refused"
        return why

    def is_spent(self, door: Door, copy: int) -> bool:
        limit = door.limit
        return limit is not None and door.passed[copy, limit.period(self.now)] >= limit.times

    def gone(self, visit: Known) -> str | None:
        if visit.state == "swept":
            return "no_such_visit"
        return "visit_expired" if self.now >= visit.until else None

    def answer(self, visit: Known, device: Device, copy: int, *, nonce: bool) -> str:
        past = {"Requested": None, "Refused": "too_many_failed_answers"}.get(visit.state, "already_answered")
        over = self.gone(visit)
        if over or past or visit.door.closed:
            return "no_such_request" if over == "no_such_visit" else over or past or "gate_closed"
        if COPIES[copy][0] not in self.trusted:
            return self.fail(visit, "untrusted_issuer")
        if not nonce:
            return self.fail(visit, "wrong_nonce")
        if self.is_spent(visit.door, copy):
            return self.fail(visit, "already_used")
        visit.copy = copy
        if device is Device.SAME:
            visit.state = "Answered"
        elif visit.door.limit is None:
            self.open(visit)
        else:
            visit.state, visit.until = "AwaitingCode", self.now + CODE_LIFE
        return "AnswerTaken"

    def open(self, visit: Known) -> str:
        door = visit.door
        if door.closed or self.is_spent(door, visit.copy):
            visit.state, visit.until = "Refused", self.now + ACCEPTED_LIFE
            return "gate_closed" if door.closed else "already_used"
        visit.state, visit.until = "Accepted", self.now + ACCEPTED_LIFE
        door.months[f"{self.now:%Y-%m}"] += 1
        if door.limit is not None:
            door.passed[visit.copy, door.limit.period(self.now)] += 1
            door.receipts.append(self.now)
        return "Accepted"

    def sweep(self) -> None:
        for visit in self.visits:
            if self.now >= visit.until:
                visit.state = "swept"
        for door in self.doors:
            door.receipts = [made for made in door.receipts if self.now < made + RECEIPT_LIFE]

    def type_code(self, visit: Known, *, right: bool, own: bool) -> str:
        over = self.gone(visit)
        if over == "no_such_visit" or not own:
            return over if over == "no_such_visit" else "foreign_browser"
        if over or visit.state != "AwaitingCode":
            return over or "no_code_wanted"
        if right:
            return self.open(visit)
        visit.wrong += 1
        if visit.wrong == MAX_WRONG_CODES:
            visit.state = "Refused"
        return "too_many_wrong_codes" if visit.state == "Refused" else "AwaitingCode"

    def grant(self, visit: Known, *, own: bool) -> str:
        over = self.gone(visit)
        if over == "no_such_visit" or not own:
            return over if over == "no_such_visit" else "foreign_browser"
        if over or visit.state != "Accepted":
            return over or "not_accepted"
        if visit.grants == MAX_GRANTS:
            return "grants_spent"
        visit.grants += 1
        return "GivenGrant"

    def come_back(self, visit: Known, *, own: bool) -> str:
        if visit.state != "Answered":
            return "used_response_code"
        return (self.gone(visit) or self.open(visit)) if own else "foreign_browser"

    def distrust(self, url: str) -> None:
        self.trusted.remove(url)
        for visit in self.visits:
            opening = visit.state in {"Answered", "AwaitingCode", "Accepted"} and self.now < visit.until
            if opening and COPIES[visit.copy][0] == url:
                visit.state = "Refused"
