"""Visits as rows and back, and the one UPDATE that lets one of many win: `verifier.ports.Visits`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, assert_never

from sqlalchemy import bindparam, delete, or_, select, update
from sqlmodel import col

from credentials.encoding.strict_json import Json
from plumbing.clock import epoch_s
from plumbing.ids import new_internal_id
from plumbing.statements import Adding, Row, Statement, Value
from verifier.answer_rows import answer_from_json, answer_to_json
from verifier.json_columns import json_text, read_json, write_json
from verifier.tables import RequestRow, VisitRow
from verifier.visits import (
    Accepted,
    Answered,
    AwaitingCode,
    Device,
    LiveVisit,
    PendingRequest,
    Refused,
    Requested,
    TakenAnswer,
    VisitFacts,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlmodel import Session

_REQUESTED: Final = "requested"
_ANSWERED: Final = "answered"
_AWAITING_CODE: Final = "awaiting_code"
_ACCEPTED: Final = "accepted"
_REFUSED: Final = "refused"
_OPENING: Final = (_ANSWERED, _AWAITING_CODE, _ACCEPTED)
# What tells one state of a visit from the next: a step changes at least one of them.
_COMPARED: Final = ("state", "failed_answers", "wrong_codes", "grants_given")
_CHANGING: Final = (
    "state",
    "failed_answers",
    "last_failure",
    "first_use",
    "answer",
    "response_code",
    "code_page",
    "code",
    "wrong_codes",
    "grants_given",
    "expires_at",
)


# In the order in which `_visit` and `_request` take them.
_VISIT: Final = (
    col(VisitRow.visit_id),
    col(VisitRow.gate_id),
    col(VisitRow.site),
    col(VisitRow.browser),
    col(VisitRow.created_at),
    col(VisitRow.expires_at),
    col(VisitRow.state),
    col(VisitRow.failed_answers),
    col(VisitRow.last_failure),
    col(VisitRow.first_use),
    json_text(VisitRow.answer),
    col(VisitRow.response_code),
    col(VisitRow.code_page),
    col(VisitRow.code),
    col(VisitRow.wrong_codes),
    col(VisitRow.grants_given),
)
_REQUEST: Final = (
    col(RequestRow.request_id),
    col(RequestRow.visit_id),
    col(RequestRow.device),
    col(RequestRow.state),
    col(RequestRow.salt),
    col(RequestRow.answer_key),
)
_ADD_VISIT: Final = Adding(VisitRow)
_ADD_REQUEST: Final = Adding(RequestRow)
_BY_ID: Final = Statement(select(*_VISIT).where(col(VisitRow.visit_id) == bindparam("visit")))
_BY_RESPONSE_CODE: Final = Statement(select(*_VISIT).where(col(VisitRow.response_code) == bindparam("code")))
_BY_CODE_PAGE: Final = Statement(select(*_VISIT).where(col(VisitRow.code_page) == bindparam("page")))
_OPENING_AT: Final = Statement(
    select(*_VISIT).where(
        col(VisitRow.site) == bindparam("at_site"), or_(*(col(VisitRow.state) == state for state in _OPENING))
    )
)
_REQUEST_BY_ID: Final = Statement(select(*_REQUEST).where(col(RequestRow.request_id) == bindparam("request")))
_REQUESTS_OF: Final = Statement(select(*_REQUEST).where(col(RequestRow.visit_id) == bindparam("visit")))
_REPLACE: Final = Statement(
    update(VisitRow)
    .where(col(VisitRow.visit_id) == bindparam("visit"))
    .where(*(col(getattr(VisitRow, name)) == bindparam(f"was_{name}") for name in _COMPARED))
    .where(col(VisitRow.expires_at) > bindparam("now"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGING})
)
_SWEEP: Final = Statement(delete(VisitRow).where(col(VisitRow.expires_at) <= bindparam("now")))


class VisitRows:
    """A part of `verifier.store.SqlStores`, which opens the session and knows the site."""

    _session: Session
    _site: str

    def save_visit(self, visit: Requested, requests: tuple[PendingRequest, ...]) -> None:
        """See `ports.Visits.save_visit`."""
        facts = visit.facts
        _ADD_VISIT.changed(
            self._session,
            key=new_internal_id(facts.created_at),
            site=facts.site,
            visit_id=facts.visit_id,
            gate_id=facts.gate_id,
            browser=facts.browser,
            created_at=epoch_s(facts.created_at),
            **_columns(visit),
        )
        rows: list[dict[str, Value]] = [
            {
                "key": new_internal_id(facts.created_at),
                "site": facts.site,
                "request_id": request.request_id,
                "visit_id": request.visit_id,
                "device": request.device.value,
                "state": request.state,
                "salt": request.salt,
                "answer_key": request.answer_key,
            }
            for request in requests
        ]
        _ADD_REQUEST.changed_by_all(self._session, rows)

    def load_visit(self, visit_id: str) -> LiveVisit | None:
        """See `ports.Visits.load_visit`."""
        row = _BY_ID.first(self._session, visit=visit_id)
        return None if row is None else _visit(row)

    def load_visit_by_response_code(self, response_code: bytes) -> LiveVisit | None:
        """See `ports.Visits.load_visit_by_response_code`."""
        row = _BY_RESPONSE_CODE.first(self._session, code=response_code)
        return None if row is None else _visit(row)

    def load_visit_by_code_page(self, page: bytes) -> LiveVisit | None:
        """See `ports.Visits.load_visit_by_code_page`."""
        row = _BY_CODE_PAGE.first(self._session, page=page)
        return None if row is None else _visit(row)

    def load_opening_visits(self, vouched_by: Iterable[str]) -> tuple[LiveVisit, ...]:
        """See `ports.Visits.load_opening_visits`."""
        names = frozenset(vouched_by)
        found = (_visit(row) for row in _OPENING_AT.rows(self._session, at_site=self._site))
        return tuple(
            visit
            for visit in found
            if isinstance(visit, Answered | AwaitingCode | Accepted) and not names.isdisjoint(visit.answer.vouched_by)
        )

    def load_request(self, request_id: str) -> PendingRequest | None:
        """See `ports.Visits.load_request`."""
        row = _REQUEST_BY_ID.first(self._session, request=request_id)
        return None if row is None else _request(row)

    def load_requests(self, visit_id: str) -> tuple[PendingRequest, ...]:
        """See `ports.Visits.load_requests`."""
        return tuple(_request(row) for row in _REQUESTS_OF.rows(self._session, visit=visit_id))

    def replace_visit(self, before: LiveVisit, after: LiveVisit, *, now: datetime) -> bool:
        """See `ports.Visits.replace_visit`: compare and swap, in one UPDATE."""
        was, new = _columns(before), _columns(after)
        values = {f"was_{name}": was[name] for name in _COMPARED} | {f"new_{name}": new[name] for name in _CHANGING}
        return _REPLACE.changed(self._session, visit=before.facts.visit_id, now=epoch_s(now), **values) == 1

    def sweep_visits(self, *, now: datetime) -> int:
        """See `ports.Visits.sweep_visits`; the requests go by the foreign key."""
        return _SWEEP.changed(self._session, now=epoch_s(now))


def _columns(visit: LiveVisit) -> dict[str, Value]:
    """Return the columns in which the states of one visit differ."""
    columns: dict[str, Value] = {
        "failed_answers": 0,
        "last_failure": None,
        "first_use": None,
        "answer": None,
        "response_code": None,
        "code_page": None,
        "code": None,
        "wrong_codes": 0,
        "grants_given": 0,
        "expires_at": epoch_s(visit.facts.expires_at),
    }
    return columns | _own_columns(visit)


def _own_columns(visit: LiveVisit) -> dict[str, Value]:
    match visit:
        case Requested():
            return _failure(_REQUESTED, visit) | {"failed_answers": visit.failed_answers}
        case Answered():
            return {
                "state": _ANSWERED,
                "answer": write_json(answer_to_json(visit.answer)),
                "response_code": visit.response_code,
            }
        case AwaitingCode():
            return {
                "state": _AWAITING_CODE,
                "answer": write_json(answer_to_json(visit.answer)),
                "code_page": visit.page,
                "code": visit.code,
                "wrong_codes": visit.wrong_codes,
            }
        case Accepted():
            # Marks and receipt lie elsewhere from now on: an open door needs neither.
            kept: Json = {"met": visit.answer.met, "vouched_by": list[Json](visit.answer.vouched_by)}
            return {"state": _ACCEPTED, "answer": write_json(kept), "grants_given": visit.grants_given}
        case Refused():
            return _failure(_REFUSED, visit)
        case _:
            assert_never(visit)


def _failure(state: str, visit: Requested | Refused) -> dict[str, Value]:
    first_use = None if visit.first_use is None else epoch_s(visit.first_use)
    return {"state": state, "last_failure": visit.last_failure, "first_use": first_use}


def _visit(row: Row) -> LiveVisit:
    visit_id, gate_id, site, browser, created_at, expires_at, state, failed_answers, last_failure, *more = row
    first_used, kept, response_code, page, code, wrong_codes, grants_given = more
    facts = VisitFacts(
        visit_id=visit_id,
        gate_id=gate_id,
        site=site,
        browser=browser,
        created_at=_moment(created_at),
        expires_at=_moment(expires_at),
    )
    first_use = None if first_used is None else _moment(first_used)
    match state:
        case "requested":
            return Requested(facts=facts, failed_answers=failed_answers, last_failure=last_failure, first_use=first_use)
        case "answered":
            return Answered(facts=facts, answer=_answer(kept), response_code=response_code or b"")
        case "awaiting_code":
            return AwaitingCode(
                facts=facts, answer=_answer(kept), page=page or b"", code=code or "", wrong_codes=wrong_codes
            )
        case "accepted":
            return Accepted(facts=facts, answer=_answer(kept), grants_given=grants_given)
        case _:
            return Refused(facts=facts, last_failure=last_failure or "", first_use=first_use)


def _answer(kept: str | None) -> TakenAnswer:
    return answer_from_json({} if kept is None else read_json(kept))


def _request(row: Row) -> PendingRequest:
    request_id, visit_id, device, state, salt, answer_key = row
    return PendingRequest(
        request_id=request_id,
        visit_id=visit_id,
        device=Device(device),
        state=state,
        salt=salt,
        answer_key=answer_key,
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
