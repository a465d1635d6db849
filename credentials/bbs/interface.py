"""Ciphersuites, and the interfaces that are built on them (draft-irtf-cfrg-bbs-signatures §3.6, §4.1, §6).

An interface is a ciphersuite under an identifier of its own, so that no signature of one serves another. Its generators
are the same for everybody; they are made once and kept.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from credentials.bbs.curve import (
    FIELD_ORDER,
    G1Point,
    Scalar,
    hash_sha256_to_g1,
    map_to_g1,
    read_g1,
    reduce_to_scalar,
    write_g1,
)
from credentials.errors import Malformed

MAX_MESSAGES: Final = 1_000
"""More messages than any credential here has. A proof says by its length how many there are, and each costs work."""
EXPAND_BYTES: Final = 48
_DIGEST_BYTES: Final = 32
_BLOCK_BYTES: Final = 64
_FIELD_ELEMENT_BYTES: Final = 64
_MAX_DST_BYTES: Final = 255


class Ciphersuite(Enum):
    """The two ciphersuites over BLS12-381; the value is the identifier that begins every tag."""

    SHA_256 = b"BBS_BLS12381G1_XMD:SHA-256_SSWU_RO_"
    SHAKE_256 = b"BBS_BLS12381G1_XOF:SHAKE-256_SSWU_RO_"

    def expand(self, message: bytes, dst: bytes, length: int) -> bytes:
        """Stretch a message to uniform bytes (RFC 9380 §5.3.1 and §5.3.2). `length` is at most 8,160."""
        if len(dst) > _MAX_DST_BYTES:
            raise AssertionError
        tag = dst + len(dst).to_bytes(1)
        if self is Ciphersuite.SHAKE_256:
            return hashlib.shake_256(message + length.to_bytes(2) + tag).digest(length)
        return _expand_sha_256(message, tag, length)

    def hash_to_curve(self, message: bytes, dst: bytes) -> G1Point:
        """Hash to a point of G1 (RFC 9380 §3; for SHAKE-256 draft-irtf-cfrg-bbs-signatures Appendix A.1)."""
        if self is Ciphersuite.SHA_256:
            return hash_sha256_to_g1(message, dst)
        uniform = self.expand(message, dst, 2 * _FIELD_ELEMENT_BYTES)
        halves = uniform[:_FIELD_ELEMENT_BYTES], uniform[_FIELD_ELEMENT_BYTES:]
        first, second = (map_to_g1(int.from_bytes(half) % FIELD_ORDER) for half in halves)
        return first + second

    @property
    def base_point(self) -> G1Point:
        """P1, the point that stands for "nothing signed yet"."""
        return _base_point(self)


@dataclass(frozen=True, slots=True)
class Bases:
    """Generators in the order of their messages, and their part in every domain.

    Attributes:
        points: Q_1, then one for each message.
        octets: how many messages there are, all points, and the interface's identifier, as the domain hashes them.
    """

    points: tuple[G1Point, ...]
    octets: bytes

    @property
    def message_points(self) -> tuple[G1Point, ...]:
        """The generators of the messages: H_1, H_2, ..."""
        return self.points[1:]


@dataclass(frozen=True, slots=True)
class Interface:
    """A ciphersuite under an identifier: `api_id` is what the specifications call it."""

    suite: Ciphersuite
    api_id: bytes

    @classmethod
    def plain(cls, suite: Ciphersuite) -> "Interface":
        """The interface of BBS signatures without anything blind (draft-irtf-cfrg-bbs-signatures §3.4)."""
        return cls(suite, suite.value + b"H2G_HM2S_")

    def hash_to_scalar(self, data: bytes, tag: bytes = b"H2S_") -> Scalar:
        """Hash to a scalar under the tag `api_id || tag` (§4.2.2)."""
        return reduce_to_scalar(self.suite.expand(data, self.api_id + tag, EXPAND_BYTES))

    def map_message(self, message: bytes) -> Scalar:
        """What stands for this message in signatures and proofs (§4.1.2)."""
        return self.hash_to_scalar(message, b"MAP_MSG_TO_SCALAR_AS_HASH_")

    def map_messages(self, messages: Iterable[bytes]) -> list[Scalar]:
        """What stands for these messages, in their order."""
        return [self.map_message(message) for message in messages]

    def bases(self, count: int, *, what: str) -> Bases:
        """Give the generators for this many messages.

        Raises:
            Malformed: there are more messages than `MAX_MESSAGES`; `what` has them.
        """
        return self.bases_with_blind(count, 0, what=what)

    def bases_with_blind(self, count: int, blind_count: int, *, what: str) -> Bases:
        """Give the generators for signer's messages, then those for what is committed to (`BLIND_` before their tag).

        Raises:
            Malformed: there are more messages than `MAX_MESSAGES`; `what` has them.
        """
        if count + blind_count > MAX_MESSAGES:
            raise Malformed(what, f"it is about more than {MAX_MESSAGES} messages")
        return _bases(self.suite, self.api_id, count, blind_count)

    def blind_points(self, count: int, *, what: str) -> tuple[G1Point, ...]:
        """Give the generators of what is committed to: Q_2, J_1, J_2, ...

        Raises:
            Malformed: there are more than `MAX_MESSAGES`; `what` has them.
        """
        return self.bases_with_blind(0, count, what=what).message_points


@lru_cache(maxsize=256)
def _bases(suite: Ciphersuite, api_id: bytes, count: int, blind_count: int) -> Bases:
    own = _generators(suite, api_id).first(count + 1)
    blind = _generators(suite, b"BLIND_" + api_id).first(blind_count)
    points = (*own, *blind)
    length = (len(points) - 1).to_bytes(8)
    return Bases(points, length + b"".join(map(write_g1, points)) + api_id)


class _Generators:
    """The points of one interface, made as far as they were needed (draft-irtf-cfrg-bbs-signatures §4.1.1)."""

    __slots__ = ("_api_id", "_made", "_suite")

    def __init__(self, suite: Ciphersuite, api_id: bytes) -> None:
        self._suite = suite
        self._api_id = api_id
        seed = api_id + b"MESSAGE_GENERATOR_SEED"
        # The points and the state after the last one are one value, so that threads which meet here need no lock.
        self._made: tuple[tuple[G1Point, ...], bytes] = (), self._next(seed)

    def _next(self, state: bytes) -> bytes:
        return self._suite.expand(state, self._api_id + b"SIG_GENERATOR_SEED_", EXPAND_BYTES)

    def first(self, count: int) -> Sequence[G1Point]:
        points, state = self._made
        if count > len(points):
            made = list(points)
            for number in range(len(points) + 1, count + 1):
                state = self._next(state + number.to_bytes(8))
                made.append(self._suite.hash_to_curve(state, self._api_id + b"SIG_GENERATOR_DST_"))
            points = tuple(made)
            self._made = points, state
        return points[:count]


@lru_cache(maxsize=32)
def _generators(suite: Ciphersuite, api_id: bytes) -> _Generators:
    return _Generators(suite, api_id)


@lru_cache(maxsize=2)
def _base_point(suite: Ciphersuite) -> G1Point:
    return read_g1(_BASE_POINTS[suite], what="base point")


def _expand_sha_256(message: bytes, tag: bytes, length: int) -> bytes:
    """`expand_message_xmd` of RFC 9380 §5.3.1."""
    first = hashlib.sha256(bytes(_BLOCK_BYTES) + message + length.to_bytes(2) + b"\0" + tag).digest()
    block = hashlib.sha256(first + b"\x01" + tag).digest()
    blocks = [block]
    for number in range(2, -(-length // _DIGEST_BYTES) + 1):
        mixed = (int.from_bytes(first) ^ int.from_bytes(block)).to_bytes(_DIGEST_BYTES)
        block = hashlib.sha256(mixed + number.to_bytes(1) + tag).digest()
        blocks.append(block)
    return b"".join(blocks)[:length]


# draft-irtf-cfrg-bbs-signatures §6.2. Each is a hash, too; a test makes them again.
_BASE_POINTS: Final = {
    Ciphersuite.SHAKE_256: bytes.fromhex(
        "8929dfbc7e6642c4ed9cba0856e493f8b9d7d5fcb0c31ef8fdcd34d50648a56c795e106e9eada6e0bda386b414150755"
    ),
    Ciphersuite.SHA_256: bytes.fromhex(
        "a8ce256102840821a3e94ea9025e4662b205762f9776b3a766c872b948f1fd225e7c59698588e70d11406d161b4e28c9"
    ),
}
