"""Passages in the database: `verifier.ports.Redemptions`, its counts, the marks of limited gates, and receipts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import CursorResult, delete, func, insert, update
from sqlmodel import col, select

from plumbing.clock import epoch_s
from plumbing.ids import new_internal_id
from plumbing.statements import Adding
from verifier.limits import EVER, SLOT, SLOT_LIFE, Mark, month_of
from verifier.receipts import Receipt, SignedTerms
from verifier.tables import MarkRow, ReceiptRow, RedemptionRow

if TYPE_CHECKING:
    from sqlmodel import Session

_FIRST_USE: Final = Adding(MarkRow, unless_there=True)


class PassageRows:
    """A part of `verifier.store.SqlStores`, which opens the session and knows the site."""

    _session: Session
    _site: str

    def count_passage(self, *, site: str, gate_id: str, terms: str, month: str) -> None:
        """See `ports.Redemptions.count_passage`."""
        where = {"site": site, "gate_id": gate_id, "terms": terms, "month": month}
        statement = update(RedemptionRow).filter_by(**where).values(passages=col(RedemptionRow.passages) + 1)
        if self._affected(statement) == 0:
            self._session.execute(insert(RedemptionRow).values(**where, passages=1))

    def load_passages(self, gate_id: str) -> tuple[tuple[str, int], ...]:
        """See `ports.Redemptions.load_passages`."""
        month, passages = col(RedemptionRow.month), func.sum(col(RedemptionRow.passages))
        statement = select(month, passages).where(RedemptionRow.gate_id == gate_id).group_by(month).order_by(month)
        return tuple((found, int(count)) for found, count in self._session.exec(statement))

    def use_up(self, gate_id: str, *, period: str, mark: bytes, times: int, now: datetime) -> datetime | None:
        """See `ports.Redemptions.use_up`: an UPDATE that counts, or an INSERT that only the first of all can do."""
        where = {"gate_id": gate_id, "period": period, "mark": mark}
        again = update(MarkRow).filter_by(**where).where(col(MarkRow.uses) < times).values(uses=col(MarkRow.uses) + 1)
        if self._affected(again) == 1:
            return None
        if _FIRST_USE.changed(self._session, **where, site=self._site, uses=1, first_use=epoch_s(now)) == 1:
            return None
        # Somebody else's first use may have come between the two, where an engine lets two write at once.
        if self._affected(again) == 1:
            return None
        return self.load_spent(gate_id, period=period, mark=mark, times=times) or now

    def load_spent(self, gate_id: str, *, period: str, mark: bytes, times: int) -> datetime | None:
        """See `ports.Redemptions.load_spent`."""
        row = self._session.get(MarkRow, (gate_id, period, mark), populate_existing=True)
        return None if row is None or row.uses < times else datetime.fromtimestamp(row.first_use, UTC)

    def load_marks(self, gate_id: str) -> tuple[Mark, ...]:
        """See `ports.Redemptions.load_marks`."""
        rows = self._session.exec(select(MarkRow).where(MarkRow.gate_id == gate_id, MarkRow.site == self._site))
        return tuple(
            Mark(
                period=row.period,
                value=row.mark,
                uses=row.uses,
                first_use=datetime.fromtimestamp(row.first_use, UTC),
            )
            for row in rows
        )

    def save_mark(self, gate_id: str, mark: Mark) -> None:
        """See `ports.Redemptions.save_mark`."""
        where = {"gate_id": gate_id, "period": mark.period, "mark": mark.value}
        values = {"uses": mark.uses, "first_use": epoch_s(mark.first_use)}
        if self._affected(update(MarkRow).filter_by(**where).values(**values)) == 0:
            self._session.execute(insert(MarkRow).values(**where, **values, site=self._site))

    def save_receipt(self, receipt: Receipt) -> None:
        """See `ports.Redemptions.save_receipt`."""
        self._session.add(
            ReceiptRow(
                key=new_internal_id(receipt.made_at),
                site=self._site,
                gate_id=receipt.gate_id,
                terms=receipt.terms,
                language=receipt.language,
                salt=receipt.signed.salt,
                binding=receipt.signed.binding,
                holder_key=receipt.signed.holder_key,
                made_at=epoch_s(receipt.made_at),
                erase_at=epoch_s(receipt.erase_at),
            )
        )

    def load_receipts(self, gate_id: str) -> tuple[Receipt, ...]:
        """See `ports.Redemptions.load_receipts`."""
        rows = self._session.exec(
            select(ReceiptRow)
            .where(ReceiptRow.gate_id == gate_id, ReceiptRow.site == self._site)
            .order_by(col(ReceiptRow.key))
        )
        return tuple(_receipt(row) for row in rows)

    def forget_marks(self, gate_id: str) -> int:
        """See `ports.Redemptions.forget_marks`."""
        return self._affected(delete(MarkRow).where(col(MarkRow.gate_id) == gate_id))

    def sweep_passages(self, *, now: datetime) -> int:
        """See `ports.Redemptions.sweep_passages`."""
        is_slot = col(MarkRow.period).startswith(SLOT)
        over = delete(MarkRow).where(~is_slot, col(MarkRow.period) != EVER, col(MarkRow.period) < month_of(now))
        slots = delete(MarkRow).where(is_slot, col(MarkRow.first_use) < epoch_s(now - SLOT_LIFE))
        old = delete(ReceiptRow).where(col(ReceiptRow.erase_at) <= epoch_s(now))
        return self._affected(over) + self._affected(slots) + self._affected(old)

    def _affected(self, statement: Any) -> int:  # noqa: ANN401 - whatever changes rows
        self._session.flush()
        options = {"synchronize_session": False}
        result = cast("CursorResult[Any]", self._session.execute(statement, execution_options=options))
        return result.rowcount


def _receipt(row: ReceiptRow) -> Receipt:
    return Receipt(
        gate_id=row.gate_id,
        terms=row.terms,
        language=row.language,
        signed=SignedTerms(binding=row.binding, holder_key=row.holder_key, salt=row.salt),
        made_at=datetime.fromtimestamp(row.made_at, UTC),
    )
