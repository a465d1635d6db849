"""JSON Web Encryption in compact form (RFC 7516), as OpenID4VP 1.0 §8.3 and OpenID4VCI 1.0 §10 profile it.

One way only: ECDH-ES, direct, on P-256 (RFC 7518 §4.6), with AES-GCM. No compression: it would tell the length of what
repeats, and blow up at the reader. This is the only module that imports jwcrypto.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn, Self, SupportsIndex

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwcrypto.common import JWException
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK
from typing_extensions import override

from credentials.encoding import base64url
from credentials.encoding.strict_json import Json, dump, parse_object
from credentials.errors import HandstampError, Malformed
from credentials.keys.errors import EncryptionImpossible, KeyUnreadable, UnreadableEncryption
from credentials.keys.jwk import PublicKey
from credentials.keys.kinds import P256, KeyKind

KEY_AGREEMENT: Final = "ECDH-ES"
ENCRYPTIONS: Final = frozenset({"A128GCM", "A256GCM"})
"""Both must be taken by who offers a key (HAIP 1.0 §5), and either may be used by who encrypts to it."""

_PARTS: Final = 5
_MAX_HEADER_BYTES: Final = 8_192
_OURS: Final = frozenset({"alg", "enc", "epk", "zip", "crit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decrypted:
    """What somebody encrypted to a key of ours. Encryption hides; it does not say who wrote."""

    payload: bytes = field(repr=False)
    header: Mapping[str, Json]


class DecryptionKey:
    """A P-256 private key that opens what was encrypted to it. It is never shown, copied or pickled by accident."""

    __slots__ = ("_jwk", "_private_key", "_public_key")

    def __init__(self, private_key: EllipticCurvePrivateKey) -> None:
        self._public_key = PublicKey.from_cryptography(private_key.public_key())
        self._private_key = private_key
        self._jwk = JWK.from_pyca(private_key)

    @classmethod
    def generate(cls) -> Self:
        """Make a new key from the operating system's randomness."""
        return cls(generate_private_key(P256.group))

    @classmethod
    def from_pem(cls, pem: bytes, password: bytes | None) -> Self:
        """Read what `to_pem` wrote.

        Raises:
            KeyUnreadable: it is not PEM, not a P-256 key, or the password is wrong, missing or needless.
        """
        try:
            key = load_pem_private_key(pem, password)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyUnreadable from error
        if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name != P256.group.name:
            raise KeyUnreadable
        return cls(key)

    def to_pem(self, password: bytes | None) -> bytes:
        """Write PKCS #8 PEM, encrypted; with None unencrypted, for a store that encrypts as a whole."""
        protection = NoEncryption() if password is None else BestAvailableEncryption(password)
        return self._private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)

    @property
    def kid(self) -> str:
        """The key's thumbprint, under which it is published and found again."""
        return self._public_key.thumbprint

    @property
    def public_jwk(self) -> dict[str, Json]:
        """The public key to publish, with what it is for (OpenID4VP 1.0 §8.3)."""
        return {**self._public_key.jwk, "kid": self.kid, "use": "enc", "alg": KEY_AGREEMENT}

    def open(self, message: JWE) -> bytes:
        """Open a message whose header was checked; use `decrypt`.

        Raises:
            JWException: it does not open.
        """
        message.decrypt(self._jwk)
        payload: bytes = message.payload
        return payload

    @override
    def __repr__(self) -> str:
        return f"DecryptionKey({self.kid})"

    @override
    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("A private key is not pickled or copied; write it with to_pem, encrypted.")


