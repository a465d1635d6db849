"""Who can sign. The kernel asks for the capability only, so that a key may live in a file, a vault or a device."""

from typing import NoReturn, Protocol, Self, SupportsIndex

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from typing_extensions import override

from credentials.keys.errors import KeyUnreadable
from credentials.keys.jwk import COORDINATE_BYTES, ES256, PublicKey


class Signer(Protocol):
    """A private key that signs, wherever it is kept."""

    @property
    def algorithm(self) -> str:
        """The JOSE name of the algorithm, such as `ES256`."""
        ...

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies what this one signs."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Sign these bytes; the result is r and s, 32 bytes each (RFC 7518 §3.4)."""
        ...


class LocalSigner:
    """A P-256 private key in this process's memory. It is never shown, copied or pickled by accident."""

    __slots__ = ("_private_key", "_public_key")

    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        self._public_key = PublicKey.from_cryptography(private_key.public_key())
        self._private_key = private_key

    @classmethod
    def generate(cls) -> Self:
        """Make a new key from the operating system's randomness."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_pem(cls, pem: bytes, password: bytes | None) -> Self:
        """Read a PEM private key, as `to_pem` or OpenSSL writes it.

        Raises:
            KeyUnreadable: it is not PEM, not a P-256 key, or the password is wrong, missing or needless.
        """
        try:
            key = load_pem_private_key(pem, password)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyUnreadable from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise KeyUnreadable
        return cls(key)

    def to_pem(self, password: bytes | None) -> bytes:
        """Write PKCS #8 PEM, encrypted; with None unencrypted, for a store that encrypts as a whole."""
        protection = NoEncryption() if password is None else BestAvailableEncryption(password)
        return self._private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)

    @property
    def algorithm(self) -> str:
        """Always `ES256`."""
        return "ES256"

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies what this one signs."""
        return self._public_key

    def sign(self, data: bytes) -> bytes:
        """Sign with ES256; r and s, 32 bytes each."""
        r, s = decode_dss_signature(self._private_key.sign(data, ES256))
        return r.to_bytes(COORDINATE_BYTES) + s.to_bytes(COORDINATE_BYTES)

    @override
    def __repr__(self) -> str:
        return f"LocalSigner({self._public_key.thumbprint})"

    @override
    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("A private key is not pickled or copied; write it with to_pem, encrypted.")
