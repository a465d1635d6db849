"""Members, personas and contributions in the database."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import update
from sqlmodel import col, select

from issuer.registers import Contribution, Membership, Persona, PersonaKind
from issuer.store.base import SessionStore, from_s, to_s
from issuer.tables import ContributionRow, ListenerRow, MembershipRow, PersonaRow


class RegisterStore(SessionStore):
    """Implements `issuer.ports.Registers`."""

    def birth_date(self, listener: str) -> date | None:
        """See `issuer.ports.Registers`."""
        row = self._session.get(ListenerRow, listener)
        return date.fromisoformat(row.birth_date) if row and row.birth_date else None

    def membership(self, membership_id: str) -> Membership | None:
        """See `issuer.ports.Registers`."""
        row = self._session.get(MembershipRow, membership_id)
        return _membership(row) if row else None

    def running_membership(self, listener: str) -> Membership | None:
        """See `issuer.ports.Registers`."""
        mine = select(MembershipRow).where(MembershipRow.listener_id == listener, col(MembershipRow.ended_at).is_(None))
        row = self._session.exec(mine).one_or_none()
        return _membership(row) if row else None

    def first_membership(self, listener: str) -> Membership | None:
        """See `issuer.ports.Registers`."""
        mine = select(MembershipRow).where(MembershipRow.listener_id == listener)
        row = self._session.exec(mine.order_by(col(MembershipRow.started_at), col(MembershipRow.id)).limit(1)).first()
        return _membership(row) if row else None

    def members(self) -> Sequence[Membership]:
        """See `issuer.ports.Registers`."""
        running = select(MembershipRow).where(col(MembershipRow.ended_at).is_(None))
        return [_membership(row) for row in self._session.exec(running.order_by(col(MembershipRow.started_at)))]

    def lapsed_members(self, now: datetime) -> Sequence[Membership]:
        """See `issuer.ports.Registers`."""
        over = (col(MembershipRow.ended_at).is_(None), col(MembershipRow.ends_at) <= to_s(now))
        return [_membership(row) for row in self._session.exec(select(MembershipRow).where(*over))]

    def add_membership(self, membership: Membership) -> bool:
        """See `issuer.ports.Registers`."""
        return self._add_unless_there(
            MembershipRow(
                id=membership.id,
                listener_id=membership.listener,
                number=membership.number,
                share_class=membership.share_class,
                since=membership.since,
                started_at=to_s(membership.started),
                ends_at=to_s(membership.ends) if membership.ends else None,
            )
        )

    def end_membership(self, membership_id: str, *, at: datetime) -> bool:
        """See `issuer.ports.Registers`."""
        running = (col(MembershipRow.id) == membership_id, col(MembershipRow.ended_at).is_(None))
        return self._changed_one(update(MembershipRow).where(*running).values(ended_at=to_s(at)))

    def persona(self, persona_id: str) -> Persona | None:
        """See `issuer.ports.Registers`."""
        row = self._session.get(PersonaRow, persona_id)
        return _persona(row) if row else None

    def personas(self) -> Sequence[Persona]:
        """See `issuer.ports.Registers`."""
        return [_persona(row) for row in self._session.exec(select(PersonaRow).order_by(col(PersonaRow.name)))]

    def save_persona(self, persona: Persona, *, at: datetime) -> None:
        """See `issuer.ports.Registers`."""
        self._session.merge(
            PersonaRow(
                id=persona.id,
                listener_id=persona.listener,
                name=persona.name,
                kind=persona.kind,
                vouched_by=persona.vouched_by,
                vouching=persona.vouching,
                catalogue=" ".join(persona.catalogue),
                verified_at=to_s(at),
            )
        )
        self._session.flush()

    def contribution(self, contribution_id: str) -> Contribution | None:
        """See `issuer.ports.Registers`."""
        row = self._session.get(ContributionRow, contribution_id)
        return _contribution(row) if row else None

    def contribution_by_key(self, key: str) -> Contribution | None:
        """See `issuer.ports.Registers`."""
        row = self._session.exec(select(ContributionRow).where(ContributionRow.key == key)).one_or_none()
        return _contribution(row) if row else None

    def add_contribution(self, contribution: Contribution, *, key: str, at: datetime) -> bool:
        """See `issuer.ports.Registers`."""
        return self._add_unless_there(
            ContributionRow(
                id=contribution.id,
                key=key,
                listener_id=contribution.listener,
                what=contribution.what,
                role=contribution.role,
                period=contribution.period,
                at=to_s(at),
            )
        )


def _membership(row: MembershipRow) -> Membership:
    return Membership(
        id=row.id,
        listener=row.listener_id,
        number=row.number,
        share_class=row.share_class,
        since=row.since,
        started=from_s(row.started_at),
        ends=from_s(row.ends_at) if row.ends_at is not None else None,
    )


def _persona(row: PersonaRow) -> Persona:
    return Persona(
        id=row.id,
        listener=row.listener_id,
        name=row.name,
        kind=PersonaKind(row.kind),
        vouched_by=row.vouched_by,
        vouching=row.vouching,
        catalogue=tuple(row.catalogue.split()),
    )


def _contribution(row: ContributionRow) -> Contribution:
    return Contribution(id=row.id, listener=row.listener_id, what=row.what, role=row.role, period=row.period)
