"""Who counts, in the database. One conditional statement decides every race."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select, update
from sqlmodel import col

from credentials.encoding import base64url
from issuer.copies import Copy, CopyKind
from issuer.counting import CountingScope, Mode, subject_of
from issuer.counting_tables import CommitmentResetRow, CommitmentRow, CountingScopeRow
from issuer.store.base import SessionStore, to_s
from issuer.tables import TrackRow
from plumbing.ids import new_internal_id
from plumbing.statements import Adding, Row, Statement, all_or_nothing, every_column

_SCOPE: Final = select(*every_column(CountingScopeRow))
_OF_LISTENER: Final = col(CountingScopeRow.listener_id) == bindparam("listener")
_SCOPES: Final = Statement(_SCOPE.where(_OF_LISTENER))
_SCOPE_OF_SUBJECT: Final = Statement(
    _SCOPE.where(_OF_LISTENER, col(CountingScopeRow.subject) == bindparam("counted_subject"))
)
_LABELLED: Final = col(CountingScopeRow.label) == bindparam("scope")
_SCOPE_OF_LABEL: Final = Statement(_SCOPE.where(_LABELLED))
_ADD_SCOPE: Final = Adding(CountingScopeRow, unless_there=True)
_COUNT_BY_COPY: Final = Statement(
    update(CountingScopeRow)
    .where(_LABELLED, col(CountingScopeRow.mode) == Mode.UNDECIDED.value)
    .values(mode=Mode.COPY.value)
)
_ADD_COMMITMENT: Final = Adding(CommitmentRow, unless_there=True)
_COMMIT: Final = Statement(
    update(CountingScopeRow)
    .where(_LABELLED, col(CountingScopeRow.mode) != Mode.COPY.value, col(CountingScopeRow.commitment).is_(None))
    .values(mode=Mode.PSEUDONYM.value, commitment=bindparam("point"))
)
_DRAW_ENTROPY: Final = Statement(
    update(CountingScopeRow)
    .where(_LABELLED, col(CountingScopeRow.entropy).is_(None))
    .values(entropy=bindparam("drawn"))
)
_NOTE_ISSUED: Final = Statement(
    update(CountingScopeRow)
    .where(_LABELLED, col(CountingScopeRow.last_month) < bindparam("month"))
    .values(last_month=bindparam("month"))
)
_RELEASE_OF_TRACK: Final = Statement(
    select(col(TrackRow.id), col(TrackRow.release_id)).where(col(TrackRow.id) == bindparam("track"))
)
# Asking so often costs less than making one question for a list.
_FEW: Final = 8


class CountingStore(SessionStore):
    """Implements `issuer.counting_ports.Counting`."""

    def counting_subjects(self, copies: Iterable[Copy]) -> Mapping[str, str]:
        """See `issuer.counting_ports.Counting`."""
        chosen = list(copies)
        tracks = [copy.subject for copy in chosen if copy.kind is CopyKind.TRACK]
        releases: dict[str, str] = dict(self._releases_of(tracks))
        return {copy.id: _subject(copy, releases) for copy in chosen}

    def _releases_of(self, tracks: Sequence[str]) -> Iterable[Row]:
        if len(tracks) <= _FEW:
            return [row for track in tracks for row in _RELEASE_OF_TRACK.rows(self._session, track=track)]
        return self._in_parts(
            tracks,
            lambda part: self._read(
                select(col(TrackRow.id), col(TrackRow.release_id)).where(col(TrackRow.id).in_(part))
            ),
        )

    def counting_scopes(self, listener: str) -> Sequence[CountingScope]:
        """See `issuer.counting_ports.Counting`."""
        return [_scope(row) for row in _SCOPES.rows(self._session, listener=listener)]

    def counting_scope(self, listener: str, subject: str) -> CountingScope | None:
        """See `issuer.counting_ports.Counting`."""
        row = _SCOPE_OF_SUBJECT.first(self._session, listener=listener, counted_subject=subject)
        return _scope(row) if row else None

    def scope_of_label(self, label: str) -> CountingScope | None:
        """See `issuer.counting_ports.Counting`."""
        row = _SCOPE_OF_LABEL.first(self._session, scope=label)
        return _scope(row) if row else None

    def add_scope(self, scope: CountingScope) -> bool:
        """See `issuer.counting_ports.Counting`."""
        added = _ADD_SCOPE.changed(
            self._session,
            label=scope.label,
            listener_id=scope.listener,
            subject=scope.subject,
            mode=scope.mode.value,
            from_month=scope.from_month,
            last_month="",
            commitment=None,
            entropy=None,
            confirmed=False,
        )
        return added == 1

    def count_by_copy(self, label: str) -> bool:
        """See `issuer.counting_ports.Counting`."""
        return _COUNT_BY_COPY.changed(self._session, scope=label) == 1

    def take_commitment(self, label: str, point: bytes, *, entropy: bytes) -> bool:
        """See `issuer.counting_ports.Counting`."""
        written, session = base64url.encode(point), self._session

        def take() -> bool:
            added = _ADD_COMMITMENT.changed(session, point=written, label=label) == 1
            return added and _COMMIT.changed(session, scope=label, point=written) == 1

        taken = all_or_nothing(session, take)  # a point that came to nothing stays free for whoever has its secret
        if taken:
            _DRAW_ENTROPY.changed(session, scope=label, drawn=base64url.encode(entropy))
        return taken

    def note_issued(self, label: str, month: str) -> None:
        """See `issuer.counting_ports.Counting`."""
        _NOTE_ISSUED.changed(self._session, scope=label, month=month)

    def start_from(self, label: str, month: str) -> None:
        """See `issuer.counting_ports.Counting`."""
        earlier = (col(CountingScopeRow.label) == label, col(CountingScopeRow.from_month) < month)
        self._changed(update(CountingScopeRow).where(*earlier).values(from_month=month))

    def confirm_wallet(self, label: str) -> bool:
        """See `issuer.counting_ports.Counting`."""
        unsaid = (
            col(CountingScopeRow.label) == label,
            col(CountingScopeRow.commitment).is_not(None),
            col(CountingScopeRow.confirmed).is_(False),
        )
        return self._changed_one(update(CountingScopeRow).where(*unsaid).values(confirmed=True))

    def start_anew(self, scope: CountingScope, *, from_month: str, counted: bool, now: datetime) -> bool:
        """See `issuer.counting_ports.Counting`."""
        point = base64url.encode(scope.commitment or b"")
        there = (col(CountingScopeRow.label) == scope.label, col(CountingScopeRow.commitment) == point)
        forgotten = self._changed_one(
            update(CountingScopeRow).where(*there).values(commitment=None, confirmed=False, from_month=from_month)
        )
        if forgotten:
            row = CommitmentResetRow(id=new_internal_id(now), label=scope.label, at=to_s(now), counted=counted)
            self._session.add(row)
            self._session.flush()
        return forgotten

    def resets(self, label: str, *, since: datetime) -> Sequence[bool]:
        """See `issuer.counting_ports.Counting`."""
        recent = (col(CommitmentResetRow.label) == label, col(CommitmentResetRow.at) > to_s(since))
        return self._session.execute(select(col(CommitmentResetRow.counted)).where(*recent)).scalars().all()


def _subject(copy: Copy, releases: Mapping[str, str]) -> str:
    if copy.kind is CopyKind.TRACK:
        return subject_of(CopyKind.RELEASE.value, releases[copy.subject])
    return subject_of(copy.kind.value, copy.subject)


def _scope(row: Row) -> CountingScope:
    label, listener, subject, mode, from_month, last_month, commitment, entropy, confirmed = row
    return CountingScope(
        label=label,
        listener=listener,
        subject=subject,
        mode=Mode(mode),
        from_month=from_month,
        last_month=last_month,
        commitment=_bytes(commitment),
        entropy=_bytes(entropy),
        confirmed=bool(confirmed),
    )


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64url.decode(text, what="row of a counting scope")
