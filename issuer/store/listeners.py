"""Listeners, magic links and logged-in browsers in the database."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import delete, or_
from sqlmodel import col, select

from issuer.listeners import Listener, ListenerExists, UnknownListener
from issuer.store.base import SessionStore, to_s
from issuer.tables import BrowserSessionRow, ListenerRow, LoginLinkRow


class ListenerStore(SessionStore):
    """Implements `issuer.ports.Listeners` and `issuer.ports.Logins`."""

    def add_listener(self, listener: Listener, *, now: datetime) -> None:
        """See `issuer.ports.Listeners`."""
        row = ListenerRow(
            id=listener.id,
            name=listener.name,
            email=listener.email,
            birth_date=listener.birth_date.isoformat() if listener.birth_date else None,
            created_at=to_s(now),
        )
        if not self._add_unless_there(row):
            raise ListenerExists

    def listeners(self) -> Sequence[Listener]:
        """See `issuer.ports.Listeners`."""
        return [_listener(row) for row in self._session.exec(select(ListenerRow).order_by(col(ListenerRow.id)))]

    def find_listener(self, text: str) -> Listener:
        """See `issuer.ports.Listeners`."""
        named = or_(col(ListenerRow.id) == text, col(ListenerRow.email) == text.lower(), col(ListenerRow.name) == text)
        found = self._session.exec(select(ListenerRow).where(named).limit(2)).all()
        if len(found) != 1:
            raise UnknownListener
        return _listener(found[0])

    def known_listener(self, text: str, *, email: str | None = None) -> str | None:
        """See `issuer.ports.Importing`."""
        if not text.isprintable():
            return None  # nobody was ever taken under such a name, and not every engine can be asked for it
        addresses = [address.lower() for address in (text, email) if address]
        known = or_(col(ListenerRow.id).in_([text, text.lower()]), col(ListenerRow.email).in_(addresses))
        return self._session.exec(select(ListenerRow.id).where(known).order_by(col(ListenerRow.id)).limit(1)).first()

    def add_login_link(self, token_hash: str, *, listener: str, until: datetime) -> None:
        """See `issuer.ports.Logins`."""
        self._session.add(LoginLinkRow(token_hash=token_hash, listener_id=listener, expires_at=to_s(until)))
        self._session.flush()

    def login_link(self, token_hash: str, *, now: datetime) -> bool:
        """See `issuer.ports.Logins`."""
        row = self._session.get(LoginLinkRow, token_hash)
        return row is not None and row.expires_at > to_s(now)

    def use_login_link(self, token_hash: str, *, now: datetime) -> str | None:
        """See `issuer.ports.Logins`."""
        row = self._session.get(LoginLinkRow, token_hash)
        if row is None or row.expires_at <= to_s(now):
            return None
        # Whoever removes the row has used the link; a second browser at the same moment removes nothing.
        used = self._changed_one(delete(LoginLinkRow).where(col(LoginLinkRow.token_hash) == token_hash))
        return row.listener_id if used else None

    def add_browser(self, session_hash: str, *, listener: str, until: datetime) -> None:
        """See `issuer.ports.Logins`."""
        self._session.add(BrowserSessionRow(session_hash=session_hash, listener_id=listener, expires_at=to_s(until)))
        self._session.flush()

    def browser(self, session_hash: str, *, now: datetime) -> str | None:
        """See `issuer.ports.Logins`."""
        row = self._session.get(BrowserSessionRow, session_hash)
        return row.listener_id if row and row.expires_at > to_s(now) else None

    def forget_browser(self, session_hash: str) -> None:
        """See `issuer.ports.Logins`."""
        self._changed(delete(BrowserSessionRow).where(col(BrowserSessionRow.session_hash) == session_hash))


def _listener(row: ListenerRow) -> Listener:
    return Listener(
        id=row.id,
        name=row.name,
        email=row.email,
        birth_date=date.fromisoformat(row.birth_date) if row.birth_date else None,
    )
