"""The verifier's stores over SQLModel: rows to states and back, and the one UPDATE that lets one of many win."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, assert_never, cast

from sqlalchemy import CursorResult, delete, func, insert, update
from sqlmodel import col, select

from plumbing.clock import epoch_s
from plumbing.ids import new_internal_id
from plumbing.pictures import Picture
from verifier.gate_rows import gate_from_row, gate_to_row
from verifier.status_rows import StatusListRows
from verifier.tables import GateCoverRow, GateRow, RedemptionRow, RequestRow, VisitRow
from verifier.trust_rows import TrustRows
from verifier.visits import (
    Accepted,
    Answered,
    Device,
    LiveVisit,
    PendingRequest,
    Refused,
    Requested,
    VisitFacts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.sql.dml import Delete, Update
    from sqlmodel import Session

    from plumbing.database import Database
    from verifier.gates import Gate

_REQUESTED: Final = "requested"
_ANSWERED: Final = "answered"
_ACCEPTED: Final = "accepted"
_REFUSED: Final = "refused"


class SqlWork:
    """`ports.Work` of one site on a database that may hold others' rows too."""

    def __init__(self, database: Database, *, site: str) -> None:
        self._database = database
        self._site = site

    @contextmanager
    def read(self) -> Iterator[SqlStores]:
        """See `ports.Work.read`."""
        with self._database.read() as session:
            yield SqlStores(session, site=self._site)

    @contextmanager
    def write(self) -> Iterator[SqlStores]:
        """See `ports.Work.write`."""
        with self._database.write() as session:
            yield SqlStores(session, site=self._site)


class SqlStores(StatusListRows, TrustRows):
    """`ports.Stores` of one site in one session."""

    def __init__(self, session: Session, *, site: str) -> None:
        self._session = session
        self._site = site

    def load_gate(self, gate_id: str) -> Gate | None:
        """See `ports.Gates.load_gate`."""
        # Every visit, request and grant goes through its gate, so none of them is found at another site either.
        row = self._session.exec(select(GateRow).where(GateRow.gate_id == gate_id, GateRow.site == self._site)).first()
        return None if row is None else gate_from_row(row)

    def load_gates(self, site: str) -> tuple[Gate, ...]:
        """See `ports.Gates.load_gates`."""
        rows = self._session.exec(select(GateRow).where(GateRow.site == site).order_by(GateRow.key))
        return tuple(gate_from_row(row) for row in rows)

    def save_gate(self, gate: Gate, *, now: datetime) -> None:
        """See `ports.Gates.save_gate`."""
        self._session.add(gate_to_row(gate, key=new_internal_id(now)))

    def save_cover(self, gate: Gate, cover: Picture) -> None:
        """See `ports.Gates.save_cover`."""
        self._session.flush()  # the cover refers to the gate
        row = GateCoverRow(gate_id=gate.gate_id, site=gate.site, media_type=cover.media_type, content=cover.content)
        self._session.add(row)

    def load_cover(self, gate_id: str) -> Picture | None:
        """See `ports.Gates.load_cover`."""
        row = self._session.get(GateCoverRow, gate_id)
        return (
            None if row is None or row.site != self._site else Picture(media_type=row.media_type, content=row.content)
        )

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
            .where(col(VisitRow.state) == known["state"])
            .where(col(VisitRow.failed_answers) == known["failed_answers"])
            .where(col(VisitRow.grants_given) == known["grants_given"])
            .where(col(VisitRow.expires_at) > epoch_s(now))
            .values(**_columns(after))
        )
        return self._changed(statement) == 1

    def sweep(self, *, now: datetime) -> int:
        """See `ports.Visits.sweep`; the requests go by the foreign key."""
        return self._changed(delete(VisitRow).where(col(VisitRow.expires_at) <= epoch_s(now)))

    def count_passage(self, *, site: str, gate_id: str, terms: str, month: str) -> None:
        """See `ports.Redemptions.count_passage`."""
        where = {"site": site, "gate_id": gate_id, "terms": terms, "month": month}
        statement = update(RedemptionRow).filter_by(**where).values(passages=col(RedemptionRow.passages) + 1)
        if self._changed(statement) == 0:
            self._session.execute(insert(RedemptionRow).values(**where, passages=1))

    def load_passages(self, gate_id: str) -> tuple[tuple[str, int], ...]:
        """See `ports.Redemptions.load_passages`."""
        month, passages = col(RedemptionRow.month), func.sum(col(RedemptionRow.passages))
        statement = select(month, passages).where(RedemptionRow.gate_id == gate_id).group_by(month).order_by(month)
        return tuple((found, int(count)) for found, count in self._session.exec(statement))

    def _changed(self, statement: Update | Delete) -> int:
        result = cast("CursorResult[Any]", self._session.execute(statement, execution_options=_WITHOUT_SYNC))
        return result.rowcount


_WITHOUT_SYNC: Final = {"synchronize_session": False}


def _columns(visit: LiveVisit) -> dict[str, Any]:
    """Return the columns in which the states of one visit differ."""
    columns: dict[str, Any] = {
        "failed_answers": 0,
        "last_failure": None,
        "met": None,
        "response_code": None,
        "grants_given": 0,
        "expires_at": epoch_s(visit.facts.expires_at),
    }
    match visit:
        case Requested():
            changes = {
                "state": _REQUESTED,
                "failed_answers": visit.failed_answers,
                "last_failure": visit.last_failure,
            }
        case Answered():
            changes = {"state": _ANSWERED, "met": visit.met, "response_code": visit.response_code}
        case Accepted():
            changes = {"state": _ACCEPTED, "met": visit.met, "grants_given": visit.grants_given}
        case Refused():
            changes = {"state": _REFUSED, "last_failure": visit.last_failure}
        case _:
            assert_never(visit)
    return columns | changes


def _visit(row: VisitRow) -> LiveVisit:
    facts = VisitFacts(
        visit_id=row.visit_id,
        gate_id=row.gate_id,
        site=row.site,
        browser=row.browser,
        created_at=_moment(row.created_at),
        expires_at=_moment(row.expires_at),
    )
    match row.state:
        case "requested":
            return Requested(facts=facts, failed_answers=row.failed_answers, last_failure=row.last_failure)
        case "answered":
            return Answered(facts=facts, met=row.met or "", response_code=row.response_code or b"")
        case "accepted":
            return Accepted(facts=facts, met=row.met or "", grants_given=row.grants_given)
        case _:
            return Refused(facts=facts, last_failure=row.last_failure or "")


def _request(row: RequestRow) -> PendingRequest:
    return PendingRequest(
        request_id=row.request_id,
        visit_id=row.visit_id,
        device=Device(row.device),
        state=row.state,
        salt=row.salt,
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
