from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from credentials.encoding import base64url
from credentials.errors import HandstampError, Malformed
from credentials.keys.certificates import (
    CertificateChain,
    check_chain,
    load_chain_pem,
    parse_authority,
    parse_x5c,
    read_key_ids,
    write_authorities,
)
from credentials.keys.errors import (
    CertificateExpired,
    CertificateKeyUnsupported,
    CertificateNotYetValid,
    CertificateSelfSigned,
    CertificateUntrusted,
    CertificateWrongName,
)
from credentials.keys.signer import LocalSigner

EC = trustme.KeyType.ECDSA
NOW = datetime(2026, 11, 21, tzinfo=UTC)
HOST = "coop.localhost"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(key_type=EC)


@pytest.fixture(scope="module")
def anchors(authority: trustme.CA) -> tuple[bytes, ...]:
    return (authority.cert_pem.bytes(),)


def certify(authority: trustme.CA, host: str = HOST, **more: Any) -> CertificateChain:
    leaf = authority.issue_cert(host, key_type=EC, **more)
    return load_chain_pem(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))


def self_certify(*, host: str = HOST, **extensions: x509.ExtensionType) -> CertificateChain:
    """Sign a certificate by hand, for shapes that no authority would give."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=1))
    for extension in (x509.SubjectAlternativeName([x509.DNSName(host)]), *extensions.values()):
        builder = builder.add_extension(extension, critical=False)
    return load_chain_pem(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))


def test_a_chain_from_a_trusted_authority_vouches_for_its_host(
    authority: trustme.CA, anchors: tuple[bytes, ...]
) -> None:
    chain = certify(authority)
    check_chain(chain, anchors=anchors, dns_name=HOST, at=NOW)
    assert chain.dns_names == (HOST,)


def test_a_chain_comes_back_from_a_header_with_the_same_key(authority: trustme.CA) -> None:
    leaf = authority.issue_cert(HOST, key_type=EC)
    chain = load_chain_pem(leaf.cert_chain_pems[0].bytes())
    again = parse_x5c(list(chain.x5c()), what="header")
    assert again == chain
    assert again.leaf_key == LocalSigner.from_pem(leaf.private_key_pem.bytes(), None).public_key


def test_the_anchor_is_left_out_of_the_header(authority: trustme.CA, anchors: tuple[bytes, ...]) -> None:
    between = authority.create_child_ca(key_type=EC)
    leaf = between.issue_cert(HOST, key_type=EC)
    pems = [pem.bytes() for pem in leaf.cert_chain_pems] + [authority.cert_pem.bytes()]
    chain = load_chain_pem(b"".join(pems))
    assert len(chain.certificates) == 3
    sent = parse_x5c(list(chain.x5c()), what="header")
    assert len(sent.certificates) == 2
    check_chain(sent, anchors=anchors, dns_name=HOST, at=NOW)


def test_a_missing_link_is_untrusted(authority: trustme.CA, anchors: tuple[bytes, ...]) -> None:
    chain = load_chain_pem(
        authority.create_child_ca(key_type=EC).issue_cert(HOST, key_type=EC).cert_chain_pems[0].bytes()
    )
    with pytest.raises(CertificateUntrusted):
        check_chain(chain, anchors=anchors, dns_name=HOST, at=NOW)


@pytest.mark.parametrize("anchors", [(), (b"not a certificate",), None], ids=["none", "broken", "another's"])
def test_a_chain_from_an_authority_that_is_not_listed_is_untrusted(
    authority: trustme.CA, anchors: tuple[bytes, ...] | None
) -> None:
    listed = (trustme.CA(key_type=EC).cert_pem.bytes(),) if anchors is None else anchors
    with pytest.raises(CertificateUntrusted, match=HOST):
        check_chain(certify(authority), anchors=listed, dns_name=HOST, at=NOW)


@pytest.mark.parametrize("name", ["evil.localhost", "sub.coop.localhost", "localhost", "", "coop.localhost.", "é"])
def test_a_certificate_for_another_host_is_refused(
    authority: trustme.CA, anchors: tuple[bytes, ...], name: str
) -> None:
    with pytest.raises(CertificateWrongName):
        check_chain(certify(authority), anchors=anchors, dns_name=name, at=NOW)


def test_a_wildcard_names_no_host(authority: trustme.CA, anchors: tuple[bytes, ...]) -> None:
    with pytest.raises(CertificateWrongName):
        check_chain(certify(authority, "*.example.org"), anchors=anchors, dns_name="a.example.org", at=NOW)


def test_dates_are_checked_at_every_use_of_a_remembered_path(authority: trustme.CA, anchors: tuple[bytes, ...]) -> None:
    chain = certify(authority, not_before=NOW - timedelta(days=1), not_after=NOW + timedelta(days=1))
    for _ in range(2):
        check_chain(chain, anchors=anchors, dns_name=HOST, at=NOW)
        with pytest.raises(CertificateExpired):
            check_chain(chain, anchors=anchors, dns_name=HOST, at=NOW + timedelta(days=2))
        with pytest.raises(CertificateNotYetValid):
            check_chain(chain, anchors=anchors, dns_name=HOST, at=NOW - timedelta(days=2))


def test_a_remembered_path_helps_no_other_anchor(authority: trustme.CA, anchors: tuple[bytes, ...]) -> None:
    chain = certify(authority)
    check_chain(chain, anchors=anchors, dns_name=HOST, at=NOW)
    with pytest.raises(CertificateUntrusted):
        check_chain(chain, anchors=(trustme.CA(key_type=EC).cert_pem.bytes(),), dns_name=HOST, at=NOW)


def test_a_leaf_that_signed_itself_is_refused_even_as_its_own_anchor() -> None:
    chain = self_certify()
    anchor = chain.leaf.public_bytes(Encoding.PEM)
    with pytest.raises(CertificateSelfSigned):
        check_chain(chain, anchors=(anchor,), dns_name=HOST, at=NOW)
    with pytest.raises(CertificateSelfSigned):
        chain.x5c()


def test_a_key_that_cannot_sign_es256_is_refused(authority: trustme.CA) -> None:
    rsa_leaf = authority.issue_cert(HOST, key_type=trustme.KeyType.RSA)
    with pytest.raises(CertificateKeyUnsupported):
        load_chain_pem(rsa_leaf.cert_chain_pems[0].bytes())
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=True,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    with pytest.raises(CertificateKeyUnsupported):
        self_certify(usage=usage)


def test_a_certificate_for_another_use_is_untrusted(authority: trustme.CA, anchors: tuple[bytes, ...]) -> None:
    signed = sign_by(authority, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]))
    with pytest.raises(CertificateUntrusted):
        check_chain(signed, anchors=anchors, dns_name=HOST, at=NOW)
    fit = sign_by(authority, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]))
    check_chain(fit, anchors=anchors, dns_name=HOST, at=NOW)


def sign_by(authority: trustme.CA, *extensions: x509.ExtensionType) -> CertificateChain:
    """Have the authority's own key sign a certificate that trustme would not make."""
    parent = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    parent_key = load_pem_private_key(authority.private_key_pem.bytes(), None)
    assert isinstance(parent_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(
        parent.subject,
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")]),
        key.public_key(),
        x509.random_serial_number(),
    )
    builder = builder.not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=1))
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(parent_key.public_key())
    for extension in (x509.SubjectAlternativeName([x509.DNSName(HOST)]), identifier, *extensions):
        builder = builder.add_extension(extension, critical=False)
    return load_chain_pem(builder.sign(parent_key, hashes.SHA256()).public_bytes(Encoding.PEM))


