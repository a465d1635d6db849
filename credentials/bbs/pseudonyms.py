"""Pseudonyms: the same holder is known again within a context, and nowhere else (draft-irtf-cfrg-bbs-pseudonyms-03).

The wallet makes a nym and commits to it; the issuer signs the commitment and adds entropy, so that neither chose the
sum. From that secret and a context comes a point that is always the same: the pseudonym. Here there is one such secret
for each credential, which this module's functions hold to; the variant is frozen (docs/decisions/0019).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from credentials.bbs.commitments import Commitment, ProverBlind, commit
from credentials.bbs.curve import read_scalar, write_g1
from credentials.bbs.errors import BadBbsSignature
from credentials.bbs.interface import Ciphersuite
from credentials.bbs.keys import BbsPublicKey, BbsSecretKey
from credentials.bbs.nym_vectors import Holding, NymCheck, nym_interface, sign_nyms
from credentials.bbs.secret import Random, SecretScalar, draw_scalar
from credentials.errors import Malformed

_NYMS: Final = 1


class ProverNym(SecretScalar):
    """The wallet's part of the secret behind its pseudonyms. Who has it and the blind can pretend to be the holder."""

    __slots__ = ()

    @classmethod
    def generate(cls, random: Random) -> Self:
        """Draw a new one."""
        return cls(draw_scalar(random))


class NymSecret(SecretScalar):
    """The secret behind a credential's pseudonyms: the wallet's part and the issuer's entropy, added."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class NymCommitment:
    """A commitment to a nym for the issuer, and the blind, which the wallet keeps."""

    commitment_with_proof: bytes
    blind: ProverBlind


@dataclass(frozen=True, slots=True)
class NymProof:
    """A proof, and the pseudonym that it is about: a point, 48 bytes."""

    proof: bytes
    pseudonym: bytes


def commit_nym(
    prover_nym: ProverNym,
    *,
    random: Random,
    blind: ProverBlind | None = None,
    committed: Sequence[bytes] = (),
    suite: Ciphersuite = Ciphersuite.SHA_256,
) -> NymCommitment:
    """Commit to a nym, and to other messages if there are any.

    With the blind of an earlier commitment the result hides the same in the same point, and only its proof is new: so
    that an issuer knows that nothing has changed.
    """
    interface = nym_interface(suite)
    blind = blind or ProverBlind.generate(random)
    hidden = [*interface.map_messages(committed), prover_nym.scalar]
    return NymCommitment(commit(interface, hidden, blind=blind, random=random), blind)


def check_nym_commitment(
    commitment_with_proof: bytes, *, committed_count: int = 0, suite: Ciphersuite = Ciphersuite.SHA_256
) -> bytes:
    """Verify that whoever sent a commitment knows its one nym, and give the point that stands for it: 48 bytes.

    Raises:
        Malformed: it cannot be read, or commits to another number of messages.
        BadCommitment: its sender does not know what it hides.
    """
    return write_g1(_check(commitment_with_proof, committed_count, suite).point)


def draw_entropy(random: Random) -> bytes:
    """Draw the issuer's part of the secret behind pseudonyms: a scalar, 32 bytes, to be kept for its commitment."""
    return draw_scalar(random).to_be_bytes()


def sign_with_nym(
    secret_key: BbsSecretKey,
    commitment_with_proof: bytes,
    messages: Sequence[bytes],
    *,
    header: bytes,
    entropy: bytes,
    committed_count: int = 0,
    suite: Ciphersuite = Ciphersuite.SHA_256,
) -> bytes:
    """Sign messages and a commitment to a nym: 80 bytes, the same for the same messages, commitment and entropy.

    Args:
        secret_key: the issuer's.
        commitment_with_proof: the wallet's.
        messages: what the issuer says.
        header: what every proof will show.
        entropy: a scalar, 32 bytes, kept for this commitment: with it and the nym the pseudonyms stay the same.
        committed_count: how many messages were committed to beside the nym.
        suite: the ciphersuite that was committed with.

    Raises:
        Malformed: commitment or entropy cannot be read, or the commitment holds another number of messages.
        BadCommitment: its sender does not know what it hides.
    """
    commitment = _check(commitment_with_proof, committed_count, suite)
    added = read_scalar(entropy, what="signer's entropy")
    return sign_nyms(secret_key, commitment, messages, header=header, entropy=added, nyms=_NYMS, suite=suite)


