"""A provider of wallets that vouches for them and their keys, certified by an authority of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from credentials.keys.certificates import load_chain_pem
from credentials.keys.signer import LocalSigner
from credentials.protocols.client_attestation import build_client_attestation, build_client_attestation_pop
from credentials.protocols.openid4vci import build_key_attestation

STARTS = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = STARTS + timedelta(days=730)
CLIENT_ID = "https://wallet.example"


@dataclass
class Provider:
    """Signs attestations; every claim can be changed."""

    signer: LocalSigner
    x5c: list[str]
    anchor: bytes
    app: LocalSigner = field(default_factory=LocalSigner.generate)

    def attest_keys(self, keys: list[LocalSigner], *, nonce: str, now: datetime, **changed: Any) -> str:
        at = int(now.timestamp())
        arguments: dict[str, Any] = {
            "signer": self.signer,
            "x5c": self.x5c,
            "keys": [key.public_key for key in keys],
            "nonce": nonce,
            "issued_at": at,
            "expires_at": at + 600,
            "key_storage": ("iso_18045_moderate",),
        }
        return build_key_attestation(**{**arguments, **changed})

    def attest_wallet(self, *, now: datetime, **changed: Any) -> str:
        at = int(now.timestamp())
        arguments: dict[str, Any] = {
            "signer": self.signer,
            "x5c": self.x5c,
            "client_id": CLIENT_ID,
            "key": self.app.public_key,
            "issued_at": at,
            "expires_at": at + 3600,
        }
        return build_client_attestation(**{**arguments, **changed})

    def prove_wallet(self, *, audience: str, now: datetime, jti: str, **changed: Any) -> str:
        arguments: dict[str, Any] = {
            "signer": self.app,
            "client_id": CLIENT_ID,
            "audience": audience,
            "jti": jti,
            "issued_at": int(now.timestamp()),
        }
        return build_client_attestation_pop(**{**arguments, **changed})


@cache
def _certified(name: str, *, bare: bool) -> tuple[bytes, bytes, bytes]:
    """A key with its certificate, and its authority's; a `bare` certificate says nothing but who it is for."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Authority of {name}")])
    own_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    root_identifier = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    root = (
        x509.CertificateBuilder(root_name, root_name, root_key.public_key(), x509.random_serial_number(), STARTS, ENDS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=False, key_cert_sign=True, crl_sign=True, **usage), critical=True
        )
        .add_extension(root_identifier, critical=False)
        .sign(root_key, hashes.SHA256())
    )
    leaf = x509.CertificateBuilder(root_name, own_name, key.public_key(), x509.random_serial_number(), STARTS, ENDS)
    if not bare:
        leaf = leaf.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root_identifier), critical=False
        )
        leaf = leaf.add_extension(
            x509.SubjectAlternativeName([x509.DNSName("wallet-provider.example")]), critical=False
        )
    signed = leaf.sign(root_key, hashes.SHA256())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem, signed.public_bytes(Encoding.PEM), root.public_bytes(Encoding.PEM)


def make_provider(name: str = "Wallet provider", *, bare: bool = False) -> Provider:
    """A provider; two names have two authorities."""
    key_pem, certificate_pem, anchor = _certified(name, bare=bare)
    chain = load_chain_pem(certificate_pem)
    return Provider(signer=LocalSigner.from_pem(key_pem, None), x5c=chain.x5c(), anchor=anchor)
