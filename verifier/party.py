"""Who this verifier is to others: the names that it signs with and asks under."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from credentials.dids.did_web import build_did_web
from credentials.keys.encryption import DecryptionKey
from credentials.protocols.openid4vp import (
    Prefix,
    build_client_id,
    build_did_client_id,
    build_hash_client_id,
    build_redirect_client_id,
)
from credentials.protocols.urls import host_of

if TYPE_CHECKING:
    from credentials.keys.jwk import PublicKey
    from credentials.keys.signer import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One site at one public address.

    Attributes:
        base_url: the public address, without a slash at its end; also the issuer of grants.
        site: the short name under which its rows are kept.
        name: what people read.
        prefix: how wallets are to prove who asks (OpenID4VP 1.0 §5.9.3).
        x5c: the certificates of the key that signs requests; only `x509_hash` needs them here.
        fetched_by_post: whether wallets are invited to fetch requests by POST, with a nonce of their own (§5.10).
    """

    base_url: str
    site: str
    name: str
    prefix: Prefix = Prefix.X509_SAN_DNS
    x5c: tuple[str, ...] = ()
    fetched_by_post: bool = False

    def client_id(self, request_id: str) -> str:
        """Return the client identifier of a request; the same for all, unless it is the address of the answer."""
        match self.prefix:
            case Prefix.X509_SAN_DNS:
                return _certified_id(self.base_url)
            case Prefix.X509_HASH:
                return build_hash_client_id(self.x5c)
            case Prefix.DECENTRALIZED_IDENTIFIER:
                return build_did_client_id(self.did)
            case Prefix.REDIRECT_URI:
                return build_redirect_client_id(self.response_url(request_id))

    @property
    def did(self) -> str:
        """The did:web of the site; its document lists the key that signs requests."""
        return build_did_web(self.base_url)

    @property
    def proves_host(self) -> bool:
        """Tell whether wallets can be sure which host asks; without that, they show no pseudonym."""
        return self.prefix is not Prefix.REDIRECT_URI

    def gate_url(self, gate_id: str) -> str:
        """Return the stable link of a gate."""
        return f"{self.base_url}/gates/{gate_id}"

    def visit_url(self, visit_id: str) -> str:
        """Return the page of a visit."""
        return f"{self.base_url}/visits/{visit_id}"

    def request_url(self, request_id: str) -> str:
        """Return where a wallet takes the request from (`request_uri`)."""
        return f"{self.base_url}/requests/{request_id}"

    def response_url(self, request_id: str) -> str:
        """Return where a wallet sends its answer (`response_uri`)."""
        return f"{self.base_url}/responses/{request_id}"

    def return_url(self, response_code: str) -> str:
        """Return where a wallet sends the browser after an answer on the same device (`redirect_uri`)."""
        return f"{self.base_url}/return?response_code={response_code}"

    def code_url(self, page: str) -> str:
        """Return where a wallet shows the short code of an answer to a limited gate (`redirect_uri`)."""
        return f"{self.base_url}/codes/{page}"


# One for all requests of a site.
@lru_cache(maxsize=64)
def _certified_id(base_url: str) -> str:
    return build_client_id(host_of(base_url))


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSigner:
    """The key that signs requests, and what proves whose it is.

    Attributes:
        signer: the key.
        x5c: certificates, leaf first.
        kid: instead, the DID URL under which the site's DID document lists it.
    """

    signer: Signer
    x5c: tuple[str, ...] = ()
    kid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteKeys:
    """The keys of a site at one moment.

    Attributes:
        request: signs requests; None where requests prove nothing (`redirect_uri`).
        grant: signs grants.
        other_requests: further keys that the site's DID document lists: one that comes, and those that were.
        other_grants: further keys that the site's JWKS lists, the same way; trackservers pin them ahead of use.
    """

    request: RequestSigner | None
    grant: Signer
    other_requests: tuple[PublicKey, ...] = ()
    other_grants: tuple[PublicKey, ...] = ()


class AnswerKeys:
    """Makes the key that one request's answer is encrypted to; it lies encrypted beside the request, and goes with it.

    Args:
        secret: 32 bytes that never leave the service.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def new(self) -> bytes:
        """Return a new private key, as `open` takes it."""
        return DecryptionKey.generate().to_pem(self._secret)

    def open(self, kept: bytes) -> DecryptionKey:
        """Return the key that `new` made."""
        return DecryptionKey.from_pem(kept, self._secret)
