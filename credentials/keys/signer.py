"""Who can sign. The kernel asks for the capability only, so that a key may live in a file, a vault or a device."""

from typing import NoReturn, Protocol, Self, SupportsIndex, TypeAlias, assert_never, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from typing_extensions import override

from credentials.errors import Malformed
from credentials.keys.errors import KeyUnreadable
from credentials.keys.jwk import PublicKey
from credentials.keys.kinds import P256, P384, KeyKind

_PrivateKey: TypeAlias = EllipticCurvePrivateKey | Ed25519PrivateKey


class Signer(Protocol):
    """A private key that signs, wherever it is kept: a file here, a key service or a hardware module elsewhere."""

    @property
    def algorithm(self) -> str:
        """The JOSE name of the algorithm, such as `ES256`: the one that its public key has."""
        ...

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies what this one signs."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Sign these bytes as JOSE wants it: r and s in full length (RFC 7518 §3.4), or RFC 8032 §5.1.6."""
        ...


class LocalSigner:
    """A private key in this process's memory. It is never shown, copied or pickled by accident."""

    __slots__ = ("_private_key", "_public_key")

    def __init__(self, private_key: _PrivateKey) -> None:
        self._public_key = PublicKey.from_cryptography(private_key.public_key())
        self._private_key = private_key

    @classmethod
    def generate(cls, kind: KeyKind = KeyKind.P256) -> Self:
        """Make a new key from the operating system's randomness."""
        match kind:
            case KeyKind.P256:
                return cls(generate_private_key(P256.group))
            case KeyKind.P384:
                return cls(generate_private_key(P384.group))
            case KeyKind.ED25519:
                return cls(Ed25519PrivateKey.generate())
        assert_never(kind)

    @classmethod
    def from_pem(cls, pem: bytes, password: bytes | None) -> Self:
        """Read a PEM private key, as `to_pem` or OpenSSL writes it.

        Raises:
            KeyUnreadable: it is not PEM, of none of the three kinds, or the password is wrong, missing or needless.
        """
        try:
            key = load_pem_private_key(pem, password)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyUnreadable from error
        if not isinstance(key, _PrivateKey):
            raise KeyUnreadable
        try:
            return cls(key)
        except Malformed as error:
            raise KeyUnreadable from error

    def to_pem(self, password: bytes | None) -> bytes:
        """Write PKCS #8 PEM, encrypted; with None unencrypted, for a store that encrypts as a whole."""
        protection = NoEncryption() if password is None else BestAvailableEncryption(password)
        return self._private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)

    @property
    def algorithm(self) -> str:
        """The JOSE name of the algorithm of this kind of key."""
        return self._public_key.algorithm

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies what this one signs."""
        return self._public_key

    def sign(self, data: bytes) -> bytes:
        """Sign by the key's algorithm, in the form that `PublicKey.verify` reads."""
        curve = self._public_key.kind.curve
        if curve is None:
            return cast("Ed25519PrivateKey", self._private_key).sign(data)
        key = cast("EllipticCurvePrivateKey", self._private_key)
        r, s = decode_dss_signature(key.sign(curve.hash(data).digest(), curve.scheme))
        return r.to_bytes(curve.coordinate_bytes) + s.to_bytes(curve.coordinate_bytes)

    @override
    def __repr__(self) -> str:
        return f"LocalSigner({self._public_key.thumbprint})"

    @override
    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("A private key is not pickled or copied; write it with to_pem, encrypted.")
