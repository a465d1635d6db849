"""Secret scalars: never shown, compared, pickled or copied by accident."""

from collections.abc import Callable
from typing import NoReturn, Self, SupportsIndex, TypeAlias

from typing_extensions import override

from credentials.bbs.curve import Scalar, read_scalar, reduce_to_scalar
from credentials.bbs.interface import EXPAND_BYTES

Random: TypeAlias = Callable[[int], bytes]
"""Gives so many bytes that nobody can guess, such as `secrets.token_bytes`."""


def draw_scalar(random: Random) -> Scalar:
    """Draw a scalar, each as likely as any other (draft-irtf-cfrg-bbs-signatures §4.2.1)."""
    return reduce_to_scalar(random(EXPAND_BYTES))


class SecretScalar:
    """A number from 1 to r - 1 that somebody must not learn. What it is for, the class says."""

    __slots__ = ("_scalar",)

    def __init__(self, scalar: Scalar) -> None:
        self._scalar = scalar

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            Malformed: it is not 32 bytes, zero, or not below the order of the group.
        """
        return cls(read_scalar(data, what=cls.__name__))

    def to_bytes(self) -> bytes:
        """Write 32 bytes, to be kept as carefully as this object."""
        return self._scalar.to_be_bytes()

    @property
    def scalar(self) -> Scalar:
        """The number itself, for calculating in this package."""
        return self._scalar

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    @override
    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("Secrets are not compared: the time that it takes says where they differ.")

    @override
    def __hash__(self) -> NoReturn:
        raise TypeError("Secrets are not compared, so they are no keys of a dictionary.")

    @override
    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("A secret is not pickled or copied; write it with to_bytes, encrypted.")
