"""Client identifiers: who asks, and how that is proven (OpenID4VP 1.0 §5.9).

The prefix says what must be true of a request before anybody is believed to have sent it. The full identifier, prefix
included, is what an answer is signed for (§14.8): two verifiers that differ in the prefix only are two verifiers.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

from cryptography.hazmat.primitives.serialization import Encoding

from credentials.dids import parse_did
from credentials.dids.did_web import build_did_web_address
from credentials.encoding import base64url
from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError
from credentials.keys.certificates import CertificateChain, parse_x5c
from credentials.protocols.members import check_text
from credentials.protocols.oauth import refuse_as
from credentials.protocols.openid4vp.errors import (
    MissingClientIdPrefix,
    RequestRefused,
    UnsupportedClientIdPrefix,
)
from credentials.protocols.urls import host_of, is_dns_name, parse_service_url

MAX_CLIENT_ID: Final = 1024
_DID: Final = re.compile(r"did:[a-z0-9]{1,32}:[A-Za-z0-9._:%-]{1,900}")
_DID_WEB: Final = "did:web:"
_HASH: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class Prefix(Enum):
    """The four ways of naming a client that are understood here."""

    X509_SAN_DNS = "x509_san_dns"
    """A host, certified by an authority."""
    X509_HASH = "x509_hash"
    """The hash of a certificate by an authority; HAIP's way."""
    DECENTRALIZED_IDENTIFIER = "decentralized_identifier"
    """A DID, whose document holds the key."""
    REDIRECT_URI = "redirect_uri"
    """The address for the answer, and nothing else: no proof, so no signature either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientId:
    """A client identifier, taken apart.

    Attributes:
        text: all of it, as it came and as the answer names it.
        prefix: how the client is proven.
        identifier: what follows the prefix; for a DID, the DID.
    """

    text: str
    prefix: Prefix
    identifier: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a client identifier. §5.9.1: the prefix ends at the first colon, whatever follows.

        `did:...` without a prefix, as drafts before 1.0 had it, is read as the DID that it is; it is never written.

        Raises:
            MissingClientIdPrefix, UnsupportedClientIdPrefix, RequestRefused: it is none that can be proven here.
        """
        with refuse_as(RequestRefused):
            check_text(text, what="`client_id`", max_chars=MAX_CLIENT_ID)
        name, colon, rest = text.partition(":")
        if not colon or name in ("http", "https"):
            # Without a prefix, a client known beforehand; we know none. Older drafts sent bare URLs, too.
            raise MissingClientIdPrefix(text)
        if name == "did":
            name, rest = Prefix.DECENTRALIZED_IDENTIFIER.value, text
        try:
            prefix = Prefix(name)
        except ValueError:
            raise UnsupportedClientIdPrefix(name) from None
        _check_identifier(prefix, rest)
        return cls(text=text, prefix=prefix, identifier=rest)

    @property
    def host(self) -> str | None:
        """The host that the identifier itself names; None if it names a certificate or a key only."""
        match self.prefix:
            case Prefix.X509_SAN_DNS:
                return self.identifier.lower()
            case Prefix.REDIRECT_URI:
                return host_of(self.identifier)
            case Prefix.DECENTRALIZED_IDENTIFIER:
                return _host_of_did(self.identifier)
            case Prefix.X509_HASH:
                return None

    @property
    def is_certified(self) -> bool:
        """Whether an authority's certificate proves the client: somebody else than the client vouches for it."""
        return self.prefix in (Prefix.X509_SAN_DNS, Prefix.X509_HASH)

    @property
    def is_signed(self) -> bool:
        """Whether requests under this prefix are signed; the others cannot be (§5.9.3)."""
        return self.prefix is not Prefix.REDIRECT_URI


def build_client_id(host: str) -> str:
    """The client identifier of a verifier whose certificate names this host (§5.9.3, `x509_san_dns`)."""
    return f"{Prefix.X509_SAN_DNS.value}:{host}"


def build_hash_client_id(x5c: Sequence[str]) -> str:
    """The client identifier of a verifier by its certificate (§5.9.3, `x509_hash`); `x5c` as in a JOSE header."""
    chain = parse_x5c(list[Json](x5c), what="verifier's certificate chain")
    return f"{Prefix.X509_HASH.value}:{hash_leaf(chain)}"


def build_did_client_id(did: str) -> str:
    """The client identifier of a verifier by its DID (§5.9.3, `decentralized_identifier`)."""
    return ClientId.parse(f"{Prefix.DECENTRALIZED_IDENTIFIER.value}:{did}").text


def build_redirect_client_id(response_uri: str) -> str:
    """The client identifier of a verifier that proves nothing: the address of its answers (§5.9.3, `redirect_uri`)."""
    return ClientId.parse(f"{Prefix.REDIRECT_URI.value}:{response_uri}").text


def hash_leaf(chain: CertificateChain) -> str:
    """SHA-256 of the leaf's DER, base64url: what follows `x509_hash:` (§5.9.3)."""
    return base64url.encode(hashlib.sha256(chain.leaf.public_bytes(Encoding.DER)).digest())


def _check_identifier(prefix: Prefix, identifier: str) -> None:
    match prefix:
        case Prefix.X509_SAN_DNS:
            good = is_dns_name(identifier)
        case Prefix.X509_HASH:
            good = _HASH.fullmatch(identifier) is not None
        case Prefix.DECENTRALIZED_IDENTIFIER:
            web = identifier.startswith(_DID_WEB)
            good = _DID.fullmatch(identifier) is not None and (not web or _host_of_did(identifier) is not None)
        case Prefix.REDIRECT_URI:
            good = _is_address(identifier)
    if not good:
        raise RequestRefused(f"The client_id has not what '{prefix.value}:' must be followed by.")


def _is_address(text: str) -> bool:
    try:
        parse_service_url(text, what="address in the client_id")
    except HandstampError:
        return False
    return True


def _host_of_did(did: str) -> str | None:
    """The host of a did:web; None for other methods, and for what only looks like one."""
    if not did.startswith(_DID_WEB):
        return None
    try:
        host = host_of(build_did_web_address(parse_did(did, what="DID in the client_id")))
    except HandstampError:
        return None
    return host if is_dns_name(host) else None