def test_a_certificate_without_names_is_for_no_host() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    pem = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    chain = load_chain_pem(pem)
    assert chain.dns_names == ()
    with pytest.raises(CertificateWrongName):
        check_chain(chain, anchors=(pem,), dns_name=HOST, at=NOW)


@pytest.mark.parametrize(
    "value",
    [None, "MII", [], [1], ["not base64!"], ["AAAA"], [""], ["é"], ["A" * 8193], ["AAAA"] * 7, [[]], {"0": "AAAA"}],
    ids=lambda value: str(value)[:20],
)
def test_what_is_not_a_chain_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        parse_x5c(value, what="header")


def test_a_header_with_base64url_or_a_pem_without_certificates_is_malformed(authority: trustme.CA) -> None:
    der = certify(authority).leaf.public_bytes(Encoding.DER)
    with pytest.raises(Malformed):
        parse_x5c([base64.b64encode(der).decode() + "\n"], what="header")
    for pem in (b"", b"text", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        with pytest.raises(Malformed):
            load_chain_pem(pem)
    with pytest.raises(Malformed):
        load_chain_pem(authority.cert_pem.bytes() * 7)


@given(st.data())
def test_a_damaged_certificate_is_refused_and_nothing_else_happens(data: st.DataObject) -> None:
    der = bytearray(DAMAGED)
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    try:
        chain = parse_x5c([base64.b64encode(bytes(der)).decode()], what="header")
        check_chain(chain, anchors=(DAMAGED_ANCHOR,), dns_name=HOST, at=NOW)
    except HandstampError:
        return
    assert bytes(der) == DAMAGED


_AUTHORITY = trustme.CA(key_type=EC)
DAMAGED_ANCHOR = _AUTHORITY.cert_pem.bytes()
DAMAGED = certify(_AUTHORITY).leaf.public_bytes(Encoding.DER)


def test_a_fingerprint_reads_as_openssl_writes_it(authority: trustme.CA) -> None:
    chain = certify(authority)
    parts = chain.fingerprint.split(":")
    assert len(parts) == 32
    assert bytes.fromhex("".join(parts)) == chain.leaf.fingerprint(hashes.SHA256())
    assert chain.fingerprint == chain.fingerprint.upper()


def test_a_certificate_of_a_version_that_does_not_exist_is_malformed() -> None:
    issued = trustme.CA(key_type=trustme.KeyType.ECDSA).issue_cert("a.example", key_type=trustme.KeyType.ECDSA)
    der = load_chain_pem(issued.cert_chain_pems[0].bytes()).leaf.public_bytes(Encoding.DER)
    # RFC 5280 §4.1.2.1: [0] EXPLICIT INTEGER; 2 is version 3, the newest there is.
    odd = der.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020116"), 1)
    assert odd != der
    with pytest.raises(Malformed):
        parse_x5c([base64.b64encode(odd).decode()], what="chain")


def test_an_authority_without_an_identifier_of_its_own_is_named_by_its_key() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old authority")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    pem = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    named = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()).key_identifier
    assert named is not None
    assert read_key_ids(pem) == {base64url.encode(named)}


def test_an_authority_is_read_from_base64_and_nothing_else_is() -> None:
    (text,) = write_authorities(DAMAGED_ANCHOR)
    assert parse_authority(text, what="authority") == DAMAGED_ANCHOR
    for value in (None, 1, "", "?", "AAAA", "A" * 8193, text[:-4], "é"):
        with pytest.raises(Malformed):
            parse_authority(value, what="authority")


@given(st.data())
def test_a_damaged_authority_is_refused_and_nothing_else_happens(data: st.DataObject) -> None:
    der = bytearray(base64.b64decode(write_authorities(DAMAGED_ANCHOR)[0]))
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    try:
        parse_authority(base64.b64encode(bytes(der)).decode(), what="authority")
    except HandstampError:
        return
