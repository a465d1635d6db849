"""What all kinds of BBS signature and proof have in common (draft-irtf-cfrg-bbs-signatures §3.6 and §3.7).

Here messages are scalars and generators are given. The plain, the blind and the pseudonymous interface differ in which
messages and generators they bring, and in what else enters the challenge; that is all that their modules hold.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from credentials.bbs.curve import (
    G1_BYTES,
    SCALAR_BYTES,
    G1Point,
    Pairs,
    Scalar,
    add_products,
    is_paired,
    read_g1,
    read_scalar,
    write_g1,
)
from credentials.bbs.errors import BadBbsProof, BadBbsSignature, UnknownMessage
from credentials.bbs.interface import MAX_MESSAGES, Bases, Interface
from credentials.bbs.keys import BbsPublicKey, BbsSecretKey
from credentials.bbs.secret import Random, draw_scalar
from credentials.errors import Malformed

SIGNATURE_BYTES: Final = G1_BYTES + SCALAR_BYTES
_PROOF_POINTS: Final = 3
_PROOF_SCALARS: Final = 4
MIN_PROOF_BYTES: Final = _PROOF_POINTS * G1_BYTES + _PROOF_SCALARS * SCALAR_BYTES
_ONE: Final = Scalar(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a signature and every proof of it share: the key, the generators, the domain.

    Attributes:
        interface: whose tags are used.
        public_key: the signer's.
        bases: generators, one for each message and Q_1.
        domain: the scalar that stands for key, generators and header (§4.2.3).
    """

    interface: Interface
    public_key: BbsPublicKey
    bases: Bases
    domain: Scalar

    @classmethod
    def of(cls, interface: Interface, public_key: BbsPublicKey, bases: Bases, header: bytes) -> Self:
        """Calculate the domain."""
        hashed = public_key.data + bases.octets + len(header).to_bytes(8) + header
        domain = interface.hash_to_scalar(hashed)
        return cls(interface=interface, public_key=public_key, bases=bases, domain=domain)

    def shown_point(self, disclosed: Mapping[int, Scalar]) -> G1Point:
        """Calculate what of B everybody knows: P1, the domain and the messages that are shown, by their numbers."""
        own = self.bases.message_points
        points = (self.interface.suite.base_point, self.bases.points[0], *(own[index] for index in disclosed))
        return add_products(points, (_ONE, self.domain, *disclosed.values()))

    def signed_point(self, messages: Sequence[Scalar]) -> G1Point:
        """Calculate B, the point that is signed: P1, the domain and all messages."""
        points = (self.interface.suite.base_point, *self.bases.points)
        return add_products(points, (_ONE, self.domain, *messages))

    def is_signature(self, signature: "Signature", messages: Sequence[Scalar]) -> bool:
        """Whether this is a signature of these messages (CoreVerify, §3.6.2)."""
        points = (signature.point, self.interface.suite.base_point, *self.bases.points)
        left = add_products(points, (-signature.exponent, _ONE, self.domain, *messages))
        return is_paired([(signature.point, self.public_key.point)], left)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature, read: A and e."""

    point: G1Point
    exponent: Scalar

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read 80 bytes (§4.2.4.3).

        Raises:
            Malformed: it is of another length, the point not of the group, or the scalar zero or too large.
        """
        what = "BBS signature"
        if len(data) != SIGNATURE_BYTES:
            raise Malformed(what, f"it is not {SIGNATURE_BYTES} bytes long")
        return cls(read_g1(data[:G1_BYTES], what=what), read_scalar(data[G1_BYTES:], what=what))

    def to_bytes(self) -> bytes:
        """Write the point and the scalar."""
        return write_g1(self.point) + self.exponent.to_be_bytes()


def sign_with_exponent(secret_key: BbsSecretKey, point: G1Point, exponent: Scalar) -> bytes:
    """Sign a point that all messages are in (the end of CoreSign, §3.6.1)."""
    divisor = secret_key.scalar + exponent
    if divisor.is_zero() or exponent.is_zero():  # One in 2^254; no signature would come of it.
        raise BadBbsSignature
    # Inverting and multiplying take a time that depends on the number, and the time of many signatures could tell the
    # key. So both are done with numbers that are new each time; they cancel out.
    mask = draw_scalar(secrets.token_bytes)
    return Signature((point * mask) * (divisor * mask).inverse(), exponent).to_bytes()


