"""Pin an authority: from now on its word about who runs a host is taken."""

from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from wallet.errors import UnreadableFile
from wallet.ports import Tools
from wallet.state import EVERY_PURPOSE, Authority, Purpose

_MAX_BYTES: Final = 65_536


def read_authority(path: Path, *, name: str, tools: Tools, purposes: frozenset[Purpose] = EVERY_PURPOSE) -> Authority:
    """Read an authority's certificate from a PEM file; nothing is pinned yet, so that its fingerprint can be compared.

    Args:
        path: the file.
        name: what the listener calls it.
        tools: the wallet and the world.
        purposes: what its word is to be taken for.

    Raises:
        UnreadableFile: it holds no certificate, more than one, one that is no authority's, or one that has expired.
    """
    certificate = _load(path)
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError) as error:
        raise UnreadableFile(path, "its certificate is not an authority's") from error
    if not constraints.ca:
        raise UnreadableFile(path, "its certificate is for one host, not for an authority that vouches for hosts")
    now = tools.clock()
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise UnreadableFile(path, "its certificate is not valid today")
    return Authority(
        name=name,
        certificate=certificate.public_bytes(Encoding.PEM).decode(),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        added_at=now,
        purposes=purposes,
    )


def pin_authority(authority: Authority, *, tools: Tools) -> None:
    """Pin what `read_authority` gave."""
    tools.keeper.change(lambda wallet: (wallet.with_authority(authority), None))


def _load(path: Path) -> x509.Certificate:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        certificates = x509.load_pem_x509_certificates(data)
    except OSError as error:
        raise UnreadableFile(path, error.strerror or "it cannot be read") from error
    except ValueError as error:
        raise UnreadableFile(path, "it holds no certificate in PEM") from error
    if len(certificates) != 1:
        raise UnreadableFile(path, "it holds several certificates; give the authority's own, alone")
    return certificates[0]
