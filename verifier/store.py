"""The verifier's stores over SQLModel: its gates, and in the other modules of rows whatever happens at them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import bindparam, select, update
from sqlmodel import col

from plumbing.clock import epoch_s
from plumbing.ids import new_internal_id
from plumbing.pictures import Picture
from plumbing.statements import Statement
from verifier.gate_rows import GATE_COLUMNS, gate_from_columns, gate_to_row
from verifier.passage_rows import PassageRows
from verifier.status_rows import StatusListRows
from verifier.tables import GateCoverRow, GateRow
from verifier.trust_rows import TrustRows
from verifier.visit_rows import VisitRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlmodel import Session

    from plumbing.database import Database
    from verifier.gates import Gate


T = TypeVar("T")
_THIS_GATE: Final = (col(GateRow.gate_id) == bindparam("gate"), col(GateRow.site) == bindparam("at_site"))
_GATE: Final = Statement(select(*GATE_COLUMNS).where(*_THIS_GATE))
_GATES: Final = Statement(
    select(*GATE_COLUMNS).where(col(GateRow.site) == bindparam("at_site")).order_by(col(GateRow.key))
)
_CLOSE: Final = Statement(
    update(GateRow).where(*_THIS_GATE, col(GateRow.closed_at).is_(None)).values(closed_at=bindparam("now"))
)


class SqlWork:
    """`ports.Work` of one site on a database that may hold others' rows too."""

    def __init__(self, database: Database, *, site: str, at_once: bool = False) -> None:
        self._database = database
        self._site = site
        self._at_once = at_once

    async def doing(self, use_case: Callable[[SqlWork], T]) -> T:
        """See `ports.Work.doing`."""
        return await self._database.doing(lambda at_once: use_case(self._told(at_once=at_once)))

    async def apart(self, use_case: Callable[[SqlWork], T]) -> T:
        """See `ports.Work.apart`."""
        return await self._database.apart(lambda at_once: use_case(self._told(at_once=at_once)))

    async def waiting(self, use_case: Callable[[SqlWork], T]) -> T:
        """See `ports.Work.waiting`."""
        return await self._database.waiting(lambda: use_case(self._told(at_once=False)))

    @contextmanager
    def read(self) -> Iterator[SqlStores]:
        """See `ports.Work.read`."""
        with self._database.read() as session:
            yield SqlStores(session, site=self._site)

    @contextmanager
    def write(self, turn: str | None = None) -> Iterator[SqlStores]:
        """See `ports.Work.write`."""
        with self._database.write(turn, at_once=self._at_once) as session:
            yield SqlStores(session, site=self._site)

    def forget_deleted(self) -> None:
        """See `ports.Work.forget_deleted`."""
        self._database.forget_deleted()

    def _told(self, *, at_once: bool) -> SqlWork:
        return SqlWork(self._database, site=self._site, at_once=at_once)


class SqlStores(StatusListRows, TrustRows, VisitRows, PassageRows):
    """`ports.Stores` of one site in one session."""

    def __init__(self, session: Session, *, site: str) -> None:
        self._session = session
        self._site = site

    def load_gate(self, gate_id: str) -> Gate | None:
        """See `ports.Gates.load_gate`."""
        # Every visit, request and grant goes through its gate, so none of them is found at another site either.
        row = _GATE.first(self._session, gate=gate_id, at_site=self._site)
        return None if row is None else gate_from_columns(row)

    def load_gates(self, site: str) -> tuple[Gate, ...]:
        """See `ports.Gates.load_gates`."""
        return tuple(gate_from_columns(row) for row in _GATES.rows(self._session, at_site=site))

    def save_gate(self, gate: Gate, *, now: datetime) -> None:
        """See `ports.Gates.save_gate`."""
        self._session.add(gate_to_row(gate, key=new_internal_id(now)))
        self._session.flush()  # statements see what was written, not what is about to be

    def close_gate(self, gate_id: str, *, now: datetime) -> bool:
        """See `ports.Gates.close_gate`."""
        return _CLOSE.changed(self._session, gate=gate_id, at_site=self._site, now=epoch_s(now)) == 1

    def save_cover(self, gate: Gate, cover: Picture) -> None:
        """See `ports.Gates.save_cover`."""
        row = GateCoverRow(gate_id=gate.gate_id, site=gate.site, media_type=cover.media_type, content=cover.content)
        self._session.add(row)

    def load_cover(self, gate_id: str) -> Picture | None:
        """See `ports.Gates.load_cover`."""
        row = self._session.get(GateCoverRow, gate_id)
        return (
            None if row is None or row.site != self._site else Picture(media_type=row.media_type, content=row.content)
        )

    def sweep(self, *, now: datetime) -> int:
        """See `ports.Stores.sweep`."""
        return self.sweep_visits(now=now) + self.sweep_passages(now=now)
