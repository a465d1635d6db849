"""The token endpoint (OpenID4VCI 1.0 §6): a pre-authorized code and six digits, or a refresh token, become tokens.

Refusals are returned, not raised: a wrong code that was counted, a replay that closed a delivery and a DPoP proof that
was noted must be committed before they are answered.
"""

import hmac
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

from credentials.protocols.dpop import DpopProof
from credentials.protocols.freshness import CLOCK_SKEW_S, MAX_AGE_S
from credentials.protocols.oauth import (
    InvalidDpopProof,
    InvalidGrant,
    InvalidRequest,
    OAuthError,
    TemporarilyUnavailable,
)
from credentials.protocols.openid4vci import RefreshRequest, TokenRequest, TokenResponse
from issuer.deliveries import RefreshToken
from issuer.delivery_ports import Freshness
from issuer.forms import configuration_ids
from issuer.offers import Burnt, Offer, Open, Redeemed
from issuer.ports import Issuing
from issuer.secrets import OfferSecrets, stored
from issuer.service.deliveries import deliver, give_tokens
from issuer.service.scopes import wanted_configurations
from plumbing.clock import epoch_s

_WRONG_CODE: Final = "The pre-authorized code is wrong, expired or used."
_WRONG_TX_CODE: Final = "The transaction code is wrong."
_WRONG_REFRESH: Final = "The refresh token is wrong, expired or replaced."
_TOO_SOON: Final = "This offer was taken, and somebody tried it just now. Ask again in a moment."
REPLAY_EVERY_S: Final = 10
"""In how many seconds one try of an offer that was taken is looked at: about a hundred of a million digits in all."""
_PROOF_AGAIN: Final = "The DPoP proof was used before."


def redeem(
    store: Issuing, request: TokenRequest, proof: DpopProof | None, *, secrets: OfferSecrets, now: datetime
) -> TokenResponse | OAuthError:
    """Give the tokens of an offer, once, or say why not. Without a DPoP proof it is a bearer token."""
    if not note_proof(store, proof):
        return InvalidDpopProof(_PROOF_AGAIN)
    offer = store.offer_by_code(stored(request.pre_authorized_code))
    match offer:
        case Open() if offer.expires_at > now and offer.copies:
            return _redeem_open(store, offer, request, proof, secrets=secrets, now=now)
        case Redeemed():
            if request.tx_code is not None and not _take_replay(store, offer, now=now):
                wait_s = REPLAY_EVERY_S - epoch_s(now) % REPLAY_EVERY_S
                return TemporarilyUnavailable(_TOO_SOON, retry_after_s=wait_s)
            # OpenID4VCI 1.0 §13.6.1. Who replays with the right digits is the wallet's owner or a thief who has
            # both, and we cannot tell which: nobody keeps the tokens. A photographed QR alone revokes nothing.
            if _is_tx_code(offer, request.tx_code, secrets):
                store.close_delivery_of(offer)
            return InvalidGrant(_WRONG_CODE)
        case Open() | Burnt() | None:
            return InvalidGrant(_WRONG_CODE)
        case _:
            assert_never(offer)


def refresh(store: Issuing, request: RefreshRequest, proof: DpopProof, *, now: datetime) -> TokenResponse | OAuthError:
    """Give new tokens for a refresh token, bound to the same key (RFC 6749 §6, RFC 9449 §5), or say why not."""
    if not note_proof(store, proof):
        return InvalidDpopProof(_PROOF_AGAIN)
    token = store.refresh_token(stored(request.refresh_token))
    try:
        token = _check_refresh(token, proof, now=now)
        wanted = wanted_configurations(request, token.delivery.configuration_ids)
    except OAuthError as refusal:
        return refusal
    if not token.is_next or not store.use_refresh_token(token, now=now):
        # It was used, and so was one that came of it: whoever shows it has an old copy.
        store.close_delivery(token.delivery)
        return InvalidGrant(_WRONG_REFRESH)
    return give_tokens(store, token.delivery, wanted=wanted, parent_hash=token.token_hash, now=now)


def _check_refresh(token: RefreshToken | None, proof: DpopProof, *, now: datetime) -> RefreshToken:
    if token is None or not token.delivery.is_open(now):
        raise InvalidGrant(_WRONG_REFRESH)
    if token.delivery.thumbprint != proof.thumbprint:
        # Who has the token without its key can take nothing, and does not close the delivery for its owner either.
        raise InvalidGrant("The refresh token is bound to another key than the one of the DPoP proof.")
    if not token.delivery.copies:
        raise InvalidGrant("Nothing that this refresh token was for is owned any more.")
    return token


def note_proof(store: Freshness, proof: DpopProof | None) -> bool:
    """Note a DPoP proof for as long as it could be replayed (RFC 9449 §11.1); False if it was seen before.

    None, of a request with a bearer token, is noted nowhere.
    """
    if proof is None:
        return True
    until = datetime.fromtimestamp(proof.issued_at + MAX_AGE_S + 2 * CLOCK_SKEW_S, UTC)
    return store.remember_proof(stored(f"{proof.thumbprint}.{proof.jti}"), until=until)


def _redeem_open(
    store: Issuing, offer: Open, request: TokenRequest, proof: DpopProof | None, *, secrets: OfferSecrets, now: datetime
) -> TokenResponse | OAuthError:
    if request.tx_code is None:
        return InvalidRequest("The offer wants its transaction code as tx_code.")
    if not _is_tx_code(offer, request.tx_code, secrets):
        store.take_try(offer)
        return InvalidGrant(_WRONG_TX_CODE)
    try:
        wanted = wanted_configurations(request, configuration_ids(offer.copies))
    except OAuthError as refusal:
        return refusal
    if not store.redeem(offer):
        store.close_delivery_of(offer)
        return InvalidGrant(_WRONG_CODE)
    return deliver(store, offer.copies, wanted=wanted, proof=proof, now=now, offer=offer.id)


def _take_replay(store: Freshness, offer: Offer, *, now: datetime) -> bool:
    """Take the one look at a replay of an offer that there is in some seconds, so that no digits are guessed by it.

    A count would let whoever photographed the offer use it up; after a pause the next may be right. A row of its own
    decides, so it is exact however many ask at once.
    """
    slot = epoch_s(now) // REPLAY_EVERY_S
    return store.remember_proof(stored(f"replay.{offer.id}.{slot}"), until=now + timedelta(seconds=2 * REPLAY_EVERY_S))


def _is_tx_code(offer: Offer, tx_code: str | None, secrets: OfferSecrets) -> bool:
    return hmac.compare_digest(
        secrets.of_offer(offer.id, offer.tx_code_mac).tx_code_mac(offer.id, tx_code or ""), offer.tx_code_mac
    )