def sign_point(secret_key: BbsSecretKey, point: G1Point, interface: Interface) -> bytes:
    """Sign a point with committed messages in it (FinalizeBlindSign of draft-irtf-cfrg-bbs-blind-signatures).

    The text hashes the domain, too, which is in the point; W3C's vectors and those of the pseudonyms do not.
    """
    exponent = interface.hash_to_scalar(secret_key.to_bytes() + write_g1(point))
    return sign_with_exponent(secret_key, point, exponent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What a prover commits to before the challenge, and a verifier calculates again (the points of §3.7.1)."""

    a_bar: G1Point
    b_bar: G1Point
    d: G1Point
    t1: G1Point
    t2: G1Point

    def points(self) -> tuple[G1Point, ...]:
        """Give the five points in the order of the challenge."""
        return (self.a_bar, self.b_bar, self.d, self.t1, self.t2)


def challenge(setting: Setting, points: Sequence[G1Point], disclosed: Mapping[int, Scalar], suffix: bytes) -> Scalar:
    """Calculate the challenge (§3.7.4) over the points, what is disclosed, the domain, and octets at the end."""
    parts = [len(disclosed).to_bytes(8)]
    for index in sorted(disclosed):
        parts += [index.to_bytes(8), disclosed[index].to_be_bytes()]
    parts += map(write_g1, points)
    parts += [setting.domain.to_be_bytes(), suffix]
    return setting.interface.hash_to_scalar(b"".join(parts))


def with_length(octets: bytes) -> bytes:
    """Put the length, in eight bytes, before octets."""
    return len(octets).to_bytes(8) + octets


class OpenProof:
    """A proof between its first half and its challenge (ProofInit and ProofFinalize, §3.7.1 and §3.7.2).

    Its numbers are used once and never leave: two proofs with the same ones would give the signature away.
    """

    __slots__ = ("_exponent", "_hidden", "_masks", "_r1", "_r2", "disclosed", "transcript")

    def __init__(
        self,
        setting: Setting,
        signature: Signature,
        messages: Sequence[Scalar],
        shown: Collection[int],
        random: Random,
    ) -> None:
        indexes = set(shown)
        if len(indexes) != len(shown) or not indexes <= set(range(len(messages))):
            raise UnknownMessage(len(messages))
        hidden = [index for index in range(len(messages)) if index not in indexes]
        self._r1, self._r2 = draw_scalar(random), draw_scalar(random)
        self._masks = [draw_scalar(random) for _ in range(_PROOF_SCALARS - 1 + len(hidden))]
        self._exponent = signature.exponent
        self._hidden = [messages[index] for index in hidden]
        self.disclosed = {index: messages[index] for index in sorted(indexes)}
        d = setting.signed_point(messages) * self._r2
        a_bar = signature.point * (self._r1 * self._r2)
        own = setting.bases.message_points
        e_mask, r1_mask, r3_mask, *message_masks = self._masks
        self.transcript = Transcript(
            a_bar=a_bar,
            b_bar=add_products((d, a_bar), (self._r1, -signature.exponent)),
            d=d,
            t1=add_products((a_bar, d), (e_mask, r1_mask)),
            t2=add_products((d, *(own[index] for index in hidden)), (r3_mask, *message_masks)),
        )

    def last_masks(self, count: int) -> list[Scalar]:
        """What hides the last messages, for a proof that the same numbers are in another point, too."""
        return self._masks[-count:]

    def finish_for(self, setting: Setting, presentation_header: bytes) -> bytes:
        """Answer the challenge of a proof that nothing else is proven with, and write it."""
        points = self.transcript.points()
        return self.finish(challenge(setting, points, self.disclosed, with_length(presentation_header)))

    def finish(self, challenge: Scalar) -> bytes:
        """Answer the challenge, and write the proof (§4.2.4.4)."""
        e_mask, r1_mask, r3_mask, *message_masks = self._masks
        answers = [
            e_mask + self._exponent * challenge,
            r1_mask - self._r1 * challenge,
            r3_mask - self._r2.inverse() * challenge,
            *(mask + message * challenge for mask, message in zip(message_masks, self._hidden, strict=True)),
            challenge,
        ]
        points = self.transcript.points()[:_PROOF_POINTS]
        return b"".join([*map(write_g1, points), *(answer.to_be_bytes() for answer in answers)])


@dataclass(frozen=True, slots=True)
class Claim:
    """What remains to be shown of a proof whose challenge is right: that A_bar, with the key, is paired with B_bar."""

    a_bar: G1Point
    b_bar: G1Point
    public_key: BbsPublicKey

    @property
    def pairs(self) -> Pairs:
        """The left side of the equation; the right side is B_bar."""
        return [(self.a_bar, self.public_key.point)]

    def check(self) -> None:
        """Check the pairing (CoreProofVerify, §3.6.4, step 6).

        Raises:
            BadBbsProof: it does not hold.
        """
        if not is_paired(self.pairs, self.b_bar):
            raise BadBbsProof


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A proof, read: three points, and the answers to a challenge."""

    a_bar: G1Point
    b_bar: G1Point
    d: G1Point
    e_answer: Scalar
    r1_answer: Scalar
    r3_answer: Scalar
    message_answers: tuple[Scalar, ...]
    challenge: Scalar

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a proof (§4.2.4.5).

        Raises:
            Malformed: of a length that no proof has, or about too many messages; a point not of the group or its
                identity; a scalar that is zero or too large.
        """
        what = "BBS proof"
        if len(data) < MIN_PROOF_BYTES or (len(data) - MIN_PROOF_BYTES) % SCALAR_BYTES:
            raise Malformed(what, "it has a length that no proof has")
        if len(data) > MIN_PROOF_BYTES + MAX_MESSAGES * SCALAR_BYTES:
            raise Malformed(what, f"it is about more than {MAX_MESSAGES} messages")
        after_points = _PROOF_POINTS * G1_BYTES
        points = [read_g1(data[at : at + G1_BYTES], what=what) for at in range(0, after_points, G1_BYTES)]
        e_answer, r1_answer, r3_answer, *answers, claimed = (
            read_scalar(data[at : at + SCALAR_BYTES], what=what) for at in range(after_points, len(data), SCALAR_BYTES)
        )
        return cls(
            a_bar=points[0],
            b_bar=points[1],
            d=points[2],
            e_answer=e_answer,
            r1_answer=r1_answer,
            r3_answer=r3_answer,
            message_answers=tuple(answers),
            challenge=claimed,
        )

    def retrace(
        self, setting: Setting, disclosed: Mapping[int, Scalar], *, shown_point: G1Point | None = None
    ) -> Transcript:
        """Calculate what the prover must have committed to (ProofVerifyInit, §3.7.3).

        Whoever has `shown_point` of these messages already brings it, which saves most of the multiplications.

        Raises:
            BadBbsProof: shown and hidden messages together are not as many as there are generators, or one that is
                shown has a number beyond them.
        """
        own = setting.bases.message_points
        hidden = [index for index in range(len(own)) if index not in disclosed]
        if len(hidden) != len(self.message_answers) or len(hidden) + len(disclosed) != len(own):
            raise BadBbsProof
        c = self.challenge
        points = [self.d, *(own[index] for index in hidden)]
        scalars = [self.r3_answer, *self.message_answers]
        if shown_point is None:
            points += (setting.interface.suite.base_point, setting.bases.points[0], *map(own.__getitem__, disclosed))
            scalars += (c, setting.domain * c, *(message * c for message in disclosed.values()))
        else:
            points.append(shown_point)
            scalars.append(c)
        return Transcript(
            a_bar=self.a_bar,
            b_bar=self.b_bar,
            d=self.d,
            t1=add_products((self.b_bar, self.a_bar, self.d), (c, self.e_answer, self.r1_answer)),
            t2=add_products(points, scalars),
        )

    def check_challenge(self, setting: Setting, disclosed: Mapping[int, Scalar], suffix: bytes) -> Claim:
        """Check the challenge of a proof that has nothing beyond its own five points; the pairing is left to do.

        Raises:
            BadBbsProof: the challenge is another, or there are too many or too few messages.
        """
        points = self.retrace(setting, disclosed).points()
        if challenge(setting, points, disclosed, suffix) != self.challenge:
            raise BadBbsProof
        return Claim(self.a_bar, self.b_bar, setting.public_key)


class ProofCheck(ABC):
    """Everything that is needed to verify one proof, as a value: one kind of check for each kind of proof."""

    __slots__ = ()

    @abstractmethod
    def open(self) -> Claim:
        """Verify all of the proof but its pairing, which is left to do, alone or with others.

        Raises:
            Malformed: the proof, or a pseudonym that comes with it, cannot be read.
            BadBbsProof: it does not prove what it should.
        """

    def verify(self) -> None:
        """Verify the proof, with its pairing; raises what `open` raises."""
        self.open().check()
