"""Offer copies to a wallet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from credentials.errors import HolderError
from credentials.protocols.openid4vci.offers import CredentialOffer, OfferReference, TxCode
from issuer.copies import Copy
from issuer.forms import configuration_ids
from issuer.offers import MAX_COPIES, OFFER_TTL, TRIES, AnyOffer, Open, Redeemed
from issuer.ports import Ledger, Offers
from issuer.secrets import TX_CODE_DIGITS, OfferSecrets, stored
from plumbing.ids import new_public_id

_WHERE_IT_IS: Final = "The six digits that the co-op shows you when you ask for the code."


class NothingToOffer(HolderError):
    """No copy was chosen, or one that is not the listener's, or too many; or there is none to choose."""

    code = "nothing_to_offer"

    def __init__(self, *, owned: bool = True) -> None:
        """`owned` is whether the listener has any copy at all."""
        super().__init__(
            f"Choose between 1 and {MAX_COPIES} records or tracks that are yours."
            if owned
            else "Nothing is owned here yet, so nothing can be offered: buy a track, or play one nine times."
        )


class OfferGone(HolderError):
    """An offer that was taken, has expired, was closed, or never was."""

    code = "offer_gone"

    def __init__(self) -> None:
        super().__init__("This offer is over. Your records are still yours; send them to your wallet once more.")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferDesk:
    """Turns offers into the messages that wallets read.

    Attributes:
        issuer_url: the credential issuer's identifier.
        secrets: derives each offer's two codes.
        haip: whether offers name the authorization code grant beside the other one, as HAIP 1.0 §4.2 demands. Else
            they do not, because some wallets would then send a listener to log in who has the six digits at hand.
    """

    issuer_url: str
    secrets: OfferSecrets
    haip: bool = False

    def make(self, offers: Offers, copies: Sequence[Copy], *, listener: str, now: datetime) -> Open:
        """Make an offer of copies, all of the `listener`."""
        if not 0 < len(copies) <= MAX_COPIES or any(copy.listener != listener or copy.ended for copy in copies):
            raise NothingToOffer
        offer_id, secrets = new_public_id(), self.secrets.in_use()
        offer = Open(
            id=offer_id,
            listener=listener,
            copies=tuple(copies),
            tx_code_mac=secrets.tx_code_mac(offer_id, secrets.tx_code(offer_id)),
            expires_at=now + OFFER_TTL,
            tries_left=TRIES,
        )
        offers.add_offer(offer, code_hash=stored(secrets.code(offer_id)))
        return offer

    def by_value(self, offer: AnyOffer) -> CredentialOffer:
        """The message itself; the listener is nowhere in it."""
        return CredentialOffer(
            credential_issuer=self.issuer_url,
            credential_configuration_ids=configuration_ids(offer.copies),
            pre_authorized_code=self.secrets.of_offer(offer.id, offer.tx_code_mac).code(offer.id),
            tx_code=TxCode(length=TX_CODE_DIGITS, description=_WHERE_IT_IS),
            authorization_code=self.haip,
        )

    def tx_code(self, offer: Open) -> str:
        """The six digits that the listener is shown apart from the offer."""
        return self.secrets.of_offer(offer.id, offer.tx_code_mac).tx_code(offer.id)

    def by_reference(self, offer: AnyOffer) -> OfferReference:
        """Where a wallet fetches the message: short enough for a QR code."""
        return OfferReference(url=f"{self.issuer_url}/offers/{offer.id}")


def choose_copies(ledger: Ledger, *, listener: str, copy_ids: Sequence[str] | None) -> list[Copy]:
    """Return the chosen copies of a listener; None chooses all.

    Raises:
        NothingToOffer: one of them is not the listener's, or nothing is.
    """
    copies = {copy.id: copy for copy in ledger.copies(listener)}
    if not copies:
        raise NothingToOffer(owned=False)
    wanted = list(dict.fromkeys(copy_ids)) if copy_ids is not None else list(copies)
    if any(copy_id not in copies for copy_id in wanted):
        raise NothingToOffer
    return [copies[copy_id] for copy_id in wanted]


def open_offer(offers: Offers, offer_id: str, *, now: datetime, listener: str | None = None) -> Open:
    """Return an offer that can still be taken; with `listener`, only theirs. A wallet may fetch it several times.

    Raises:
        OfferGone: there is none.
    """
    offer = offers.offer(offer_id)
    if not isinstance(offer, Open) or offer.expires_at <= now or listener not in {None, offer.listener}:
        raise OfferGone
    if not offer.copies:  # all that it held was refunded, given away or has lapsed
        raise OfferGone
    return offer


class Standing(StrEnum):
    """How an offer stands, for the page that waits for a wallet."""

    WAITING = "waiting"
    TAKEN = "taken"
    OVER = "over"


def how_it_stands(offers: Offers, offer_id: str, *, listener: str, now: datetime) -> Standing:
    """Tell a listener whether a wallet has taken their offer, or still can."""
    offer = offers.offer(offer_id)
    if isinstance(offer, Redeemed) and offer.listener == listener:
        return Standing.TAKEN
    try:
        open_offer(offers, offer_id, now=now, listener=listener)
    except OfferGone:
        return Standing.OVER
    return Standing.WAITING
