"""X.509 certificate chains: how a host name vouches for a key (RFC 5280; `x5c` of RFC 7515 §4.1.6; HAIP 1.0 §6.1.1).

Checking the signatures of a chain costs as much as checking the credential it vouches for, and thousands of credentials
carry the same chain. So the path that was found is remembered with the time span in which all of it is valid; every
check compares its own time with that span. Only what time cannot change is remembered.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder, Store, VerificationError

from credentials.encoding import base64url
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.keys.errors import (
    CertificateExpired,
    CertificateKeyUnsupported,
    CertificateNotYetValid,
    CertificateSelfSigned,
    CertificateUntrusted,
    CertificateWrongName,
)
from credentials.keys.jwk import PublicKey

_MAX_CERTIFICATES = 6
_MAX_CERTIFICATE_CHARACTERS = 8_192
_UNREADABLE = (x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion, UnsupportedAlgorithm)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateChain:
    """Certificates, leaf first. What they claim is proven by `check_chain` only."""

    fingerprints: tuple[bytes, ...]
    """SHA-256 of each certificate: two chains are one if these are. Cheaper to compare than certificates are."""
    certificates: tuple[x509.Certificate, ...] = field(compare=False)
    leaf_key: PublicKey = field(compare=False)
    dns_names: tuple[str, ...] = field(compare=False)
    """The host names that the leaf is for, as written in it."""
    lower_dns_names: frozenset[str] = field(compare=False)
    """The same in lower case, to be compared with."""
    starts: datetime = field(compare=False)
    """The leaf's first moment."""
    ends: datetime = field(compare=False)
    """The leaf's last moment."""
    self_signed: bool = field(compare=False)
    """Whether the leaf says that it signed itself."""
    authority_key_ids: frozenset[str] = field(compare=False)
    """The authorities that the certificates name as theirs, as DCQL's `aki` has it (OpenID4VP 1.0 §6.1.1.1)."""

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate of the key that signs."""
        return self.certificates[0]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the leaf, written as OpenSSL does, to be compared by eye."""
        return self.leaf.fingerprint(hashes.SHA256()).hex(":").upper()

    def x5c(self) -> list[str]:
        """Write the chain for a JOSE header, anchor left out (HAIP 1.0 §6.1.1).

        Raises:
            CertificateSelfSigned: the leaf signed itself; nobody would accept it.
        """
        if self.self_signed:
            raise CertificateSelfSigned
        sent = [self.leaf, *(c for c in self.certificates[1:] if c.subject != c.issuer)]
        return [base64.b64encode(c.public_bytes(Encoding.DER)).decode("ascii") for c in sent]

    @property
    def is_straight(self) -> bool:
        """Whether each certificate was signed with the next one's key: a chain with nothing beside it."""
        return all(map(_signed_by, self.certificates, self.certificates[1:]))


def parse_x5c(value: Json, *, what: str) -> CertificateChain:
    """Read the `x5c` member of a JOSE header.

    Args:
        value: an array of base64 (not base64url) DER certificates, leaf first.
        what: whose chain it is, for the words of errors.

    Raises:
        Malformed: it is not such an array, or longer than six.
        CertificateKeyUnsupported: the leaf's key is not one for signatures that are accepted here.
    """
    if not isinstance(value, list) or not 1 <= len(value) <= _MAX_CERTIFICATES:
        raise Malformed(what, f"`x5c` is not an array of one to {_MAX_CERTIFICATES} certificates")
    texts = tuple([text for text in value if isinstance(text, str) and len(text) <= _MAX_CERTIFICATE_CHARACTERS])
    if len(texts) != len(value):
        raise Malformed(what, "`x5c` holds something that is not text, or is too long for a certificate")
    try:
        return _parse_texts(texts)
    except (binascii.Error, ValueError, UnicodeEncodeError, UserWarning, x509.InvalidVersion) as error:
        # The warning is about a certificate that the library will refuse one day; where warnings are errors, we do now.
        raise Malformed(what, "`x5c` holds something that is not a certificate in base64") from error


def load_chain_pem(pem: bytes) -> CertificateChain:
    """Read a PEM file, leaf first, as a server for TLS has it.

    Raises:
        Malformed: there is no certificate in it.
        CertificateKeyUnsupported: the leaf's key is not one for signatures that are accepted here.
    """
    try:
        return _build_chain(x509.load_pem_x509_certificates(pem))
    except (ValueError, UserWarning, x509.InvalidVersion) as error:
        raise Malformed("certificate file", "it holds no certificates in PEM, or one that is damaged") from error


def parse_authority(value: Json, *, what: str) -> bytes:
    """Read the certificate of an authority, DER in base64, and give it back in PEM.

    Raises:
        Malformed: it is not one, or damaged.
    """
    if not isinstance(value, str) or len(value) > _MAX_CERTIFICATE_CHARACTERS:
        raise Malformed(what, "it is not text, or too long for a certificate")
    try:
        pem = x509.load_der_x509_certificate(base64.b64decode(value, validate=True)).public_bytes(Encoding.PEM)
        read_key_ids(pem)
    except (binascii.Error, ValueError, UserWarning, *_UNREADABLE) as error:
        raise Malformed(what, "it is not a certificate in base64, or damaged") from error
    return pem


def write_authorities(anchor: bytes) -> list[str]:
    """Write authorities in PEM as `parse_authority` reads them."""
    found = x509.load_pem_x509_certificates(anchor)
    return [base64.b64encode(certificate.public_bytes(Encoding.DER)).decode("ascii") for certificate in found]


