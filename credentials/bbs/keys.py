"""BBS keys: a scalar that signs, a point of G2 that verifies (draft-irtf-cfrg-bbs-signatures §3.4)."""

import secrets
from dataclasses import dataclass, field
from typing import Final, Self

from typing_extensions import override

from credentials.bbs.curve import G2_BYTES, ORDER, G2Point, Scalar, multiply_base_g2, read_g2, reduce_to_scalar
from credentials.bbs.interface import EXPAND_BYTES, Ciphersuite
from credentials.bbs.secret import SecretScalar
from credentials.encoding.multibase import decode_base58btc, encode_base58btc
from credentials.errors import Malformed

MULTICODEC: Final = b"\xeb\x01"
"""The two bytes before a point of G2 in a Multikey (vc-di-bbs §2.1.1)."""
_MAX_MULTIKEY_CHARACTERS: Final = 160
_MIN_KEY_MATERIAL_BYTES: Final = 32
_MAX_KEY_INFO_BYTES: Final = 65_535
_WHAT: Final = "BBS key"


@dataclass(frozen=True, slots=True)
class BbsPublicKey:
    """A public key that was checked: a point of the group, and not its identity. Equal when the bytes are."""

    data: bytes
    """The compressed point, 96 bytes."""
    point: G2Point = field(repr=False, compare=False)

    @classmethod
    def parse(cls, data: bytes, *, what: str) -> Self:
        """Read a compressed point of G2.

        Raises:
            Malformed: it is not 96 bytes, not the one encoding of a point of the group, or the identity.
        """
        return cls(data, read_g2(data, what=what))

    @classmethod
    def from_multikey(cls, text: str, *, what: str) -> Self:
        """Read a Multikey, as `publicKeyMultibase` and did:key have it.

        Raises:
            Malformed: it is not base58btc, of another kind, or no point of the group.
        """
        data = decode_base58btc(text, what=what, max_characters=_MAX_MULTIKEY_CHARACTERS)
        if not data.startswith(MULTICODEC) or len(data) != len(MULTICODEC) + G2_BYTES:
            raise Malformed(what, "it is not a BLS12-381 key in the group G2")
        return cls.parse(data[len(MULTICODEC) :], what=what)

    @property
    def multikey(self) -> str:
        """The key as a Multikey: base58btc of two bytes that say the kind, and the point."""
        return encode_base58btc(MULTICODEC + self.data)


class BbsSecretKey(SecretScalar):
    """A secret key in this process's memory."""

    __slots__ = ("_public_key",)

    def __init__(self, scalar: Scalar) -> None:
        super().__init__(scalar)
        point = multiply_base_g2(scalar)
        self._public_key = BbsPublicKey(point.to_compressed_bytes(), point)

    @classmethod
    def generate(cls) -> Self:
        """Make a new key from the operating system's randomness."""
        return cls(Scalar.from_be_bytes((1 + secrets.randbelow(ORDER - 1)).to_bytes(32)))

    @classmethod
    def from_key_material(
        cls, material: bytes, info: bytes = b"", dst: bytes | None = None, *, suite: Ciphersuite = Ciphersuite.SHA_256
    ) -> Self:
        """Derive a key from secret bytes (KeyGen, §3.4.1); the same bytes, info and tag give the same key.

        Raises:
            Malformed: the material is shorter than 32 bytes, or the info longer than 65,535.
        """
        if len(material) < _MIN_KEY_MATERIAL_BYTES or len(info) > _MAX_KEY_INFO_BYTES:
            raise Malformed(_WHAT, "its key material is too short, or its info too long")
        tag = suite.value + b"H2G_HM2S_KEYGEN_DST_" if dst is None else dst
        return cls(reduce_to_scalar(suite.expand(material + len(info).to_bytes(2) + info, tag, EXPAND_BYTES)))

    @property
    def public_key(self) -> BbsPublicKey:
        """The key that verifies what this one signs."""
        return self._public_key

    @override
    def __repr__(self) -> str:
        return f"BbsSecretKey({self._public_key.multikey})"
