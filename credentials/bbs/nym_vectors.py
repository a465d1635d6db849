"""Pseudonyms over any number of secrets (draft-irtf-cfrg-bbs-pseudonyms-03), as the published fixtures have them.

The messages are, in this order: the signer's, the prover's blind, what else was committed to, the nym secrets. Who
wants a pseudonym uses `pseudonyms`, where there is one secret.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from typing_extensions import override

from credentials.bbs.commitments import Commitment, ProverBlind
from credentials.bbs.core import (
    Claim,
    OpenProof,
    Proof,
    ProofCheck,
    Setting,
    Signature,
    challenge,
    sign_point,
    with_length,
)
from credentials.bbs.curve import G1Point, Scalar, add_products, is_identity, read_g1, write_g1
from credentials.bbs.errors import BadBbsProof, BadBbsSignature, UnknownMessage
from credentials.bbs.interface import Ciphersuite, Interface
from credentials.bbs.keys import BbsPublicKey, BbsSecretKey
from credentials.bbs.secret import Random

_SIGNED: Final = "list of messages to sign"
_ONE: Final = Scalar(1)


def nym_interface(suite: Ciphersuite) -> Interface:
    """The interface of BBS signatures with pseudonyms (§5)."""
    return Interface(suite, suite.value + b"H2G_HM2S_PSEUDONYM_")


@dataclass(frozen=True, slots=True)
class Shape:
    """How many messages of each kind there are: the signer's, those committed to, the nym secrets."""

    messages: int
    committed: int
    nyms: int

    def setting(self, interface: Interface, public_key: BbsPublicKey, header: bytes) -> Setting:
        """Calculate what signature and proofs share; the number of nym secrets ends the header (§5.1.2)."""
        bases = interface.bases_with_blind(self.messages, 1 + self.committed + self.nyms, what=_SIGNED)
        return Setting.of(interface, public_key, bases, header + self.nyms.to_bytes(8))

    def place(self, disclosed: Collection[int], disclosed_committed: Collection[int]) -> list[int]:
        """Number what is shown, of both kinds, among all messages.

        Raises:
            UnknownMessage: a number is none of a message of its kind, so what must stay secret would be shown.
        """
        if not set(disclosed) <= set(range(self.messages)):
            raise UnknownMessage(self.messages)
        if not set(disclosed_committed) <= set(range(self.committed)):
            raise UnknownMessage(self.committed)
        return [*disclosed, *(self.messages + 1 + index for index in disclosed_committed)]

    def place_shown(
        self, interface: Interface, disclosed: Mapping[int, bytes], disclosed_committed: Mapping[int, bytes]
    ) -> dict[int, Scalar]:
        """Number and map what a proof shows.

        Raises:
            BadBbsProof: a number is none of a message of its kind.
        """
        try:
            indexes = self.place(disclosed, disclosed_committed)
        except UnknownMessage as error:
            raise BadBbsProof from error
        messages = [*disclosed.values(), *disclosed_committed.values()]
        return dict(zip(indexes, interface.map_messages(messages), strict=True))


