"""A co-op's counter over OpenID4VCI 1.0: its metadata, a token for an offer, the instances of one copy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from credentials.encoding import strict_json
from credentials.errors import HandstampError, Malformed
from credentials.keys.jwk import PublicKey
from credentials.keys.signer import LocalSigner
from credentials.protocols.oauth import InvalidGrant, InvalidNonce, parse_error
from credentials.protocols.openid4vci import (
    AuthorizationServerMetadata,
    CredentialOffer,
    CredentialRequest,
    CredentialResponse,
    IssuerMetadata,
    NonceResponse,
    OfferReference,
    TokenRequest,
    TokenResponse,
    authorization_server_metadata_url,
    build_proof_jwt,
    issuer_metadata_url,
)
from credentials.protocols.urls import build_well_known_url, host_of
from plumbing.clock import Clock, epoch_s
from plumbing.fetch import Fetcher, Reply
from wallet.errors import IssuerRefused, WrongCode
from wallet.supply import Waiting
from wallet.wire import FORM, JSON, Proving, read_object, read_refusal, send_proven, succeeded

_MAX_STATED_KEYS: Final = 10
_NO_STATED_KEYS: Final = "it does not state its keys in public, so one of them could be for you alone"
_MAX_CREDENTIAL_BYTES: Final = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a co-op says about itself: where to ask for what."""

    metadata: IssuerMetadata
    server: AuthorizationServerMetadata

    @property
    def issuer(self) -> str:
        """The co-op's URL."""
        return self.metadata.credential_issuer

    @property
    def host(self) -> str:
        """The co-op's host name."""
        return host_of(self.issuer)


async def fetch_offer(web: Fetcher, reference: OfferReference) -> CredentialOffer:
    """Fetch an offer that was given by reference (§4.1.3); it may be fetched any number of times.

    Raises:
        IssuerRefused: it is not there, or no longer.
    """
    reply = await web.request("GET", reference.url, headers=JSON, max_bytes=65_536)
    if not succeeded(reply):
        raise IssuerRefused(host_of(reference.url), f"the offer is not there ({read_refusal(reply)})")
    return CredentialOffer.parse(reply.body)


async def open_desk(web: Fetcher, offer: CredentialOffer) -> Desk:
    """Fetch the metadata of an offer's issuer and of its authorization server (§12.2, §12.3).

    Raises:
        IssuerRefused: it is not there, or names an authorization server that the offer does not.
    """
    issuer = offer.credential_issuer
    reply = await _found(web, issuer_metadata_url(issuer))
    metadata = IssuerMetadata.parse(reply.body, issuer=issuer)
    servers = metadata.authorization_servers or (issuer,)
    server = offer.authorization_server or servers[0]
    if server not in servers:
        raise IssuerRefused(host_of(issuer), "its offer names a server that it does not know")
    reply = await _found(web, authorization_server_metadata_url(server))
    return Desk(metadata=metadata, server=AuthorizationServerMetadata.parse(reply.body, issuer=server))


async def fetch_stated_keys(web: Fetcher, issuer: str) -> frozenset[str]:
    """Return the thumbprints of the keys that a co-op states in public.

    Asked over a connection that carries nothing of the listener: a key made for one listener would have to be shown to
    all.

    Raises:
        IssuerRefused: it states none, or so many that one could be for each listener.
    """
    reply = await web.request("GET", build_well_known_url(issuer, "jwt-vc-issuer"), headers=JSON)
    if not succeeded(reply):
        raise IssuerRefused(host_of(issuer), _NO_STATED_KEYS)
    document = read_object(reply, what="list of the co-op's keys")
    if document.text("issuer") != issuer:
        raise Malformed("list of the co-op's keys", "it is another issuer's")
    if "jwks" not in document:
        raise IssuerRefused(host_of(issuer), _NO_STATED_KEYS)
    keys = document.object("jwks").optional_array(
        "keys", lambda value, what: PublicKey.parse_jwk(value, what=what), max_items=_MAX_STATED_KEYS
    )
    return frozenset(key.thumbprint for key in keys)


