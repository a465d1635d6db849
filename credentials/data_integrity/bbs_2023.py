"""bbs-2023: one signature over all statements; of each showing only the statements shown can be known again.

vc-di-bbs §3.4. What a verifier compares itself: the presentation header and the domain of the pseudonym with what it
asked for, the purpose and times of the proof (`check_options`), and whose the key is. A valid proof says none of it.
Nor does it say which words stand for a statement: who reads the JSON compares its `@context` with the one that is
known, or a holder could call the title the identifier.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from typing_extensions import Unpack

from credentials.bbs import (
    BadBbsSignature,
    BbsPublicKey,
    BbsSecretKey,
    NymSecret,
    ProverBlind,
    ProverNym,
)
from credentials.bbs.secret import Random
from credentials.data_integrity.adding import ProofOptions, append_proof, with_proof_context
from credentials.data_integrity.bbs_2023_features import (
    Commitment,
    HolderSecrets,
    Occasion,
    open_signature,
    prove_messages,
    reopen_signature,
    sign_messages,
)
from credentials.data_integrity.bbs_2023_values import BaseValue, DerivedValue, Feature
from credentials.data_integrity.bbs_2023_verifying import SUITE, Derived, verify_derived, verify_many, verify_proof
from credentials.data_integrity.errors import BadProof, ProofImpossible
from credentials.data_integrity.proof_values import MAX_HEADER_BYTES
from credentials.data_integrity.proofs import Proof, without_proof
from credentials.data_integrity.selection import Selectable, name_blank_nodes
from credentials.data_integrity.statements import (
    HMAC_KEY_BYTES,
    Disclosure,
    Statements,
    build_alone,
    find_proof,
    hash_options,
    hash_proof,
    label_by_rank,
)
from credentials.encoding.strict_json import Json

__all__ = [
    "SUITE",
    "BaseCredential",
    "Derived",
    "Feature",
    "add_base_proof",
    "derive",
    "open_base",
    "reopen_base",
    "verify_derived",
    "verify_many",
    "verify_proof",
]

_MAX_DRAWS: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseCredential:
    """A document with a base proof, verified, with all that showing parts of it needs."""

    document: Mapping[str, Json]
    """Without its proof."""
    proof: Proof
    value: BaseValue = field(repr=False)
    statements: Statements = field(repr=False)
    secrets: HolderSecrets = field(repr=False)
    nym: NymSecret | None = field(repr=False)
    """The secret behind its pseudonyms."""

    @property
    def feature(self) -> Feature:
        """What the signature holds beside the statements."""
        return self.value.feature

    @property
    def mandatory(self) -> tuple[str, ...]:
        """JSON Pointers to what is always shown."""
        return self.value.mandatory

    @property
    def message_count(self) -> int:
        """How many statements may be hidden. Every proof tells this number."""
        return len(self.statements.optional_lines)

    @property
    def labels_in_document_order(self) -> bool:
        """Whether the labels of blank nodes follow the document, and so say nothing that it does not say."""
        return _is_in_document_order(self.statements.selectable, self.statements.labels)


def add_base_proof(  # noqa: PLR0913 - each is an input of the specification, all by name
    document: Mapping[str, Json],
    *,
    secret_key: BbsSecretKey,
    verification_method: str,
    mandatory: Sequence[str],
    random: Random,
    feature: Feature = Feature.BASELINE,
    commitment_with_proof: bytes | None = None,
    entropy: bytes | None = None,
    hmac_key: bytes | None = None,
    in_document_order: bool = False,
    **options: Unpack[ProofOptions],
) -> dict[str, Json]:
    """Return a document with a proof from which its holder can show parts (§3.4.1).

    Every feature but the baseline needs the holder's commitment, those with pseudonyms the issuer's `entropy`, too: a
    scalar of 32 bytes. The same of both give the same pseudonyms, also under another key. Without an `hmac_key` labels
    are drawn, `in_document_order` until they follow the document: other orders could tell a holder from others.

    Raises:
        ProofImpossible: no labels in this order were found; the document has a proof; commitment or entropy do not fit.
        BadCommitment: the commitment's sender does not know what it hides.
        SelectionError, Malformed, UnsafeLinkedData and others: the pointers do not fit, or it is no safe JSON-LD.
    """
    document = with_proof_context(document)
    members = build_alone(SUITE, verification_method, options)
    key, statements = _draw_labels(document, mandatory, hmac_key, random, in_document_order=in_document_order)
    header = hash_options(members, document) + statements.mandatory_hash
    commitment = Commitment(commitment_with_proof=commitment_with_proof, entropy=entropy)
    value = BaseValue(
        feature=feature,
        signature=sign_messages(feature, secret_key, _messages(statements), header=header, commitment=commitment),
        header=header,
        public_key=secret_key.public_key,
        hmac_key=key,
        mandatory=tuple(mandatory),
        entropy=entropy,
    )
    return append_proof(document, {**members, "proofValue": value.write()})


def open_base(
    secured: Mapping[str, Json],
    *,
    public_key: BbsPublicKey,
    prover_nym: ProverNym | None = None,
    blind: ProverBlind | None = None,
    holder_secret: bytes | None = None,
) -> BaseCredential:
    """Verify a document with a base proof, as its holder does on receipt.

    Args:
        secured: the document; it has one proof of this suite.
        public_key: the issuer's, found elsewhere than in the proof.
        prover_nym: the holder's part of the secret behind the pseudonyms, for features with them.
        blind: that of the commitment, for every feature but the baseline.
        holder_secret: what was committed to beside the nym, for features with it.

    Raises:
        BadProof: another key signed, or another commitment; or something was changed.
        ProofImpossible: a secret is missing.
        ProofError, Malformed, SelectionError, UnsafeLinkedData and others: as `add_base_proof`.
    """
    secrets = HolderSecrets(blind=blind, prover_nym=prover_nym, holder_secret=holder_secret)
    return _open(secured, public_key, secrets, lambda value, messages: open_signature(value, messages, secrets))


def reopen_base(
    secured: Mapping[str, Json],
    *,
    public_key: BbsPublicKey,
    prover_nym: ProverNym | None = None,
    blind: ProverBlind | None = None,
    holder_secret: bytes | None = None,
) -> BaseCredential:
    """Open a document that `open_base` verified on receipt, and that was kept since where nobody else can change it.

    The signature, whose check costs most of all, is not checked again: whoever keeps documents where others can write
    takes `open_base`. A document that was changed all the same gives proofs that no verifier accepts.

    Args:
        secured: the document, its own bytes from a store that authenticates what it gives back.
        public_key: the issuer's, from the same store; the other arguments as for `open_base`.
        prover_nym: see `open_base`.
        blind: see `open_base`.
        holder_secret: see `open_base`.

    Raises:
        BadProof: it is under another key, or what is always shown was changed.
        ProofImpossible, ProofError, Malformed, SelectionError, UnsafeLinkedData and others: as `open_base`.
    """
    secrets = HolderSecrets(blind=blind, prover_nym=prover_nym, holder_secret=holder_secret)
    return _open(secured, public_key, secrets, lambda value, _: reopen_signature(value, secrets))


def _open(
    secured: Mapping[str, Json],
    public_key: BbsPublicKey,
    secrets: HolderSecrets,
    find_nym: Callable[[BaseValue, Sequence[bytes]], NymSecret | None],
) -> BaseCredential:
    proof = find_proof(secured, SUITE)
    value = BaseValue.parse(proof.proof_value)
    document = without_proof(secured)
    selectable = name_blank_nodes(document)
    labels = label_by_rank(selectable.canonical, value.hmac_key)
    statements = Statements.group(selectable, labels, value.mandatory)
    if value.public_key != public_key or value.header != hash_proof(proof, document) + statements.mandatory_hash:
        raise BadProof
    try:
        nym = find_nym(value, _messages(statements))
    except BadBbsSignature as error:
        raise BadProof from error
    return BaseCredential(document=document, proof=proof, value=value, statements=statements, secrets=secrets, nym=nym)


def derive(
    base: BaseCredential,
    *,
    selective: Sequence[str],
    presentation_header: bytes,
    random: Random,
    nym_domain: str | None = None,
) -> dict[str, Json]:
    """Return the part of a document that is to be shown, with a proof of its own (§3.4.6).

    Args:
        base: the whole document.
        selective: JSON Pointers to what is shown beside what always is.
        presentation_header: what ties the proof to one occasion, at most 1,024 bytes.
        random: where the numbers come from that hide everything else.
        nym_domain: the domain of the pseudonym; None without that feature.

    Raises:
        NothingSelected: nothing at all would be shown.
        ProofImpossible: the presentation header is too long; the domain is missing, or not wanted.
        PointerMismatch, ValueSplit, Malformed: the pointers do not fit the document.
    """
    if len(presentation_header) > MAX_HEADER_BYTES:
        raise ProofImpossible(f"the presentation header is longer than {MAX_HEADER_BYTES} bytes")
    disclosure = base.statements.disclose(selective)
    occasion = Occasion(presentation_header=presentation_header, nym_domain=nym_domain)
    value = _prove(base, disclosure, occasion, random)
    return {**disclosure.document, "proof": {**base.proof.members, "proofValue": value.write()}}


def _prove(base: BaseCredential, disclosure: Disclosure, occasion: Occasion, random: Random) -> DerivedValue:
    messages = _messages(base.statements)
    indexes = disclosure.selective_indexes
    proof, pseudonym = prove_messages(
        base.value, messages, indexes, secrets=base.secrets, nym=base.nym, occasion=occasion, random=random
    )
    return DerivedValue(
        feature=base.feature,
        proof=proof,
        label_map=disclosure.label_map,
        mandatory_indexes=disclosure.mandatory_indexes,
        selective_indexes=indexes,
        presentation_header=occasion.presentation_header,
        nym_domain=occasion.nym_domain,
        pseudonym=pseudonym,
        message_count=None if base.feature is Feature.BASELINE else len(messages),
    )


def _draw_labels(
    document: Mapping[str, Json],
    mandatory: Sequence[str],
    hmac_key: bytes | None,
    random: Random,
    *,
    in_document_order: bool,
) -> tuple[bytes, Statements]:
    """Return the key that draws the labels, and the statements under these."""
    selectable = name_blank_nodes(without_proof(document))
    keys = [hmac_key] if hmac_key is not None else (random(HMAC_KEY_BYTES) for _ in range(_MAX_DRAWS))
    for key in keys:
        labels = label_by_rank(selectable.canonical, key)
        if not in_document_order or _is_in_document_order(selectable, labels):
            return key, Statements.group(selectable, labels, mandatory)
    raise ProofImpossible("no labels follow the order of the document; it has too many unnamed parts")


def _messages(statements: Statements) -> list[bytes]:
    return [line.encode() for line in statements.optional_lines]


def _is_in_document_order(selectable: Selectable, labels: Mapping[str, str]) -> bool:
    return [labels[name] for name in selectable.names] == [f"b{rank}" for rank in range(len(labels))]