@lru_cache(maxsize=64)
def read_key_ids(anchor: bytes) -> frozenset[str]:
    """Return the key identifiers of authorities in PEM, as the certificates below them and DCQL's `aki` name them."""
    return frozenset(_read_key_id(certificate) for certificate in x509.load_pem_x509_certificates(anchor))


def check_chain(chain: CertificateChain, *, anchors: tuple[bytes, ...], dns_name: str, at: datetime) -> None:
    """Check that the leaf belongs to a host, by a path to an anchor that is valid at a time.

    Args:
        chain: the certificates received.
        anchors: trusted authorities, one or more PEM certificates in each.
        dns_name: the host that the leaf must name, exactly; wildcards do not count.
        at: the time of the check, with a zone.

    Raises:
        CertificateWrongName: the leaf names other hosts.
        CertificateSelfSigned: the leaf signed itself.
        CertificateExpired, CertificateNotYetValid: the leaf, at this time.
        CertificateUntrusted: no path that holds at this time leads to an anchor.
    """
    if dns_name.lower() not in chain.lower_dns_names:
        raise CertificateWrongName(dns_name)
    if chain.self_signed:
        raise CertificateSelfSigned
    if at < chain.starts:
        raise CertificateNotYetValid(dns_name)
    if at > chain.ends:
        raise CertificateExpired(dns_name)
    try:
        span = _find_path(chain, anchors, dns_name)
        if span is None or not span.starts <= at <= span.ends:
            # Another path may hold at this time, so what is remembered never refuses by itself.
            _verify_path(chain, anchors, dns_name, at)
    except (VerificationError, ValueError) as error:
        raise CertificateUntrusted(dns_name) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    starts: datetime
    ends: datetime


@lru_cache(maxsize=256)
def _parse_texts(texts: tuple[str, ...]) -> CertificateChain:
    return _build_chain([x509.load_der_x509_certificate(base64.b64decode(text, validate=True)) for text in texts])


def _build_chain(certificates: list[x509.Certificate]) -> CertificateChain:
    if not 1 <= len(certificates) <= _MAX_CERTIFICATES:
        raise ValueError
    leaf = certificates[0]
    try:
        key, dns_names = leaf.public_key(), _read_dns_names(leaf)
        may_sign = _may_sign(leaf)
        authorities = frozenset(found for each in certificates if (found := _read_authority_key_id(each)) is not None)
        # The library reads these only when asked; asked here, nothing malformed can surface later.
        _ = [(c.subject, c.issuer, c.not_valid_before_utc, c.not_valid_after_utc) for c in certificates]
    except _UNREADABLE as error:
        raise ValueError from error
    return CertificateChain(
        fingerprints=tuple(certificate.fingerprint(hashes.SHA256()) for certificate in certificates),
        certificates=tuple(certificates),
        leaf_key=_wrap_key(key, may_sign=may_sign),
        dns_names=dns_names,
        lower_dns_names=frozenset(name.lower() for name in dns_names),
        starts=leaf.not_valid_before_utc,
        ends=leaf.not_valid_after_utc,
        self_signed=leaf.subject == leaf.issuer,
        authority_key_ids=authorities,
    )


def _signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _wrap_key(key: object, *, may_sign: bool) -> PublicKey:
    if not may_sign:
        raise CertificateKeyUnsupported
    try:
        return PublicKey.from_cryptography(key)
    except Malformed as error:
        raise CertificateKeyUnsupported from error


def _read_dns_names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(names.get_values_for_type(x509.DNSName))


def _read_authority_key_id(certificate: x509.Certificate) -> str | None:
    try:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return None
    return None if found is None else base64url.encode(found)


def _read_key_id(certificate: x509.Certificate) -> str:
    try:
        return base64url.encode(certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest)
    except x509.ExtensionNotFound:
        # RFC 5280 §4.2.1.2: what an authority without one is called is this digest, in practice.
        return base64url.encode(x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest)


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    except x509.ExtensionNotFound:
        return True


@lru_cache(maxsize=256)
def _find_path(chain: CertificateChain, anchors: tuple[bytes, ...], dns_name: str) -> _Span | None:
    """Find one path to an anchor, at the first moment when everything sent is valid; None if there is none then."""
    moment = max(certificate.not_valid_before_utc for certificate in chain.certificates)
    try:
        path = _verify_path(chain, anchors, dns_name, moment)
    except VerificationError:
        return None
    return _Span(
        starts=max(certificate.not_valid_before_utc for certificate in path),
        ends=min(certificate.not_valid_after_utc for certificate in path),
    )


def _verify_path(
    chain: CertificateChain, anchors: tuple[bytes, ...], dns_name: str, at: datetime
) -> Iterable[x509.Certificate]:
    policy = PolicyBuilder().store(load_store(anchors)).time(at)
    policy = policy.extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=_LEAF_POLICY)
    return policy.build_server_verifier(x509.DNSName(dns_name)).verify(chain.leaf, list(chain.certificates[1:]))


@lru_cache(maxsize=64)
def load_store(anchors: tuple[bytes, ...]) -> Store:
    """Read trusted authorities, one or more PEM certificates in each, for the library's verifiers.

    Raises:
        ValueError: there is none, or one that is damaged.
    """
    return Store([certificate for pem in anchors for certificate in x509.load_pem_x509_certificates(pem)])


def _check_extended_usage(_: Policy, __: x509.Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
    if usage is not None and ExtendedKeyUsageOID.SERVER_AUTH not in usage:
        raise ValueError


# The rules of the web's authorities, except that both extensions may be marked critical: trustme and several national
# authorities do so, and it takes nothing away.
_LEAF_POLICY = (
    ExtensionPolicy.webpki_defaults_ee()
    .require_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _check_extended_usage)
)
