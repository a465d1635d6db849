"""BLS12-381: the one module that knows the curve library, and through which every point and scalar comes in.

A point is checked when it is read: on the curve, in the subgroup of prime order, not the identity, in its one encoding
(draft-irtf-cfrg-bbs-signatures §4.2.4, §5.2; the library does that, and tests see to it). So nothing behind this module
checks it again. The library's multiplications take a time that depends on their scalars; SECURITY.md says what follows.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from credentials.errors import Malformed

__all__ = [
    "FIELD_ORDER",
    "G1_BYTES",
    "G2_BYTES",
    "ORDER",
    "SCALAR_BYTES",
    "ZERO",
    "G1Point",
    "G2Point",
    "Pairs",
    "Scalar",
    "add_products",
    "hash_sha256_to_g1",
    "is_identity",
    "is_paired",
    "map_to_g1",
    "multiply_base_g2",
    "read_g1",
    "read_g2",
    "read_scalar",
    "reduce_to_scalar",
    "write_g1",
]

ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""The prime order r of the groups."""
FIELD_ORDER: Final = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
"""The prime p of the field that coordinates are taken from."""
G1_BYTES: Final = 48
G2_BYTES: Final = 96
SCALAR_BYTES: Final = 32
ZERO: Final = Scalar(0)

Pairs: TypeAlias = Sequence[tuple[G1Point, G2Point]]

_BASE_G2: Final = G2Point()
_NEGATED_BASE_G2: Final = -_BASE_G2
_IDENTITY_G1: Final = G1Point.identity()
_IDENTITY_G2: Final = G2Point.identity()


def read_g1(data: bytes, *, what: str) -> G1Point:
    """Read a compressed point of G1.

    Raises:
        Malformed: it is not 48 bytes, not the one encoding of a point of the group, or the identity.
    """
    try:
        point = G1Point.from_compressed_bytes(data)
    except ValueError as error:
        raise Malformed(what, "it holds bytes that are no point of the group G1") from error
    if is_identity(point):
        raise Malformed(what, "it holds the identity of the group G1, which proves nothing")
    return point


def read_g2(data: bytes, *, what: str) -> G2Point:
    """Read a compressed point of G2.

    Raises:
        Malformed: it is not 96 bytes, not the one encoding of a point of the group, or the identity.
    """
    try:
        point = G2Point.from_compressed_bytes(data)
    except ValueError as error:
        raise Malformed(what, "it holds bytes that are no point of the group G2") from error
    if point == _IDENTITY_G2:
        raise Malformed(what, "it holds the identity of the group G2, which proves nothing")
    return point


def read_scalar(data: bytes, *, what: str) -> Scalar:
    """Read a scalar from 1 to r - 1, big-endian.

    Raises:
        Malformed: it is not 32 bytes, zero, or not below the order of the group.
    """
    if len(data) != SCALAR_BYTES:
        raise Malformed(what, f"a scalar in it is not {SCALAR_BYTES} bytes long")
    if not 0 < int.from_bytes(data) < ORDER:
        raise Malformed(what, "a scalar in it is zero, or not below the order of the group")
    return Scalar.from_be_bytes(data)


def reduce_to_scalar(data: bytes) -> Scalar:
    """Take a long number modulo the order; of 48 uniform bytes the result is uniform, too."""
    return Scalar.from_be_bytes_mod_order(data)


def write_g1(point: G1Point) -> bytes:
    """Write a point of G1, compressed."""
    return point.to_compressed_bytes()


def add_products(points: Sequence[G1Point], scalars: Sequence[Scalar]) -> G1Point:
    """Add up each point times its scalar; both sequences have the same length."""
    if len(points) != len(scalars):
        raise AssertionError
    return G1Point.multiexp_unchecked(list(points), list(scalars))


def is_identity(point: G1Point) -> bool:
    """Whether this is the identity of G1."""
    return point == _IDENTITY_G1


def multiply_base_g2(scalar: Scalar) -> G2Point:
    """Multiply the base point of G2: from a secret key to its public one."""
    return _BASE_G2 * scalar


def is_paired(pairs: Pairs, base: G1Point) -> bool:
    """Whether the product of the pairings of all pairs equals that of `base` with the base point of G2."""
    return GT.pairing_check([*(one for one, _ in pairs), base], [*(two for _, two in pairs), _NEGATED_BASE_G2])


def hash_sha256_to_g1(message: bytes, dst: bytes) -> G1Point:
    """Hash to the curve by BLS12381G1_XMD:SHA-256_SSWU_RO_ (RFC 9380 §8.8.1)."""
    return G1Point.hash_to_curve(message, dst)


def map_to_g1(element: int) -> G1Point:
    """Map an element of the field to the group, its cofactor cleared (RFC 9380 §6.6.3 and §8.8.1)."""
    return G1Point.map_from_fp_be(element.to_bytes(G1_BYTES))
