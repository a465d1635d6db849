"""Passages in the database: `verifier.ports.Redemptions`, its counts, the marks of limited gates, and receipts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, delete, func, select, update
from sqlmodel import col

from plumbing.clock import SET_BACK, epoch_s
from plumbing.ids import new_internal_id
from plumbing.statements import Adding, Row, Statement, Value
from verifier.limits import EVER, SLOT, SLOT_LIFE, Mark, month_of
from verifier.receipts import Receipt, SignedTerms
from verifier.tables import MarkRow, ReceiptRow, RedemptionRow

if TYPE_CHECKING:
    from sqlmodel import Session

_OF_GATE: Final = col(MarkRow.gate_id) == bindparam("gate")
_ONE_MARK: Final = (_OF_GATE, col(MarkRow.period) == bindparam("in_period"), col(MarkRow.mark) == bindparam("value"))
_PASS_AGAIN: Final = Statement(
    update(RedemptionRow)
    .where(
        col(RedemptionRow.site) == bindparam("at_site"),
        col(RedemptionRow.gate_id) == bindparam("gate"),
        col(RedemptionRow.terms) == bindparam("under"),
        col(RedemptionRow.month) == bindparam("in_month"),
    )
    .values(passages=col(RedemptionRow.passages) + 1)
)
_PASS_FIRST: Final = Adding(RedemptionRow, unless_there=True)
_PASSAGES: Final = Statement(
    select(col(RedemptionRow.month), func.sum(col(RedemptionRow.passages)))
    .where(col(RedemptionRow.gate_id) == bindparam("gate"))
    .group_by(col(RedemptionRow.month))
    .order_by(col(RedemptionRow.month))
)
_USE_AGAIN: Final = Statement(
    update(MarkRow).where(*_ONE_MARK, col(MarkRow.uses) < bindparam("times")).values(uses=col(MarkRow.uses) + 1)
)
_USE_FIRST: Final = Adding(MarkRow, unless_there=True)
_SPENT: Final = Statement(select(col(MarkRow.first_use)).where(*_ONE_MARK, col(MarkRow.uses) >= bindparam("times")))
_MARKS: Final = Statement(
    select(col(MarkRow.period), col(MarkRow.mark), col(MarkRow.uses), col(MarkRow.first_use)).where(
        _OF_GATE, col(MarkRow.site) == bindparam("at_site")
    )
)
_SET_MARK: Final = Statement(
    update(MarkRow).where(*_ONE_MARK).values(uses=bindparam("used"), first_use=bindparam("used_first"))
)
_FORGET_MARKS: Final = Statement(delete(MarkRow).where(_OF_GATE))
_ADD_RECEIPT: Final = Adding(ReceiptRow)
_RECEIPTS: Final = Statement(
    select(
        col(ReceiptRow.gate_id),
        col(ReceiptRow.terms),
        col(ReceiptRow.language),
        col(ReceiptRow.salt),
        col(ReceiptRow.binding),
        col(ReceiptRow.holder_key),
        col(ReceiptRow.made_at),
    )
    .where(col(ReceiptRow.gate_id) == bindparam("gate"), col(ReceiptRow.site) == bindparam("at_site"))
    .order_by(col(ReceiptRow.key))
)
_IS_SLOT: Final = col(MarkRow.period).startswith(SLOT)
_SWEEP_MONTHS: Final = Statement(
    delete(MarkRow).where(~_IS_SLOT, col(MarkRow.period) != EVER, col(MarkRow.period) < bindparam("in_month"))
)
_SWEEP_SLOTS: Final = Statement(delete(MarkRow).where(_IS_SLOT, col(MarkRow.first_use) < bindparam("oldest")))
_SWEEP_RECEIPTS: Final = Statement(delete(ReceiptRow).where(col(ReceiptRow.erase_at) <= bindparam("now")))


class PassageRows:
    """A part of `verifier.store.SqlStores`, which opens the session and knows the site."""

    _session: Session
    _site: str

    def count_passage(self, *, site: str, gate_id: str, terms: str, month: str) -> None:
        """See `ports.Redemptions.count_passage`."""
        where: dict[str, Value] = {"at_site": site, "gate": gate_id, "under": terms, "in_month": month}
        if _PASS_AGAIN.changed(self._session, **where) == 1:
            return
        row: dict[str, Value] = {"site": site, "gate_id": gate_id, "terms": terms, "month": month, "passages": 1}
        if _PASS_FIRST.changed(self._session, **row) == 0:
            # Somebody else's first passage came between the two, where an engine lets two write at once.
            _PASS_AGAIN.changed(self._session, **where)

    def load_passages(self, gate_id: str) -> tuple[tuple[str, int], ...]:
        """See `ports.Redemptions.load_passages`."""
        return tuple((month, int(count)) for month, count in _PASSAGES.rows(self._session, gate=gate_id))

    def use_up(self, gate_id: str, *, period: str, mark: bytes, times: int, now: datetime) -> datetime | None:
        """See `ports.Redemptions.use_up`: an UPDATE that counts, or an INSERT that only the first of all can do."""
        where: dict[str, Value] = {"gate": gate_id, "in_period": period, "value": mark, "times": times}
        if _USE_AGAIN.changed(self._session, **where) == 1:
            return None
        if self._add_mark(gate_id, Mark(period=period, value=mark, uses=1, first_use=now)):
            return None
        # Somebody else's first use may have come between the two, where an engine lets two write at once.
        if _USE_AGAIN.changed(self._session, **where) == 1:
            return None
        return self.load_spent(gate_id, period=period, mark=mark, times=times) or now

    def load_spent(self, gate_id: str, *, period: str, mark: bytes, times: int) -> datetime | None:
        """See `ports.Redemptions.load_spent`."""
        row = _SPENT.first(self._session, gate=gate_id, in_period=period, value=mark, times=times)
        return None if row is None else datetime.fromtimestamp(row[0], UTC)

    def load_marks(self, gate_id: str) -> tuple[Mark, ...]:
        """See `ports.Redemptions.load_marks`."""
        rows = _MARKS.rows(self._session, gate=gate_id, at_site=self._site)
        return tuple(
            Mark(period=period, value=value, uses=uses, first_use=datetime.fromtimestamp(first_use, UTC))
            for period, value, uses, first_use in rows
        )

    def save_mark(self, gate_id: str, mark: Mark) -> None:
        """See `ports.Redemptions.save_mark`."""
        changed = _SET_MARK.changed(
            self._session,
            gate=gate_id,
            in_period=mark.period,
            value=mark.value,
            used=mark.uses,
            used_first=epoch_s(mark.first_use),
        )
        if changed == 0:
            self._add_mark(gate_id, mark)

    def save_receipt(self, receipt: Receipt) -> None:
        """See `ports.Redemptions.save_receipt`."""
        _ADD_RECEIPT.changed(
            self._session,
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

    def load_receipts(self, gate_id: str) -> tuple[Receipt, ...]:
        """See `ports.Redemptions.load_receipts`."""
        return tuple(_receipt(row) for row in _RECEIPTS.rows(self._session, gate=gate_id, at_site=self._site))

    def forget_marks(self, gate_id: str) -> int:
        """See `ports.Redemptions.forget_marks`."""
        return _FORGET_MARKS.changed(self._session, gate=gate_id)

    def sweep_passages(self, *, now: datetime) -> int:
        """See `ports.Redemptions.sweep_passages`."""
        surely_over = now - SET_BACK
        months = _SWEEP_MONTHS.changed(self._session, in_month=month_of(surely_over))
        slots = _SWEEP_SLOTS.changed(self._session, oldest=epoch_s(surely_over - SLOT_LIFE))
        return months + slots + _SWEEP_RECEIPTS.changed(self._session, now=epoch_s(now))

    def _add_mark(self, gate_id: str, mark: Mark) -> bool:
        """Remember a mark unless it is there; tell whether it was not."""
        added = _USE_FIRST.changed(
            self._session,
            gate_id=gate_id,
            period=mark.period,
            mark=mark.value,
            site=self._site,
            uses=mark.uses,
            first_use=epoch_s(mark.first_use),
        )
        return added == 1


def _receipt(row: Row) -> Receipt:
    gate_id, terms, language, salt, binding, holder_key, made_at = row
    return Receipt(
        gate_id=gate_id,
        terms=terms,
        language=language,
        signed=SignedTerms(binding=binding, holder_key=holder_key, salt=salt),
        made_at=datetime.fromtimestamp(made_at, UTC),
    )
