"""Public keys as JSON Web Keys (RFC 7517, RFC 7518 §6.2, RFC 8037 §2) and Multikeys, named by thumbprint (RFC 7638)."""

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from credentials.encoding import base64url
from credentials.encoding.multibase import decode_base58btc, encode_base58btc
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.keys.edwards import is_strong_point
from credentials.keys.errors import BadSignature, PrivateKeyExposed
from credentials.keys.kinds import ED25519_BYTES, KeyKind

_ForeignKey: TypeAlias = EllipticCurvePublicKey | Ed25519PublicKey

_KINDS = {kind.value: kind for kind in KeyKind}
_FIRST_MEMBERS = {kind: f'{{"crv":"{kind.value}","kty":"{kind.kty}","x":"' for kind in KeyKind}
_MULTICODECS = {kind.multicodec: kind for kind in KeyKind}
_MULTICODEC_BYTES = 2
_MAX_MULTIKEY_CHARACTERS = 80
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PURPOSE = frozenset({"use", "alg", "key_ops"})
_UNCOMPRESSED = b"\x04"
_SEQUENCE, _INTEGER, _SIGN_BIT, _ZERO = 0x30, 0x02, 0x80, b"\x00"
_COMPRESSED = (b"\x02", b"\x03")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key of one of the three kinds, ready to verify; equal to another when kind and point are."""

    kind: KeyKind
    encoded: bytes
    """On a NIST curve the uncompressed point, SEC 1 §2.3.3: 0x04, x, y. For Ed25519 its 32 bytes, RFC 8032 §5.1.5."""
    _key: _ForeignKey = field(repr=False, compare=False)

    @classmethod
    def from_cryptography(cls, key: object) -> Self:
        """Wrap a public key of the `cryptography` library.

        Raises:
            Malformed: it is of none of the three kinds.
        """
        if isinstance(key, Ed25519PublicKey):
            return cls(KeyKind.ED25519, key.public_bytes_raw(), key)
        if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1 | SECP384R1):
            kind = KeyKind.P256 if isinstance(key.curve, SECP256R1) else KeyKind.P384
            return cls(kind, key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint), key)
        raise Malformed("public key", "it is not a P-256, P-384 or Ed25519 key")

    @classmethod
    def parse_jwk(cls, value: Json, *, what: str) -> Self:
        """Read a JWK. Members that say nothing about the key itself (`kid`, `x5c`, ...) are not looked at.

        Args:
            value: the JWK.
            what: which key this is, for the error's words.

        Raises:
            PrivateKeyExposed: it holds private members.
            Malformed: it is not a P-256, P-384 or Ed25519 key for verifying signatures, or not a point on its curve.
        """
        if not isinstance(value, dict):
            raise Malformed(what, "it is not a JSON object")
        if not _PRIVATE_MEMBERS.isdisjoint(value):
            raise PrivateKeyExposed(what)
        kind = _read_kind(value, what=what)
        _check_purpose(value, kind, what=what)
        if kind.curve is None:
            return cls._from_encoded(kind, _coordinate(value, "x", ED25519_BYTES, what=what), what=what)
        size = kind.curve.coordinate_bytes
        x, y = _coordinate(value, "x", size, what=what), _coordinate(value, "y", size, what=what)
        return cls._from_encoded(kind, _UNCOMPRESSED + x + y, what=what)

    @classmethod
    def from_multikey(cls, text: str, *, what: str) -> Self:
        """Read a Multikey, as `publicKeyMultibase` and did:key have it (Controlled Identifiers 1.0 §2.2.2).

        Raises:
            Malformed: it is not base58btc, of another kind, not compressed, or not a point on its curve.
        """
        data = decode_base58btc(text, what=what, max_characters=_MAX_MULTIKEY_CHARACTERS)
        kind = _MULTICODECS.get(data[:_MULTICODEC_BYTES])
        if kind is None:
            raise Malformed(what, "it is not a P-256, P-384 or Ed25519 key")
        encoded = data[_MULTICODEC_BYTES:]
        if kind.curve is not None and not encoded.startswith(_COMPRESSED):
            raise Malformed(what, "its point is not written in compressed form")
        return cls._from_encoded(kind, encoded, what=what)

    @classmethod
    def _from_encoded(cls, kind: KeyKind, encoded: bytes, *, what: str) -> Self:
        # The library's classes are abstract, and asking whether a key is of one costs more than all else here.
        if kind.curve is None:
            if len(encoded) != ED25519_BYTES or not is_strong_point(encoded):
                raise Malformed(what, "the point is not on the curve, or of small order")
            return cls(kind, encoded, Ed25519PublicKey.from_public_bytes(encoded))
        try:
            key = EllipticCurvePublicKey.from_encoded_point(kind.curve.group, encoded)
        except ValueError as error:
            raise Malformed(what, "the point is not on the curve") from error
        if not encoded.startswith(_UNCOMPRESSED):
            encoded = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return cls(kind, encoded, key)

    @property
    def algorithm(self) -> str:
        """The JOSE name of what this key verifies: ES256, ES384 or EdDSA."""
        return self.kind.algorithm

    @property
    def jwk(self) -> dict[str, Json]:
        """The members that make the key, in a fresh dictionary."""
        members: dict[str, Json] = {"kty": self.kind.kty, "crv": self.kind.value}
        return members | _write_coordinates(self.kind, self.encoded)

    @property
    def multikey(self) -> str:
        """The key as a Multikey: base58btc of its kind's two bytes and the compressed point."""
        if isinstance(self._key, Ed25519PublicKey):
            return encode_base58btc(self.kind.multicodec + self.encoded)
        compressed = self._key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        return encode_base58btc(self.kind.multicodec + compressed)

    @property
    def thumbprint(self) -> str:
        """RFC 7638 §3: SHA-256 over the required members in lexicographic order, base64url."""
        return _thumbprint(self.kind, self.encoded)

    def verify(self, signature: bytes, data: bytes) -> None:
        """Check a signature by this key's algorithm: r and s in full length (RFC 7518 §3.4), or RFC 8032 §5.1.7.

        Raises:
            BadSignature: it has another length, or does not fit.
        """
        curve = self.kind.curve
        key: Any = self._key
        try:
            if curve is None:
                key.verify(signature, data)
                return
            size = curve.coordinate_bytes
            if len(signature) != size + size:
                raise BadSignature
            key.verify(der_signature(signature, size), curve.hash(data).digest(), curve.scheme)
        except InvalidSignature as error:
            raise BadSignature from error


