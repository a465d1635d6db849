"""The authorization code flow in the database."""

from typing import Any

from sqlalchemy import delete
from sqlmodel import col

from issuer.authorization_tables import AuthorizationRow, PushedRequestRow
from issuer.authorizations import Asked
from issuer.store.base import SessionStore, from_s, to_s


class AuthorizationStore(SessionStore):
    """Implements `issuer.delivery_ports.Authorizations`."""

    def add_asked(self, request_hash: str, asked: Asked) -> None:
        """See `issuer.delivery_ports.Authorizations`."""
        self._session.add(PushedRequestRow(request_hash=request_hash, **_columns(asked)))
        self._session.flush()

    def asked(self, request_hash: str) -> Asked | None:
        """See `issuer.delivery_ports.Authorizations`."""
        row = self._session.get(PushedRequestRow, request_hash)
        return _asked(row) if row else None

    def end_asked(self, request_hash: str) -> bool:
        """See `issuer.delivery_ports.Authorizations`."""
        return self._changed_one(delete(PushedRequestRow).where(col(PushedRequestRow.request_hash) == request_hash))

    def add_authorization(self, offer_id: str, asked: Asked) -> None:
        """See `issuer.delivery_ports.Authorizations`."""
        self._session.add(AuthorizationRow(offer_id=offer_id, **_columns(asked)))
        self._session.flush()

    def authorization(self, offer_id: str) -> Asked | None:
        """See `issuer.delivery_ports.Authorizations`."""
        row = self._session.get(AuthorizationRow, offer_id)
        return _asked(row) if row else None


def _columns(asked: Asked) -> dict[str, Any]:
    return {
        "client_id": asked.client_id,
        "redirect_uri": asked.redirect_uri,
        "code_challenge": asked.code_challenge,
        "configuration_ids": " ".join(asked.configuration_ids),
        "state": asked.state,
        "thumbprint": asked.thumbprint,
        "expires_at": to_s(asked.expires_at),
    }


def _asked(row: PushedRequestRow | AuthorizationRow) -> Asked:
    return Asked(
        client_id=row.client_id,
        redirect_uri=row.redirect_uri,
        code_challenge=row.code_challenge,
        configuration_ids=tuple(row.configuration_ids.split()),
        state=row.state,
        thumbprint=row.thumbprint,
        expires_at=from_s(row.expires_at),
    )
