"""The token endpoint (OpenID4VCI 1.0 §6): a pre-authorized code and six digits become one token.

Refusals are returned, not raised: a wrong code that was counted, a replay that revoked a token and a DPoP proof that
was noted must be committed before they are answered.
"""

import hmac
from datetime import UTC, datetime
from typing import Final, assert_never

from credentials.protocols.dpop import DpopProof
from credentials.protocols.freshness import CLOCK_SKEW_S, MAX_AGE_S
from credentials.protocols.oauth import (
    InvalidAuthorizationDetails,
    InvalidDpopProof,
    InvalidGrant,
    InvalidRequest,
    OAuthError,
)
from credentials.protocols.openid4vci.tokens import AuthorizedCredential, TokenRequest, TokenResponse
from issuer.offers import TOKEN_TTL, Burnt, Offer, Open, Redeemed, Token
from issuer.ports import Freshness, Issuing
from issuer.secrets import OfferSecrets, stored
from issuer.service.offers import configuration_ids
from plumbing.ids import new_secret

_WRONG_CODE: Final = "The pre-authorized code is wrong, expired or used."
_WRONG_TX_CODE: Final = "The transaction code is wrong."


def redeem(
    store: Issuing, request: TokenRequest, proof: DpopProof, *, secrets: OfferSecrets, now: datetime
) -> TokenResponse | OAuthError:
    """Give the one token of an offer, or say why not."""
    if not note_proof(store, proof):
        return InvalidDpopProof("The DPoP proof was used before.")
    offer = store.offer_by_code(stored(request.pre_authorized_code))
    match offer:
        case Open() if offer.expires_at > now and offer.copies:
            return _redeem_open(store, offer, request, proof, secrets=secrets, now=now)
        case Redeemed():
            # OpenID4VCI 1.0 §13.6.1. Who replays with the right digits is the wallet's owner or a thief who has
            # both, and we cannot tell which: nobody keeps the token. A photographed QR alone revokes nothing.
            if _is_tx_code(offer, request.tx_code, secrets):
                store.revoke_token_of(offer)
            return InvalidGrant(_WRONG_CODE)
        case Open() | Burnt() | None:
            return InvalidGrant(_WRONG_CODE)
        case _:
            assert_never(offer)


def note_proof(store: Freshness, proof: DpopProof) -> bool:
    """Note a DPoP proof for as long as it could be replayed (RFC 9449 §11.1); False if it was seen before."""
    until = datetime.fromtimestamp(proof.issued_at + MAX_AGE_S + 2 * CLOCK_SKEW_S, UTC)
    return store.remember_proof(stored(f"{proof.thumbprint}.{proof.jti}"), until=until)


def _redeem_open(
    store: Issuing, offer: Open, request: TokenRequest, proof: DpopProof, *, secrets: OfferSecrets, now: datetime
) -> TokenResponse | OAuthError:
    if request.tx_code is None:
        return InvalidRequest("The offer wants its transaction code as tx_code.")
    if not _is_tx_code(offer, request.tx_code, secrets):
        store.take_try(offer)
        return InvalidGrant(_WRONG_TX_CODE)
    offered = configuration_ids(offer.copies)
    wanted = request.requested_configuration_ids or offered
    if not set(wanted) <= set(offered):
        return InvalidAuthorizationDetails("The offer does not hold every credential configuration that is asked for.")
    if not store.redeem(offer):
        store.revoke_token_of(offer)
        return InvalidGrant(_WRONG_CODE)
    access_token = new_secret()
    store.add_token(
        Token(
            token_hash=stored(access_token),
            offer=offer.id,
            thumbprint=proof.thumbprint,
            configuration_ids=tuple(wanted),
            expires_at=now + TOKEN_TTL,
        )
    )
    return TokenResponse(
        access_token=access_token,
        expires_in=int(TOKEN_TTL.total_seconds()),
        authorization_details=_details(offer, wanted),
    )


def _is_tx_code(offer: Offer, tx_code: str | None, secrets: OfferSecrets) -> bool:
    return hmac.compare_digest(secrets.tx_code_mac(offer.id, tx_code or ""), offer.tx_code_mac)


def _details(offer: Offer, wanted: tuple[str, ...]) -> tuple[AuthorizedCredential, ...]:
    return tuple(
        AuthorizedCredential(
            credential_configuration_id=configuration,
            credential_identifiers=tuple(
                copy.id for copy in offer.copies if copy.kind.credential_type.configuration_id == configuration
            ),
        )
        for configuration in dict.fromkeys(wanted)
    )
