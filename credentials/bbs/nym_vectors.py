"""Pseudonyms over any number of secrets (draft-irtf-cfrg-bbs-pseudonyms-03), as the published fixtures have them.

The messages are, in this order: the signer's, the prover's blind, what else was committed to, the nym secrets. Who
wants a pseudonym uses `pseudonyms`, where there is one secret.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, TypeAlias

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
from credentials.bbs.errors import BadBbsProof, BadBbsSignature
from credentials.bbs.interface import Ciphersuite, Interface
from credentials.bbs.keys import BbsPublicKey, BbsSecretKey
from credentials.bbs.layout import Layout
from credentials.bbs.secret import Random

_ONE: Final = Scalar(1)


def nym_interface(suite: Ciphersuite) -> Interface:
    """The interface of BBS signatures with pseudonyms (§5)."""
    return Interface(suite, suite.value + b"H2G_HM2S_PSEUDONYM_")


def nym_setting(interface: Interface, layout: Layout, public_key: BbsPublicKey, header: bytes) -> Setting:
    """Calculate what signature and proofs share; the number of nym secrets ends the header (§5.1.2)."""
    return Setting.of(interface, public_key, layout.bases(interface), header + layout.nyms.to_bytes(8))


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
    layout = Layout(len(messages), commitment.count - nyms, nyms)
    setting = nym_setting(interface, layout, secret_key.public_key, header)
    points = (suite.base_point, *setting.bases.points[: len(messages) + 1], commitment.point, setting.bases.points[-1])
    scalars = (_ONE, setting.domain, *interface.map_messages(messages), _ONE, entropy)
    return sign_point(secret_key, add_products(points, scalars), interface)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Holding:
    """Everything that a proof is made from. It holds secrets, so it is not compared or shown."""

    setting: Setting
    layout: Layout
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
        layout = Layout(len(messages), len(committed), len(nyms))
        return cls(
            setting=nym_setting(interface, layout, public_key, header),
            layout=layout,
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
        setting, count = self.setting, self.layout.nyms
        shown = self.layout.place(disclosed, disclosed_committed)
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
        is_usual: whether many show exactly these of the signer's messages. Then what follows from them alone, which is
            half of the multiplications, is calculated once and kept.
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
    is_usual: bool = False

    @override
    def open(self) -> Claim:
        interface = nym_interface(self.suite)
        parsed = Proof.parse(self.proof)
        pseudonym = read_g1(self.pseudonym, what="pseudonym")
        layout = Layout.of_proof(
            parsed,
            shown=len(self.disclosed) + len(self.disclosed_committed),
            committed=self.committed_count,
            nyms=self.nym_count,
        )
        said = _Said(
            interface=interface,
            layout=layout,
            public_key=self.public_key,
            header=self.header,
            disclosed=tuple(self.disclosed.items()),
            disclosed_committed=tuple(self.disclosed_committed.items()),
        )
        statement = keep_statement(said) if self.is_usual else said.state()
        setting, shown = statement.setting, statement.shown
        answer = _combine(
            parsed.message_answers[-self.nym_count :], _powers(interface, self.context_id, self.nym_count)
        )
        base = context_point(interface, self.context_id)
        masked = add_products((base, pseudonym), (answer, -parsed.challenge))
        retraced = parsed.retrace(setting, shown, shown_point=statement.point)
        points = (*retraced.points(), pseudonym, masked)
        suffix = with_length(self.presentation_header) + with_length(self.context_id)
        if is_identity(masked) or challenge(setting, points, shown, suffix) != parsed.challenge:
            raise BadBbsProof
        return Claim(parsed.a_bar, parsed.b_bar, setting.public_key)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Statement:
    """What is said, whoever says it: nothing of a proof is in it, nor of what stays hidden."""

    setting: Setting
    shown: Mapping[int, Scalar]
    point: G1Point | None = None
    """The part of what is signed that it makes, if that was worth the trouble."""


_Numbered: TypeAlias = tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a statement is made of. Equal where two say the same."""

    interface: Interface
    layout: Layout
    public_key: BbsPublicKey
    header: bytes
    disclosed: _Numbered
    disclosed_committed: _Numbered

    def state(self) -> _Statement:
        shown = self.layout.place_shown(self.interface, dict(self.disclosed), dict(self.disclosed_committed))
        return _Statement(setting=nym_setting(self.interface, self.layout, self.public_key, self.header), shown=shown)


@lru_cache(maxsize=64)
def keep_statement(said: _Said) -> _Statement:
    """Work out what is said, and the point that it makes; keep it for whoever says the same."""
    stated = said.state()
    return replace(stated, point=stated.setting.shown_point(stated.shown))


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
