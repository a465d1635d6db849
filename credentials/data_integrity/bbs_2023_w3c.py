"""Proofs with pseudonyms as the published test vectors of vc-di-bbs have them: read and verified, never made.

Against the text, both features begin with the bytes of "holder binding and pseudonyms", the domain is not in the proof,
and the issuer's entropy is a number. The mathematics is that of an older draft (`credentials.bbs.w3c_pseudonym`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from credentials.bbs import BadBbsProof, BbsPublicKey
from credentials.bbs.w3c_pseudonym import verify_w3c_nym_proof
from credentials.data_integrity.bbs_2023_features import count_hidden
from credentials.data_integrity.bbs_2023_values import (
    ENTROPY_BYTES,
    HEADER_BYTES,
    PSEUDONYM_BYTES,
    SIGNATURE_BYTES,
    DerivedValue,
    Feature,
    read_labels,
)
from credentials.data_integrity.bbs_2023_verifying import SUITE, Derived, find_messages
from credentials.data_integrity.errors import BadProof
from credentials.data_integrity.proof_values import (
    MAX_INDEXES,
    MAX_PROOF_BYTES,
    read_bytes,
    read_components,
    read_count,
    read_indexes,
    read_pointers,
    read_value,
)
from credentials.data_integrity.proofs import without_proof
from credentials.data_integrity.statements import HMAC_KEY_BYTES, find_proof
from credentials.encoding.strict_json import Json

_FEATURE: Final = Feature.HOLDER_BINDING_PSEUDONYM
_LARGEST_SCALAR: Final = 2**256 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class W3cBaseValue:
    """What a base proof of the vectors holds."""

    signature: bytes = field(repr=False)
    header: bytes
    public_key: BbsPublicKey
    hmac_key: bytes = field(repr=False)
    mandatory: tuple[str, ...]
    entropy: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the value of a base proof.

        Raises:
            Malformed: it is none of this kind.
        """
        _, components = read_value(text, {_FEATURE.value}, bignums=True)
        signature, header, key, hmac_key, mandatory, entropy = read_components(components, 6)
        return cls(
            signature=read_bytes(signature, SIGNATURE_BYTES),
            header=read_bytes(header, HEADER_BYTES),
            public_key=BbsPublicKey.parse(read_bytes(key), what="key in the proof"),
            hmac_key=read_bytes(hmac_key, HMAC_KEY_BYTES),
            mandatory=read_pointers(mandatory),
            entropy=read_count(entropy, most=_LARGEST_SCALAR).to_bytes(ENTROPY_BYTES),
        )


def parse_derived(text: str) -> DerivedValue:
    """Read the value of a derived proof of the vectors; the domain is not in it.

    Raises:
        Malformed: it is none of this kind.
    """
    _, components = read_value(text, {_FEATURE.derived})
    proof, labels, mandatory, selective, header, pseudonym, count = read_components(components, 7)
    return DerivedValue(
        feature=_FEATURE,
        proof=read_bytes(proof, max_bytes=MAX_PROOF_BYTES),
        label_map=read_labels(labels),
        mandatory_indexes=read_indexes(mandatory),
        selective_indexes=read_indexes(selective),
        presentation_header=read_bytes(header),
        pseudonym=read_bytes(pseudonym, PSEUDONYM_BYTES),
        message_count=read_count(count, most=MAX_INDEXES),
    )


def verify_w3c_derived(secured: Mapping[str, Json], *, public_key: BbsPublicKey, nym_domain: str) -> Derived:
    """Check a derived document of the vectors, which has one proof of the suite, for the domain of its pseudonym.

    Raises:
        BadProof: another key signed, or something was changed, or it was made for another domain.
        ProofError, Malformed, UnsafeLinkedData and others: as `bbs_2023.verify_derived`.
    """
    proof = find_proof(secured, SUITE)
    value = parse_derived(proof.proof_value)
    document = without_proof(secured)
    header, disclosed = find_messages(document, proof, value)
    # A holder's secret is there if more is hidden than the statements, the blind and the nym.
    committed = count_hidden(value.proof) + len(disclosed) - (value.message_count or 0) - 2
    if value.pseudonym is None or committed not in {0, 1}:
        raise BadProof
    try:
        verify_w3c_nym_proof(
            public_key,
            value.proof,
            value.pseudonym,
            disclosed,
            header=header,
            presentation_header=value.presentation_header,
            context_id=nym_domain.encode(),
            committed_count=committed,
        )
    except BadBbsProof as error:
        raise BadProof from error
    return Derived(
        document=document,
        presentation_header=value.presentation_header,
        pseudonym=value.pseudonym,
        nym_domain=nym_domain,
        feature=_FEATURE if committed else Feature.PSEUDONYM,
        proof=proof,
    )
