"""Who is trusted for what, as values. Trust is stated, never guessed: no signature opens a gate by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.keys.certificates import CertificateChain, check_chain, parse_x5c
from credentials.keys.jwk import PublicKey
from credentials.trust.errors import AmbiguousPolicy, TypeNotAllowed, UntrustedIssuer, WrongIssuerKey


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """One issuer, and how its keys are known."""

    issuer: str
    """Its URL, exactly as its credentials name it in `iss`."""
    name: str
    """What people call it."""
    keys: frozenset[str] = frozenset()
    """Thumbprints (RFC 7638) of keys that are its own, whoever certifies them."""
    anchors: tuple[bytes, ...] = ()
    """Authorities, in PEM, trusted to say which key belongs to the host of `issuer`."""
    types: frozenset[str] = frozenset()
    """The types (`vct`) it may issue."""
    public_keys: Mapping[str, PublicKey] = field(default_factory=dict, hash=False)
    """Keys of its own known by value, under their `kid`, for credentials that come without a certificate."""

    def check_may_issue(self, vct: str) -> None:
        """Check that this issuer is trusted for a type.

        Raises:
            TypeNotAllowed: it is not.
        """
        if vct not in self.types:
            raise TypeNotAllowed(self.issuer, vct)

    def find_key(self, header: Mapping[str, Json], *, at: datetime) -> PublicKey:
        """Find the key that a credential of this issuer must be signed with.

        A pinned key is enough by itself. Any other must be certified for the issuer's host, by an anchor, at this time.

        Args:
            header: the credential's JOSE header: `x5c`, or else `kid`.
            at: the time of the check.

        Raises:
            WrongIssuerKey: neither way leads to a key of this issuer.
            CertificateError: the certificate does not prove the key.
            Malformed: `x5c` cannot be read.
        """
        if "x5c" in header:
            return self._find_certified_key(parse_x5c(header["x5c"], what="issuer's certificate chain"), at)
        kid = header.get("kid")
        if isinstance(kid, str) and (key := self.public_keys.get(kid)) is not None:
            return key
        if kid is None and len(self.public_keys) == 1:
            return next(iter(self.public_keys.values()))
        raise WrongIssuerKey(self.issuer)

    def _find_certified_key(self, chain: CertificateChain, at: datetime) -> PublicKey:
        key = chain.leaf_key
        if key.thumbprint in self.keys or key in self.public_keys.values():
            return key
        if not self.anchors:
            raise WrongIssuerKey(self.issuer)
        check_chain(chain, anchors=self.anchors, dns_name=_read_host(self.issuer), at=at)
        return key


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """All issuers that are trusted here."""

    issuers: tuple[TrustedIssuer, ...] = ()

    def __post_init__(self) -> None:
        known: set[str] = set()
        for trusted in self.issuers:
            if trusted.issuer in known:
                raise AmbiguousPolicy(trusted.issuer)
            known.add(trusted.issuer)

    def issuer_for(self, url: str) -> TrustedIssuer:
        """Find what is known of an issuer, by its exact URL.

        Raises:
            UntrustedIssuer: nothing is.
        """
        for trusted in self.issuers:
            if trusted.issuer == url:
                return trusted
        raise UntrustedIssuer(_shorten(url))


@lru_cache(maxsize=256)
def _read_host(url: str) -> str:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if not host:
        raise Malformed("issuer's URL", "it names no host that a certificate could be for")
    return host


def _shorten(url: str) -> str:
    # The text comes from a stranger and may end on a page or in a log.
    shown = "".join(character if character.isprintable() else "?" for character in url[:100])
    return shown or "An issuer without a name"
