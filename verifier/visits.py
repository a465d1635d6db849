"""A visit: one browser before one gate, from the request to the open door. Each state is a type of its own.

    Requested --answered from another device--> Accepted
    Requested --answered from another device, the gate counts--> AwaitingCode --the code is typed--> Accepted
    Requested --answered on this device--> Answered --the browser returns--> Accepted
    Requested --failed answers--> Requested ... --> Refused
    AwaitingCode --wrong codes--> AwaitingCode ... --> Refused
    Answered, AwaitingCode, Accepted --used up, closed or no longer trusted--> Refused
    any of them --time--> TimedOut

A transition here is a pure function; the store carries it out once, by a conditional UPDATE on where it started.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final

from verifier.errors import GrantsSpent

if TYPE_CHECKING:
    from datetime import datetime

    from verifier.evidence import Evidence
    from verifier.receipts import SignedTerms

REQUEST_LIFE: Final = timedelta(minutes=5)
"""How long a listener has to answer; the requests' `exp`."""
CODE_LIFE: Final = timedelta(minutes=5)
"""How long a listener has to type the code that the wallet shows."""
ACCEPTED_LIFE: Final = timedelta(minutes=15)
"""How long an open door stays open, so that a broken download can be mended."""
MAX_FAILED_ANSWERS: Final = 5
MAX_WRONG_CODES: Final = 5
MAX_GRANTS: Final = 3
WRONG_CODES: Final = "too_many_wrong_codes"
"""Why a visit ended in which one code after another was wrong."""


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

    def until(self, moment: datetime) -> VisitFacts:
        """Return the same with another end."""
        return replace(self, expires_at=moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenAnswer:
    """What is kept of an answer for as long as its visit lasts: no claim, no key, no presentation.

    Attributes:
        met: which queries of the request were met, as `release`, joined by commas.
        vouched_by: the co-ops that vouched, so that one which is no longer trusted can be struck out.
        marks: what a limited gate counts by, each once, for all proofs that were shown; empty at others.
        period: the only period that the marks are good for; None for any.
        signed: what a limited gate keeps as its receipt; None at others.
    """

    met: str
    vouched_by: tuple[str, ...]
    marks: tuple[bytes, ...] = ()
    period: str | None = None
    signed: SignedTerms | None = None

    @classmethod
    def of(cls, evidence: Evidence) -> TakenAnswer:
        """Take what may be kept from the evidence; without evidence there is no answer."""
        return cls(
            met=evidence.met,
            vouched_by=evidence.vouched_by,
            marks=evidence.marks,
            period=evidence.period,
            signed=evidence.signed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeToType:
    """The short code of an answer from another device, and the secret in the address of the page that shows it."""

    page: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """Waits for an answer. Failed answers are counted, so that nobody makes us verify for ever."""

    facts: VisitFacts
    failed_answers: int = 0
    last_failure: str | None = None
    """The code of the last refusal, for the waiting page."""
    first_use: datetime | None = None
    """When what was shown last had been used before, if that was why it was refused."""

    def fail(self, code: str, *, first_use: datetime | None = None) -> Requested | Refused:
        """Count one failed answer: a stranger's bad answer must not end the visit, five of them do."""
        if self.failed_answers + 1 >= MAX_FAILED_ANSWERS:
            return Refused(facts=self.facts, last_failure=code, first_use=first_use)
        return Requested(
            facts=self.facts, failed_answers=self.failed_answers + 1, last_failure=code, first_use=first_use
        )

    def answer(
        self, evidence: Evidence, *, device: Device, response_code: str, to_type: CodeToType, now: datetime
    ) -> Answered | AwaitingCode | Accepted:
        """Take the answer. On the same device the door opens only to the browser that returns with `response_code`.

        OpenID4VP 1.0 §14.2: without that return, a listener could be lured into answering for somebody else's browser.
        From another device no browser returns; where an answer uses something up, whoever looks at the wallet must be
        whoever looks at the waiting page, which the typed code shows.
        """
        answer = TakenAnswer.of(evidence)
        if device is Device.SAME:
            return Answered(facts=self.facts, answer=answer, response_code=digest(response_code))
        if not answer.marks:
            return Accepted.open(self.facts, answer, now=now)
        facts = self.facts.until(now + CODE_LIFE)
        return AwaitingCode(facts=facts, answer=answer, page=digest(to_type.page), code=to_type.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Holds an accepted answer from the same device and waits for its browser to return."""

    facts: VisitFacts
    answer: TakenAnswer
    response_code: bytes
    """SHA-256 of the single-use code in the return link."""

    def come_back(self, *, now: datetime) -> Accepted:
        """Open the door: the starting browser returned with the code."""
        return Accepted.open(self.facts, self.answer, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitingCode:
    """Holds an accepted answer from another device and waits for the code that only its wallet shows."""

    facts: VisitFacts
    answer: TakenAnswer
    page: bytes
    """SHA-256 of the secret in the address of the page that shows the code."""
    code: str
    wrong_codes: int = 0

    def type_code(self, given: str, *, now: datetime) -> Accepted | AwaitingCode | Refused:
        """Open the door to the right code; five wrong ones end the visit."""
        if hmac.compare_digest(given.encode(), self.code.encode()):
            return Accepted.open(self.facts, self.answer, now=now)
        if self.wrong_codes + 1 >= MAX_WRONG_CODES:
            return Refused(facts=self.facts, last_failure=WRONG_CODES)
        return replace(self, wrong_codes=self.wrong_codes + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The door is open for this browser; each grant is counted."""

    facts: VisitFacts
    answer: TakenAnswer
    """Marks and receipt are in it at the moment of opening only: they are counted and kept elsewhere, not here."""
    grants_given: int = 0

    @classmethod
    def open(cls, facts: VisitFacts, answer: TakenAnswer, *, now: datetime) -> Accepted:
        """Open the door for as long as a broken download needs."""
        return cls(facts=facts.until(now + ACCEPTED_LIFE), answer=answer)

    def give_grant(self) -> Accepted:
        """Count one more grant.

        Raises:
            GrantsSpent: there were three already.
        """
        if self.grants_given >= MAX_GRANTS:
            raise GrantsSpent
        return replace(self, grants_given=self.grants_given + 1)

    def take_back_grant(self) -> Accepted:
        """Forget a grant that the trackserver did not take."""
        return replace(self, grants_given=max(0, self.grants_given - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The visit is over, and nothing opened or opens any more."""

    facts: VisitFacts
    last_failure: str
    first_use: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedOut:
    """Nobody came in time; the row is swept."""

    facts: VisitFacts


LiveVisit = Requested | Answered | AwaitingCode | Accepted | Refused
Visit = LiveVisit | TimedOut


def at(visit: LiveVisit, now: datetime) -> Visit:
    """Return the visit as it stands at `now`."""
    return TimedOut(facts=visit.facts) if now >= visit.facts.expires_at else visit


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingRequest:
    """One of the two requests of a visit, with an id, state and salt of its own: neither can be taken for the other."""

    request_id: str
    visit_id: str
    device: Device
    state: str
    salt: bytes
    answer_key: bytes | None = None
    """The private key that its answer is encrypted to, itself encrypted; None if answers come plain."""
