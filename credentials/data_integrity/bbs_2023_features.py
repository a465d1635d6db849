"""The signatures and proofs behind each feature of bbs-2023 (vc-di-bbs §3.4.5 to §3.4.7, and §4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from credentials import bbs
from credentials.bbs import BbsPublicKey, BbsSecretKey, NymSecret, ProverBlind, ProverNym
from credentials.bbs.secret import Random
from credentials.data_integrity.bbs_2023_values import MAX_DOMAIN_CHARACTERS, BaseValue, DerivedValue, Feature
from credentials.data_integrity.errors import BadProof, ProofImpossible

_FIXED_BYTES: Final = 272
_BYTES_FOR_EACH_HIDDEN: Final = 32


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
        raise ProofImpossible(
            "commitment and entropy belong to proofs with holder binding or pseudonym, and to no other"
        )
    if committed is None:
        return bbs.sign(secret_key, messages, header=header)
    count = int(feature.has_holder_secret)
    if entropy is None:
        raise ProofImpossible("holder binding without pseudonym")
    return bbs.sign_with_nym(secret_key, committed, messages, header=header, entropy=entropy, committed_count=count)


def open_signature(value: BaseValue, messages: Sequence[bytes], secrets: HolderSecrets) -> NymSecret | None:
    """Verify a signature on receipt, and return the secret behind the pseudonyms, if there is one.

    Raises:
        BadBbsSignature: another key signed, or something else, or another commitment.
        ProofImpossible: a secret is missing.
    """
    committed = secrets.committed(value.feature)
    if value.entropy is not None:
        return bbs.finalize_nym(
            value.public_key,
            value.signature,
            messages,
            header=value.header,
            prover_nym=secrets.need_nym(),
            blind=secrets.need_blind(),
            entropy=value.entropy,
            committed=committed,
        )
    bbs.verify(value.public_key, value.signature, messages, header=value.header)
    return None


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
    committed = secrets.committed(value.feature)
    if nym is not None:
        made = bbs.prove_with_nym(
            value.public_key,
            value.signature,
            messages,
            header=value.header,
            presentation_header=occasion.presentation_header,
            context_id=occasion.need_context(),
            nym=nym,
            blind=secrets.need_blind(),
            disclosed=disclosed,
            random=random,
            committed=committed,
        )
        return made.proof, made.pseudonym
    if occasion.nym_domain is not None:
        raise ProofImpossible("the document has no pseudonyms, so that it has no use for a domain")
    proof = bbs.prove(
        value.public_key,
        value.signature,
        messages,
        header=value.header,
        presentation_header=occasion.presentation_header,
        disclosed=disclosed,
        random=random,
    )
    return proof, None


def verify_messages(
    public_key: BbsPublicKey, value: DerivedValue, disclosed: Mapping[int, bytes], *, header: bytes
) -> None:
    """Verify a proof with what it shows.

    Raises:
        BadBbsProof: it does not hold.
        BadProof: it is about another number of messages than it says.
        Malformed: proof or pseudonym cannot be read.
    """
    committed = int(value.feature.has_holder_secret)
    _check_count(value, len(disclosed), unseen=committed + 1 + int(value.feature.has_pseudonym))
    if value.pseudonym is not None and value.nym_domain is not None:
        bbs.verify_nym_proof(
            public_key,
            value.proof,
            value.pseudonym,
            disclosed,
            header=header,
            presentation_header=value.presentation_header,
            context_id=value.nym_domain.encode(),
            committed_count=committed,
        )
        return
    bbs.verify_proof(public_key, value.proof, disclosed, header=header, presentation_header=value.presentation_header)


def _check_count(value: DerivedValue, disclosed: int, *, unseen: int) -> None:
    """Compare how many statements a proof says that there are with what follows from its length."""
    hidden = (len(value.proof) - _FIXED_BYTES) // _BYTES_FOR_EACH_HIDDEN
    if value.message_count not in {None, disclosed + hidden - unseen}:
        raise BadProof
