"""Commitments: what a prover has signed without showing it (draft-irtf-cfrg-bbs-blind-signatures §4.1 and §4.3).

A commitment comes with a proof that its sender knows what it hides. It is the same for the same messages and the same
blind; the proof is new each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from credentials.bbs.curve import (
    G1_BYTES,
    SCALAR_BYTES,
    G1Point,
    Scalar,
    add_products,
    read_g1,
    read_scalar,
    write_g1,
)
from credentials.bbs.errors import BadCommitment
from credentials.bbs.interface import MAX_MESSAGES, Interface
from credentials.bbs.secret import Random, SecretScalar, draw_scalar
from credentials.errors import Malformed

_WHAT: Final = "commitment"
_MIN_BYTES: Final = G1_BYTES + 2 * SCALAR_BYTES


class ProverBlind(SecretScalar):
    """What hides the committed messages from the signer; every later proof needs it again."""

    __slots__ = ()

    @classmethod
    def generate(cls, random: Random) -> Self:
        """Draw a new one."""
        return cls(draw_scalar(random))


def commit(interface: Interface, messages: Sequence[Scalar], *, blind: ProverBlind, random: Random) -> bytes:
    """Commit to messages, and prove to know them (CoreCommit, §4.3.1)."""
    points = interface.blind_points(len(messages) + 1, what=_WHAT)
    hidden = [blind.scalar, *messages]
    masks = [draw_scalar(random) for _ in hidden]
    commitment = add_products(points, hidden)
    challenge = _challenge(interface, points, commitment, add_products(points, masks))
    answers = [mask + scalar * challenge for mask, scalar in zip(masks, hidden, strict=True)]
    return write_g1(commitment) + b"".join(scalar.to_be_bytes() for scalar in (*answers, challenge))


@dataclass(frozen=True, slots=True)
class Commitment:
    """A commitment whose proof was verified: the point, and how many messages are in it."""

    point: G1Point
    count: int

    @classmethod
    def check(cls, interface: Interface, data: bytes) -> Self:
        """Read a commitment and verify its proof (CoreCommitVerify, §4.3.2).

        Raises:
            Malformed: of a length that no commitment has; the point not of the group or its identity; a scalar that is
                zero or too large.
            BadCommitment: its sender does not know what it hides.
        """
        if not _MIN_BYTES <= len(data) <= _MIN_BYTES + MAX_MESSAGES * SCALAR_BYTES:
            raise Malformed(_WHAT, "it has a length that no commitment has")
        if (len(data) - _MIN_BYTES) % SCALAR_BYTES:
            raise Malformed(_WHAT, "it has a length that no commitment has")
        point = read_g1(data[:G1_BYTES], what=_WHAT)
        *answers, challenge = (
            read_scalar(data[at : at + SCALAR_BYTES], what=_WHAT) for at in range(G1_BYTES, len(data), SCALAR_BYTES)
        )
        points = interface.blind_points(len(answers), what=_WHAT)
        masked = add_products((*points, point), (*answers, -challenge))
        if _challenge(interface, points, point, masked) != challenge:
            raise BadCommitment
        return cls(point, len(answers) - 1)


def _challenge(interface: Interface, points: Sequence[G1Point], commitment: G1Point, masked: G1Point) -> Scalar:
    hashed = b"".join(map(write_g1, (*points, commitment, masked)))
    return interface.hash_to_scalar((len(points) - 1).to_bytes(8) + hashed)
