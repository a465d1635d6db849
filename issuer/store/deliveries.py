"""Deliveries, their tokens and what waits, in the database. One conditional statement decides every race."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, func, update
from sqlmodel import col, select

from credentials.encoding import base64url, strict_json
from credentials.keys.jwk import PublicKey
from credentials.protocols.members import check_items
from credentials.protocols.openid4vci import Form
from issuer.copies import Copy
from issuer.deliveries import REPLAYS_SEEN, Delivery, RefreshToken, Token, Waiting
from issuer.delivery_tables import (
    AccessTokenRow,
    DeferredRow,
    DeliveryCopyRow,
    DeliveryRow,
    HoldRow,
    NotificationRow,
    RefreshTokenRow,
)
from issuer.offers import Offer
from issuer.store.base import SessionStore, from_s, to_s
from issuer.store.ledger import copy_of
from issuer.tables import CopyRow

_WHAT = "row of a deferred request"
_MAX_KEYS = 100


class DeliveryStore(SessionStore):
    """Implements `issuer.delivery_ports.Deliveries` and `issuer.delivery_ports.Deferring`."""

    def add_delivery(self, delivery: Delivery) -> None:
        """See `issuer.delivery_ports.Deliveries`."""
        self._session.add(
            DeliveryRow(
                id=delivery.id,
                offer_id=delivery.offer,
                thumbprint=delivery.thumbprint,
                configuration_ids=" ".join(delivery.configuration_ids),
                expires_at=to_s(delivery.expires_at),
            )
        )
        self._session.flush()
        self._session.add_all(
            DeliveryCopyRow(delivery_id=delivery.id, copy_id=copy.id, position=position)
            for position, copy in enumerate(delivery.copies)
        )
        self._session.flush()

    def close_delivery(self, delivery: Delivery) -> None:
        """See `issuer.delivery_ports.Deliveries`."""
        self._changed(update(DeliveryRow).where(col(DeliveryRow.id) == delivery.id).values(closed=True))

    def close_delivery_of(self, offer: Offer) -> None:
        """See `issuer.delivery_ports.Deliveries`."""
        self._changed(update(DeliveryRow).where(col(DeliveryRow.offer_id) == offer.id).values(closed=True))

    def close_deliveries_with(self, copy_ids: Iterable[str]) -> None:
        """See `issuer.delivery_ports.Deliveries`."""
        held = self._in_parts(
            copy_ids,
            lambda part: self._session.exec(
                select(DeliveryCopyRow.delivery_id).where(col(DeliveryCopyRow.copy_id).in_(part))
            ),
        )
        for delivery_id in sorted(set(held)):
            self._changed(update(DeliveryRow).where(col(DeliveryRow.id) == delivery_id).values(closed=True))

    def add_token(self, token: Token) -> None:
        """See `issuer.delivery_ports.Deliveries`."""
        self._session.add(
            AccessTokenRow(
                token_hash=token.token_hash,
                delivery_id=token.delivery.id,
                configuration_ids=" ".join(token.configuration_ids),
                expires_at=to_s(token.expires_at),
            )
        )
        self._session.flush()

    def token(self, token_hash: str) -> Token | None:
        """See `issuer.delivery_ports.Deliveries`."""
        row = self._session.get(AccessTokenRow, token_hash)
        if row is None:
            return None
        return Token(
            token_hash=row.token_hash,
            delivery=self._delivery(row.delivery_id),
            configuration_ids=tuple(row.configuration_ids.split()),
            expires_at=from_s(row.expires_at),
        )

    def add_refresh_token(self, token: RefreshToken, *, now: datetime) -> None:
        """See `issuer.delivery_ports.Deliveries`."""
        self._session.add(
            RefreshTokenRow(
                token_hash=token.token_hash,
                delivery_id=token.delivery.id,
                parent_hash=token.parent_hash,
                made_at=to_s(now),
            )
        )
        self._session.flush()

    def refresh_token(self, token_hash: str) -> RefreshToken | None:
        """See `issuer.delivery_ports.Deliveries`."""
        row = self._session.get(RefreshTokenRow, token_hash)
        if row is None:
            return None
        return RefreshToken(
            token_hash=row.token_hash, parent_hash=row.parent_hash, delivery=self._delivery(row.delivery_id)
        )

    def use_refresh_token(self, token: RefreshToken, *, now: datetime) -> bool:
        """See `issuer.delivery_ports.Deliveries`."""
        used = self._changed_one(
            update(DeliveryRow)
            .where(
                col(DeliveryRow.id) == token.delivery.id,
                col(DeliveryRow.closed).is_(False),
                col(DeliveryRow.used_refresh).in_({token.token_hash, token.parent_hash}),
            )
            .values(used_refresh=token.token_hash)
        )
        if used:
            self._forget_old(token, before=now - REPLAYS_SEEN)
        return used

    def _forget_old(self, token: RefreshToken, *, before: datetime) -> None:
        self._changed(
            delete(RefreshTokenRow).where(
                col(RefreshTokenRow.delivery_id) == token.delivery.id,
                col(RefreshTokenRow.made_at) < to_s(before),
                col(RefreshTokenRow.token_hash) != token.token_hash,
                col(RefreshTokenRow.parent_hash) != token.token_hash,
            )
        )

    def add_notification(self, id_hash: str, *, delivery: str, copy_id: str, until: datetime) -> None:
        """See `issuer.delivery_ports.Deliveries`."""
        self._session.add(
            NotificationRow(id_hash=id_hash, delivery_id=delivery, copy_id=copy_id, expires_at=to_s(until))
        )
        self._session.flush()

    def note_event(self, id_hash: str, event: str, *, delivery: str) -> bool:
        """See `issuer.delivery_ports.Deliveries`."""
        own = (col(NotificationRow.id_hash) == id_hash, col(NotificationRow.delivery_id) == delivery)
        return self._changed_one(update(NotificationRow).where(*own).values(event=event))

    def count_answers(self, delivery_id: str, copy_id: str, *, now: datetime) -> int:
        """See `issuer.delivery_ports.Deliveries`."""
        lasting = (
            NotificationRow.delivery_id == delivery_id,
            NotificationRow.copy_id == copy_id,
            col(NotificationRow.expires_at) > to_s(now),
        )
        return self._session.exec(select(func.count()).select_from(NotificationRow).where(*lasting)).one()

    def add_waiting(self, waiting: Waiting) -> None:
        """See `issuer.delivery_ports.Deferring`."""
        self._session.add(
            DeferredRow(
                transaction_hash=waiting.transaction_hash,
                delivery_id=waiting.delivery,
                copy_id=waiting.copy_id,
                keys=strict_json.dump([key.jwk for key in waiting.keys]).decode(),
                form=waiting.form.suffix,
                commitment=None if waiting.commitment is None else base64url.encode(waiting.commitment),
                expires_at=to_s(waiting.expires_at),
            )
        )
        self._session.flush()

    def waiting(self, transaction_hash: str) -> Waiting | None:
        """See `issuer.delivery_ports.Deferring`."""
        row = self._session.get(DeferredRow, transaction_hash)
        if row is None:
            return None
        keys = strict_json.parse(row.keys, what=_WHAT)
        jwks = check_items(keys, what=_WHAT, max_items=_MAX_KEYS) if keys else []
        return Waiting(
            transaction_hash=row.transaction_hash,
            delivery=row.delivery_id,
            copy_id=row.copy_id,
            form=next(form for form in Form if form.suffix == row.form),
            keys=tuple(PublicKey.parse_jwk(jwk, what=_WHAT) for jwk in jwks),
            commitment=None if row.commitment is None else base64url.decode(row.commitment, what=_WHAT),
            expires_at=from_s(row.expires_at),
        )

    def count_waiting(self, delivery_id: str, copy_id: str) -> int:
        """See `issuer.delivery_ports.Deferring`."""
        mine = (DeferredRow.delivery_id == delivery_id, DeferredRow.copy_id == copy_id)
        return self._session.exec(select(func.count()).select_from(DeferredRow).where(*mine)).one()

    def end_waiting(self, transaction_hash: str) -> bool:
        """See `issuer.delivery_ports.Deferring`."""
        return self._changed_one(delete(DeferredRow).where(col(DeferredRow.transaction_hash) == transaction_hash))

    def hold(self, copy_id: str, *, now: datetime) -> bool:
        """See `issuer.delivery_ports.Deferring`."""
        return self._add_unless_there(HoldRow(copy_id=copy_id, since=to_s(now)))

    def let_go(self, copy_id: str) -> bool:
        """See `issuer.delivery_ports.Deferring`."""
        return self._changed_one(delete(HoldRow).where(col(HoldRow.copy_id) == copy_id))

    def is_held(self, copy_id: str) -> bool:
        """See `issuer.delivery_ports.Deferring`."""
        return self._session.get(HoldRow, copy_id) is not None

    def _delivery(self, delivery_id: str) -> Delivery:
        row = self._session.get_one(DeliveryRow, delivery_id, populate_existing=True)
        return Delivery(
            id=row.id,
            offer=row.offer_id,
            copies=tuple(self._copies(delivery_id)),
            configuration_ids=tuple(row.configuration_ids.split()),
            thumbprint=row.thumbprint,
            expires_at=from_s(row.expires_at),
            used_refresh=row.used_refresh,
            closed=row.closed,
        )

    def _copies(self, delivery_id: str) -> Sequence[Copy]:
        rows = self._session.exec(
            select(CopyRow)
            .join(DeliveryCopyRow, col(DeliveryCopyRow.copy_id) == col(CopyRow.id))
            .where(DeliveryCopyRow.delivery_id == delivery_id, col(CopyRow.ended).is_(None))
            .order_by(col(DeliveryCopyRow.position))
        )
        return [copy_of(row) for row in rows]
