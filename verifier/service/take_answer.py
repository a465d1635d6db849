"""Take a wallet's answer: judge it without a transaction, then settle it in one, once."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from credentials.errors import HandstampError
from credentials.protocols.dcql import check_shape
from credentials.protocols.oauth import parse_form
from credentials.protocols.openid4vp import ErrorResponse, parse_response_form
from credentials.status.errors import StatusListNeeded
from credentials.verify import verify
from plumbing.ids import new_public_id
from verifier.errors import WalletDeclined, WrongState
from verifier.evidence import Evidence, build_evidence
from verifier.requirements import build_query
from verifier.service.build_request import OpenRequest, check_requested, load_open_request
from verifier.service.count_passage import count_passage
from verifier.service.transitions import step
from verifier.statuses import NOTHING_KNOWN, KnownStatuses
from verifier.visits import Accepted, Answered, LiveVisit, Refused, Requested

if TYPE_CHECKING:
    from datetime import datetime

    from credentials.trust import TrustPolicy
    from verifier.party import Party
    from verifier.ports import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTaken:
    """The one answer of a visit."""

    redirect_uri: str | None
    """Where the wallet sends the browser; only for an answer on the same device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFailed:
    """An answer that opened nothing. The failure is counted and committed before anybody is told."""

    error: HandstampError


def take_answer(
    work: Work,
    request_id: str,
    body: bytes,
    *,
    party: Party,
    now: datetime,
    known: KnownStatuses = NOTHING_KNOWN,
) -> AnswerTaken | AnswerFailed:
    """Judge the body of a direct post (OpenID4VP 1.0 §8.2, §8.6) and settle it.

    What does not carry the request's own `state` is refused and leaves no trace: it comes from somebody who never saw
    the request.

    Raises:
        StatusListNeeded: the answer is good but for a status list that may still be had; nothing was settled.
        NoSuchRequest, VisitExpired, AlreadyAnswered, TooManyFailedAnswers: there is nothing to answer.
        Malformed, InvalidRequest, WrongState: the body is no answer to this request at all.
    """
    with work.read() as stores:
        found = load_open_request(stores, request_id, now=now)
        policy = stores.load_policy(found.gate.site)
    _check_state(body, found)
    try:
        evidence = judge_answer(found, body, policy=policy, party=party, now=now, known=known)
    except HandstampError as error:
        if isinstance(error, StatusListNeeded) and not known.last:
            raise
        _settle_failure(work, found, error.code, now=now)
        return AnswerFailed(error=error)
    return _settle_answer(work, found, evidence, party=party, now=now)


def _check_state(body: bytes, found: OpenRequest) -> None:
    given = parse_form(body).get("state", "")
    if not hmac.compare_digest(given.encode(), found.request.state.encode()):
        raise WrongState


def judge_answer(
    found: OpenRequest, body: bytes, *, policy: TrustPolicy, party: Party, now: datetime, known: KnownStatuses
) -> Evidence:
    """Find out whether an answer meets the gate's requirement (OpenID4VP 1.0 §8.6), without any side effect.

    1. It is an answer, in the shape that §8.1 prescribes, and not the wallet's refusal.
    2. It answers what was asked: one presentation for each query of a combination that satisfies.
    3. Each presentation passes the pipeline of `credentials.verify`, for this client and this request's nonce.
    4. What was disclosed is what was asked, by value, and nothing more.

    Raises:
        HandstampError: the first step that fails says why.
    """
    answer = parse_response_form(body)  # (1)
    if isinstance(answer, ErrorResponse):
        raise WalletDeclined
    query = build_query(found.gate.requirement)
    presentations = check_shape(query, answer.vp_token)  # (2)
    nonce = found.gate.terms.shake(found.request.salt).nonce
    verified = {
        query_id: verify(  # (3)
            presentation,
            policy=policy,
            audience=party.client_id,
            nonce=nonce,
            at=now,
            types=_types(query_id, found),
            statuses=known.lists,
            lenient=known.lenient,
        )
        for query_id, presentation in presentations.items()
    }
    return build_evidence(query, verified)  # (4)


def _types(query_id: str, found: OpenRequest) -> frozenset[str]:
    asked = build_query(found.gate.requirement).find(query_id)
    return frozenset(asked.vct_values) if asked else frozenset()


def _settle_answer(work: Work, found: OpenRequest, evidence: Evidence, *, party: Party, now: datetime) -> AnswerTaken:
    response_code = new_public_id()

    def answer(visit: LiveVisit) -> Answered | Accepted:
        requested = check_requested(visit)
        return requested.answer(evidence, device=found.request.device, response_code=response_code, now=now)

    with work.write() as stores:
        after = step(stores, found.request.visit_id, answer, now=now)
        if isinstance(after, Accepted):
            count_passage(stores, after, now=now)
    returning = isinstance(after, Answered)
    return AnswerTaken(redirect_uri=party.return_url(response_code) if returning else None)


def _settle_failure(work: Work, found: OpenRequest, code: str, *, now: datetime) -> None:
    def fail(visit: LiveVisit) -> Requested | Refused:
        return check_requested(visit).fail(code)

    with work.write() as stores:
        step(stores, found.request.visit_id, fail, now=now)
