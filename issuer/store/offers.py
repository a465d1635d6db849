"""Offers, nonces, seen proofs and keys in the database. One conditional statement decides every race."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import delete, update
from sqlmodel import col, select

from issuer.authorization_tables import EXPIRING as EXPIRING_REQUESTS
from issuer.deliveries import TOKEN_TTL
from issuer.delivery_tables import EXPIRING as EXPIRING_DELIVERIES
from issuer.offers import AnyOffer, Burnt, Offer, Open, Redeemed
from issuer.store.base import SessionStore, from_s, to_s
from issuer.store.ledger import copy_of
from issuer.tables import EXPIRING, CopyRow, InstanceRow, NonceRow, OfferCopyRow, OfferRow, SeenProofRow

# An offer is kept until its token is over, because a replay of its code must still find that token.
_OFFER_KEPT: Final = TOKEN_TTL + timedelta(minutes=1)


class OfferStore(SessionStore):
    """Implements `issuer.ports.Offers`, `issuer.delivery_ports.Freshness` and `issuer.ports.Sweepable`."""

    def add_offer(self, offer: Open, *, code_hash: str) -> None:
        """See `issuer.ports.Offers`."""
        self._session.add(
            OfferRow(
                id=offer.id,
                listener_id=offer.listener,
                code_hash=code_hash,
                tx_code_mac=offer.tx_code_mac,
                tries_left=offer.tries_left,
                state="open",
                expires_at=to_s(offer.expires_at),
            )
        )
        self._session.flush()
        self._session.add_all(
            OfferCopyRow(offer_id=offer.id, copy_id=copy.id, position=position)
            for position, copy in enumerate(offer.copies)
        )
        self._session.flush()

    def offer(self, offer_id: str) -> AnyOffer | None:
        """See `issuer.ports.Offers`."""
        row = self._session.get(OfferRow, offer_id)
        return self._offer(row) if row else None

    def offer_by_code(self, code_hash: str) -> AnyOffer | None:
        """See `issuer.ports.Offers`."""
        row = self._session.exec(select(OfferRow).where(OfferRow.code_hash == code_hash)).one_or_none()
        return self._offer(row) if row else None

    def take_try(self, offer: Offer) -> None:
        """See `issuer.ports.Offers`."""
        is_open = (col(OfferRow.id) == offer.id, col(OfferRow.state) == "open")
        self._changed(update(OfferRow).where(*is_open).values(tries_left=OfferRow.tries_left - 1))
        self._changed(update(OfferRow).where(*is_open, col(OfferRow.tries_left) <= 0).values(state="burnt"))

    def redeem(self, offer: Offer) -> bool:
        """See `issuer.ports.Offers`."""
        return self._changed_one(
            update(OfferRow)
            .where(col(OfferRow.id) == offer.id, col(OfferRow.state) == "open", col(OfferRow.tries_left) > 0)
            .values(state="redeemed")
        )

    def remember_proof(self, proof_hash: str, *, until: datetime) -> bool:
        """See `issuer.delivery_ports.Freshness`."""
        return self._add_unless_there(SeenProofRow(proof_hash=proof_hash, expires_at=to_s(until)))

    def add_nonce(self, nonce_hash: str, *, until: datetime) -> None:
        """See `issuer.delivery_ports.Freshness`."""
        self._session.add(NonceRow(nonce_hash=nonce_hash, expires_at=to_s(until)))
        self._session.flush()

    def use_nonce(self, nonce_hash: str, *, now: datetime) -> bool:
        """See `issuer.delivery_ports.Freshness`."""
        return self._changed_one(
            delete(NonceRow).where(col(NonceRow.nonce_hash) == nonce_hash, col(NonceRow.expires_at) > to_s(now))
        )

    def claim_keys(self, thumbprints: Iterable[str], *, copy_id: str, month: str) -> bool:
        """See `issuer.delivery_ports.Freshness`."""
        return self._add_unless_there(
            *(InstanceRow(thumbprint=each, copy_id=copy_id, month=month) for each in thumbprints)
        )

    def delete_expired(self, now: datetime) -> int:
        """See `issuer.ports.Sweepable`."""
        tables = (*EXPIRING_DELIVERIES, *EXPIRING_REQUESTS, *EXPIRING)
        rows = sum(self._changed(delete(table).where(col(table.expires_at) <= to_s(now))) for table in tables)
        return rows + self._changed(delete(OfferRow).where(col(OfferRow.expires_at) <= to_s(now - _OFFER_KEPT)))

    def _offer(self, row: OfferRow) -> AnyOffer:
        copies = self._session.exec(
            select(CopyRow)
            .join(OfferCopyRow, col(OfferCopyRow.copy_id) == col(CopyRow.id))
            # What has ended since it was offered is in no offer any more: neither a token nor a credential comes of it.
            .where(OfferCopyRow.offer_id == row.id, col(CopyRow.ended).is_(None))
            .order_by(col(OfferCopyRow.position))
        )
        held = tuple(copy_of(each) for each in copies)
        states: dict[str, Callable[..., AnyOffer]] = {
            "open": partial(Open, tries_left=row.tries_left),
            "redeemed": Redeemed,
            "burnt": Burnt,
        }
        return states[row.state](
            id=row.id,
            listener=row.listener_id,
            copies=held,
            tx_code_mac=row.tx_code_mac,
            expires_at=from_s(row.expires_at),
        )
