"""The credential endpoint (OpenID4VCI 1.0 §8), in three steps with the database open only in the first and second.

1. `find_token`: whose request is it?
2. `admit`: use up what may be used once, and read what is to be signed. Refusals are returned, so that they commit.
3. `sign`: make the credentials, with no database session open.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from credentials.keys.jwk import PublicKey
from credentials.months import months_after
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
from credentials.protocols.openid4vci import CredentialRequest, CredentialResponse, DeferredResponse, Proof
from credentials.sd_jwt import build_sd_jwt_vc
from credentials.status import StatusReference
from issuer.copies import Copy
from issuer.deliveries import DEFERRED_INTERVAL_S, DEFERRED_TTL, NOTIFICATION_TTL, Token, Waiting
from issuer.delivery_ports import Deliveries
from issuer.identity import Identity
from issuer.ports import Issuing
from issuer.secrets import stored
from issuer.service.claims import claims_for
from issuer.service.tokens import note_proof
from issuer.status import DrawnEntry
from plumbing.clock import epoch_s
from plumbing.ids import new_public_id
from schemas import ALL, CredentialType

MOST_IN_A_MONTH: Final = 1_000
"""Instances of one copy: many a day, and too few for one listener to fill the month's status lists, which would tell of
all others that they came late in the month."""
_NO_TOKEN = "The access token is unknown, expired or revoked."  # noqa: S105  # a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """All that is needed to sign: no row, no session, no listener."""

    kind: CredentialType
    claims: Mapping[str, str]
    keys: tuple[PublicKey, ...]
    month_start: datetime
    notification_id: str
    entries: tuple[DrawnEntry, ...]
    """Where the status of each credential is kept, one for each key."""


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
    proofs: Sequence[Proof],
    coop: str,
    now: datetime,
) -> Admitted | DeferredResponse | OAuthError:
    """Use up DPoP proof, nonces and keys, and read the claims; or let the request wait, if its copy is held back.

    Args:
        store: the ports, in a transaction that is committed whatever comes back.
        access_token: as it came.
        request: the parsed request.
        dpop: the checked DPoP proof, bound to the token; None for a bearer token.
        proofs: the checked key proofs, each with its own key.
        coop: the co-op's own address.
        now: the request's moment.
    """
    token = enter(store, access_token, dpop=dpop, now=now)
    if isinstance(token, OAuthError):
        return token
    try:
        copy = _wanted_copy(token, request)
        _check_not_too_many(store, copy, len(proofs), now=now)
    except OAuthError as refusal:
        return refusal
    if not all(store.use_nonce(stored(nonce), now=now) for nonce in {proof.nonce for proof in proofs}):
        return InvalidNonce("A key proof has a c_nonce that is unknown, expired or used. Fetch a new one.")
    keys = tuple(proof.key for proof in proofs)
    if not store.claim_keys((key.thumbprint for key in keys), copy_id=copy.id, month=f"{now:%Y-%m}"):
        return InvalidProof("A credential was made for one of these keys before. Every one needs a new key.")
    if store.is_held(copy.id):
        return _defer(store, token, copy, keys, now=now)
    return prepare(store, copy, keys, delivery=token.delivery.id, coop=coop, now=now)


def prepare(
    store: Issuing, copy: Copy, keys: Sequence[PublicKey], *, delivery: str, coop: str, now: datetime
) -> Admitted:
    """Read all that is to be signed for a copy that may be sent, one credential for each of the keys."""
    notification_id = new_public_id()
    until = now + NOTIFICATION_TTL
    store.add_notification(stored(notification_id), delivery=delivery, copy_id=copy.id, until=until)
    return Admitted(
        kind=copy.kind.credential_type,
        claims=claims_for(store, copy, coop=coop, now=now),
        keys=tuple(keys),
        month_start=now.replace(day=1, hour=0, minute=0, second=0, microsecond=0),
        notification_id=notification_id,
        entries=store.draw(copy.id, count=len(keys), month=f"{now:%Y-%m}", now=now),
    )


def sign(admitted: Admitted, *, identity: Identity, random: Callable[[int], bytes]) -> CredentialResponse:
    """Sign one credential per key. All of one type and month look alike: same claims, digests, date and key."""
    x5c = list(identity.x5c)
    issued_at = epoch_s(admitted.month_start)
    lifetime = admitted.kind.lifetime_months
    expires_at = None if lifetime is None else months_after(issued_at, lifetime)
    return CredentialResponse(
        notification_id=admitted.notification_id,
        credentials=tuple(
            build_sd_jwt_vc(
                vct=admitted.kind.vct,
                issuer=identity.url,
                holder_key=key,
                issued_at=issued_at,
                disclosable={name: admitted.claims[name] for name in admitted.kind.claim_names},
                digest_count=admitted.kind.digest_count,
                signer=identity.signer,
                x5c=x5c,
                random=random,
                expires_at=expires_at,
                status=StatusReference(uri=identity.status_list_url(entry.list_id), index=entry.index),
            )
            for key, entry in zip(admitted.keys, admitted.entries, strict=True)
        ),
    )


def _defer(store: Issuing, token: Token, copy: Copy, keys: tuple[PublicKey, ...], *, now: datetime) -> DeferredResponse:
    """§8.3: the keys are noted and proven already, so that nothing but the copy is waited for."""
    transaction_id = new_public_id()
    store.add_waiting(
        Waiting(
            transaction_hash=stored(transaction_id),
            delivery=token.delivery.id,
            copy_id=copy.id,
            keys=keys,
            expires_at=min(now + DEFERRED_TTL, token.delivery.expires_at),
        )
    )
    return DeferredResponse(transaction_id=transaction_id, interval=DEFERRED_INTERVAL_S)


def _wanted_copy(token: Token, request: CredentialRequest) -> Copy:
    opened = [
        copy for copy in token.delivery.copies if copy.kind.credential_type.configuration_id in token.configuration_ids
    ]
    if request.credential_identifier is None:
        return _only_copy(opened, request.credential_configuration_id)
    for copy in opened:
        if copy.id == request.credential_identifier:
            return copy
    raise UnknownCredentialIdentifier("The access token does not open this credential_identifier.")


def _check_not_too_many(store: Issuing, copy: Copy, more: int, *, now: datetime) -> None:
    if store.drawn(copy.id, month=f"{now:%Y-%m}") + more > MOST_IN_A_MONTH:
        raise CredentialRequestDenied("No more is made of this record this month; come back in the next.")


def _only_copy(opened: Sequence[Copy], configuration_id: str | None) -> Copy:
    """§8.2 wants the identifiers used that came with the token; a wallet that ignored them can mean one copy only."""
    meant = [copy for copy in opened if copy.kind.credential_type.configuration_id == configuration_id]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise InvalidCredentialRequest("Use a credential_identifier from the token response.")
    if configuration_id not in {kind.configuration_id for kind in ALL}:
        raise UnknownCredentialConfiguration("There is no such credential configuration here.")
    raise UnknownCredentialConfiguration("The access token opens nothing of this credential configuration.")
