"""The credential endpoint (OpenID4VCI 1.0 §8), in three steps with the database open only in the first and second.

1. `find_token`: whose request is it?
2. `admit`: use up what may be used once, and read what is to be signed. Refusals are returned, so that they commit.
3. `issuer.service.signing.sign`: make the credentials, with no database session open.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from credentials.protocols.dpop import DpopProof
from credentials.protocols.oauth import (
    CredentialRequestDenied,
    InvalidCredentialRequest,
    InvalidDpopProof,
    InvalidNonce,
    InvalidProof,
    InvalidToken,
    OAuthError,
    UnknownCredentialConfiguration,
    UnknownCredentialIdentifier,
)
from credentials.protocols.openid4vci import CredentialRequest, DeferredResponse, Form
from issuer.copies import Copy
from issuer.deliveries import DEFERRED_INTERVAL_S, DEFERRED_TTL, Token, Waiting
from issuer.delivery_ports import Deliveries
from issuer.forms import CONFIGURATIONS
from issuer.orders import Admitted
from issuer.ports import Issuing
from issuer.secrets import stored
from issuer.service.nonces import use_nonces
from issuer.service.offers import OfferDesk
from issuer.service.preparing import Occasion, check_not_too_many, prepare
from issuer.service.proving import Proven
from issuer.service.tokens import note_proof
from plumbing.ids import new_public_id

MOST_WAITING: Final = 20
"""Requests of one delivery for one copy that is held back."""
_NO_TOKEN = "The access token is unknown, expired or revoked."  # noqa: S105  # a sentence


def find_token(deliveries: Deliveries, access_token: str, *, now: datetime) -> Token:
    """Return the token if it is good now.

    Raises:
        InvalidToken: it is not.
    """
    token = deliveries.token(stored(access_token))
    if token is None or not token.is_good(now):
        raise InvalidToken(_NO_TOKEN)
    return token


def enter(store: Issuing, access_token: str, *, dpop: DpopProof | None, now: datetime) -> Token | OAuthError:
    """Use up the DPoP proof of a request and read its token again, because it may have been revoked since.

    Args:
        store: the ports, in a transaction that is committed whatever comes back.
        access_token: as it came.
        dpop: the checked DPoP proof, bound to the token; None for a bearer token.
        now: the request's moment.
    """
    if not note_proof(store, dpop):
        return InvalidDpopProof("The DPoP proof was used before.", status=401)
    try:
        return find_token(store, access_token, now=now)
    except OAuthError as refusal:
        return refusal


def admit(
    store: Issuing,
    access_token: str,
    request: CredentialRequest,
    *,
    dpop: DpopProof | None,
    proven: Proven,
    desk: OfferDesk,
    random: Callable[[int], bytes],
    now: datetime,
) -> Admitted | DeferredResponse | OAuthError:
    """Use up DPoP proof, nonces and keys, and read the claims; or let the request wait, if its copy is held back.

    Args:
        store: the ports, in a transaction that is committed whatever comes back.
        access_token: as it came.
        request: the parsed request.
        dpop: the checked DPoP proof, bound to the token; None for a bearer token.
        proven: what the request's proofs prove.
        desk: whose address it names, and which made its nonces.
        random: for what must be drawn.
        now: the request's moment.
    """
    token = enter(store, access_token, dpop=dpop, now=now)
    if isinstance(token, OAuthError):
        return token
    try:
        copy = _wanted_copy(token, request, proven.form)
        check_not_too_many(store, copy, proven, delivery=token.delivery.id, now=now)
    except OAuthError as refusal:
        return refusal
    if not use_nonces(store, proven.nonces, secrets=desk.secrets, now=now):
        return InvalidNonce("A key proof has a c_nonce that is unknown, expired or used. Fetch a new one.")
    if not _claim_keys(store, copy, proven, now=now):
        return InvalidProof("A credential was made for one of these keys before. Every one needs a new key.")
    if store.is_held(copy.id):
        return _defer(store, token, copy, proven, now=now)
    return prepare(
        store, copy, proven, Occasion(delivery=token.delivery.id, coop=desk.issuer_url, random=random, now=now)
    )


def _claim_keys(store: Issuing, copy: Copy, proven: Proven, *, now: datetime) -> bool:
    """One key, one instance, for ever; but what is published names its subject's key each time that it is renewed."""
    if proven.form is not Form.SD_JWT:
        return True
    return store.claim_keys((key.thumbprint for key in proven.keys), copy_id=copy.id, month=f"{now:%Y-%m}")


def _defer(
    store: Issuing, token: Token, copy: Copy, proven: Proven, *, now: datetime
) -> DeferredResponse | CredentialRequestDenied:
    """§8.3: what the request brought is noted and proven already, so that nothing but the copy is waited for."""
    if store.count_waiting(token.delivery.id, copy.id) >= MOST_WAITING:
        return CredentialRequestDenied("Enough requests for this record are waiting already; come back for those.")
    transaction_id = new_public_id()
    store.add_waiting(
        Waiting(
            transaction_hash=stored(transaction_id),
            delivery=token.delivery.id,
            copy_id=copy.id,
            form=proven.form,
            keys=proven.keys,
            commitment=proven.commitment.with_proof if proven.commitment else None,
            expires_at=min(now + DEFERRED_TTL, token.delivery.expires_at),
        )
    )
    return DeferredResponse(transaction_id=transaction_id, interval=DEFERRED_INTERVAL_S)


def _wanted_copy(token: Token, request: CredentialRequest, form: Form) -> Copy:
    opened = [copy for copy in token.delivery.copies if _configuration(copy, form) in token.configuration_ids]
    if request.credential_identifier is None:
        return _only_copy(opened, request.credential_configuration_id, form)
    for copy in opened:
        if form.of(copy.id) == request.credential_identifier:
            return copy
    raise UnknownCredentialIdentifier("The access token does not open this credential_identifier.")


def _only_copy(opened: Sequence[Copy], configuration_id: str | None, form: Form) -> Copy:
    """§8.2 wants the identifiers used that came with the token; a wallet that ignored them can mean one copy only."""
    meant = [copy for copy in opened if _configuration(copy, form) == configuration_id]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise InvalidCredentialRequest("Use a credential_identifier from the token response.")
    if configuration_id not in CONFIGURATIONS:
        raise UnknownCredentialConfiguration("There is no such credential configuration here.")
    raise UnknownCredentialConfiguration("The access token opens nothing of this credential configuration.")


def _configuration(copy: Copy, form: Form) -> str:
    return form.of(copy.kind.credential_type.configuration_id)
