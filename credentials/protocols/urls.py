"""The one rule for addresses of services: https, or plain http on this very machine.

Issuer identifiers and endpoints are compared exactly as strings wherever a specification says so; nothing here rewrites
a URL. Names are looked at, never resolved: refusing private addresses is the fetcher's work.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from credentials.errors import HandstampError, Malformed

MAX_URL: Final = 2048
# Printable ASCII without space and without the characters that RFC 3986 has no place for and that parsers disagree on.
_ALLOWED: Final = re.compile(r"""[!#-;=?-\[\]_a-z~]+""")
_AUTHORITY: Final = re.compile(r"(?:(?P<name>[A-Za-z0-9._-]+)|\[(?P<six>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{1,5}))?")
_LABEL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_MAX_NAME: Final = 253
_MAX_PORT: Final = 65535
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


class LeadsToLoopback(HandstampError):
    """A public party named an address on this machine."""

    code = "leads_to_loopback"

    def __init__(self, what: str) -> None:
        """`what` names the address that leads inward."""
        super().__init__(f"The {what} leads from a public address to this machine itself. That is refused.")


def parse_service_url(text: object, *, what: str) -> str:
    """Check the address of a service and give it back unchanged.

    https anywhere; http only for `localhost`, `*.localhost`, 127.0.0.1 and ::1. No user name, no fragment, no
    control or other stray character, at most 2048 characters.

    Raises:
        Malformed: the text is no such address.
    """
    if not isinstance(text, str):
        raise Malformed(what, "it is not a string")
    if "#" in text:
        raise Malformed(what, "an address with a fragment is not allowed there")
    _split(text, what=what)
    return text


def parse_issuer_url(text: object, *, what: str) -> str:
    """Check an issuer identifier: a service URL without a query (OpenID4VCI 1.0 §12.2.1, RFC 8414 §2)."""
    url = parse_service_url(text, what=what)
    if "?" in url:
        raise Malformed(what, "an issuer identifier has no query")
    return url


def parse_landing_url(text: object, *, what: str) -> str:
    """Check an address that a browser is sent to: a service URL that may have a fragment (OpenID4VP 1.0 §8.2)."""
    if not isinstance(text, str):
        raise Malformed(what, "it is not a string")
    _split(text, what=what)
    return text


def host_of(url: str) -> str:
    """The host of a checked URL, in lower case, without port and brackets."""
    return urlsplit(url).hostname or ""


def is_dns_name(text: str) -> bool:
    """Whether `text` is a host name as certificates name hosts, not an address in numbers."""
    match = _AUTHORITY.fullmatch(text)
    return match is not None and match["name"] == text and not _is_numeric(text) and _is_host(match)


def is_loopback(url: str) -> bool:
    """Whether a checked URL points at this machine by name."""
    return _is_loopback_host(host_of(url))


def check_leads_outward(url: str, *, led_by: str, what: str) -> None:
    """Refuse that a public party (`led_by`) leads to an address on this machine.

    Raises:
        LeadsToLoopback: `url` is loopback and `led_by` is not.
    """
    if _leads_inward(host_of(url)) and not is_loopback(led_by):
        raise LeadsToLoopback(what)


def build_well_known_url(issuer: str, name: str) -> str:
    """Insert `/.well-known/<name>` between host and path of an issuer (RFC 8414 §3.1, OpenID4VCI 1.0 §12.2.2)."""
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}/.well-known/{name}{parts.path.rstrip('/')}"


def comparable_target(url: str) -> str:
    """A URL for comparing `htu` (RFC 9449 §4.3): no query, no fragment, scheme, host, port and escapes normalised.

    Raises:
        Malformed: the text is no service URL.
    """
    parts = _split(url, what="target address")
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    # RFC 3986 §6.2.2: an escape of an unreserved character means that character, and hexadecimal digits have no case.
    path = re.sub(r"%[0-9A-Fa-f]{2}", _normal_escape, parts.path) or "/"
    return f"{parts.scheme}://{parts.hostname}:{port}{path}"


def _normal_escape(escape: re.Match[str]) -> str:
    character = chr(int(escape[0][1:], 16))
    return character if re.fullmatch(r"[A-Za-z0-9._~-]", character) else escape[0].upper()


def _split(text: str, *, what: str) -> SplitResult:
    """Split an address whose every part is one that all parsers read alike."""
    if len(text) > MAX_URL:
        raise Malformed(what, f"it is longer than {MAX_URL} characters")
    if not _ALLOWED.fullmatch(text):
        raise Malformed(what, "it is empty or contains characters that an address cannot have")
    scheme, separator, rest = text.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if scheme.lower() not in _DEFAULT_PORTS or not separator:
        raise Malformed(what, "it is not an https address")
    if "@" in authority:
        raise Malformed(what, "an address with a user name is not allowed")
    match = _AUTHORITY.fullmatch(authority)
    if match is None or not _is_host(match) or not 0 < int(match["port"] or 1) <= _MAX_PORT:
        raise Malformed(what, "its host or port is not a valid one")
    parts = urlsplit(text)
    if parts.scheme == "http" and not _is_loopback_host(parts.hostname or ""):
        raise Malformed(what, "plain http is allowed only on this machine (localhost); use https")
    return parts


def _is_host(match: re.Match[str]) -> bool:
    if match["six"]:
        return _parses(IPv6Address, match["six"])
    # A name that ends in a number is an IPv4 address to browsers, in one of many spellings; only the plain is let in.
    if _is_numeric(match["name"]):
        return _parses(IPv4Address, match["name"])
    labels = match["name"].removesuffix(".").split(".")
    return len(match["name"]) <= _MAX_NAME and all(_LABEL.fullmatch(label) for label in labels)


def _is_numeric(name: str) -> bool:
    last = name.removesuffix(".").rpartition(".")[2]
    return last.isdigit() or last.lower().startswith("0x")


def _parses(kind: type[IPv4Address | IPv6Address], text: str) -> bool:
    try:
        kind(text)
    except AddressValueError:
        return False
    return True


def _leads_inward(host: str) -> bool:
    """Whether a host means this machine in any spelling, also those that plain http is not allowed for."""
    try:
        address = ip_address(host)
    except ValueError:
        return _is_loopback_host(host.removesuffix("."))
    plain = getattr(address, "ipv4_mapped", None) or address
    return bool(plain.is_loopback or plain.is_unspecified)


def _is_loopback_host(host: str) -> bool:
    return host in {"localhost", "127.0.0.1", "::1"} or host.endswith(".localhost")
