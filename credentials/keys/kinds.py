"""The three kinds of key that sign here, in one table: what JOSE, JWK and Multikey call each.

P-256 is the default everywhere, because every OpenID4VC wallet has it (HAIP 1.0 §7) and a key of another kind would
tell its holder apart. P-384 and Ed25519 are read from others, and made where an operator asks for them.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """An elliptic curve for ECDSA, with the one hash that JOSE allows on it (RFC 7518 §3.4).

    Attributes:
        group: the curve.
        hash: hashes what is signed. The library would do it too, and takes three microseconds more each time.
        scheme: signs or verifies such a digest.
        coordinate_bytes: how long a coordinate, r and s are.
    """

    group: ec.EllipticCurve
    hash: Callable[[bytes], "hashlib._Hash"]
    scheme: ec.ECDSA
    coordinate_bytes: int


P256: Final = Curve(
    group=ec.SECP256R1(),
    hash=hashlib.sha256,
    scheme=ec.ECDSA(Prehashed(hashes.SHA256())),
    coordinate_bytes=32,
)
P384: Final = Curve(
    group=ec.SECP384R1(),
    hash=hashlib.sha384,
    scheme=ec.ECDSA(Prehashed(hashes.SHA384())),
    coordinate_bytes=48,
)


class KeyKind(Enum):
    """A kind of signature key; the value is the JWK's `crv`.

    Attributes:
        kty: the key type of its JWK.
        algorithms: the JOSE names that are read: the one that we write, and those that mean exactly the same with
            this kind. RFC 9864 §2.2 gives EdDSA on Ed25519 the name Ed25519; RFC 8037 §3.1 leaves the curve to the
            key. With a key at hand both say the same.
        algorithm: the JOSE algorithm that we write.
        multicodec: the two bytes before the key in a Multikey (Controlled Identifiers 1.0 §2.2.2).
        curve: what ECDSA needs; None for Ed25519. To ask for it is quicker than to find a member of an `Enum`.
    """

    kty: str
    algorithms: tuple[str, ...]
    algorithm: str
    multicodec: bytes
    curve: Curve | None

    # Plain attributes: every message that is verified asks for them several times.
    def __new__(
        cls, crv: str, kty: str, algorithms: tuple[str, ...], multicodec: bytes, curve: Curve | None = None
    ) -> Self:
        """Make a member whose value is the name of its curve."""
        kind = object.__new__(cls)
        kind._value_ = crv
        kind.kty, kind.algorithms, kind.algorithm, kind.multicodec = kty, algorithms, algorithms[0], multicodec
        kind.curve = curve
        return kind

    # There is one of each, so what it is may be told by where it is: `Enum` would hash its name in Python.
    __hash__ = object.__hash__

    P256 = ("P-256", "EC", ("ES256",), b"\x80\x24", P256)
    P384 = ("P-384", "EC", ("ES384",), b"\x81\x24", P384)
    ED25519 = ("Ed25519", "OKP", ("EdDSA", "Ed25519"), b"\xed\x01")


ED25519_BYTES: Final = 32
