"""Entries and copies in the database."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, assert_never

import sqlalchemy
from sqlalchemy import bindparam, insert, update
from sqlmodel import col, select

from issuer.copies import Copy, CopyKind, Ended
from issuer.ledger import (
    Acquisition,
    Act,
    BuyRelease,
    BuyTrack,
    Charge,
    Entry,
    Gift,
    GiveAway,
    Play,
    Refund,
    Strike,
    Thing,
    ThingKind,
    UseCode,
)
from issuer.store.base import SessionStore, from_s, to_s
from issuer.tables import CopyRow, EntryChargeRow, EntryRow, EntryStrikeRow
from plumbing.ids import new_internal_id
from plumbing.statements import Adding, Row, Statement, Value, every_column

COPY: Final = every_column(CopyRow)
_A_COPY: Final = sqlalchemy.select(*COPY)
_GOOD_COPIES: Final = Statement(
    _A_COPY.where(col(CopyRow.listener_id) == bindparam("listener"), col(CopyRow.ended).is_(None)).order_by(
        col(CopyRow.id)
    )
)
_PAST_COPIES: Final = Statement(
    _A_COPY.where(col(CopyRow.listener_id) == bindparam("listener"), col(CopyRow.ended).is_not(None)).order_by(
        col(CopyRow.ended_at).desc(), col(CopyRow.id)
    )
)
_COPY: Final = Statement(_A_COPY.where(col(CopyRow.id) == bindparam("copy")))
_KEEP_COPY: Final = Adding(CopyRow, unless_there=True)


class LedgerStore(SessionStore):
    """Implements `issuer.ports.Ledger`."""

    def entry(self, key: str) -> Entry | None:
        """See `issuer.ports.Ledger`."""
        row = self._session.exec(select(EntryRow).where(EntryRow.key == key)).one_or_none()
        return self._entries([row])[0] if row else None

    def entries(self, listener: str) -> Sequence[Entry]:
        """See `issuer.ports.Ledger`."""
        return self._entries(self._session.exec(select(EntryRow).where(EntryRow.listener_id == listener)).all())

    def entries_for(self, listener: str, track_ids: Iterable[str]) -> Sequence[Entry]:
        """See `issuer.ports.Ledger`."""
        rows = self._in_parts(
            track_ids,
            lambda part: self._session.exec(
                select(EntryRow).where(
                    col(EntryRow.id).in_(
                        select(EntryChargeRow.entry_id).where(
                            col(EntryChargeRow.track_id).in_(part), EntryChargeRow.listener_id == listener
                        )
                    )
                )
            ),
        )
        # An entry of a release comes with each part of its tracks.
        return self._entries(list({row.id: row for row in rows}.values()))

    def append(self, entry: Entry) -> None:
        """See `issuer.ports.Ledger`."""
        row = _entry_row(entry)
        charges = [
            {
                "entry_id": row["id"],
                "track_id": charge.track,
                "listener_id": entry.listener,
                "position": position,
                "milli": charge.milli,
                "already_owned": charge.already_owned,
            }
            for position, charge in enumerate(entry.charges)
        ]
        strikes = [
            {"entry_id": row["id"], "struck_key": strike.key, "track_id": strike.track} for strike in entry.strikes
        ]
        for table, rows in ((EntryRow, [row]), (EntryChargeRow, charges), (EntryStrikeRow, strikes)):
            if rows:  # at once: an import brings millions
                self._session.execute(insert(table), rows)

    def listeners_with_tracks(self, track_ids: Iterable[str]) -> Sequence[str]:
        """See `issuer.ports.Ledger`."""
        found = self._in_parts(
            track_ids,
            lambda part: self._session.exec(
                select(EntryChargeRow.listener_id).where(col(EntryChargeRow.track_id).in_(part)).distinct()
            ),
        )
        return sorted(set(found))

    def copies(self, listener: str) -> Sequence[Copy]:
        """See `issuer.ports.Ledger`."""
        return [copy_of(row) for row in _GOOD_COPIES.rows(self._session, listener=listener)]

    def past_copies(self, listener: str) -> Sequence[Copy]:
        """See `issuer.ports.Ledger`."""
        return [copy_of(row) for row in _PAST_COPIES.rows(self._session, listener=listener)]

    def copy(self, copy_id: str) -> Copy | None:
        """See `issuer.ports.Ledger`."""
        row = _COPY.first(self._session, copy=copy_id)
        return copy_of(row) if row else None

    def keep_copies(self, copies: Sequence[Copy]) -> None:
        """See `issuer.ports.Ledger`."""
        # Where somebody was first with one of them, the others are kept.
        _KEEP_COPY.changed_by_all(self._session, [_copy_row(copy) for copy in copies])

    def end_copy(self, copy_id: str, *, why: Ended, now: datetime) -> bool:
        """See `issuer.ports.Ledger`."""
        good = (col(CopyRow.id) == copy_id, col(CopyRow.ended).is_(None))
        return self._changed_one(update(CopyRow).where(*good).values(ended=why.value, ended_at=to_s(now)))

    def _entries(self, rows: Sequence[EntryRow]) -> list[Entry]:
        charges: dict[str, list[Charge]] = {row.id: [] for row in rows}
        for charge in self._in_parts(
            charges,
            lambda part: self._session.exec(
                select(EntryChargeRow)
                .where(col(EntryChargeRow.entry_id).in_(part))
                .order_by(col(EntryChargeRow.entry_id), col(EntryChargeRow.position))
            ),
        ):
            charges[charge.entry_id].append(
                Charge(track=charge.track_id, milli=charge.milli, already_owned=charge.already_owned)
            )
        strikes = self._strikes(row.id for row in rows if row.kind in _LOSSES)
        return [
            Entry(
                key=row.key,
                listener=row.listener_id,
                act=_act(row),
                charges=tuple(charges[row.id]),
                at=from_s(row.at),
                strikes=tuple(strikes.get(row.id, ())),
            )
            for row in rows
        ]

    def _strikes(self, entry_ids: Iterable[str]) -> dict[str, list[Strike]]:
        strikes: dict[str, list[Strike]] = {}
        for strike in self._in_parts(
            entry_ids,
            lambda part: self._session.exec(
                select(EntryStrikeRow)
                .where(col(EntryStrikeRow.entry_id).in_(part))
                .order_by(col(EntryStrikeRow.struck_key), col(EntryStrikeRow.track_id))
            ),
        ):
            strikes.setdefault(strike.entry_id, []).append(Strike(key=strike.struck_key, track=strike.track_id))
        return strikes


def _copy_row(copy: Copy) -> dict[str, Value]:
    return {
        "id": copy.id,
        "listener_id": copy.listener,
        "kind": copy.kind.value,
        "subject": copy.subject,
        "acquisition": copy.acquisition.value,
        "month": copy.month,
        "ended": None,
        "ended_at": None,
    }


def copy_of(row: Row) -> Copy:
    """Read a copy from its row, in the order of `COPY`."""
    copy_id, listener, kind, subject, acquisition, month, ended, ended_at = row
    return Copy(
        id=copy_id,
        listener=listener,
        kind=CopyKind(kind),
        subject=subject,
        acquisition=Acquisition(acquisition),
        month=month,
        ended=Ended(ended) if ended is not None else None,
        ended_month=f"{from_s(ended_at):%Y-%m}" if ended_at is not None else None,
    )


def _entry_row(entry: Entry) -> dict[str, Any]:
    kind, subject, seconds, source = _columns(entry.act)
    return {
        "id": new_internal_id(entry.at),
        "key": entry.key,
        "listener_id": entry.listener,
        "kind": kind,
        "subject": subject,
        "seconds": seconds,
        "source": source,
        "at": to_s(entry.at),
    }


def _columns(act: Act) -> tuple[str, str, int | None, str | None]:
    match act:
        case Play():
            return "play", act.track, act.seconds, None
        case BuyTrack(track=subject):
            return "buy_track", subject, None, None
        case BuyRelease(release=subject):
            return "buy_release", subject, None, None
        case Gift():
            return f"gift_{act.thing.kind}", act.thing.id, None, act.source
        case UseCode():
            return f"code_{act.thing.kind}", act.thing.id, None, act.code
        case Refund() | GiveAway():
            return ("refund" if isinstance(act, Refund) else "give_away"), act.copy, None, None
        case _:
            assert_never(act)


_LOSSES: Final = frozenset({"refund", "give_away"})
_READERS: Final[Mapping[str, Callable[[EntryRow], Act]]] = {
    "play": lambda row: Play(track=row.subject, seconds=row.seconds or 0),
    "buy_track": lambda row: BuyTrack(track=row.subject),
    "buy_release": lambda row: BuyRelease(release=row.subject),
    "gift_track": lambda row: Gift(thing=Thing(kind=ThingKind.TRACK, id=row.subject), source=row.source),
    "gift_release": lambda row: Gift(thing=Thing(kind=ThingKind.RELEASE, id=row.subject), source=row.source),
    "code_track": lambda row: UseCode(thing=Thing(kind=ThingKind.TRACK, id=row.subject), code=row.source or ""),
    "code_release": lambda row: UseCode(thing=Thing(kind=ThingKind.RELEASE, id=row.subject), code=row.source or ""),
    "refund": lambda row: Refund(copy=row.subject),
    "give_away": lambda row: GiveAway(copy=row.subject),
}


def _act(row: EntryRow) -> Act:
    reader = _READERS.get(row.kind)
    if reader is None:
        raise ValueError("The ledger holds an entry of a kind that this version does not know.")
    return reader(row)
