"""Who is trusted for what, as values. Trust is stated, never guessed: no signature opens a gate by itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit

from credentials.bbs import BbsPublicKey
from credentials.dids.document import type_key_url
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.keys.certificates import CertificateChain, check_chain, parse_x5c, read_key_ids
from credentials.keys.jwk import PublicKey
from credentials.trust.errors import AmbiguousPolicy, TrustExpired, TypeNotAllowed, UntrustedIssuer, WrongIssuerKey


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """One issuer, and how its keys are known."""

    issuer: str
    """Its URL, or else its DID, exactly as its credentials name it in `iss`."""
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
    bbs_keys: Mapping[str, BbsPublicKey] = field(default_factory=dict, hash=False)
    """Keys of its own for bbs-2023, under their DID URLs, which a proof names exactly; each URL names a type, too."""
    did: str | None = None
    """Its DID, which its credentials may name in `iss` too; its keys are then also known under their DID URLs."""
    until: datetime | None = None
    """When what is known of it ends, because somebody else said it (a co-op list); None if a person pinned it."""

    @property
    def authority_key_ids(self) -> frozenset[str]:
        """The authorities trusted for it, as DCQL's `aki` names them (OpenID4VP 1.0 §6.1.1.1)."""
        return frozenset(key_id for anchor in self.anchors for key_id in read_key_ids(anchor))

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
            TrustExpired: what is known of this issuer has ended.
            WrongIssuerKey: neither way leads to a key of this issuer.
            CertificateError: the certificate does not prove the key.
            Malformed: `x5c` cannot be read.
        """
        if self.until is not None and at >= self.until:
            raise TrustExpired(self.issuer)
        if "x5c" in header:
            return self._find_certified_key(parse_x5c(header["x5c"], what="issuer's certificate chain"), at)
        kid = header.get("kid")
        if isinstance(kid, str) and (key := self._find_known_key(kid)) is not None:
            return key
        known = set(self.public_keys.values())
        if kid is None and len(known) == 1:
            return known.pop()
        raise WrongIssuerKey(self.issuer)

    def bbs_keys_for(self, type_name: str) -> Mapping[str, BbsPublicKey]:
        """Return the BBS keys for one type, by its name: those that are called as keys for it are."""
        did = self.did or self.issuer
        return {url: key for url, key in self.bbs_keys.items() if url == type_key_url(did, type_name, key)}

    def find_bbs_key(self, url: str, *, type_name: str, at: datetime) -> BbsPublicKey:
        """Find the BBS key that a proof names, for a credential of one type.

        Args:
            url: the DID URL that the proof names.
            type_name: the type that the credential says it is of, by its name. A key of another type is none.
            at: the time of the check.

        Raises:
            TrustExpired: what is known of this issuer has ended.
            WrongIssuerKey: the URL is none of a key of this issuer for this type.
        """
        if self.until is not None and at >= self.until:
            raise TrustExpired(self.issuer)
        key = self.bbs_keys_for(type_name).get(url)
        if key is None:
            raise WrongIssuerKey(self.issuer)
        return key

    def _find_known_key(self, kid: str) -> PublicKey | None:
        # A DID URL relative to the issuer's DID means the absolute one (DID Core 1.0 §3.2.2).
        absolute = f"{self.did}{kid}" if self.did is not None and kid.startswith("#") else kid
        return self.public_keys.get(absolute)

    def _find_certified_key(self, chain: CertificateChain, at: datetime) -> PublicKey:
        key = chain.leaf_key
        if (self.keys and key.thumbprint in self.keys) or (self.public_keys and key in self.public_keys.values()):
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
            for name in _names(trusted):
                if name in known:
                    raise AmbiguousPolicy(name)
                known.add(name)

    def issuer_for(self, name: str) -> TrustedIssuer:
        """Find what is known of an issuer, by its exact URL or its DID.

        Raises:
            UntrustedIssuer: nothing is.
        """
        for trusted in self.issuers:
            if name in (trusted.issuer, trusted.did):
                return trusted
        raise UntrustedIssuer(_shorten(name))

    def extended_by(self, others: Iterable[TrustedIssuer]) -> "TrustPolicy":
        """Add issuers that are not known here yet. What is known already stands, whoever says otherwise later."""
        issuers = list(self.issuers)
        known = {name for trusted in issuers for name in _names(trusted)}
        for other in others:
            names = _names(other)
            if known.isdisjoint(names):
                issuers.append(other)
                known |= names
        return TrustPolicy(tuple(issuers))


def _names(trusted: TrustedIssuer) -> set[str]:
    return {trusted.issuer} if trusted.did is None else {trusted.issuer, trusted.did}


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
