"""The three kinds of key that sign here, in one table: what JOSE, JWK and Multikey call each.

P-256 is the default everywhere, because every OpenID4VC wallet has it (HAIP 1.0 §7) and a key of another kind would
tell its holder apart. P-384 and Ed25519 are read from others, and made where an operator asks for them.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """An elliptic curve for ECDSA, with the one hash that JOSE allows on it (RFC 7518 §3.4)."""

    group: ec.EllipticCurve
    scheme: ec.ECDSA
    coordinate_bytes: int


class KeyKind(Enum):
    """A kind of signature key; the value is the JWK's `crv`."""

    P256 = "P-256"
    P384 = "P-384"
    ED25519 = "Ed25519"

    @property
    def algorithm(self) -> str:
        """The JOSE algorithm that we write."""
        return _NAMES[self][0]

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The JOSE names that are read: the one that we write, and those that mean exactly the same with this kind."""
        return _NAMES[self]

    @property
    def kty(self) -> str:
        """The key type of its JWK."""
        return "OKP" if self is KeyKind.ED25519 else "EC"

    @property
    def multicodec(self) -> bytes:
        """The two bytes before the key in a Multikey (Controlled Identifiers 1.0 §2.2.2)."""
        return _MULTICODECS[self]


ED25519_BYTES: Final = 32
P256: Final = Curve(group=ec.SECP256R1(), scheme=ec.ECDSA(hashes.SHA256()), coordinate_bytes=32)
P384: Final = Curve(group=ec.SECP384R1(), scheme=ec.ECDSA(hashes.SHA384()), coordinate_bytes=48)

# RFC 9864 §2.2 gives EdDSA on Ed25519 the name Ed25519; RFC 8037 §3.1 leaves the curve to the key. With a key at hand
# both say the same.
_NAMES: Final = {KeyKind.P256: ("ES256",), KeyKind.P384: ("ES384",), KeyKind.ED25519: ("EdDSA", "Ed25519")}
_MULTICODECS: Final = {KeyKind.P256: b"\x80\x24", KeyKind.P384: b"\x81\x24", KeyKind.ED25519: b"\xed\x01"}
