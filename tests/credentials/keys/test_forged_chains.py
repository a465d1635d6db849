"""Chains that somebody else than the authority made or stretched: each is refused, whoever's names it carries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from credentials.keys.certificates import check_chain, load_chain_pem
from credentials.keys.errors import CertificateUntrusted

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 21, tzinfo=UTC)
HOST = "coop.example"


@dataclass(frozen=True)
class Certified:
    """A certificate and its key; signs others, whether it may or not."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def sign(self, name: str, **shape: object) -> Certified:
        return make(name, signer=self, **shape)  # type: ignore[arg-type]  # passed on

    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def usage(*, signs_certificates: bool) -> x509.KeyUsage:
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign")
    flags = dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(digital_signature=True, key_cert_sign=signs_certificates, **flags)


def make(
    name: str,
    *,
    signer: Certified | None = None,
    ca: bool | None = None,
    signs_certificates: bool | None = None,
    host: str | None = None,
    path_length: int | None = None,
    only_for: str | None = None,
    ends: datetime = NOW + timedelta(days=30),
) -> Certified:
    key = ec.generate_private_key(ec.SECP256R1())
    above = signer or Certified(certificate=None, key=key)  # type: ignore[arg-type]  # it signs itself
    issuer = named(name) if signer is None else signer.certificate.subject
    builder = x509.CertificateBuilder(issuer, named(name), key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(NOW - timedelta(days=60)).not_valid_after(ends)
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(above.key.public_key()), False),
        (usage(signs_certificates=bool(ca) if signs_certificates is None else signs_certificates), True),
    ]
    if ca is not None:
        extensions.append((x509.BasicConstraints(ca, path_length), True))
    if host is not None:
        extensions.append((x509.SubjectAlternativeName([x509.DNSName(host)]), False))
    if only_for is not None:
        extensions.append((x509.NameConstraints([x509.DNSName(only_for)], None), True))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Certified(builder.sign(above.key, hashes.SHA256()), key)


@pytest.fixture(scope="module")
def root() -> Certified:
    return make("Root", ca=True)


def check(root: Certified, *chain: Certified) -> None:
    read = load_chain_pem(b"".join(each.pem() for each in chain))
    check_chain(read, anchors=(root.pem(),), dns_name=HOST, at=NOW)


def test_an_authority_below_the_anchor_vouches_too(root: Certified) -> None:
    between = root.sign("Between", ca=True)
    check(root, between.sign("leaf", ca=False, host=HOST), between)


BETWEEN: dict[str, Callable[[Certified], tuple[Certified, ...]]] = {
    "says that it is no authority": lambda root: (root.sign("Between", ca=False),),
    "does not say that it is an authority": lambda root: (root.sign("Between"),),
    "may not sign certificates": lambda root: (root.sign("Between", ca=True, signs_certificates=False),),
    "is a neighbour with a certificate": lambda root: (root.sign("neighbour", ca=False, host="neighbour.example"),),
    "has expired": lambda root: (root.sign("Between", ca=True, ends=NOW - timedelta(days=1)),),
    "is for other names": lambda root: (root.sign("Between", ca=True, only_for="neighbour.example"),),
    "carries the anchor's name": lambda _: (make("Root", ca=True),),
    "goes deeper than it may": lambda root: (
        (upper := root.sign("Upper", ca=True, path_length=0)).sign("Lower", ca=True),
        upper,
    ),
}


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN.keys())
def test_who_stands_between_leaf_and_anchor_must_be_allowed_to(
    root: Certified, between: Callable[[Certified], tuple[Certified, ...]]
) -> None:
    path = between(root)
    with pytest.raises(CertificateUntrusted):
        check(root, path[0].sign("leaf", ca=False, host=HOST), *path)


def test_the_anchors_name_without_its_key_is_worth_nothing(root: Certified) -> None:
    with pytest.raises(CertificateUntrusted):
        check(root, make("Root", ca=True).sign("leaf", ca=False, host=HOST))