def sign_nyms(
    secret_key: BbsSecretKey,
    commitment: Commitment,
    messages: Sequence[bytes],
    *,
    header: bytes,
    entropy: Scalar,
    nyms: int,
    suite: Ciphersuite,
) -> bytes:
    """Sign messages and a commitment, with the signer's entropy added to the last nym (BlindSignWithNym, §5.1.2)."""
    interface = nym_interface(suite)
    shape = Shape(len(messages), commitment.count - nyms, nyms)
    setting = shape.setting(interface, secret_key.public_key, header)
    points = (suite.base_point, *setting.bases.points[: len(messages) + 1], commitment.point, setting.bases.points[-1])
    scalars = (_ONE, setting.domain, *interface.map_messages(messages), _ONE, entropy)
    point = add_products(points, scalars)
    # The text hashes the domain, too, the fixtures do not; it is in the point.
    return sign_point(secret_key, point, interface.hash_to_scalar(secret_key.to_bytes() + write_g1(point)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Holding:
    """Everything that a proof is made from. It holds secrets, so it is not compared or shown."""

    setting: Setting
    shape: Shape
    signature: Signature
    scalars: Sequence[Scalar]

    @classmethod
    def of(
        cls,
        public_key: BbsPublicKey,
        signature: bytes,
        messages: Sequence[bytes],
        *,
        header: bytes,
        blind: ProverBlind,
        committed: Sequence[bytes],
        nyms: Sequence[Scalar],
        suite: Ciphersuite,
    ) -> "Holding":
        """Put the messages in their order.

        Raises:
            Malformed: the signature cannot be read, or there are too many messages.
        """
        interface = nym_interface(suite)
        shape = Shape(len(messages), len(committed), len(nyms))
        return cls(
            setting=shape.setting(interface, public_key, header),
            shape=shape,
            signature=Signature.parse(signature),
            scalars=[*interface.map_messages(messages), blind.scalar, *interface.map_messages(committed), *nyms],
        )

    def verify(self) -> None:
        """Verify the signature (VerifyFinalizeWithNym, §5.1.3).

        Raises:
            BadBbsSignature: it is not the key's signature of all this.
        """
        if not self.setting.is_signature(self.signature, self.scalars):
            raise BadBbsSignature

    def prove(
        self,
        *,
        presentation_header: bytes,
        context_id: bytes,
        disclosed: Collection[int],
        disclosed_committed: Collection[int],
        random: Random,
    ) -> tuple[bytes, bytes]:
        """Make a proof and its pseudonym (CoreProofGenWithNym, §6.1)."""
        setting, count = self.setting, self.shape.nyms
        shown = self.shape.place(disclosed, disclosed_committed)
        opened = OpenProof(setting, self.signature, self.scalars, shown, random)
        base = context_point(setting.interface, context_id)
        powers = _powers(setting.interface, context_id, count)
        pseudonym = base * _combine(self.scalars[-count:], powers)
        masked = base * _combine(opened.last_masks(count), powers)
        points = (*opened.transcript.points(), pseudonym, masked)
        suffix = with_length(presentation_header) + with_length(context_id)
        return opened.finish(challenge(setting, points, opened.disclosed, suffix)), write_g1(pseudonym)


@dataclass(frozen=True, slots=True, kw_only=True)
class NymCheck(ProofCheck):
    """Everything that is needed to verify a proof with a pseudonym (CoreProofVerifyWithNym, §6.2).

    Attributes:
        public_key: the signer's.
        proof: as it came.
        pseudonym: a point, as it came.
        disclosed: what the proof shows of the signer's messages, by their numbers from 0.
        header: the one that was signed.
        presentation_header: what the proof was asked for.
        context_id: where the pseudonym counts.
        committed_count: how many messages were committed to beside the nyms.
        disclosed_committed: what the proof shows of them, by their numbers from 0.
        suite: the ciphersuite.
        nym_count: how many nym secrets there are: one, but for the published fixtures.
    """

    public_key: BbsPublicKey
    proof: bytes
    pseudonym: bytes
    disclosed: Mapping[int, bytes]
    header: bytes
    presentation_header: bytes
    context_id: bytes
    committed_count: int = 0
    disclosed_committed: Mapping[int, bytes] = field(default_factory=dict)
    suite: Ciphersuite = Ciphersuite.SHA_256
    nym_count: int = 1

    @override
    def open(self) -> Claim:
        interface = nym_interface(self.suite)
        parsed = Proof.parse(self.proof)
        pseudonym = read_g1(self.pseudonym, what="pseudonym")
        setting, shown = self._place(interface, parsed)
        answer = _combine(
            parsed.message_answers[-self.nym_count :], _powers(interface, self.context_id, self.nym_count)
        )
        base = context_point(interface, self.context_id)
        masked = add_products((base, pseudonym), (answer, -parsed.challenge))
        points = (*parsed.retrace(setting, shown).points(), pseudonym, masked)
        suffix = with_length(self.presentation_header) + with_length(self.context_id)
        if is_identity(masked) or challenge(setting, points, shown, suffix) != parsed.challenge:
            raise BadBbsProof
        return Claim(parsed.a_bar, parsed.b_bar, setting.public_key)

    def _place(self, interface: Interface, parsed: Proof) -> tuple[Setting, dict[int, Scalar]]:
        total = len(self.disclosed) + len(self.disclosed_committed) + len(parsed.message_answers)
        count = total - 1 - self.committed_count - self.nym_count
        if count < 0 or self.nym_count > len(parsed.message_answers):
            raise BadBbsProof
        shape = Shape(count, self.committed_count, self.nym_count)
        setting = shape.setting(interface, self.public_key, self.header)
        return setting, shape.place_shown(interface, self.disclosed, self.disclosed_committed)


@lru_cache(maxsize=1_024)
def context_point(interface: Interface, context_id: bytes) -> G1Point:
    """The point that all pseudonyms of one context are multiples of (§4). Gates come again, so it is kept."""
    return interface.suite.hash_to_curve(context_id, interface.api_id)


def _powers(interface: Interface, context_id: bytes, count: int) -> list[Scalar]:
    powers = [_ONE]
    if count > 1:
        z = interface.hash_to_scalar(context_id, b"VECT_NYM_SECRETS")
        while len(powers) < count:
            powers.append(powers[-1] * z)
    return powers


def _combine(scalars: Sequence[Scalar], powers: Sequence[Scalar]) -> Scalar:
    total = Scalar(0)
    for scalar, power in zip(scalars, powers, strict=True):
        total = total + scalar * power
    return total
