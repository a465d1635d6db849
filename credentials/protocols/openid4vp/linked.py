"""What ties a linked credential (`ldp_vc`) to one request: our profile of OpenID4VP 1.0 §B.1.3.

A bbs-2023 proof is bound to no key. What it signs beside the credential is its presentation header, so the header is a
hash of whoever asks, of the request's nonce (and with it the gate's terms) and of where the answer goes. It has one
length for everybody. A verifier compares it with what it asked: a proof alone says nothing of that.

A gate that counts names a domain for the pseudonym, in the request parameter `handstamp_nym_domains`, by the id of the
credential query. The domain is the address of the gate itself, so no two verifiers have one in common.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from credentials.encoding.jcs import canonicalize
from credentials.encoding.strict_json import Json
from credentials.errors import HolderError
from credentials.protocols.dcql import LDP_VC, Query
from credentials.protocols.members import Members, check_text
from credentials.protocols.openid4vp.clients import ClientId, Prefix
from credentials.protocols.openid4vp.errors import ForeignNymDomain, RequestRefused, UnprovenNymDomain
from credentials.protocols.urls import parse_landing_url

NYM_DOMAINS: Final = "handstamp_nym_domains"
_WHAT: Final = "domain for a pseudonym"
_MAX_DOMAIN: Final = 512
_MAX_DOMAINS: Final = 64
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


class WrongPresentationHeader(HolderError):
    """The proof was made for another verifier, request or address: it was shown there, and is sent on."""

    code = "wrong_presentation_header"

    def __init__(self) -> None:
        super().__init__("The proof was made for another request, or for another verifier, than this.")


class WrongNymDomain(HolderError):
    """The pseudonym is not one of the domain that was asked for."""

    code = "wrong_nym_domain"

    def __init__(self) -> None:
        super().__init__("The pseudonym shown belongs to another gate, or to another month, than this.")


def build_presentation_header(client: str, nonce: str, response_uri: str | None) -> bytes:
    """Return what a proof must sign to answer one request: 32 bytes.

    Args:
        client: the full client identifier, prefix included; `origin:...` where a browser stands between (App. A).
        nonce: the request's.
        response_uri: where the answer goes; None where a browser takes it.
    """
    return hashlib.sha256(canonicalize({"aud": client, "nonce": nonce, "response_uri": response_uri})).digest()


def check_presentation_header(found: bytes, *, wanted: bytes) -> None:
    """Check that a proof was made for this request.

    Raises:
        WrongPresentationHeader: it was not.
    """
    if not hmac.compare_digest(found, wanted):
        raise WrongPresentationHeader


def build_gate_domain(gate_url: str, *, month: str | None = None) -> str:
    """Return the domain of a gate's pseudonyms: for ever, or for a month such as `2026-11` only.

    Raises:
        Malformed: the gate's address is none that a wallet accepts.
    """
    return parse_nym_domain(gate_url if month is None else f"{gate_url}#{month}", what=_WHAT)


def parse_nym_domain(value: Json, *, what: str) -> str:
    """Read a domain: an address in its one spelling, because `https://a` and `https://a/` give two pseudonyms.

    Scheme and host in lower case, no port that goes without saying, a path.

    Raises:
        Malformed, RequestRefused: it is no such address.
    """
    text = parse_landing_url(check_text(value, what=what, max_chars=_MAX_DOMAIN), what=what)
    if not text.startswith(f"{origin_of(text)}/"):
        raise RequestRefused("A domain for a pseudonym is not written in the one way that all wallets read alike.")
    return text


def origin_of(url: str) -> str:
    """The origin of a checked address, as browsers write it: lower case, without a port that goes without saying."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    named = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{named}{port}"


def read_nym_domains(members: Members) -> Mapping[str, str]:
    """Read the request parameter `handstamp_nym_domains`: an object, domains by the ids of credential queries.

    Raises:
        Malformed, RequestRefused: it is no such object.
    """
    found = members.optional_object(NYM_DOMAINS)
    if found is None:
        return {}
    return {
        check_text(name, what=f"id in the {NYM_DOMAINS}", pattern=_ID): parse_nym_domain(value, what=found.named(name))
        for name, value in found.entries(max_items=_MAX_DOMAINS).items()
    }


def check_nym_domains(domains: Mapping[str, str], *, query: Query, client: ClientId, response_uri: str) -> None:
    """Check that a verifier asks for pseudonyms of its own domains only.

    Two sites that agree on one domain would learn which of their visitors are the same. So the domain has the very
    origin that the answer goes to, and that origin is one that the client proves to have: by a certificate, or did:web.

    Raises:
        RequestRefused: a domain is named for what was not asked for as `ldp_vc`.
        UnprovenNymDomain: nothing proves which host asks.
        ForeignNymDomain: it is another origin's.
    """
    for query_id, domain in domains.items():
        asked = query.find(query_id)
        if asked is None or asked.format != LDP_VC:
            raise RequestRefused("A domain for a pseudonym is named beside no query that could be answered with one.")
        if not _proves_host(client):
            raise UnprovenNymDomain
        if origin_of(domain) != origin_of(response_uri):
            raise ForeignNymDomain


def _proves_host(client: ClientId) -> bool:
    # Of `x509_hash` the host stands in the certificate, and was compared with that of the answer (§14.3.1).
    if client.prefix is Prefix.DECENTRALIZED_IDENTIFIER:
        return client.host is not None
    return client.is_certified
