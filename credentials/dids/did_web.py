"""did:web: the identifier is a host and a path, and the document lies there (did:web method specification, "Read").

The specification knows https only. Here a DID of this very machine (`localhost`, `*.localhost`) is read by plain http,
for a trial without certificates; beyond this machine nothing is.
"""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from credentials.dids.did import Did
from credentials.errors import Malformed
from credentials.protocols.urls import is_loopback, parse_service_url

_WHAT: Final = "did:web"
_HOST: Final = re.compile(r"(?P<host>[A-Za-z0-9._-]+)(?:%3[Aa](?P<port>[0-9]{1,5}))?")
_SEGMENT: Final = re.compile(r"(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})+")
_PLAIN_SEGMENT: Final = re.compile(r"[A-Za-z0-9._-]+")
# What would lead to another folder than the one that is written there, in any server's reading.
_STRAY: Final = ("/", "\\", "?", "#", "\0")


def build_did_web_address(did: Did) -> str:
    """Return the address of the document of a did:web.

    Raises:
        Malformed: its identifier is no host, port and path.
    """
    host_and_port, *segments = did.identifier.split(":")
    match = _HOST.fullmatch(host_and_port)
    if match is None or not all(_is_safe(segment) for segment in segments):
        raise Malformed(_WHAT, "its identifier is not a host, perhaps a port, and the names of a path")
    authority = match["host"] + (f":{match['port']}" if match["port"] else "")
    scheme = "http" if is_loopback(f"https://{authority}") else "https"
    path = "/".join(segments) if segments else ".well-known"
    return parse_service_url(f"{scheme}://{authority}/{path}/did.json", what="address of the DID document")


def build_did_web(url: str) -> str:
    """Return the did:web of a service at an address, such as `https://coop.example:8443/music`.

    Raises:
        Malformed: the address cannot be written as one.
    """
    parts = urlsplit(parse_service_url(url, what="address to write as a DID"))
    segments = [segment for segment in parts.path.split("/") if segment]
    host = parts.hostname or ""
    if parts.query or _HOST.fullmatch(host) is None or not all(_PLAIN_SEGMENT.fullmatch(each) for each in segments):
        raise Malformed(_WHAT, "the address has parts that a did:web cannot have")
    port = f"%3A{parts.port}" if parts.port else ""
    return ":".join(("did:web", f"{host}{port}", *segments))


def _is_safe(segment: str) -> bool:
    if not _SEGMENT.fullmatch(segment):
        return False
    meant = unquote(segment)
    return meant not in (".", "..") and not any(stray in meant for stray in _STRAY)
