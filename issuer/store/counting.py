"""Who counts, in the database. One conditional statement decides every race."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import col, select

from credentials.encoding import base64url
from issuer.copies import Copy, CopyKind
from issuer.counting import CountingScope, Mode, subject_of
from issuer.counting_tables import CommitmentResetRow, CommitmentRow, CountingScopeRow
from issuer.store.base import SessionStore, to_s
from issuer.tables import TrackRow
from plumbing.ids import new_internal_id


class CountingStore(SessionStore):
    """Implements `issuer.counting_ports.Counting`."""

    def counting_subjects(self, copies: Iterable[Copy]) -> Mapping[str, str]:
        """See `issuer.counting_ports.Counting`."""
        chosen = list(copies)
        tracks = [copy.subject for copy in chosen if copy.kind is CopyKind.TRACK]
        releases = dict(
            self._in_parts(
                tracks,
                lambda part: self._session.exec(
                    select(TrackRow.id, TrackRow.release_id).where(col(TrackRow.id).in_(part))
                ),
            )
        )
        return {copy.id: _subject(copy, releases) for copy in chosen}

    def counting_scopes(self, listener: str) -> Sequence[CountingScope]:
        """See `issuer.counting_ports.Counting`."""
        rows = self._session.exec(select(CountingScopeRow).where(CountingScopeRow.listener_id == listener))
        return [_scope(row) for row in rows]

    def counting_scope(self, listener: str, subject: str) -> CountingScope | None:
        """See `issuer.counting_ports.Counting`."""
        mine = (CountingScopeRow.listener_id == listener, CountingScopeRow.subject == subject)
        row = self._session.exec(
            select(CountingScopeRow).where(*mine).execution_options(populate_existing=True)
        ).one_or_none()
        return _scope(row) if row else None

    def scope_of_label(self, label: str) -> CountingScope | None:
        """See `issuer.counting_ports.Counting`."""
        row = self._session.get(CountingScopeRow, label, populate_existing=True)
        return _scope(row) if row else None

    def add_scope(self, scope: CountingScope) -> bool:
        """See `issuer.counting_ports.Counting`."""
        return self._add_unless_there(
            CountingScopeRow(
                label=scope.label,
                listener_id=scope.listener,
                subject=scope.subject,
                mode=scope.mode.value,
                from_month=scope.from_month,
            )
        )

    def count_by_copy(self, label: str) -> bool:
        """See `issuer.counting_ports.Counting`."""
        undecided = (col(CountingScopeRow.label) == label, col(CountingScopeRow.mode) == Mode.UNDECIDED.value)
        return self._changed_one(update(CountingScopeRow).where(*undecided).values(mode=Mode.COPY.value))

    def take_commitment(self, label: str, point: bytes, *, entropy: bytes) -> bool:
        """See `issuer.counting_ports.Counting`."""
        written = base64url.encode(point)
        with self._session.begin_nested() as both:
            taken = self._add_unless_there(CommitmentRow(point=written, label=label)) and self._commit(written, label)
            if not taken:
                both.rollback()  # a point that came to nothing stays free for whoever has its secret
        if taken:
            undrawn = (col(CountingScopeRow.label) == label, col(CountingScopeRow.entropy).is_(None))
            self._changed(update(CountingScopeRow).where(*undrawn).values(entropy=base64url.encode(entropy)))
        return taken

    def _commit(self, point: str, label: str) -> bool:
        free = (
            col(CountingScopeRow.label) == label,
            col(CountingScopeRow.mode) != Mode.COPY.value,
            col(CountingScopeRow.commitment).is_(None),
        )
        return self._changed_one(
            update(CountingScopeRow).where(*free).values(mode=Mode.PSEUDONYM.value, commitment=point)
        )

    def note_issued(self, label: str, month: str) -> None:
        """See `issuer.counting_ports.Counting`."""
        older = (col(CountingScopeRow.label) == label, col(CountingScopeRow.last_month) < month)
        self._changed(update(CountingScopeRow).where(*older).values(last_month=month))

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
        recent = (CommitmentResetRow.label == label, col(CommitmentResetRow.at) > to_s(since))
        return self._session.exec(select(CommitmentResetRow.counted).where(*recent)).all()


def _subject(copy: Copy, releases: Mapping[str, str]) -> str:
    if copy.kind is CopyKind.TRACK:
        return subject_of(CopyKind.RELEASE.value, releases[copy.subject])
    return subject_of(copy.kind.value, copy.subject)


def _scope(row: CountingScopeRow) -> CountingScope:
    return CountingScope(
        label=row.label,
        listener=row.listener_id,
        subject=row.subject,
        mode=Mode(row.mode),
        from_month=row.from_month,
        last_month=row.last_month,
        commitment=_bytes(row.commitment),
        entropy=_bytes(row.entropy),
        confirmed=row.confirmed,
    )


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64url.decode(text, what="row of a counting scope")
