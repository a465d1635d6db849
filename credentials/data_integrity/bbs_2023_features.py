"""The signatures and proofs behind each feature of bbs-2023 (vc-di-bbs §3.4.5 to §3.4.7, and §4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from typing_extensions import TypedDict

from credentials import bbs
from credentials.bbs import BbsPublicKey, BbsSecretKey, NymSecret, ProofCheck, ProverBlind, ProverNym
from credentials.bbs.core import MIN_PROOF_BYTES
from credentials.bbs.curve import G1_BYTES, SCALAR_BYTES
from credentials.bbs.secret import Random
from credentials.data_integrity.bbs_2023_values import MAX_DOMAIN_CHARACTERS, BaseValue, DerivedValue, Feature
from credentials.data_integrity.errors import BadProof, ProofImpossible
from credentials.errors import Malformed

_BINDING_COMMITMENT_BYTES: Final = G1_BYTES + 3 * SCALAR_BYTES


class _Given(TypedDict):
    """What proofs of every kind are made from."""

    header: bytes
    presentation_header: bytes
    disclosed: Sequence[int]
    random: Random


class _Checked(TypedDict):
    """What proofs of every kind are checked against."""

    public_key: BbsPublicKey
    proof: bytes
    disclosed: Mapping[int, bytes]
    header: bytes
    presentation_header: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """What the issuer signs beside the statements without seeing it."""

    commitment_with_proof: bytes | None = None
    """The wallet's; for every feature but the baseline."""
    entropy: bytes | None = field(default=None, repr=False)
    """The issuer's part of the secret behind the pseudonyms: a scalar of 32 bytes, kept for this commitment."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HolderSecrets:
    """What only the holder knows of a signature; all None in the baseline."""

    blind: ProverBlind | None = field(default=None, repr=False)
    """That of the commitment."""
    prover_nym: ProverNym | None = field(default=None, repr=False)
    """The wallet's part of the secret behind the pseudonyms."""
    holder_secret: bytes | None = field(default=None, repr=False)
    """What was committed to so that nobody else can show the document."""

    def need_blind(self) -> ProverBlind:
        """Return the blind.

        Raises:
            ProofImpossible: there is none.
        """
        if self.blind is None:
            raise ProofImpossible("the blind of the commitment is needed for this kind of proof")
        return self.blind

    def need_nym(self) -> ProverNym:
        """Return the wallet's part of the secret behind the pseudonyms.

        Raises:
            ProofImpossible: there is none.
        """
        if self.prover_nym is None:
            raise ProofImpossible("the secret of the holder's pseudonyms is needed for this kind of proof")
        return self.prover_nym

    def committed(self, feature: Feature) -> list[bytes]:
        """Return what was committed to beside the nym.

        Raises:
            ProofImpossible: the feature has a holder's secret, and there is none here.
        """
        if not feature.has_holder_secret:
            return []
        if self.holder_secret is None:
            raise ProofImpossible("the holder's secret is needed for this kind of proof")
        return [self.holder_secret]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a proof is made for."""

    presentation_header: bytes
    nym_domain: str | None

    def need_context(self) -> bytes:
        """Return the domain of the pseudonym as what the pseudonym is made from.

        Raises:
            ProofImpossible: there is none, or it is too long.
        """
        if not self.nym_domain or len(self.nym_domain) > MAX_DOMAIN_CHARACTERS:
            raise ProofImpossible("a pseudonym needs a domain that it counts in, of at most 1,024 characters")
        return self.nym_domain.encode()


def sign_messages(
    feature: Feature, secret_key: BbsSecretKey, messages: Sequence[bytes], *, header: bytes, commitment: Commitment
) -> bytes:
    """Sign a document's statements, and what the feature needs.

    Raises:
        ProofImpossible: the feature needs a commitment or entropy, or has no use for it.
        Malformed, BadCommitment: commitment or entropy cannot be read; its sender does not know what it hides.
    """
    committed, entropy = commitment.commitment_with_proof, commitment.entropy
    if (committed is None) != (feature is Feature.BASELINE) or (entropy is None) == feature.has_pseudonym:
        raise ProofImpossible("a commitment belongs to holder binding and pseudonyms only, entropy to pseudonyms only")
    if committed is None:
        return bbs.sign(secret_key, messages, header=header)
    if entropy is None:
        if len(committed) != _BINDING_COMMITMENT_BYTES:
            raise Malformed("commitment", "it does not hide exactly one secret")
        return bbs.blind_sign(secret_key, committed, messages, header=header)
    count = int(feature.has_holder_secret)
    return bbs.sign_with_nym(secret_key, committed, messages, header=header, entropy=entropy, committed_count=count)


def open_signature(value: BaseValue, messages: Sequence[bytes], secrets: HolderSecrets) -> NymSecret | None:
    """Verify a signature on receipt, and return the secret behind the pseudonyms, if there is one.

    Raises:
        BadBbsSignature: another key signed, or something else, or another commitment.
        ProofImpossible: a secret is missing.
    """
    key, signature, header = value.public_key, value.signature, value.header
    committed = secrets.committed(value.feature)
    if value.entropy is not None:
        return bbs.finalize_nym(
            key,
            signature,
            messages,
            header=header,
            prover_nym=secrets.need_nym(),
            blind=secrets.need_blind(),
            entropy=value.entropy,
            committed=committed,
        )
    if committed:
        bbs.verify_blind(key, signature, messages, committed, header=header, blind=secrets.need_blind())
    else:
        bbs.verify(key, signature, messages, header=header)
    return None


def reopen_signature(value: BaseValue, secrets: HolderSecrets) -> NymSecret | None:
    """Return what `open_signature` returned for this signature, without verifying it again.

    Raises:
        ProofImpossible: a secret is missing.
    """
    if secrets.committed(value.feature) or value.entropy is not None:
        secrets.need_blind()
    return None if value.entropy is None else bbs.add_entropy(secrets.need_nym(), value.entropy)


def prove_messages(
    value: BaseValue,
    messages: Sequence[bytes],
    disclosed: Sequence[int],
    *,
    secrets: HolderSecrets,
    nym: NymSecret | None,
    occasion: Occasion,
    random: Random,
) -> tuple[bytes, bytes | None]:
    """Make a proof, and the pseudonym that it is about, if there is one.

    Raises:
        ProofImpossible: a secret or the domain is missing, or there is a domain and no pseudonym.
    """
    given: _Given = {
        "header": value.header,
        "presentation_header": occasion.presentation_header,
        "disclosed": disclosed,
        "random": random,
    }
    key, signature = value.public_key, value.signature
    committed = secrets.committed(value.feature)
    if nym is not None:
        context_id, blind = occasion.need_context(), secrets.need_blind()
        made = bbs.prove_with_nym(
            key, signature, messages, nym=nym, blind=blind, context_id=context_id, committed=committed, **given
        )
        return made.proof, made.pseudonym
    if occasion.nym_domain is not None:
        raise ProofImpossible("the document has no pseudonyms, so that it has no use for a domain")
    if committed:
        return bbs.prove_blind(key, signature, messages, committed, blind=secrets.need_blind(), **given), None
    return bbs.prove(key, signature, messages, **given), None


def build_check(
    public_key: BbsPublicKey, value: DerivedValue, disclosed: Mapping[int, bytes], *, header: bytes
) -> ProofCheck:
    """Put together everything that verifying a proof needs.

    Raises:
        BadProof: it is about another number of messages than it says.
    """
    committed = int(value.feature.has_holder_secret)
    hidden = count_hidden(value.proof)
    unseen = 1 + committed + int(value.feature.has_pseudonym)  # The blind, the holder's secret, the nym.
    if value.message_count not in {None, len(disclosed) + hidden - unseen}:
        raise BadProof
    given: _Checked = {
        "public_key": public_key,
        "proof": value.proof,
        "disclosed": disclosed,
        "header": header,
        "presentation_header": value.presentation_header,
    }
    if value.pseudonym is not None and value.nym_domain is not None:
        context_id = value.nym_domain.encode()
        return bbs.NymCheck(pseudonym=value.pseudonym, context_id=context_id, committed_count=committed, **given)
    return bbs.BlindCheck(committed_count=committed, **given) if committed else bbs.PlainCheck(**given)


def count_hidden(proof: bytes) -> int:
    """How many messages of all kinds a proof hides, by its length."""
    return (len(proof) - MIN_PROOF_BYTES) // SCALAR_BYTES
