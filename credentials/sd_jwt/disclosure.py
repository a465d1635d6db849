"""Disclosures (RFC 9901 §4.2): a salt, a name and a value, sent beside the signed digest of the three."""

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from typing_extensions import override

from credentials.encoding import base64url
from credentials.encoding.strict_json import Json, dump, parse
from credentials.errors import Malformed
from credentials.sd_jwt.errors import ForbiddenClaimName, UnsupportedHash, WrongDisclosureShape

Digest = Callable[[str], str]
"""From a text to the base64url digest of its ASCII bytes."""

DIGESTS = "_sd"
HASH_NAME = "_sd_alg"
ELEMENT = "..."
FORBIDDEN_NAMES = frozenset({DIGESTS, ELEMENT})
DEFAULT_HASH = "sha-256"
SALT_BYTES = 16
DECOY_BYTES = 32


class Disclosure(NamedTuple):
    """One disclosed claim (`name` is text) or array element (`name` is None). Its `repr` is fit for logs: no value."""

    encoded: str
    digest: str
    salt: str
    name: str | None
    value: Json

    @override
    def __repr__(self) -> str:
        return f"Disclosure(digest={self.digest!r}, name={self.name!r})"


def digest_sha256(text: str) -> str:
    """Digest with `sha-256`, which every party supports (RFC 9901 §4.1.1)."""
    return base64url.encode(hashlib.sha256(text.encode("ascii")).digest())


def digest_sha384(text: str) -> str:
    """Digest with `sha-384`."""
    return base64url.encode(hashlib.sha384(text.encode("ascii")).digest())


def digest_sha512(text: str) -> str:
    """Digest with `sha-512`."""
    return base64url.encode(hashlib.sha512(text.encode("ascii")).digest())


_DIGESTS: Mapping[str, Digest] = MappingProxyType(
    {"sha-256": digest_sha256, "sha-384": digest_sha384, "sha-512": digest_sha512}
)


def choose_digest(claims: Mapping[str, Json]) -> Digest:
    """Choose the digest that `_sd_alg` names; `sha-256` if it is absent.

    Raises:
        UnsupportedHash: it names another, or is not text.
    """
    return find_digest(claims.get(HASH_NAME, DEFAULT_HASH))


def find_digest(name: Json) -> Digest:
    """Return the digest of this name.

    Raises:
        UnsupportedHash: there is none, or the name is not text.
    """
    digest = _DIGESTS.get(name) if isinstance(name, str) else None
    if digest is None:
        raise UnsupportedHash
    return digest


def parse_disclosure(encoded: str, digest: Digest) -> Disclosure:
    """Read one disclosure.

    Raises:
        Malformed: it is not base64url JSON, or its salt or name is not text.
        WrongDisclosureShape: it is not an array of two or three.
        ForbiddenClaimName: the claim's name is `_sd` or `...`.
    """
    match parse(base64url.decode(encoded, what="disclosure"), what="disclosure"):
        case [str(salt), str(name), value] if name not in FORBIDDEN_NAMES:
            return Disclosure(encoded, digest(encoded), salt, name, value)
        case [str(salt), value]:
            return Disclosure(encoded, digest(encoded), salt, None, value)
        case [str(), str(name), _]:
            raise ForbiddenClaimName(name)
        case [str(), _, _]:
            raise Malformed("disclosure", "the name of its claim is not text")
        case [_, _] | [_, _, _]:
            raise Malformed("disclosure", "its salt is not text")
        case _:
            raise WrongDisclosureShape


def write_disclosure(name: str, value: Json, random: Callable[[int], bytes]) -> str:
    """Make one claim disclosable, under a fresh salt of 128 bits (RFC 9901 §9.3); the text is what is digested."""
    return base64url.encode(dump([base64url.encode(random(SALT_BYTES)), name, value]))


def write_element_disclosure(value: Json, random: Callable[[int], bytes]) -> str:
    """Make one array element disclosable, as `write_disclosure` does a claim (RFC 9901 §4.2.2)."""
    return base64url.encode(dump([base64url.encode(random(SALT_BYTES)), value]))