def der_signature(signature: bytes, size: int) -> bytes:
    """Write r and s of `size` bytes each as the two INTEGERs of a SEQUENCE (RFC 3279 §2.2.3): shortest, not negative.

    Both together are at most 104 bytes, so that every length is one byte.
    """
    r, s = signature[:size].lstrip(_ZERO), signature[size:].lstrip(_ZERO)
    if not r or r[0] >= _SIGN_BIT:
        r = _ZERO + r
    if not s or s[0] >= _SIGN_BIT:
        s = _ZERO + s
    return bytes((_SEQUENCE, 4 + len(r) + len(s), _INTEGER, len(r))) + r + bytes((_INTEGER, len(s))) + s


# An issuer's key is named again and again; holders' keys that were seen in between are soon forgotten.
@lru_cache(maxsize=32)
def _thumbprint(kind: KeyKind, encoded: bytes) -> str:
    if kind.curve is None:
        members = base64url.encode(encoded)
    else:
        middle = 1 + kind.curve.coordinate_bytes
        members = f'{base64url.encode(encoded[1:middle])}","y":"{base64url.encode(encoded[middle:])}'
    written = f'{_FIRST_MEMBERS[kind]}{members}"}}'
    return base64url.encode(hashlib.sha256(written.encode("ascii")).digest())


def _write_coordinates(kind: KeyKind, encoded: bytes) -> dict[str, Json]:
    if kind.curve is None:
        return {"x": base64url.encode(encoded)}
    middle = 1 + kind.curve.coordinate_bytes
    return {"x": base64url.encode(encoded[1:middle]), "y": base64url.encode(encoded[middle:])}


def _read_kind(jwk: dict[str, Json], *, what: str) -> KeyKind:
    crv = jwk.get("crv")
    kind = _KINDS.get(crv) if isinstance(crv, str) else None
    if kind is None or jwk.get("kty") != kind.kty:
        raise Malformed(what, "it is not an EC key on the curve P-256 or P-384, nor an OKP key on Ed25519")
    return kind


def _check_purpose(jwk: dict[str, Json], kind: KeyKind, *, what: str) -> None:
    # RFC 7517 §4.2 to §4.4: what the owner said the key is for.
    if _PURPOSE.isdisjoint(jwk):
        return
    operations = jwk.get("key_ops", ["verify"])
    if (
        jwk.get("use", "sig") != "sig"
        or jwk.get("alg", kind.algorithm) not in kind.algorithms
        or not isinstance(operations, list)
        or "verify" not in operations
    ):
        raise Malformed(what, f"it is not meant for verifying {kind.algorithm} signatures")


def _coordinate(jwk: dict[str, Json], name: str, size: int, *, what: str) -> bytes:
    text = jwk.get(name)
    if not isinstance(text, str):
        raise Malformed(what, f"`{name}` is missing or not text")
    coordinate = base64url.decode(text, what=f"member `{name}` of the {what}")
    # RFC 7518 §6.2.1.2: the full length, so that one key has one thumbprint.
    if len(coordinate) != size:
        raise Malformed(what, f"`{name}` is not {size} bytes")
    return coordinate
