"""Public keys as JSON Web Keys (RFC 7517, RFC 7518 §6.2), named by their thumbprint (RFC 7638).

One key type, P-256 with ES256, is what every OpenID4VC wallet has (HAIP 1.0 §7); others join when something needs them.
"""

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from credentials.encoding import base64url
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.keys.errors import BadSignature, PrivateKeyExposed

COORDINATE_BYTES = 32
SIGNATURE_BYTES = 64
ES256 = ec.ECDSA(hashes.SHA256())
_CURVE = ec.SECP256R1()
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A P-256 public key, ready to verify; equal to another when the point is."""

    point: bytes
    """The uncompressed point, SEC 1 §2.3.3: 0x04, x, y."""
    _key: ec.EllipticCurvePublicKey = field(repr=False, compare=False)

    @classmethod
    def from_cryptography(cls, key: ec.EllipticCurvePublicKey) -> Self:
        """Wrap a key of the `cryptography` library, which must be on P-256."""
        if not isinstance(key.curve, ec.SECP256R1):
            raise Malformed("public key", "it is not on the curve P-256")
        return cls(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint), key)

    @classmethod
    def parse_jwk(cls, value: Json, *, what: str) -> Self:
        """Read a JWK. Members that say nothing about the key itself (`kid`, `x5c`, ...) are not looked at.

        Args:
            value: the JWK.
            what: which key this is, for the error's words.

        Raises:
            PrivateKeyExposed: it holds private members.
            Malformed: it is not a P-256 key for verifying signatures, or the point is not on the curve.
        """
        if not isinstance(value, dict):
            raise Malformed(what, "it is not a JSON object")
        if not _PRIVATE_MEMBERS.isdisjoint(value):
            raise PrivateKeyExposed(what)
        if value.get("kty") != "EC" or value.get("crv") != "P-256":
            raise Malformed(what, "it is not an EC key on the curve P-256")
        _check_purpose(value, what=what)
        point = b"\x04" + _coordinate(value, "x", what=what) + _coordinate(value, "y", what=what)
        try:
            return cls(point, ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point))
        except ValueError as error:
            raise Malformed(what, "the point is not on the curve") from error

    @property
    def jwk(self) -> dict[str, Json]:
        """The four members that make the key, in a fresh dictionary."""
        x, y = _write_coordinates(self.point)
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}

    @property
    def thumbprint(self) -> str:
        """RFC 7638 §3: SHA-256 over the required members in lexicographic order, base64url."""
        return _thumbprint(self.point)

    def verify(self, signature: bytes, data: bytes) -> None:
        """Check an ES256 signature: r and s, 32 bytes each (RFC 7518 §3.4).

        Raises:
            BadSignature: it has another length, or does not fit.
        """
        if len(signature) != SIGNATURE_BYTES:
            raise BadSignature
        r = int.from_bytes(signature[:COORDINATE_BYTES])
        s = int.from_bytes(signature[COORDINATE_BYTES:])
        try:
            self._key.verify(encode_dss_signature(r, s), data, ES256)
        except InvalidSignature as error:
            raise BadSignature from error


# An issuer's key is named again and again.
@lru_cache(maxsize=256)
def _thumbprint(point: bytes) -> str:
    x, y = _write_coordinates(point)
    members = f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'
    return base64url.encode(hashlib.sha256(members.encode("ascii")).digest())


def _write_coordinates(point: bytes) -> tuple[str, str]:
    middle = 1 + COORDINATE_BYTES
    return base64url.encode(point[1:middle]), base64url.encode(point[middle:])


def _check_purpose(jwk: dict[str, Json], *, what: str) -> None:
    # RFC 7517 §4.2 to §4.4: what the owner said the key is for.
    operations = jwk.get("key_ops", ["verify"])
    if (
        jwk.get("use", "sig") != "sig"
        or jwk.get("alg", "ES256") != "ES256"
        or not isinstance(operations, list)
        or "verify" not in operations
    ):
        raise Malformed(what, "it is not meant for verifying ES256 signatures")


def _coordinate(jwk: dict[str, Json], name: str, *, what: str) -> bytes:
    text = jwk.get(name)
    if not isinstance(text, str):
        raise Malformed(what, f"`{name}` is missing or not text")
    coordinate = base64url.decode(text, what=f"member `{name}` of the {what}")
    # RFC 7518 §6.2.1.2: the full length, so that one key has one thumbprint.
    if len(coordinate) != COORDINATE_BYTES:
        raise Malformed(what, f"`{name}` is not {COORDINATE_BYTES} bytes")
    return coordinate
