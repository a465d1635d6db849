"""The credential endpoint (OpenID4VCI 1.0 §8), in three steps with the database open only in the first and second.

1. `find_token`: whose request is it?
2. `admit`: use up what may be used once, and read what is to be signed. Refusals are returned, so that they commit.
3. `sign`: make the credentials, with no database session open.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from credentials.keys.jwk import PublicKey
from credentials.months import months_after
from credentials.protocols.dpop import DpopProof
from credentials.protocols.oauth import (
    InvalidCredentialRequest,
    InvalidDpopProof,
    InvalidNonce,
    InvalidProof,
    InvalidToken,
    OAuthError,
    UnknownCredentialConfiguration,
    UnknownCredentialIdentifier,
)
from credentials.protocols.openid4vci import CredentialRequest, CredentialResponse, Proof
from credentials.sd_jwt import build_sd_jwt_vc
from issuer.copies import Copy
from issuer.identity import Identity
from issuer.offers import Token
from issuer.ports import Issuing, Offers
from issuer.secrets import stored
from issuer.service.claims import claims_for
from issuer.service.tokens import note_proof
from plumbing.clock import epoch_s
from schemas import ALL, CredentialType

_NO_TOKEN = "The access token is unknown, expired or revoked."  # noqa: S105  # a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """All that is needed to sign: no row, no session, no listener."""

    kind: CredentialType
    claims: Mapping[str, str]
    keys: tuple[PublicKey, ...]
    month_start: datetime


def find_token(offers: Offers, access_token: str, *, now: datetime) -> Token:
    """Return the token if it is good now.

    Raises:
        InvalidToken: it is not.
    """
    token = offers.token(stored(access_token))
    if token is None or token.revoked or token.expires_at <= now:
        raise InvalidToken(_NO_TOKEN)
    return token


def admit(
    store: Issuing,
    access_token: str,
    request: CredentialRequest,
    *,
    dpop: DpopProof,
    proofs: Sequence[Proof],
    coop: str,
    now: datetime,
) -> Admitted | OAuthError:
    """Use up DPoP proof, nonces and keys, and read the claims.

    Args:
        store: the ports, in a transaction that is committed whatever comes back.
        access_token: as it came; its token is read again, because it may have been revoked since.
        request: the parsed request.
        dpop: the checked DPoP proof, bound to the token.
        proofs: the checked key proofs, each with its own key.
        coop: the co-op's own address.
        now: the request's moment.
    """
    if not note_proof(store, dpop):
        return InvalidDpopProof("The DPoP proof was used before.", status=401)
    try:
        copy = _wanted_copy(store, find_token(store, access_token, now=now), request)
    except OAuthError as refusal:
        return refusal
    if not all(store.use_nonce(stored(nonce), now=now) for nonce in {proof.nonce for proof in proofs}):
        return InvalidNonce("A key proof has a c_nonce that is unknown, expired or used. Fetch a new one.")
    keys = tuple(proof.key for proof in proofs)
    if not store.claim_keys((key.thumbprint for key in keys), copy_id=copy.id, month=f"{now:%Y-%m}"):
        return InvalidProof("A credential was made for one of these keys before. Every one needs a new key.")
    return Admitted(
        kind=copy.kind.credential_type,
        claims=claims_for(store, copy, coop=coop, now=now),
        keys=keys,
        month_start=now.replace(day=1, hour=0, minute=0, second=0, microsecond=0),
    )


def sign(admitted: Admitted, *, identity: Identity, random: Callable[[int], bytes]) -> CredentialResponse:
    """Sign one credential per key. All of one type and month look alike: same claims, digests, date and key."""
    x5c = list(identity.x5c)
    issued_at = epoch_s(admitted.month_start)
    lifetime = admitted.kind.lifetime_months
    expires_at = None if lifetime is None else months_after(issued_at, lifetime)
    return CredentialResponse(
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
            )
            for key in admitted.keys
        )
    )


def _wanted_copy(store: Issuing, token: Token, request: CredentialRequest) -> Copy:
    if request.credential_identifier is None:
        if request.credential_configuration_id not in {kind.configuration_id for kind in ALL}:
            raise UnknownCredentialConfiguration("There is no such credential configuration here.")
        # §8.2: identifiers were given with the token, so they must be used; a configuration alone names no copy.
        raise InvalidCredentialRequest("Use a credential_identifier from the token response.")
    offer = store.offer(token.offer)
    for copy in offer.copies if offer else ():
        kind = copy.kind.credential_type.configuration_id
        if copy.id == request.credential_identifier and kind in token.configuration_ids:
            return copy
    raise UnknownCredentialIdentifier("The access token does not open this credential_identifier.")
