"""Take a wallet's answer: judge it without a transaction, then settle it in one, once."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from credentials.errors import HandstampError
from credentials.keys.errors import UnreadableEncryption
from credentials.protocols.oauth import parse_form
from credentials.protocols.openid4vp import (
    EncryptedResponse,
    PlainResponse,
    ResponseDecryption,
    parse_response_form,
)
from credentials.status.errors import StatusListNeeded
from plumbing.ids import new_public_id
from verifier.errors import AlreadyUsed, WrongState
from verifier.service.build_request import OpenRequest, check_requested, load_open_request, open_answer_key
from verifier.service.count_passage import count_passage, load_spent, why_shut
from verifier.service.judge_answer import judge_answer
from verifier.service.transitions import step, turn_of
from verifier.statuses import NOTHING_KNOWN, KnownStatuses
from verifier.visits import Accepted, Answered, AwaitingCode, CodeToType, LiveVisit, Refused, Requested

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from verifier.evidence import Evidence
    from verifier.party import AnswerKeys, Party
    from verifier.ports import Work

_CODE_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTaken:
    """The one answer of a visit."""

    redirect_uri: str | None
    """Where the wallet sends the browser on the same device, or shows the short code for another; else nothing."""
    met: str = ""
    """The ids of the credential queries that were answered, joined by commas."""


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
    answer_keys: AnswerKeys | None = None,
) -> AnswerTaken | AnswerFailed:
    """Judge the body of a direct post (OpenID4VP 1.0 §8.2, §8.3.1, §8.6) and settle it.

    What does not carry the request's own `state`, or does not open with its key, is refused and leaves no trace: it
    comes from somebody who never saw the request.

    Raises:
        StatusListNeeded: the answer is good but for a status list that may still be had; nothing was settled.
        NoSuchRequest, VisitExpired, AlreadyAnswered, TooManyFailedAnswers, GateClosed: there is nothing to answer.
        Malformed, InvalidRequest, WrongState, UnreadableEncryption, PlainResponse, EncryptedResponse: the body is no
            answer to this request at all.
    """
    with work.read() as stores:
        found = load_open_request(stores, request_id, now=now)
    decryption = _decryption(found, answer_keys)
    if decryption is None:
        _check_state(parse_form(body).get("state"), found)
    try:
        answer = parse_response_form(body, decryption=decryption)
        _check_state(answer.state, found)
        evidence = judge_answer(found, answer, party=party, now=now, known=known)
    except (WrongState, UnreadableEncryption, PlainResponse, EncryptedResponse):
        raise
    except HandstampError as error:
        if isinstance(error, StatusListNeeded) and not known.last:
            raise
        _settle_failure(work, found, error.code, now=now)
        return AnswerFailed(error=error)
    return _settle_answer(work, found, evidence, party=party, now=now)


def _decryption(found: OpenRequest, answer_keys: AnswerKeys | None) -> ResponseDecryption | None:
    key = open_answer_key(found.request, answer_keys)
    return None if key is None else ResponseDecryption(key=key)


def _check_state(given: str | None, found: OpenRequest) -> None:
    if not hmac.compare_digest((given or "").encode(), found.request.state.encode()):
        raise WrongState


def _settle_answer(
    work: Work, found: OpenRequest, evidence: Evidence, *, party: Party, now: datetime
) -> AnswerTaken | AnswerFailed:
    response_code = new_public_id()
    to_type = CodeToType(page=new_public_id(), code=f"{secrets.randbelow(10**_CODE_DIGITS):0{_CODE_DIGITS}}")

    def answer(visit: LiveVisit) -> Answered | AwaitingCode | Accepted:
        requested = check_requested(visit)
        device = found.request.device
        return requested.answer(evidence, device=device, response_code=response_code, to_type=to_type, now=now)

    with work.write(turn_of(found.request.visit_id)) as stores:
        # A copy that is used up. It is counted when the door opens, not here.
        spent = load_spent(stores, found.gate, evidence.marks, now=now)
        if spent is not None:
            step(stores, found.request.visit_id, _failing(AlreadyUsed.code, first_use=spent), now=now)
            return AnswerFailed(error=AlreadyUsed(spent))
        after = step(stores, found.request.visit_id, answer, now=now, seen=found.visit)
        if isinstance(after, Accepted):
            passed = count_passage(stores, after, now=now)
            if isinstance(passed, Refused):
                return AnswerFailed(error=why_shut(passed))
    match after:
        case Answered():
            return AnswerTaken(redirect_uri=party.return_url(response_code), met=evidence.met)
        case AwaitingCode():
            return AnswerTaken(redirect_uri=party.code_url(to_type.page), met=evidence.met)
        case Accepted():
            return AnswerTaken(redirect_uri=None, met=evidence.met)


def _settle_failure(work: Work, found: OpenRequest, code: str, *, now: datetime) -> None:
    with work.write(turn_of(found.request.visit_id)) as stores:
        step(stores, found.request.visit_id, _failing(code), now=now, seen=found.visit)


def _failing(code: str, *, first_use: datetime | None = None) -> Callable[[LiveVisit], Requested | Refused]:
    return lambda visit: check_requested(visit).fail(code, first_use=first_use)
