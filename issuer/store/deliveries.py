"""Deliveries, their tokens and what waits, in the database. One conditional statement decides every race."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import and_, bindparam, delete, func, or_, select, update
from sqlmodel import col

from credentials.encoding import base64url, strict_json
from credentials.keys.jwk import PublicKey
from credentials.protocols.members import check_items
from credentials.protocols.openid4vci import Form
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
from issuer.store.ledger import COPY, copy_of
from issuer.tables import CopyRow
from plumbing.statements import Adding, Row, Statement, every_column

_WHAT = "row of a deferred request"
_MAX_KEYS = 100
_ADD_DELIVERY: Final = Adding(DeliveryRow)
_ADD_DELIVERY_COPY: Final = Adding(DeliveryCopyRow)
_CLOSE: Final = Statement(update(DeliveryRow).where(col(DeliveryRow.id) == bindparam("delivery")).values(closed=True))
_CLOSE_OF_OFFER: Final = Statement(
    update(DeliveryRow).where(col(DeliveryRow.offer_id) == bindparam("offer")).values(closed=True)
)
_ADD_TOKEN: Final = Adding(AccessTokenRow)
_ADD_REFRESH_TOKEN: Final = Adding(RefreshTokenRow)
_DELIVERY: Final = (
    col(DeliveryRow.id),
    col(DeliveryRow.offer_id),
    col(DeliveryRow.configuration_ids),
    col(DeliveryRow.thumbprint),
    col(DeliveryRow.expires_at),
    col(DeliveryRow.used_refresh),
    col(DeliveryRow.closed),
)
_GOOD_COPY: Final = and_(col(CopyRow.id) == col(DeliveryCopyRow.copy_id), col(CopyRow.ended).is_(None))
_TOKEN_COLUMNS: Final = 2
_TOKEN: Final = Statement(
    select(col(AccessTokenRow.configuration_ids), col(AccessTokenRow.expires_at), *_DELIVERY, *COPY)
    .join(DeliveryRow, col(DeliveryRow.id) == col(AccessTokenRow.delivery_id))
    .outerjoin(DeliveryCopyRow, col(DeliveryCopyRow.delivery_id) == col(DeliveryRow.id))
    .outerjoin(CopyRow, _GOOD_COPY)
    .where(col(AccessTokenRow.token_hash) == bindparam("token"))
    .order_by(col(DeliveryCopyRow.position))
)
_REFRESH_TOKEN_COLUMNS: Final = 1
_REFRESH_TOKEN: Final = Statement(
    select(col(RefreshTokenRow.parent_hash), *_DELIVERY, *COPY)
    .join(DeliveryRow, col(DeliveryRow.id) == col(RefreshTokenRow.delivery_id))
    .outerjoin(DeliveryCopyRow, col(DeliveryCopyRow.delivery_id) == col(DeliveryRow.id))
    .outerjoin(CopyRow, _GOOD_COPY)
    .where(col(RefreshTokenRow.token_hash) == bindparam("token"))
    .order_by(col(DeliveryCopyRow.position))
)
_USE_REFRESH_TOKEN: Final = Statement(
    update(DeliveryRow)
    .where(
        col(DeliveryRow.id) == bindparam("delivery"),
        col(DeliveryRow.closed).is_(False),
        or_(
            col(DeliveryRow.used_refresh) == bindparam("token"),
            col(DeliveryRow.used_refresh) == bindparam("parent"),
        ),
    )
    .values(used_refresh=bindparam("token"))
)
_FORGET_OLD: Final = Statement(
    delete(RefreshTokenRow).where(
        col(RefreshTokenRow.delivery_id) == bindparam("delivery"),
        col(RefreshTokenRow.made_at) < bindparam("before"),
        col(RefreshTokenRow.token_hash) != bindparam("token"),
        col(RefreshTokenRow.parent_hash) != bindparam("token"),
    )
)
_ADD_NOTIFICATION: Final = Adding(NotificationRow)
_COUNT_ANSWERS: Final = Statement(
    select(func.count())
    .select_from(NotificationRow)
    .where(
        col(NotificationRow.delivery_id) == bindparam("delivery"),
        col(NotificationRow.copy_id) == bindparam("copy"),
        col(NotificationRow.expires_at) > bindparam("now"),
    )
)
_HELD: Final = Statement(select(col(HoldRow.copy_id)).where(col(HoldRow.copy_id) == bindparam("copy")))
_HOLD: Final = Adding(HoldRow, unless_there=True)
_WAITING: Final = Statement(
    select(*every_column(DeferredRow)).where(col(DeferredRow.transaction_hash) == bindparam("transaction"))
)
_ADD_WAITING: Final = Adding(DeferredRow)


class DeliveryStore(SessionStore):
    """Implements `issuer.delivery_ports.Deliveries` and `issuer.delivery_ports.Deferring`."""

    def add_delivery(self, delivery: Delivery) -> None:
        """See `issuer.delivery_ports.Deliveries`."""
        _ADD_DELIVERY.changed(
            self._session,
            id=delivery.id,
            offer_id=delivery.offer,
            thumbprint=delivery.thumbprint,
            configuration_ids=" ".join(delivery.configuration_ids),
            used_refresh=delivery.used_refresh,
            closed=delivery.closed,
            expires_at=to_s(delivery.expires_at),
        )
        _ADD_DELIVERY_COPY.changed_by_all(
            self._session,
            [
                {"delivery_id": delivery.id, "copy_id": copy.id, "position": position}
                for position, copy in enumerate(delivery.copies)
            ],
        )

    def close_delivery(self, delivery: Delivery) -> None:
        """See `issuer.delivery_ports.Deliveries`."""
        _CLOSE.changed(self._session, delivery=delivery.id)

    def close_delivery_of(self, offer: Offer) -> None:
        """See `issuer.delivery_ports.Deliveries`."""
        _CLOSE_OF_OFFER.changed(self._session, offer=offer.id)

    def close_deliveries_with(self, copy_ids: Iterable[str]) -> None:
        """See `issuer.delivery_ports.Deliveries`."""
        held = self._in_parts(
            copy_ids,
            lambda part: self._session.execute(
                select(col(DeliveryCopyRow.delivery_id)).where(col(DeliveryCopyRow.copy_id).in_(part))
            ).scalars(),
        )
        for delivery_id in sorted(set(held)):
            _CLOSE.changed(self._session, delivery=delivery_id)

    def add_token(self, token: Token) -> None:
        """See `issuer.delivery_ports.Deliveries`."""
        _ADD_TOKEN.changed(
            self._session,
            token_hash=token.token_hash,
            delivery_id=token.delivery.id,
            configuration_ids=" ".join(token.configuration_ids),
            expires_at=to_s(token.expires_at),
        )

    def token(self, token_hash: str) -> Token | None:
        """See `issuer.delivery_ports.Deliveries`."""
        rows = _TOKEN.rows(self._session, token=token_hash)
        if not rows:
            return None
        configuration_ids, expires_at = rows[0][:_TOKEN_COLUMNS]
        return Token(
            token_hash=token_hash,
            delivery=_delivery([row[_TOKEN_COLUMNS:] for row in rows]),
            configuration_ids=tuple(configuration_ids.split()),
            expires_at=from_s(expires_at),
        )

    def add_refresh_token(self, token: RefreshToken, *, now: datetime) -> None:
        """See `issuer.delivery_ports.Deliveries`."""
        _ADD_REFRESH_TOKEN.changed(
            self._session,
            token_hash=token.token_hash,
            delivery_id=token.delivery.id,
            parent_hash=token.parent_hash,
            made_at=to_s(now),
        )

    def refresh_token(self, token_hash: str) -> RefreshToken | None:
        """See `issuer.delivery_ports.Deliveries`."""
        rows = _REFRESH_TOKEN.rows(self._session, token=token_hash)
        if not rows:
            return None
        delivery = _delivery([row[_REFRESH_TOKEN_COLUMNS:] for row in rows])
        return RefreshToken(token_hash=token_hash, parent_hash=rows[0][0], delivery=delivery)

    def use_refresh_token(self, token: RefreshToken, *, now: datetime) -> bool:
        """See `issuer.delivery_ports.Deliveries`."""
        delivery, parent = token.delivery.id, token.parent_hash
        used = _USE_REFRESH_TOKEN.changed(self._session, delivery=delivery, token=token.token_hash, parent=parent) == 1
        if used:
            old = to_s(now - REPLAYS_SEEN)
            _FORGET_OLD.changed(self._session, delivery=delivery, token=token.token_hash, before=old)
        return used

    def add_notification(self, id_hash: str, *, delivery: str, copy_id: str, until: datetime) -> None:
        """See `issuer.delivery_ports.Deliveries`."""
        _ADD_NOTIFICATION.changed(
            self._session, id_hash=id_hash, delivery_id=delivery, copy_id=copy_id, event=None, expires_at=to_s(until)
        )

    def note_event(self, id_hash: str, event: str, *, delivery: str) -> bool:
        """See `issuer.delivery_ports.Deliveries`."""
        own = (col(NotificationRow.id_hash) == id_hash, col(NotificationRow.delivery_id) == delivery)
        return self._changed_one(update(NotificationRow).where(*own).values(event=event))

    def count_answers(self, delivery_id: str, copy_id: str, *, now: datetime) -> int:
        """See `issuer.delivery_ports.Deliveries`."""
        (found,) = _COUNT_ANSWERS.rows(self._session, delivery=delivery_id, copy=copy_id, now=to_s(now))
        return int(found[0])

    def add_waiting(self, waiting: Waiting) -> None:
        """See `issuer.delivery_ports.Deferring`."""
        _ADD_WAITING.changed(
            self._session,
            transaction_hash=waiting.transaction_hash,
            delivery_id=waiting.delivery,
            copy_id=waiting.copy_id,
            keys=strict_json.dump([key.jwk for key in waiting.keys]).decode(),
            form=waiting.form.suffix,
            commitment=None if waiting.commitment is None else base64url.encode(waiting.commitment),
            expires_at=to_s(waiting.expires_at),
        )

    def waiting(self, transaction_hash: str) -> Waiting | None:
        """See `issuer.delivery_ports.Deferring`."""
        row = _WAITING.first(self._session, transaction=transaction_hash)
        if row is None:
            return None
        _, delivery, copy_id, written_keys, suffix, commitment, expires_at = row
        keys = strict_json.parse(written_keys, what=_WHAT)
        jwks = check_items(keys, what=_WHAT, max_items=_MAX_KEYS) if keys else []
        return Waiting(
            transaction_hash=transaction_hash,
            delivery=delivery,
            copy_id=copy_id,
            form=next(form for form in Form if form.suffix == suffix),
            keys=tuple(PublicKey.parse_jwk(jwk, what=_WHAT) for jwk in jwks),
            commitment=None if commitment is None else base64url.decode(commitment, what=_WHAT),
            expires_at=from_s(expires_at),
        )

    def count_waiting(self, delivery_id: str, copy_id: str) -> int:
        """See `issuer.delivery_ports.Deferring`."""
        mine = (col(DeferredRow.delivery_id) == delivery_id, col(DeferredRow.copy_id) == copy_id)
        return int(self._session.execute(select(func.count()).select_from(DeferredRow).where(*mine)).scalar_one())

    def end_waiting(self, transaction_hash: str) -> bool:
        """See `issuer.delivery_ports.Deferring`."""
        return self._changed_one(delete(DeferredRow).where(col(DeferredRow.transaction_hash) == transaction_hash))

    def hold(self, copy_id: str, *, now: datetime) -> bool:
        """See `issuer.delivery_ports.Deferring`."""
        return _HOLD.changed(self._session, copy_id=copy_id, since=to_s(now)) == 1

    def let_go(self, copy_id: str) -> bool:
        """See `issuer.delivery_ports.Deferring`."""
        return self._changed_one(delete(HoldRow).where(col(HoldRow.copy_id) == copy_id))

    def is_held(self, copy_id: str) -> bool:
        """See `issuer.delivery_ports.Deferring`."""
        return _HELD.first(self._session, copy=copy_id) is not None


def _delivery(rows: Sequence[Row]) -> Delivery:
    delivery_id, offer, configuration_ids, thumbprint, expires_at, used_refresh, closed = rows[0][: len(_DELIVERY)]
    held = (row[len(_DELIVERY) :] for row in rows)
    return Delivery(
        id=delivery_id,
        offer=offer,
        copies=tuple(copy_of(copy) for copy in held if copy[0] is not None),
        configuration_ids=tuple(configuration_ids.split()),
        thumbprint=thumbprint,
        expires_at=from_s(expires_at),
        used_refresh=used_refresh,
        closed=bool(closed),
    )
