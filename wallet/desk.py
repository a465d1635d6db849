"""What a co-op says of itself over OpenID4VCI 1.0: its offer, its metadata, signed or not, and its keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from credentials.dids import DidDocument
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.keys.errors import CertificateUntrusted
from credentials.keys.jwk import PublicKey
from credentials.protocols.members import Members
from credentials.protocols.openid4vci import (
    AuthorizationServerMetadata,
    CredentialOffer,
    IssuerMetadata,
    OfferReference,
    authorization_server_metadata_url,
    issuer_metadata_url,
    parse_signed_metadata,
)
from credentials.protocols.urls import build_well_known_url, host_of
from plumbing.fetch import Fetcher, Reply
from wallet.errors import IssuerRefused
from wallet.wire import JSON, read_object, read_refusal, succeeded

_MAX_STATED_KEYS: Final = 10
_MAX_CERTIFICATES: Final = 6
_MAX_CERTIFICATE_CHARACTERS: Final = 8_192
_NO_STATED_KEYS: Final = "it does not state its keys in public, so one of them could be for you alone"
_SIGNED: Final = "application/jwt"
# §12.2.3: signed where the issuer signs it, else plain.
_EITHER: Final = {"Accept": f"{_SIGNED}, application/json;q=0.9"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a co-op says about itself: where to ask for what.

    `signed` tells that somebody whom the wallet trusts certifies who said it.
    """

    metadata: IssuerMetadata
    server: AuthorizationServerMetadata
    signed: bool = False

    @property
    def issuer(self) -> str:
        """The co-op's URL."""
        return self.metadata.credential_issuer

    @property
    def host(self) -> str:
        """The co-op's host name."""
        return host_of(self.issuer)

    @property
    def name(self) -> str:
        """What the co-op calls itself, or its host name. Foreign text."""
        return next((display.name for display in self.metadata.displays if display.name), self.host)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedKeys:
    """The keys that a co-op states in public, each under its `kid` there (its thumbprint if it has none).

    `chains` are the certificates that stand beside them, as credentials carry them; `document` is that of its DID, if
    it hands out anything that is signed with a key of it.
    """

    by_kid: Mapping[str, PublicKey]
    chains: frozenset[tuple[str, ...]] = frozenset()
    document: DidDocument | None = None

    @property
    def thumbprints(self) -> frozenset[str]:
        """What tells each key from any other."""
        return frozenset(key.thumbprint for key in self.by_kid.values())


async def fetch_offer(web: Fetcher, reference: OfferReference) -> CredentialOffer:
    """Fetch an offer that was given by reference (§4.1.3); it may be fetched any number of times.

    Raises:
        IssuerRefused: it is not there, or no longer.
    """
    reply = await web.request("GET", reference.url, headers=JSON, max_bytes=65_536)
    if not succeeded(reply):
        raise IssuerRefused(host_of(reference.url), f"the offer is not there ({read_refusal(reply)})")
    return CredentialOffer.parse(reply.body)


async def open_desk(web: Fetcher, issuer: str, *, server: str | None, anchors: tuple[bytes, ...], at: datetime) -> Desk:
    """Fetch the metadata of an issuer and of its authorization server (§12.2, §12.3).

    Args:
        web: the network.
        issuer: the issuer's identifier.
        server: the authorization server that the offer names, if it names one.
        anchors: whose word about who signs the metadata is taken.
        at: now.

    Raises:
        IssuerRefused: it is not there, or does not know that authorization server.
        HandstampError: it is signed, and the signature is not the issuer's.
    """
    metadata, signed = await _fetch_metadata(web, issuer, anchors, at)
    servers = metadata.authorization_servers or (issuer,)
    chosen = server or servers[0]
    if chosen not in servers:
        raise IssuerRefused(host_of(issuer), "its offer names a server that it does not know")
    reply = await _found(web, authorization_server_metadata_url(chosen), JSON)
    about = AuthorizationServerMetadata.parse(reply.body, issuer=chosen)
    return Desk(metadata=metadata, server=about, signed=signed)


async def fetch_stated_keys(web: Fetcher, issuer: str) -> StatedKeys:
    """Return the keys that a co-op states in public (SD-JWT VC, JWT VC Issuer Metadata).

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
    stated = document.object("jwks").optional_array("keys", _read_stated, max_items=_MAX_STATED_KEYS)
    return StatedKeys(
        by_kid={kid: key for kid, key, _ in stated}, chains=frozenset(chain for _, _, chain in stated if chain)
    )


def _read_stated(value: Json, what: str) -> tuple[str, PublicKey, tuple[str, ...]]:
    key, members = PublicKey.parse_jwk(value, what=what), Members(value, what=what)
    chain = members.optional_texts("x5c", max_items=_MAX_CERTIFICATES, max_chars=_MAX_CERTIFICATE_CHARACTERS)
    return members.optional_text("kid", max_chars=512) or key.thumbprint, key, chain


async def _fetch_metadata(
    web: Fetcher, issuer: str, anchors: tuple[bytes, ...], at: datetime
) -> tuple[IssuerMetadata, bool]:
    url = issuer_metadata_url(issuer)
    reply = await _found(web, url, _EITHER)
    if reply.headers.get("Content-Type", "").partition(";")[0].strip().lower() == _SIGNED:
        text = reply.body.decode("ascii", "replace").strip()
        try:
            return parse_signed_metadata(text, issuer=issuer, anchors=anchors, at=at), True
        except CertificateUntrusted:
            # A signature by somebody nobody knows adds nothing to the connection, and takes nothing from it either.
            reply = await _found(web, url, JSON)
    return IssuerMetadata.parse(reply.body, issuer=issuer), False


async def _found(web: Fetcher, url: str, headers: Mapping[str, str]) -> Reply:
    reply = await web.request("GET", url, headers=headers)
    if not succeeded(reply):
        raise IssuerRefused(host_of(url), f"it says nothing about itself ({read_refusal(reply)})")
    return reply
