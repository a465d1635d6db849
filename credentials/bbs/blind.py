"""Blind signatures: the signer signs what the prover committed to, without seeing it.

These are the operations of draft-irtf-cfrg-bbs-blind-signatures as its fixtures of July 2024 and the W3C vectors of
vc-di-bbs (holder binding) have them. The text of June 2026 puts the blind elsewhere and contradicts its own fixtures.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from typing_extensions import override

from credentials.bbs.commitments import Commitment, ProverBlind, commit
from credentials.bbs.core import (
    Claim,
    OpenProof,
    Proof,
    ProofCheck,
    Setting,
    Signature,
    sign_point,
    sign_with_exponent,
    with_length,
)
from credentials.bbs.curve import ZERO, G1Point, Scalar, add_products, read_scalar
from credentials.bbs.errors import BadBbsSignature
from credentials.bbs.interface import Ciphersuite, Interface
from credentials.bbs.keys import BbsPublicKey, BbsSecretKey
from credentials.bbs.layout import Layout
from credentials.bbs.secret import Random

_ONE: Final = Scalar(1)


@dataclass(frozen=True, slots=True, eq=False)
class BlindCommitment:
    """A commitment for the signer, and the blind, which the prover keeps."""

    commitment_with_proof: bytes
    blind: ProverBlind


def blind_interface(suite: Ciphersuite) -> Interface:
    """The interface of blind BBS signatures (§4.2)."""
    return Interface(suite, suite.value + b"BLIND_H2G_HM2S_")


def commit_blind(
    committed: Sequence[bytes], *, random: Random, suite: Ciphersuite = Ciphersuite.SHA_256
) -> BlindCommitment:
    """Commit to messages that the signer is not to see.

    Raises:
        Malformed: there are more than `MAX_MESSAGES`.
    """
    interface = blind_interface(suite)
    blind = ProverBlind.generate(random)
    return BlindCommitment(commit(interface, interface.map_messages(committed), blind=blind, random=random), blind)


def blind_sign(
    secret_key: BbsSecretKey,
    commitment_with_proof: bytes,
    messages: Sequence[bytes],
    *,
    header: bytes,
    signer_blind: bytes | None = None,
    hash_inputs: bool = False,
    suite: Ciphersuite = Ciphersuite.SHA_256,
) -> bytes:
    """Sign messages and a commitment: 80 bytes, the same for the same input.

    Args:
        secret_key: the signer's.
        commitment_with_proof: the prover's; empty bytes if there is none.
        messages: what the signer says.
        header: what every proof will show.
        signer_blind: a scalar that the signer adds to the prover's blind, and tells the prover.
        hash_inputs: whether the exponent is the hash of all inputs, as in July 2024, or that of key and point, as in
            everything later. Who verifies sees no difference.
        suite: the ciphersuite that was committed with.

    Raises:
        Malformed: the commitment or the signer's blind cannot be read, or there are too many messages.
        BadCommitment: its sender does not know what it hides.
    """
    interface = blind_interface(suite)
    commitment = Commitment.check(interface, commitment_with_proof) if commitment_with_proof else None
    layout = Layout(len(messages), commitment.count if commitment else 0)
    setting = Setting.of(interface, secret_key.public_key, layout.bases(interface), header)
    scalars = interface.map_messages(messages)
    added = ZERO if signer_blind is None else read_scalar(signer_blind, what="signer's blind")
    point = _point(setting, scalars, added, commitment)
    if not hash_inputs:
        return sign_point(secret_key, point, interface)
    hashed = [*([] if signer_blind is None else [added]), *scalars, setting.domain]
    octets = secret_key.to_bytes() + commitment_with_proof + b"".join(scalar.to_be_bytes() for scalar in hashed)
    return sign_with_exponent(secret_key, point, interface.hash_to_scalar(octets))


def _point(setting: Setting, scalars: Sequence[Scalar], added: Scalar, commitment: Commitment | None) -> G1Point:
    points = [setting.interface.suite.base_point, *setting.bases.points[: len(scalars) + 2]]
    products = [_ONE, setting.domain, *scalars, added]
    if commitment:
        points.append(commitment.point)
        products.append(_ONE)
    return add_products(points, products)


def verify_blind(
    public_key: BbsPublicKey,
    signature: bytes,
    messages: Sequence[bytes],
    committed: Sequence[bytes],
    *,
    header: bytes,
    blind: ProverBlind | None,
    signer_blind: bytes | None = None,
    suite: Ciphersuite = Ciphersuite.SHA_256,
) -> None:
    """Verify a blind signature with all that it signs; without a commitment there is no `blind`.

    Raises:
        Malformed: the signature or the signer's blind cannot be read, or there are too many messages.
        BadBbsSignature: it is not this key's signature of these messages, this header and this blind.
    """
    held = _hold(public_key, messages, committed, header, _add_blinds(blind, signer_blind), suite)
    if not held.setting.is_signature(Signature.parse(signature), held.scalars):
        raise BadBbsSignature


def prove_blind(  # noqa: PLR0913 - each is an input of the specification, all by name
    public_key: BbsPublicKey,
    signature: bytes,
    messages: Sequence[bytes],
    committed: Sequence[bytes],
    *,
    header: bytes,
    presentation_header: bytes,
    blind: ProverBlind | None,
    disclosed: Collection[int],
    random: Random,
    disclosed_committed: Collection[int] = (),
    signer_blind: bytes | None = None,
    suite: Ciphersuite = Ciphersuite.SHA_256,
) -> bytes:
    """Prove to hold a blind signature, and show some messages of both kinds, each kind numbered from 0.

    Raises:
        Malformed: the signature or the signer's blind cannot be read, or there are too many messages.
        UnknownMessage: a number is asked for that no message has, or one twice.
    """
    held = _hold(public_key, messages, committed, header, _add_blinds(blind, signer_blind), suite)
    shown = Layout(len(messages), len(committed)).place(disclosed, disclosed_committed)
    opened = OpenProof(held.setting, Signature.parse(signature), held.scalars, shown, random)
    return opened.finish_for(held.setting, presentation_header)


def verify_blind_proof(
    public_key: BbsPublicKey,
    proof: bytes,
    disclosed: Mapping[int, bytes],
    disclosed_committed: Mapping[int, bytes],
    *,
    header: bytes,
    presentation_header: bytes,
    committed_count: int,
    suite: Ciphersuite = Ciphersuite.SHA_256,
) -> None:
    """Verify a proof with what it shows of the signer's messages and of those that were committed to.

    Raises:
        Malformed: the proof cannot be read, or is about too many messages.
        BadBbsProof: it does not prove what it should.
    """
    BlindCheck(
        public_key=public_key,
        proof=proof,
        disclosed=disclosed,
        disclosed_committed=disclosed_committed,
        header=header,
        presentation_header=presentation_header,
        committed_count=committed_count,
        suite=suite,
    ).verify()


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindCheck(ProofCheck):
    """Everything that is needed to verify a proof of a blind signature.

    `committed_count` says how many messages were committed to; how many the signer signed follows from the length.
    """

    public_key: BbsPublicKey
    proof: bytes
    disclosed: Mapping[int, bytes]
    header: bytes
    presentation_header: bytes
    committed_count: int
    disclosed_committed: Mapping[int, bytes] = field(default_factory=dict)
    suite: Ciphersuite = Ciphersuite.SHA_256

    @override
    def open(self) -> Claim:
        interface = blind_interface(self.suite)
        parsed = Proof.parse(self.proof)
        count = len(self.disclosed) + len(self.disclosed_committed)
        layout = Layout.of_proof(parsed, shown=count, committed=self.committed_count)
        setting = Setting.of(interface, self.public_key, layout.bases(interface), self.header)
        shown = layout.place_shown(interface, self.disclosed, self.disclosed_committed)
        return parsed.check_challenge(setting, shown, with_length(self.presentation_header))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Held:
    setting: Setting
    scalars: Sequence[Scalar]


def _hold(
    public_key: BbsPublicKey,
    messages: Sequence[bytes],
    committed: Sequence[bytes],
    header: bytes,
    blind: Scalar,
    suite: Ciphersuite,
) -> _Held:
    interface = blind_interface(suite)
    layout = Layout(len(messages), len(committed))
    setting = Setting.of(interface, public_key, layout.bases(interface), header)
    return _Held(setting, [*interface.map_messages(messages), blind, *interface.map_messages(committed)])


def _add_blinds(blind: ProverBlind | None, signer_blind: bytes | None) -> Scalar:
    own = ZERO if blind is None else blind.scalar
    return own if signer_blind is None else own + read_scalar(signer_blind, what="signer's blind")