async def fetch_token(
    web: Fetcher, desk: Desk, offer: CredentialOffer, *, tx_code: str | None, proving: Proving
) -> TokenResponse:
    """Exchange an offer's code, with the transaction code, for a token bound to `proving`'s key (§6).

    Raises:
        WrongCode: the offer or the transaction code was not taken.
        IssuerRefused: any other refusal.
    """
    request = TokenRequest(pre_authorized_code=offer.pre_authorized_code or "", tx_code=tx_code)
    reply = await send_proven(
        web, "POST", desk.server.token_endpoint, proving=proving, headers=JSON | FORM, content=request.to_form()
    )
    if not succeeded(reply):
        if isinstance(_oauth_error(reply), InvalidGrant):
            raise WrongCode
        raise IssuerRefused(desk.host, read_refusal(reply))
    return TokenResponse.parse(reply.body)


async def fetch_instances(
    web: Fetcher, desk: Desk, waiting: Waiting, *, keys: Sequence[LocalSigner], access_token: str, proving: Proving
) -> tuple[str, ...]:
    """Ask for one copy, an instance for each of `keys`, in one request (§8).

    A nonce that the co-op calls stale is replaced once.

    Raises:
        IssuerRefused: the co-op said no.
    """
    reply = await _ask(web, desk, waiting, keys=keys, access_token=access_token, proving=proving)
    if isinstance(_oauth_error(reply), InvalidNonce):
        reply = await _ask(web, desk, waiting, keys=keys, access_token=access_token, proving=proving)
    if not succeeded(reply):
        raise IssuerRefused(desk.host, read_refusal(reply))
    return CredentialResponse.parse(reply.body).credentials


async def _ask(
    web: Fetcher, desk: Desk, waiting: Waiting, *, keys: Sequence[LocalSigner], access_token: str, proving: Proving
) -> Reply:
    nonce = await _fetch_nonce(web, desk)
    proofs = build_proofs(keys, audience=desk.issuer, nonce=nonce, clock=proving.clock)
    request = CredentialRequest(
        credential_identifier=waiting.credential_identifier,
        credential_configuration_id=None if waiting.credential_identifier else waiting.configuration_id,
        proofs=proofs,
    )
    headers: Mapping[str, str] = {**JSON, "Content-Type": "application/json"}
    return await send_proven(
        web,
        "POST",
        desk.metadata.credential_endpoint,
        proving=proving,
        headers=headers,
        content=strict_json.dump(request.to_json()),
        access_token=access_token,
        max_bytes=_MAX_CREDENTIAL_BYTES,
    )


def build_proofs(keys: Sequence[LocalSigner], *, audience: str, nonce: str, clock: Clock) -> tuple[str, ...]:
    """Return one key proof for each key (App. F.1)."""
    issued_at = epoch_s(clock())
    return tuple(build_proof_jwt(signer=key, audience=audience, nonce=nonce, issued_at=issued_at) for key in keys)


async def _fetch_nonce(web: Fetcher, desk: Desk) -> str:
    endpoint = desk.metadata.nonce_endpoint
    if endpoint is None:
        raise IssuerRefused(desk.host, "it has no nonce endpoint, which this wallet needs")
    reply = await web.request("POST", endpoint, headers=JSON, content=b"")
    if not succeeded(reply):
        raise IssuerRefused(desk.host, read_refusal(reply))
    return NonceResponse.parse(reply.body).c_nonce


async def _found(web: Fetcher, url: str) -> Reply:
    reply = await web.request("GET", url, headers=JSON)
    if not succeeded(reply):
        raise IssuerRefused(host_of(url), f"it says nothing about itself ({read_refusal(reply)})")
    return reply


def _oauth_error(reply: Reply) -> HandstampError | None:
    if succeeded(reply):
        return None
    try:
        return parse_error(reply.body, status=reply.status)
    except Malformed:
        return None
