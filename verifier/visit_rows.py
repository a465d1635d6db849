"""Visits as rows and back, and the one UPDATE that lets one of many win: `verifier.ports.Visits`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, assert_never, cast

from sqlalchemy import CursorResult, delete, update
from sqlmodel import col, select

from plumbing.clock import epoch_s
from plumbing.ids import new_internal_id
from verifier.answer_rows import answer_from_json, answer_to_json
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


class VisitRows:
    """A part of `verifier.store.SqlStores`, which opens the session and knows the site."""

    _session: Session
    _site: str

    def save_visit(self, visit: Requested, requests: tuple[PendingRequest, ...]) -> None:
        """See `ports.Visits.save_visit`."""
        facts = visit.facts
        self._session.add(
            VisitRow(
                key=new_internal_id(facts.created_at),
                site=facts.site,
                visit_id=facts.visit_id,
                gate_id=facts.gate_id,
                browser=facts.browser,
                created_at=epoch_s(facts.created_at),
                **_columns(visit),
            )
        )
        self._session.flush()  # the requests refer to the visit
        for request in requests:
            self._session.add(
                RequestRow(
                    key=new_internal_id(facts.created_at),
                    site=facts.site,
                    request_id=request.request_id,
                    visit_id=request.visit_id,
                    device=request.device.value,
                    state=request.state,
                    salt=request.salt,
                    answer_key=request.answer_key,
                )
            )

    def load_visit(self, visit_id: str) -> LiveVisit | None:
        """See `ports.Visits.load_visit`."""
        row = self._session.exec(
            select(VisitRow).where(VisitRow.visit_id == visit_id).execution_options(populate_existing=True)
        ).first()
        return None if row is None else _visit(row)

    def load_visit_by_response_code(self, response_code: bytes) -> LiveVisit | None:
        """See `ports.Visits.load_visit_by_response_code`."""
        row = self._session.exec(select(VisitRow).where(VisitRow.response_code == response_code)).first()
        return None if row is None else _visit(row)

    def load_visit_by_code_page(self, page: bytes) -> LiveVisit | None:
        """See `ports.Visits.load_visit_by_code_page`."""
        row = self._session.exec(select(VisitRow).where(VisitRow.code_page == page)).first()
        return None if row is None else _visit(row)

    def load_opening_visits(self, vouched_by: Iterable[str]) -> tuple[LiveVisit, ...]:
        """See `ports.Visits.load_opening_visits`."""
        names = frozenset(vouched_by)
        rows = self._session.exec(
            select(VisitRow).where(VisitRow.site == self._site, col(VisitRow.state).in_(_OPENING))
        )
        return tuple(_visit(row) for row in rows if not names.isdisjoint((row.answer or {}).get("vouched_by", ())))

    def load_request(self, request_id: str) -> PendingRequest | None:
        """See `ports.Visits.load_request`."""
        row = self._session.exec(select(RequestRow).where(RequestRow.request_id == request_id)).first()
        return None if row is None else _request(row)

    def load_requests(self, visit_id: str) -> tuple[PendingRequest, ...]:
        """See `ports.Visits.load_requests`."""
        rows = self._session.exec(select(RequestRow).where(RequestRow.visit_id == visit_id))
        return tuple(_request(row) for row in rows)

    def replace_visit(self, before: LiveVisit, after: LiveVisit, *, now: datetime) -> bool:
        """See `ports.Visits.replace_visit`: compare and swap, in one UPDATE."""
        known = _columns(before)
        statement = (
            update(VisitRow)
            .where(col(VisitRow.visit_id) == before.facts.visit_id)
            .where(*(col(getattr(VisitRow, name)) == known[name] for name in _COMPARED))
            .where(col(VisitRow.expires_at) > epoch_s(now))
            .values(**_columns(after))
        )
        return self._touched(statement) == 1

    def sweep_visits(self, *, now: datetime) -> int:
        """See `ports.Visits.sweep_visits`; the requests go by the foreign key."""
        return self._touched(delete(VisitRow).where(col(VisitRow.expires_at) <= epoch_s(now)))

    def _touched(self, statement: Any) -> int:  # noqa: ANN401 - an UPDATE or a DELETE
        options = {"synchronize_session": False}
        result = cast("CursorResult[Any]", self._session.execute(statement, execution_options=options))
        return result.rowcount


def _columns(visit: LiveVisit) -> dict[str, Any]:
    """Return the columns in which the states of one visit differ."""
    columns: dict[str, Any] = {
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


def _own_columns(visit: LiveVisit) -> dict[str, Any]:
    match visit:
        case Requested():
            return _failure(_REQUESTED, visit) | {"failed_answers": visit.failed_answers}
        case Answered():
            return {
                "state": _ANSWERED,
                "answer": answer_to_json(visit.answer),
                "response_code": visit.response_code,
            }
        case AwaitingCode():
            return {
                "state": _AWAITING_CODE,
                "answer": answer_to_json(visit.answer),
                "code_page": visit.page,
                "code": visit.code,
                "wrong_codes": visit.wrong_codes,
            }
        case Accepted():
            # Marks and receipt lie elsewhere from now on: an open door needs neither.
            kept = {"met": visit.answer.met, "vouched_by": list(visit.answer.vouched_by)}
            return {"state": _ACCEPTED, "answer": kept, "grants_given": visit.grants_given}
        case Refused():
            return _failure(_REFUSED, visit)
        case _:
            assert_never(visit)


def _failure(state: str, visit: Requested | Refused) -> dict[str, Any]:
    first_use = None if visit.first_use is None else epoch_s(visit.first_use)
    return {"state": state, "last_failure": visit.last_failure, "first_use": first_use}


def _visit(row: VisitRow) -> LiveVisit:
    facts = VisitFacts(
        visit_id=row.visit_id,
        gate_id=row.gate_id,
        site=row.site,
        browser=row.browser,
        created_at=_moment(row.created_at),
        expires_at=_moment(row.expires_at),
    )
    first_use = None if row.first_use is None else _moment(row.first_use)
    answer = answer_from_json(row.answer or {})
    match row.state:
        case "requested":
            return Requested(
                facts=facts, failed_answers=row.failed_answers, last_failure=row.last_failure, first_use=first_use
            )
        case "answered":
            return Answered(facts=facts, answer=answer, response_code=row.response_code or b"")
        case "awaiting_code":
            return AwaitingCode(
                facts=facts,
                answer=answer,
                page=row.code_page or b"",
                code=row.code or "",
                wrong_codes=row.wrong_codes,
            )
        case "accepted":
            return Accepted(facts=facts, answer=answer, grants_given=row.grants_given)
        case _:
            return Refused(facts=facts, last_failure=row.last_failure or "", first_use=first_use)


def _request(row: RequestRow) -> PendingRequest:
    return PendingRequest(
        request_id=row.request_id,
        visit_id=row.visit_id,
        device=Device(row.device),
        state=row.state,
        salt=row.salt,
        answer_key=row.answer_key,
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
