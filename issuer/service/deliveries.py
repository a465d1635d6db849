"""Give out tokens: the first ones of a delivery, and those of each return (OpenID4VCI 1.0 §6.2, §13.5)."""

from collections.abc import Sequence
from datetime import datetime

from credentials.protocols.dpop import DpopProof
from credentials.protocols.openid4vci.details import AuthorizedCredential
from credentials.protocols.openid4vci.tokens import BEARER, DPOP, TokenResponse
from issuer.copies import Copy
from issuer.deliveries import BEARER_TTL, REFRESH_TTL, TOKEN_TTL, Delivery, RefreshToken, Token
from issuer.delivery_ports import Deliveries
from issuer.secrets import stored
from plumbing.ids import new_internal_id, new_secret


def deliver(
    store: Deliveries,
    copies: Sequence[Copy],
    *,
    wanted: Sequence[str],
    proof: DpopProof | None,
    now: datetime,
    offer: str | None = None,
) -> TokenResponse:
    """Start a delivery of some copies and give its first tokens.

    Args:
        store: where it is kept.
        copies: good ones, all of one listener.
        wanted: the credential configurations that the wallet asked for.
        proof: of the wallet's DPoP key; without one it gets a bearer token and no way to come back.
        now: the request's moment.
        offer: that it comes of.
    """
    delivery = Delivery(
        id=new_internal_id(now),
        offer=offer,
        copies=tuple(copies),
        configuration_ids=tuple(wanted),
        thumbprint=proof.thumbprint if proof else None,
        expires_at=now + (REFRESH_TTL if proof else BEARER_TTL),
    )
    store.add_delivery(delivery)
    return give_tokens(store, delivery, wanted=wanted, parent_hash="", now=now)


def give_tokens(
    store: Deliveries, delivery: Delivery, *, wanted: Sequence[str], parent_hash: str, now: datetime
) -> TokenResponse:
    """Give an access token, and to a wallet with a DPoP key a refresh token.

    Args:
        store: where both are kept, as hashes.
        delivery: what they open.
        wanted: the credential configurations among it.
        parent_hash: of the refresh token that was used for this; empty the first time.
        now: the request's moment.
    """
    access_token = new_secret()
    expires_at = min(now + TOKEN_TTL, delivery.expires_at)
    store.add_token(
        Token(
            token_hash=stored(access_token),
            delivery=delivery,
            configuration_ids=tuple(wanted),
            expires_at=expires_at,
        )
    )
    bound = delivery.thumbprint is not None
    return TokenResponse(
        access_token=access_token,
        token_type=DPOP if bound else BEARER,
        expires_in=int((expires_at - now).total_seconds()),
        refresh_token=_give_refresh_token(store, delivery, parent_hash=parent_hash, now=now) if bound else None,
        authorization_details=_details(delivery.copies, wanted),
    )


def _give_refresh_token(store: Deliveries, delivery: Delivery, *, parent_hash: str, now: datetime) -> str:
    refresh_token = new_secret()
    token = RefreshToken(token_hash=stored(refresh_token), parent_hash=parent_hash, delivery=delivery)
    store.add_refresh_token(token, now=now)
    return refresh_token


def _details(copies: Sequence[Copy], wanted: Sequence[str]) -> tuple[AuthorizedCredential, ...]:
    """One identifier for each copy, by configuration; what has no good copy any more is left out."""
    by_configuration = {
        configuration: tuple(copy.id for copy in copies if copy.kind.credential_type.configuration_id == configuration)
        for configuration in dict.fromkeys(wanted)
    }
    return tuple(
        AuthorizedCredential(credential_configuration_id=configuration, credential_identifiers=identifiers)
        for configuration, identifiers in by_configuration.items()
        if identifiers
    )
