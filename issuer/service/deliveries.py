"""Give out tokens: the first ones of a delivery, and those of each return (OpenID4VCI 1.0 §6.2, §13.5)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from credentials.protocols.dpop import DpopProof
from credentials.protocols.openid4vci.details import AuthorizedCredential
from credentials.protocols.openid4vci.tokens import BEARER, DPOP, TokenResponse
from issuer.copies import Copy
from issuer.deliveries import BEARER_TTL, REFRESH_TTL, TOKEN_TTL, Delivery, RefreshToken, Token
from issuer.delivery_ports import Deliveries
from issuer.forms import CONFIGURATIONS
from issuer.ports import Delivering
from issuer.secrets import stored
from issuer.service.counting import labels_of
from plumbing.ids import new_internal_id, new_secret


def deliver(
    store: Delivering,
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
    store: Delivering, delivery: Delivery, *, wanted: Sequence[str], parent_hash: str, now: datetime
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
        authorization_details=_details(store, delivery.copies, wanted),
    )


def _give_refresh_token(store: Deliveries, delivery: Delivery, *, parent_hash: str, now: datetime) -> str:
    refresh_token = new_secret()
    token = RefreshToken(token_hash=stored(refresh_token), parent_hash=parent_hash, delivery=delivery)
    store.add_refresh_token(token, now=now)
    return refresh_token


def _details(store: Delivering, copies: Sequence[Copy], wanted: Sequence[str]) -> tuple[AuthorizedCredential, ...]:
    """One identifier for each copy, by configuration; what has no good copy any more is left out."""
    # A configuration that this version does not issue any more opens nothing.
    known = [each for each in dict.fromkeys(wanted) if each in CONFIGURATIONS]
    labels = labels_of(store, copies) if any(CONFIGURATIONS[each][1].needs_commitment for each in known) else {}
    details = (_detail(each, copies, labels) for each in known)
    return tuple(detail for detail in details if detail.credential_identifiers)


def _detail(configuration_id: str, copies: Sequence[Copy], labels: Mapping[str, str]) -> AuthorizedCredential:
    kind, form = CONFIGURATIONS[configuration_id]
    meant = [copy for copy in copies if copy.kind.credential_type is kind]
    return AuthorizedCredential(
        credential_configuration_id=configuration_id,
        credential_identifiers=tuple(form.of(copy.id) for copy in meant),
        commitments={form.of(copy.id): labels[copy.id] for copy in meant} if form.needs_commitment else {},
    )
