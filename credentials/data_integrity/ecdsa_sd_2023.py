"""ecdsa-sd-2023: every statement that may be hidden is signed alone, with a P-256 key made for this document.

vc-di-ecdsa §3.5, §3.6. Whoever sees two showings of one document can join them; that is what bbs-2023 is for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from typing_extensions import Unpack

from credentials.data_integrity.adding import ProofOptions, append_proof, with_proof_context
from credentials.data_integrity.errors import BadProof, WrongKeyKind
from credentials.data_integrity.proof_values import (
    WHAT,
    read_bytes,
    read_components,
    read_indexes,
    read_label_map,
    read_pointers,
    read_signatures,
    read_value,
    write_value,
)
from credentials.data_integrity.proofs import Proof, without_proof
from credentials.data_integrity.selection import name_blank_nodes
from credentials.data_integrity.statements import (
    HMAC_KEY_BYTES,
    Disclosure,
    Statements,
    build_alone,
    find_proof,
    hash_options,
    hash_proof,
    label_by_digest,
    read_shown,
)
from credentials.encoding import base64url
from credentials.encoding.multibase import decode_base58btc, encode_base58btc
from credentials.encoding.strict_json import Json
from credentials.keys.errors import BadSignature
from credentials.keys.jwk import PublicKey
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner, Signer

SUITE: Final = "ecdsa-sd-2023"
_BASE: Final = 0x00
_DERIVED: Final = 0x01
_SIGNATURE_BYTES: Final = 64
_KEY_BYTES: Final = 35
_DIGEST_BYTES: Final = 32
_MAX_KEY_CHARACTERS: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseValue:
    """What a base proof holds (§3.5.3). It is for the holder alone."""

    signature: bytes = field(repr=False)
    public_key: bytes
    """The key made for this document, as a Multikey's bytes."""
    hmac_key: bytes = field(repr=False)
    signatures: tuple[bytes, ...] = field(repr=False)
    """One for each statement that may be hidden, in their order."""
    mandatory: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the value of a base proof.

        Raises:
            Malformed: it is none.
        """
        _, components = read_value(text, {_BASE})
        signature, key, hmac_key, signatures, mandatory = read_components(components, 5)
        return cls(
            signature=read_bytes(signature, _SIGNATURE_BYTES),
            public_key=read_bytes(key, _KEY_BYTES),
            hmac_key=read_bytes(hmac_key, HMAC_KEY_BYTES),
            signatures=read_signatures(signatures, _SIGNATURE_BYTES),
            mandatory=read_pointers(mandatory),
        )

    def write(self) -> str:
        """Write it as the value of a proof."""
        return write_value(_BASE, [self.signature, self.public_key, self.hmac_key, self.signatures, self.mandatory])


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedValue:
    """What a derived proof holds (§3.5.7)."""

    signature: bytes
    public_key: bytes
    signatures: tuple[bytes, ...]
    """One for each statement that is shown and not mandatory, in their order."""
    label_map: Mapping[str, str]
    mandatory_indexes: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the value of a derived proof.

        Raises:
            Malformed: it is none.
        """
        _, components = read_value(text, {_DERIVED})
        signature, key, signatures, labels, indexes = read_components(components, 5)
        return cls(
            signature=read_bytes(signature, _SIGNATURE_BYTES),
            public_key=read_bytes(key, _KEY_BYTES),
            signatures=read_signatures(signatures, _SIGNATURE_BYTES),
            label_map={
                f"c14n{number}": "u" + base64url.encode(read_bytes(digest, _DIGEST_BYTES))
                for number, digest in read_label_map(labels).items()
            },
            mandatory_indexes=read_indexes(indexes),
        )

    def write(self) -> str:
        """Write it as the value of a proof."""
        labels = {
            int(found.removeprefix("c14n")): base64url.decode(label.removeprefix("u"), what=WHAT)
            for found, label in self.label_map.items()
        }
        return write_value(_DERIVED, [self.signature, self.public_key, self.signatures, labels, self.mandatory_indexes])


