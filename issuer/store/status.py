"""Status lists in the database. A primary key decides who has an entry, a version who publishes."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, func, select, update
from sqlmodel import col

from credentials.status import PackedStatuses
from issuer.status import ENTRIES, LISTS_PER_MONTH, DrawnEntry, HostedList, Signed
from issuer.status_tables import StatusEndRow, StatusEntryRow, StatusListRow
from issuer.store.base import SessionStore, from_s, to_s
from plumbing.statements import Adding, Statement

# Two thirds of the lists full, and one draw in three still finds a place: fifty draws in a row never fail by accident.
_DRAWS: Final = 50
_PAUSE_STEPS: Final = 1 << 32
# So that a run holds some megabytes at most, however many lists there are; the next run takes the others.
_MOST_AT_ONCE: Final = 200
_DRAWN: Final = Statement(
    select(func.count())
    .select_from(StatusEntryRow)
    .join(StatusListRow, col(StatusListRow.id) == col(StatusEntryRow.list_id))
    .where(col(StatusEntryRow.copy_id) == bindparam("copy"), col(StatusListRow.month) == bindparam("cohort"))
)
_LIST_IDS: Final = Statement(select(col(StatusListRow.id)).where(col(StatusListRow.month) == bindparam("cohort")))
_TAKE: Final = Adding(StatusEntryRow, unless_there=True)
_END: Final = Adding(StatusEndRow, unless_there=True)


class StatusStore(SessionStore):
    """Implements `issuer.status_ports.StatusEntries` and `issuer.status_ports.StatusLists`."""

    def draw(self, copy_id: str, *, count: int, month: str, now: datetime) -> tuple[DrawnEntry, ...]:
        """See `issuer.status_ports.StatusEntries`."""
        lists = self._list_ids(month) or self._open(month, LISTS_PER_MONTH, now=now)
        drawn = {_draw(lists) for _ in range(count)}
        if len(drawn) == count and self._take(copy_id, drawn):  # nearly always
            return tuple(DrawnEntry(list_id=list_id, index=index) for list_id, index in drawn)
        return tuple(self._draw_one(copy_id, lists, month=month, now=now) for _ in range(count))

    def drawn(self, copy_id: str, *, month: str) -> int:
        """See `issuer.status_ports.StatusEntries`."""
        ((count,),) = _DRAWN.rows(self._session, copy=copy_id, cohort=month)
        return int(count)

    def end(self, copy_id: str, now: datetime) -> None:
        """See `issuer.status_ports.StatusEntries`."""
        _END.changed(self._session, copy_id=copy_id, ended_at=to_s(now), settled=False)

    def open_lists(self, month: str, *, count: int, now: datetime) -> int:
        """See `issuer.status_ports.StatusLists`."""
        if self._list_ids(month):
            return 0
        return len(self._open(month, count, now=now))

    def list_ids(self) -> Sequence[str]:
        """See `issuer.status_ports.StatusLists`."""
        return self._session.execute(select(col(StatusListRow.id)).order_by(col(StatusListRow.id))).scalars().all()

    def status_list(self, list_id: str) -> HostedList | None:
        """See `issuer.status_ports.StatusLists`."""
        row = self._session.get(StatusListRow, list_id, populate_existing=True)
        return _hosted(row) if row else None

    def lists_wanting(
        self, *, decoys_by: datetime, signed_before: datetime, signed_after: datetime, by: str
    ) -> Mapping[str, bool]:
        """See `issuer.status_ports.StatusLists`."""
        rows = self._read(
            select(col(StatusListRow.id), col(StatusListRow.decoys_at))
            .where(
                (col(StatusListRow.decoys_at) <= to_s(decoys_by))
                | (col(StatusListRow.signed_at).is_(None))
                | (col(StatusListRow.signed_at) <= to_s(signed_before))
                | (col(StatusListRow.signed_at) > to_s(signed_after))
                | (col(StatusListRow.signed_by) != by)
            )
            .order_by(col(StatusListRow.signed_at).nulls_first())
            .limit(_MOST_AT_ONCE)
        )
        return {list_id: decoys_at <= to_s(decoys_by) for list_id, decoys_at in rows}

    def copies_to_take_back(self, by: datetime) -> Sequence[str]:
        """See `issuer.status_ports.StatusLists`."""
        waiting = (col(StatusEndRow.settled).is_(False), col(StatusEndRow.ended_at) <= to_s(by))
        return self._session.execute(select(col(StatusEndRow.copy_id)).where(*waiting)).scalars().all()

    def entries_of(self, copy_ids: Iterable[str]) -> Mapping[str, frozenset[int]]:
        """See `issuer.status_ports.StatusLists`."""
        found: dict[str, set[int]] = {}
        for list_id, position in self._in_parts(
            copy_ids,
            lambda part: self._read(
                select(col(StatusEntryRow.list_id), col(StatusEntryRow.position)).where(
                    col(StatusEntryRow.copy_id).in_(part)
                )
            ),
        ):
            found.setdefault(list_id, set()).add(position)
        return {list_id: frozenset(positions) for list_id, positions in found.items()}

    def spend(self, list_id: str, indices: frozenset[int]) -> frozenset[int]:
        """See `issuer.status_ports.StatusLists`."""
        return frozenset(index for index in indices if self._take(None, {(list_id, index)}))

    def replace_list(self, after: HostedList) -> bool:
        """See `issuer.status_ports.StatusLists`."""
        signed = after.signed
        return self._changed_one(
            update(StatusListRow)
            .where(col(StatusListRow.id) == after.id, col(StatusListRow.version) == after.version)
            .values(
                version=after.version + 1,
                packed=after.statuses.packed,
                decoys_at=to_s(after.decoys_at),
                token=signed and signed.token,
                signed_at=signed and to_s(signed.at),
                expires_at=signed and to_s(signed.expires_at),
                signed_by=signed and signed.by,
            )
        )

    def settle(self, copy_ids: Iterable[str], *, ended_by: datetime) -> None:
        """See `issuer.status_ports.StatusLists`."""
        for copy_id in copy_ids:
            self._changed(
                update(StatusEndRow)
                .where(col(StatusEndRow.copy_id) == copy_id, col(StatusEndRow.ended_at) <= to_s(ended_by))
                .values(settled=True)
            )

    def _list_ids(self, month: str) -> list[str]:
        return [list_id for (list_id,) in _LIST_IDS.rows(self._session, cohort=month)]

    def _open(self, month: str, count: int, *, now: datetime) -> list[str]:
        made = [HostedList.open(month, now=now, pause=_pause()) for _ in range(count)]
        self._session.add_all(map(_row, made))
        self._session.flush()
        return [each.id for each in made]

    def _draw_one(self, copy_id: str, lists: list[str], *, month: str, now: datetime) -> DrawnEntry:
        for _ in range(_DRAWS):
            drawn = _draw(lists)
            if self._take(copy_id, {drawn}):
                return DrawnEntry(list_id=drawn[0], index=drawn[1])
        # The month's lists are full. That more were opened says that the entry is of the month's later days.
        lists.extend(self._open(month, LISTS_PER_MONTH, now=now))
        return self._draw_one(copy_id, lists, month=month, now=now)

    def _take(self, copy_id: str | None, drawn: set[tuple[str, int]]) -> bool:
        """Take entries; False, and none taken, if somebody has one, perhaps another worker at this very moment."""
        rows = [{"list_id": list_id, "position": index, "copy_id": copy_id} for list_id, index in sorted(drawn)]
        return self._add_all_unless_there(_TAKE, rows)


def _draw(lists: Sequence[str]) -> tuple[str, int]:
    return secrets.choice(lists), secrets.randbelow(ENTRIES)


def _pause() -> float:
    return secrets.randbelow(_PAUSE_STEPS) / _PAUSE_STEPS


def _row(made: HostedList) -> StatusListRow:
    return StatusListRow(
        id=made.id,
        month=made.month,
        version=made.version,
        packed=made.statuses.packed,
        decoys_at=to_s(made.decoys_at),
    )


def _hosted(row: StatusListRow) -> HostedList:
    signed = None
    if row.token is not None and row.signed_at is not None and row.expires_at is not None:
        signed = Signed(
            token=row.token, at=from_s(row.signed_at), expires_at=from_s(row.expires_at), by=row.signed_by or ""
        )
    return HostedList(
        id=row.id,
        month=row.month,
        version=row.version,
        statuses=PackedStatuses(1, row.packed),
        decoys_at=from_s(row.decoys_at),
        signed=signed,
    )