def encrypt(payload: bytes, *, to: Mapping[str, Json], enc: str, header: Mapping[str, Json] | None = None) -> str:
    """Encrypt to the JWK that somebody published.

    Args:
        payload: what only they may read.
        to: their public key: P-256, for ECDH-ES or without `alg`; its `kid` is written into the header.
        enc: A128GCM or A256GCM, one that they take.
        header: more members, such as `cty`; `apu` and `apv` (base64url) enter the key as RFC 7518 §4.6.2 says.

    Raises:
        EncryptionImpossible: the key, or `enc`, is none that can be used here.
    """
    if enc not in ENCRYPTIONS:
        raise EncryptionImpossible(f"only {' and '.join(sorted(ENCRYPTIONS))} are known here")
    recipient = read_recipient(to)
    more = {name: value for name, value in (header or {}).items() if name not in _OURS and value is not None}
    protected: dict[str, Json] = {"alg": KEY_AGREEMENT, "enc": enc, **more}
    if isinstance(kid := to.get("kid"), str):
        protected["kid"] = kid
    try:
        message = JWE(payload, dump(protected).decode("utf-8"), algs=[KEY_AGREEMENT, enc])
        message.add_recipient(JWK(**recipient.jwk))
        text: str = message.serialize(compact=True)
    except (JWException, ValueError, TypeError) as error:
        raise EncryptionImpossible("a member of the header cannot be used") from error
    return text


def read_recipient(jwk: Mapping[str, Json]) -> PublicKey:
    """Read a JWK that can be encrypted to.

    Raises:
        EncryptionImpossible: it is not a P-256 key for ECDH-ES.
        PrivateKeyExposed: it holds private members.
    """
    members = {name: value for name, value in jwk.items() if name not in ("use", "alg", "key_ops")}
    try:
        key = PublicKey.parse_jwk(members, what="key to encrypt to")
    except Malformed as error:
        raise EncryptionImpossible("the key that was sent cannot be read") from error
    fits = jwk.get("use", "enc") == "enc" and jwk.get("alg", KEY_AGREEMENT) == KEY_AGREEMENT
    if not fits or key.kind is not KeyKind.P256:
        raise EncryptionImpossible(f"the key that was sent is not a P-256 key for {KEY_AGREEMENT}")
    return key


def decrypt(
    text: str,
    *,
    keys: Mapping[str, DecryptionKey],
    encs: frozenset[str] = ENCRYPTIONS,
    max_bytes: int,
    what: str = "encrypted message",
) -> Decrypted:
    """Open a compact JWE with the key that its header names.

    Args:
        text: five parts, base64url, with dots between.
        keys: our keys by `kid`. A header without `kid` means the only one, if there is only one.
        encs: the content encryptions that were offered.
        max_bytes: the longest text that is looked at; the payload is shorter.
        what: what it is, for the words of errors.

    Raises:
        Malformed: it is not a compact JWE, or too large.
        UnreadableEncryption: it does not open, for whatever reason.
    """
    if len(text) > max_bytes:
        raise Malformed(what, f"it is larger than {max_bytes} bytes")
    header = _read_header(text, what=what)
    key = _find_key(header, keys)
    enc = header.get("enc")
    if key is None or not isinstance(enc, str) or enc not in encs & ENCRYPTIONS or not _is_plain_agreement(header):
        raise UnreadableEncryption(what)
    message = JWE(algs=[KEY_AGREEMENT, enc])
    try:
        message.deserialize(text)
        payload = key.open(message)
    except (JWException, ValueError, TypeError) as error:
        raise UnreadableEncryption(what) from error
    return Decrypted(payload=payload, header=header)


def _read_header(text: str, *, what: str) -> dict[str, Json]:
    parts = text.split(".")
    if len(parts) != _PARTS:
        raise Malformed(what, "it is not five parts with dots between")
    # One way to write it only: jwcrypto reads base64url leniently, and hashes its own writing of the header.
    decoded = [base64url.decode(part, what=f"part of the {what}") for part in parts]
    return parse_object(decoded[0], what=f"header of the {what}", max_bytes=_MAX_HEADER_BYTES)


def _find_key(header: Mapping[str, Json], keys: Mapping[str, DecryptionKey]) -> DecryptionKey | None:
    kid = header.get("kid")
    if kid is None and len(keys) == 1:
        return next(iter(keys.values()))
    return keys.get(kid) if isinstance(kid, str) else None


def _is_plain_agreement(header: Mapping[str, Json]) -> bool:
    # An extension (`crit`) or compression (`zip`) was never offered. The sender's passing key must be a point on our
    # curve, or its answer would tell something about our key.
    if header.get("alg") != KEY_AGREEMENT or "zip" in header or "crit" in header:
        return False
    try:
        return PublicKey.parse_jwk(header.get("epk"), what="passing key").kind is KeyKind.P256
    except HandstampError:
        return False