def add_base_proof(
    document: Mapping[str, Json],
    *,
    signer: Signer,
    verification_method: str,
    mandatory: Sequence[str],
    random: Callable[[int], bytes],
    proof_signer: Signer | None = None,
    **options: Unpack[ProofOptions],
) -> dict[str, Json]:
    """Return a document with a proof from which its holder can show parts (§3.6.1).

    Args:
        document: what is signed; a context that knows the terms of proofs is added if none does.
        signer: the issuer's P-256 key.
        verification_method: the URL under which others find the public key.
        mandatory: JSON Pointers to what is always shown.
        random: where the HMAC key comes from.
        proof_signer: a key used for this document alone; without one, it is made.
        options: what the proof says of itself.

    Raises:
        WrongKeyKind: the signer's key is no P-256 key.
        ProofImpossible: the proof would build on another, which this suite does not sign.
        SelectionError, Malformed: the pointers do not fit, or parts of the document cannot be told apart.
        UnsafeLinkedData and others: the document is no safe JSON-LD.
    """
    _check_kind(signer.public_key)
    proof_signer = proof_signer or LocalSigner.generate(KeyKind.P256)
    document = with_proof_context(document)
    members = build_alone(SUITE, verification_method, options)
    hmac_key = random(HMAC_KEY_BYTES)
    statements = _group(without_proof(document), hmac_key, mandatory)
    public_key = _key_bytes(proof_signer.public_key)
    signature = signer.sign(hash_options(members, document) + public_key + statements.mandatory_hash)
    signatures = tuple(proof_signer.sign(line.encode()) for line in statements.optional_lines)
    value = BaseValue(
        signature=signature, public_key=public_key, hmac_key=hmac_key, signatures=signatures, mandatory=tuple(mandatory)
    )
    return append_proof(document, {**members, "proofValue": value.write()})


def derive(secured: Mapping[str, Json], *, selective: Sequence[str]) -> dict[str, Json]:
    """Return the part of a document that is to be shown, with a proof of its own (§3.6.6).

    Args:
        secured: a document with one base proof of this suite.
        selective: JSON Pointers to what is shown beside what always is.

    Raises:
        NothingSelected: that would be nothing at all.
        BadProof: the base proof does not belong to the document.
        SelectionError, Malformed and others: as `add_base_proof`.
    """
    proof = find_proof(secured, SUITE)
    base = BaseValue.parse(proof.proof_value)
    statements = _group(without_proof(secured), base.hmac_key, base.mandatory)
    if len(base.signatures) != len(statements.optional_lines):
        raise BadProof
    disclosure = statements.disclose(selective)
    members = {**proof.members, "proofValue": _derive_value(base, disclosure).write()}
    return {**disclosure.document, "proof": members}


def verify_derived(secured: Mapping[str, Json], *, key: PublicKey) -> Proof:
    """Check a document that was derived, and return its proof; whose key it is, and the times, are for the caller.

    Raises:
        ProofError, Malformed and others: as `verify_proof`; or there is not exactly one proof of this suite.
    """
    proof = find_proof(secured, SUITE)
    verify_proof(secured, proof, key=key)
    return proof


def verify_proof(document: Mapping[str, Json], proof: Proof, *, key: PublicKey) -> None:
    """Check one derived proof of a document (§3.6.7).

    Raises:
        WrongKeyKind: the key is no P-256 key.
        Malformed: the value of the proof is none of a derived proof.
        BadProof: another key signed, or something was changed.
        UnsafeLinkedData and others: the document is no safe JSON-LD.
    """
    _check_kind(key)
    value = DerivedValue.parse(proof.proof_value)
    document = without_proof(document)
    shown = read_shown(document, value.label_map, value.mandatory_indexes)
    if len(value.signatures) != len(shown.optional_lines):
        raise BadProof
    proof_key = PublicKey.from_multikey(encode_base58btc(value.public_key), what="key in the proof")
    _check_kind(proof_key)
    try:
        key.verify(value.signature, hash_proof(proof, document) + value.public_key + shown.mandatory_hash)
        for signature, line in zip(value.signatures, shown.optional_lines, strict=True):
            proof_key.verify(signature, line.encode())
    except BadSignature as error:
        raise BadProof from error


def _derive_value(base: BaseValue, disclosure: Disclosure) -> DerivedValue:
    return DerivedValue(
        signature=base.signature,
        public_key=base.public_key,
        signatures=tuple(base.signatures[index] for index in disclosure.selective_indexes),
        label_map=disclosure.label_map,
        mandatory_indexes=disclosure.mandatory_indexes,
    )


def _group(document: Mapping[str, Json], hmac_key: bytes, mandatory: Sequence[str]) -> Statements:
    selectable = name_blank_nodes(document)
    return Statements.group(selectable, label_by_digest(selectable.canonical, hmac_key), mandatory)


def _check_kind(key: PublicKey) -> None:
    if key.kind is not KeyKind.P256:
        raise WrongKeyKind(SUITE, KeyKind.P256.value)


def _key_bytes(key: PublicKey) -> bytes:
    _check_kind(key)
    return decode_base58btc(key.multikey, what="key in the proof", max_characters=_MAX_KEY_CHARACTERS)
