"""A visit: one browser before one gate, from the request to the open door. Each state is a type of its own.

    Requested --answered from another device--> Accepted
    Requested --answered on this device--> Answered --the browser returns--> Accepted
    Requested --failed answers--> Requested ... --> Refused
    any of them --time--> TimedOut

A transition here is a pure function; the store carries it out once, by a conditional UPDATE on where it started.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final

from verifier.errors import GrantsSpent

if TYPE_CHECKING:
    from datetime import datetime

    from verifier.evidence import Evidence

REQUEST_LIFE: Final = timedelta(minutes=5)
"""How long a listener has to answer; the requests' `exp`."""
ACCEPTED_LIFE: Final = timedelta(minutes=15)
"""How long an open door stays open, so that a broken download can be mended."""
MAX_FAILED_ANSWERS: Final = 5
MAX_GRANTS: Final = 3


class Device(Enum):
    """Where the wallet that answers is, seen from the browser that started the visit."""

    SAME = "same_device"
    CROSS = "cross_device"


def digest(secret: str) -> bytes:
    """Return the SHA-256 of a random secret: all that is stored of it."""
    return hashlib.sha256(secret.encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFacts:
    """What is true of a visit in every state; nothing of the listener but the hash of a random cookie."""

    visit_id: str
    gate_id: str
    site: str
    browser: bytes
    """SHA-256 of the cookie that the starting browser holds."""
    created_at: datetime
    expires_at: datetime

    def is_from(self, cookie: str | None) -> bool:
        """Tell whether `cookie` is the one of the browser that started the visit."""
        return cookie is not None and hmac.compare_digest(digest(cookie), self.browser)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """Waits for an answer. Failed answers are counted, so that nobody makes us verify for ever."""

    facts: VisitFacts
    failed_answers: int = 0
    last_failure: str | None = None
    """The code of the last refusal, for the waiting page."""

    def fail(self, code: str) -> Requested | Refused:
        """Count one failed answer: a stranger's bad answer must not end the visit, five of them do."""
        if self.failed_answers + 1 >= MAX_FAILED_ANSWERS:
            return Refused(facts=self.facts, last_failure=code)
        return Requested(facts=self.facts, failed_answers=self.failed_answers + 1, last_failure=code)

    def answer(self, evidence: Evidence, *, device: Device, response_code: str, now: datetime) -> Answered | Accepted:
        """Take the answer. On the same device the door opens only to the browser that returns with `response_code`.

        OpenID4VP 1.0 §14.2: without that return, a listener could be lured into answering for somebody else's browser.
        """
        if device is Device.CROSS:
            return Accepted(facts=_prolonged(self.facts, now), met=evidence.met)
        return Answered(facts=self.facts, met=evidence.met, response_code=digest(response_code))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Holds an accepted answer from the same device and waits for its browser to return."""

    facts: VisitFacts
    met: str
    """Which query of the request was met, as `release`."""
    response_code: bytes
    """SHA-256 of the single-use code in the return link."""

    def come_back(self, *, now: datetime) -> Accepted:
        """Open the door: the starting browser returned with the code."""
        return Accepted(facts=_prolonged(self.facts, now), met=self.met)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The door is open for this browser; each grant is counted."""

    facts: VisitFacts
    met: str
    grants_given: int = 0

    def give_grant(self) -> Accepted:
        """Count one more grant.

        Raises:
            GrantsSpent: there were three already.
        """
        if self.grants_given >= MAX_GRANTS:
            raise GrantsSpent
        return Accepted(facts=self.facts, met=self.met, grants_given=self.grants_given + 1)

    def take_back_grant(self) -> Accepted:
        """Forget a grant that the trackserver did not take."""
        return Accepted(facts=self.facts, met=self.met, grants_given=max(0, self.grants_given - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Too many answers failed; the visit is over."""

    facts: VisitFacts
    last_failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedOut:
    """Nobody came in time; the row is swept."""

    facts: VisitFacts


LiveVisit = Requested | Answered | Accepted | Refused
Visit = LiveVisit | TimedOut


def at(visit: LiveVisit, now: datetime) -> Visit:
    """Return the visit as it stands at `now`."""
    return TimedOut(facts=visit.facts) if now >= visit.facts.expires_at else visit


def _prolonged(facts: VisitFacts, now: datetime) -> VisitFacts:
    return VisitFacts(
        visit_id=facts.visit_id,
        gate_id=facts.gate_id,
        site=facts.site,
        browser=facts.browser,
        created_at=facts.created_at,
        expires_at=now + ACCEPTED_LIFE,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingRequest:
    """One of the two requests of a visit, with an id, state and salt of its own: neither can be taken for the other."""

    request_id: str
    visit_id: str
    device: Device
    state: str
    salt: bytes