def _check(commitment_with_proof: bytes, committed_count: int, suite: Ciphersuite) -> Commitment:
    commitment = Commitment.check(nym_interface(suite), commitment_with_proof)
    if commitment.count != committed_count + _NYMS:
        raise Malformed("commitment", f"it hides {commitment.count} messages where {committed_count + _NYMS} are due")
    return commitment


def finalize_nym(  # noqa: PLR0913 - each is an input of the specification, all by name
    public_key: BbsPublicKey,
    signature: bytes,
    messages: Sequence[bytes],
    *,
    header: bytes,
    prover_nym: ProverNym,
    blind: ProverBlind,
    entropy: bytes,
    committed: Sequence[bytes] = (),
    suite: Ciphersuite = Ciphersuite.SHA_256,
) -> NymSecret:
    """Verify what the issuer signed, and give the secret that pseudonyms come from.

    Raises:
        Malformed: signature or entropy cannot be read.
        BadBbsSignature: it is not the key's signature of these messages, this header, nym, blind and entropy.
    """
    secret = add_entropy(prover_nym, entropy)
    nym = secret.scalar
    held = Holding.of(
        public_key,
        signature,
        messages,
        header=header,
        blind=blind,
        committed=committed,
        nyms=[nym],
        suite=suite,
    )
    held.verify()
    if nym.is_zero():  # One in 2^255: every pseudonym would be the identity.
        raise BadBbsSignature
    return secret


def add_entropy(prover_nym: ProverNym, entropy: bytes) -> NymSecret:
    """Give the secret behind pseudonyms whose signature `finalize_nym` verified before.

    Raises:
        Malformed: the entropy cannot be read.
    """
    return NymSecret(prover_nym.scalar + read_scalar(entropy, what="signer's entropy"))


def prove_with_nym(  # noqa: PLR0913 - each is an input of the specification, all by name
    public_key: BbsPublicKey,
    signature: bytes,
    messages: Sequence[bytes],
    *,
    header: bytes,
    presentation_header: bytes,
    context_id: bytes,
    nym: NymSecret,
    blind: ProverBlind,
    disclosed: Collection[int],
    random: Random,
    committed: Sequence[bytes] = (),
    disclosed_committed: Collection[int] = (),
    suite: Ciphersuite = Ciphersuite.SHA_256,
) -> NymProof:
    """Prove to hold a signature, show some messages, and be known in a context by a pseudonym.

    The proof has 336 bytes, and 32 for each message that is hidden. The signature is not verified again. Messages are
    shown by their numbers, from 0: `disclosed` are those of the signer, `disclosed_committed` those that were committed
    to beside the nym. A verifier must ask for a `presentation_header` that is new. Two who use one `context_id` can
    join what they see: whoever calls this must know that the context is the verifier's own.

    Raises:
        Malformed: the signature cannot be read, or there are more than `MAX_MESSAGES` messages.
        UnknownMessage: a number is asked for that no message has, or one twice.
    """
    nyms = [nym.scalar]
    held = Holding.of(
        public_key, signature, messages, header=header, blind=blind, committed=committed, nyms=nyms, suite=suite
    )
    return NymProof(
        *held.prove(
            presentation_header=presentation_header,
            context_id=context_id,
            disclosed=disclosed,
            disclosed_committed=disclosed_committed,
            random=random,
        )
    )


def verify_nym_proof(  # noqa: PLR0913 - each is an input of the specification, all by name
    public_key: BbsPublicKey,
    proof: bytes,
    pseudonym: bytes,
    disclosed: Mapping[int, bytes],
    *,
    header: bytes,
    presentation_header: bytes,
    context_id: bytes,
    committed_count: int = 0,
    disclosed_committed: Mapping[int, bytes] | None = None,
    suite: Ciphersuite = Ciphersuite.SHA_256,
) -> None:
    """Verify a proof with what it shows, and that the pseudonym is its holder's in this context.

    How many messages the signer signed follows from the proof's length.

    Raises:
        Malformed: proof or pseudonym cannot be read.
        BadBbsProof: it does not prove all of that; or it was made for another presentation header or context.
    """
    NymCheck(
        public_key=public_key,
        proof=proof,
        pseudonym=pseudonym,
        disclosed=disclosed,
        header=header,
        presentation_header=presentation_header,
        context_id=context_id,
        committed_count=committed_count,
        disclosed_committed=disclosed_committed or {},
        suite=suite,
    ).verify()
