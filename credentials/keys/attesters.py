"""Certificates of who vouches for wallets and their keys (HAIP 1.0 §4.4.1, §4.5.1): a path, but no host name."""

from datetime import datetime
from typing import Final

from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, VerificationError

from credentials.errors import HandstampError, Malformed
from credentials.keys.certificates import CertificateChain, load_store

# What an attester's certificate must say is for its ecosystem to decide; only the signatures and times count here.
_LEAF_POLICY: Final = ExtensionPolicy.permit_all()


class AttesterUntrusted(HandstampError):
    """Who signed an attestation is nobody whom this service was told to trust."""

    code = "attester_untrusted"

    def __init__(self) -> None:
        super().__init__("The attestation is signed by nobody whom this co-op trusts to vouch for wallets.")


def check_attester(chain: CertificateChain, *, anchors: tuple[bytes, ...], at: datetime) -> None:
    """Check that the leaf was certified, by a path that is valid at a time, by one of the trusted authorities.

    Args:
        chain: the certificates received, leaf first, without the anchor.
        anchors: trusted authorities, one or more PEM certificates in each.
        at: the time of the check, with a zone.

    Raises:
        AttesterUntrusted: it was not, its time is over, or it signed itself.
    """
    if chain.self_signed or not anchors:
        raise AttesterUntrusted
    policy = PolicyBuilder().store(load_store(anchors)).time(at)
    policy = policy.extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=_LEAF_POLICY)
    try:
        policy.build_client_verifier().verify(chain.leaf, list(chain.certificates[1:]))
    except (VerificationError, ValueError) as error:
        raise AttesterUntrusted from error


def check_authority(pem: bytes) -> None:
    """Check that a file of authorities can be used.

    Raises:
        Malformed: it holds no certificate in PEM, or one that is damaged.
    """
    try:
        load_store((pem,))
    except ValueError as error:
        raise Malformed("certificate file", "it holds no certificates in PEM, or one that is damaged") from error
