"""Offers, seen proofs and nonces, and keys in the database. One conditional statement decides every race."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import and_, bindparam, delete, select, update
from sqlmodel import col

from issuer.authorization_tables import EXPIRING as EXPIRING_REQUESTS
from issuer.deliveries import TOKEN_TTL
from issuer.delivery_tables import EXPIRING as EXPIRING_DELIVERIES
from issuer.offers import AnyOffer, Burnt, Offer, Open, Redeemed
from issuer.store.base import SessionStore, from_s, to_s
from issuer.store.ledger import COPY, copy_of
from issuer.tables import EXPIRING, CopyRow, InstanceRow, OfferCopyRow, OfferRow, SeenProofRow
from plumbing.clock import SET_BACK
from plumbing.statements import Adding, Row, Statement

# An offer is kept until its token is over, because a replay of its code must still find that token.
_OFFER_KEPT: Final = TOKEN_TTL + timedelta(minutes=1)
_ADD_OFFER: Final = Adding(OfferRow)
_ADD_OFFER_COPY: Final = Adding(OfferCopyRow)
_WITH_COPIES: Final = (
    select(
        col(OfferRow.state),
        col(OfferRow.id),
        col(OfferRow.listener_id),
        col(OfferRow.tx_code_mac),
        col(OfferRow.tries_left),
        col(OfferRow.expires_at),
        *COPY,
    )
    .outerjoin(OfferCopyRow, col(OfferCopyRow.offer_id) == col(OfferRow.id))
    # What has ended since it was offered is in no offer any more: neither a token nor a credential comes of it.
    .outerjoin(CopyRow, and_(col(CopyRow.id) == col(OfferCopyRow.copy_id), col(CopyRow.ended).is_(None)))
    .order_by(col(OfferCopyRow.position))
)
_OFFER_COLUMNS: Final = 6
_OFFER: Final = Statement(_WITH_COPIES.where(col(OfferRow.id) == bindparam("offer")))
_OFFER_BY_CODE: Final = Statement(_WITH_COPIES.where(col(OfferRow.code_hash) == bindparam("code")))
_IS_OPEN: Final = (col(OfferRow.id) == bindparam("offer"), col(OfferRow.state) == "open")
_TAKE_TRY: Final = Statement(update(OfferRow).where(*_IS_OPEN).values(tries_left=OfferRow.tries_left - 1))
_BURN: Final = Statement(update(OfferRow).where(*_IS_OPEN, col(OfferRow.tries_left) <= 0).values(state="burnt"))
_REDEEM: Final = Statement(update(OfferRow).where(*_IS_OPEN, col(OfferRow.tries_left) > 0).values(state="redeemed"))
_REMEMBER_PROOF: Final = Adding(SeenProofRow, unless_there=True)
_CLAIM_KEY: Final = Adding(InstanceRow, unless_there=True)


class OfferStore(SessionStore):
    """Implements `issuer.ports.Offers`, `issuer.delivery_ports.Freshness` and `issuer.ports.Sweepable`."""

    def add_offer(self, offer: Open, *, code_hash: str) -> None:
        """See `issuer.ports.Offers`."""
        _ADD_OFFER.changed(
            self._session,
            id=offer.id,
            listener_id=offer.listener,
            code_hash=code_hash,
            tx_code_mac=offer.tx_code_mac,
            tries_left=offer.tries_left,
            state="open",
            expires_at=to_s(offer.expires_at),
        )
        _ADD_OFFER_COPY.changed_by_all(
            self._session,
            [
                {"offer_id": offer.id, "copy_id": copy.id, "position": position}
                for position, copy in enumerate(offer.copies)
            ],
        )

    def offer(self, offer_id: str) -> AnyOffer | None:
        """See `issuer.ports.Offers`."""
        return _offer(_OFFER.rows(self._session, offer=offer_id))

    def offer_by_code(self, code_hash: str) -> AnyOffer | None:
        """See `issuer.ports.Offers`."""
        return _offer(_OFFER_BY_CODE.rows(self._session, code=code_hash))

    def take_try(self, offer: Offer) -> None:
        """See `issuer.ports.Offers`."""
        _TAKE_TRY.changed(self._session, offer=offer.id)
        _BURN.changed(self._session, offer=offer.id)

    def redeem(self, offer: Offer) -> bool:
        """See `issuer.ports.Offers`."""
        return _REDEEM.changed(self._session, offer=offer.id) == 1

    def remember_proof(self, proof_hash: str, *, until: datetime) -> bool:
        """See `issuer.delivery_ports.Freshness`."""
        return _REMEMBER_PROOF.changed(self._session, proof_hash=proof_hash, expires_at=to_s(until)) == 1

    def claim_keys(self, thumbprints: Iterable[str], *, copy_id: str, month: str) -> bool:
        """See `issuer.delivery_ports.Freshness`."""
        # In one order everywhere, so that two requests with the same keys never wait for each other.
        rows = [{"thumbprint": each, "copy_id": copy_id, "month": month} for each in sorted(thumbprints)]
        return self._add_all_unless_there(_CLAIM_KEY, rows)

    def delete_expired(self, now: datetime) -> int:
        """See `issuer.ports.Sweepable`."""
        tables = (*EXPIRING_DELIVERIES, *EXPIRING_REQUESTS, *EXPIRING)
        rows = sum(self._changed(delete(table).where(col(table.expires_at) <= to_s(now))) for table in tables)
        # Of all others the absence refuses; the absence of a seen proof would let it be used again.
        rows += self._changed(delete(SeenProofRow).where(col(SeenProofRow.expires_at) <= to_s(now - SET_BACK)))
        return rows + self._changed(delete(OfferRow).where(col(OfferRow.expires_at) <= to_s(now - _OFFER_KEPT)))


def _offer(rows: Sequence[Row]) -> AnyOffer | None:
    if not rows:
        return None
    state, offer_id, listener, tx_code_mac, tries_left, expires_at = rows[0][:_OFFER_COLUMNS]
    held = (row[_OFFER_COLUMNS:] for row in rows)
    make = partial(Open, tries_left=tries_left) if state == "open" else _OVER[state]
    return make(
        id=offer_id,
        listener=listener,
        copies=tuple(copy_of(copy) for copy in held if copy[0] is not None),
        tx_code_mac=tx_code_mac,
        expires_at=from_s(expires_at),
    )


_OVER: Final[Mapping[str, type[Redeemed | Burnt]]] = {"redeemed": Redeemed, "burnt": Burnt}
