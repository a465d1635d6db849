"""Find out who asks and what: the request at an address or in the link, verified as its client's prefix demands.

The wallet tells nothing of its own for that. Where a site takes its request by POST, every wallet sends the same
metadata and a nonce that was never used before; the request must repeat it, so none that was recorded elsewhere passes.
There is no way back to GET: a site that answers the POST wrongly gets no second, weaker question.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from credentials.dids import parse_did
from credentials.dids.did_web import build_did_web_address
from credentials.encoding import base64url
from credentials.errors import HandstampError
from credentials.keys.certificates import parse_x5c
from credentials.keys.errors import CertificateUntrusted
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import parse_jws
from credentials.protocols.openid4vp import (
    REQUEST_TYPE,
    AuthorizationRequest,
    ClientId,
    PlainInLink,
    Prefix,
    RequestLink,
    RequestReference,
    SignedInLink,
    build_request_uri_post,
    check_plain_request,
    verify_request_object,
)
from credentials.protocols.openid4vp.verifying import TYP as REQUEST_TYP
from credentials.protocols.urls import host_of
from plumbing.dids import build_resolver
from wallet.errors import SiteRefused, UnknownAuthority
from wallet.numbers import check_numbers
from wallet.ports import Tools, Web
from wallet.refused import UncertifiedSite, refusing
from wallet.state import Purpose, Wallet
from wallet.wire import FORM, read_refusal, succeeded

_MAX_REQUEST_BYTES: Final = 65_536
_NONCE_BYTES: Final = 16
# A did:key or did:jwk needs no network; an errand must begin somewhere all the same.
_NOWHERE: Final = "https://localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A verified request.

    Attributes:
        request: as the site made it.
        first_party: the address that the errand began at.
        site_key: the key that signed it, which is the site's own; None if nobody did.
    """

    request: AuthorizationRequest
    first_party: str
    site_key: PublicKey | None = None


async def fetch_request(
    link: RequestLink, wallet: Wallet, *, tools: Tools, first_party: str | None, uncertified: bool
) -> Fetched:
    """Fetch the request that a link leads to, and verify it.

    A site that gave the link is the `first_party`: it decides how far the errand may reach. A listener who answers also
    a site that no authority vouches for says `uncertified`.

    Raises:
        UnknownAuthority: no pinned authority certifies who asks.
        UncertifiedSite: no authority could, and `uncertified` is not set.
        QuestionRefused, SiteRefused, FetchFailed: it is not there, or must not be answered.
    """
    client = ClientId.parse(link.client_id)
    host = _named_host(link, client)
    if client.is_certified and not wallet.anchors(Purpose.SITES):
        raise UnknownAuthority(host)
    if not client.is_certified and not uncertified:
        raise UncertifiedSite(host)
    if isinstance(link, PlainInLink):
        with refusing(host, reading=True):
            request = check_plain_request(link)
        return Fetched(request=request, first_party=first_party or request.response_uri)
    errand = first_party or _begins_at(link, client)
    async with tools.web(errand) as web:
        text, nonce = await _take(link, host, web, tools)
        did_keys = await _find_did_keys(client, host, web, tools)
    at, anchors = tools.clock(), wallet.anchors(Purpose.SITES)
    with _knowing_authorities(host), refusing(host, reading=True):
        request = verify_request_object(
            text, reference=link, anchors=anchors, at=at, did_keys=did_keys, wallet_nonce=nonce
        )
    check_numbers(request, at=at)
    in_link = isinstance(link, SignedInLink)
    return Fetched(
        request=request,
        first_party=first_party or (request.response_uri if in_link else errand),
        site_key=_signed_by(text, did_keys),
    )


@contextlib.contextmanager
def _knowing_authorities(host: str) -> Iterator[None]:
    """Name the host whose certificate no pinned authority signed."""
    try:
        yield
    except CertificateUntrusted as error:
        raise UnknownAuthority(host) from error


def _signed_by(text: str, did_keys: Mapping[str, PublicKey]) -> PublicKey | None:
    """Return the key that signed a request, which was verified."""
    header = parse_jws(text, what="request", typ=REQUEST_TYP).header
    if "x5c" in header:
        return parse_x5c(header["x5c"], what="certificate chain").leaf_key
    kid = str(header.get("kid"))
    return next((key for url, key in did_keys.items() if url.endswith(kid)), None)


def _named_host(link: RequestLink, client: ClientId) -> str:
    """The host to name in a refusal, as far as anything is known yet."""
    if client.host is not None:
        return client.host
    return host_of(link.request_uri) if isinstance(link, RequestReference) else "this link"


def _begins_at(link: RequestReference | SignedInLink, client: ClientId) -> str:
    if isinstance(link, RequestReference):
        return link.request_uri
    web = client.prefix is Prefix.DECENTRALIZED_IDENTIFIER and client.host is not None
    return build_did_web_address(parse_did(client.identifier, what="DID")) if web else _NOWHERE


async def _take(link: RequestReference | SignedInLink, host: str, web: Web, tools: Tools) -> tuple[str, str | None]:
    """Return the request object and, if it was fetched by POST, the nonce that it must repeat."""
    if isinstance(link, SignedInLink):
        return link.request_object, None
    accept, nonce, body = {"Accept": REQUEST_TYPE}, None, None
    if link.method == "post":
        nonce = base64url.encode(tools.random(_NONCE_BYTES))
        accept, body = accept | FORM, build_request_uri_post(nonce)
    reply = await web.request(
        link.method.upper(), link.request_uri, headers=accept, content=body, max_bytes=_MAX_REQUEST_BYTES
    )
    if not succeeded(reply):
        raise SiteRefused(host, read_refusal(reply), shown=False)
    return reply.body.decode("ascii", "replace").strip(), nonce


async def _find_did_keys(client: ClientId, host: str, web: Web, tools: Tools) -> Mapping[str, PublicKey]:
    if client.prefix is not Prefix.DECENTRALIZED_IDENTIFIER:
        return {}
    try:
        document = await build_resolver(web, clock=tools.clock).resolve(client.identifier)
    except HandstampError as error:
        raise SiteRefused(host, f"its key could not be found ({error.detail.rstrip('.')})", shown=False) from error
    return document.keys
