"""What the suites that sign a whole document have in common: all but the canonical form, and which keys and hashes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from typing_extensions import Unpack

from credentials.data_integrity.adding import ProofOptions, append_proof, build_proof_members, read_existing_proofs
from credentials.data_integrity.errors import BadProof, WrongKeyKind, WrongSuite
from credentials.data_integrity.hashing import HashName, WriteCanonical, hash_data
from credentials.data_integrity.proofs import (
    Proof,
    build_configuration,
    build_proven_document,
    find_previous,
    read_proofs,
)
from credentials.encoding.multibase import decode_base58btc, encode_base58btc
from credentials.encoding.strict_json import Json
from credentials.keys.errors import BadSignature
from credentials.keys.jwk import PublicKey
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import Signer

# 96 bytes, the signature of P-384, are at most 132 characters and the prefix.
_MAX_VALUE_CHARACTERS = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeSuite(ABC):
    """A suite that signs the whole document."""

    name: str
    """What proofs call it."""
    hashes: Mapping[KeyKind, HashName]
    """The kinds of key that it takes, each with its hash."""

    def add_proof(
        self,
        document: Mapping[str, Json],
        *,
        signer: Signer,
        verification_method: str,
        **options: Unpack[ProofOptions],
    ) -> dict[str, Json]:
        """Return the document with one more proof.

        Args:
            document: with or without proofs; a context that knows the terms of proofs is added if none does.
            signer: the key, of a kind that this suite takes.
            verification_method: the URL under which others find the public key.
            options: what the proof says of itself.

        Raises:
            WrongKeyKind: the key is of another kind.
            PreviousProofMissing: `previous_proof` names a proof that is not there.
            ProofImpossible: a proof with the same id is there already.
            HandstampError: as the suite says of documents that it does not sign.
        """
        hash_name = self._hash_for(signer.public_key)
        members = build_proof_members(self.name, verification_method, options)
        document = self._prepare(document, members)
        previous = options.get("previous_proof") or ()
        named = frozenset({previous} if isinstance(previous, str) else previous)
        # Proofs that this one does not build on stay what they are, be they of a kind that is not read here.
        previous_proofs = find_previous(named, read_existing_proofs(document)) if named else []
        proven = build_proven_document(document, previous_proofs)
        configuration = build_configuration(members, document)
        data = hash_data(proven, configuration, hash_name=hash_name, write=self._write)
        shown = self._show(members, configuration)
        return append_proof(document, {**shown, "proofValue": encode_base58btc(signer.sign(data))})

    def verify_proof(self, document: Mapping[str, Json], proof: Proof, *, key: PublicKey) -> None:
        """Check one proof of a document by the key that it names.

        What the proof says of itself, and the proofs that it builds on, are checked elsewhere
        (`credentials.data_integrity.chains`).

        Args:
            document: with all its proofs.
            proof: one of them.
            key: found under `proof.verification_method`.

        Raises:
            WrongSuite: the proof is of another suite.
            WrongKeyKind: the key is of another kind.
            Malformed: the proof's value is not base58btc.
            PreviousProofMissing: it builds on a proof that is not there.
            BadProof: another key signed, or something was changed.
            HandstampError: as the suite says of documents that it does not read.
        """
        if proof.cryptosuite != self.name:
            raise WrongSuite(self.name)
        hash_name = self._hash_for(key)
        signature = decode_base58btc(proof.proof_value, what="value of the proof", max_characters=_MAX_VALUE_CHARACTERS)
        previous = find_previous(proof.previous_proof, read_proofs(document)) if proof.previous_proof else []
        signed, configuration = self._read_signed(document, proof)
        proven = build_proven_document(signed, previous)
        data = hash_data(proven, configuration, hash_name=hash_name, write=self._write)
        try:
            key.verify(signature, data)
        except BadSignature as error:
            raise BadProof from error

    @property
    @abstractmethod
    def _write(self) -> WriteCanonical:
        """The canonical form of document and options."""

    @abstractmethod
    def _prepare(self, document: Mapping[str, Json], members: Mapping[str, Json]) -> dict[str, Json]:
        """Return the document as it is going to be signed, or refuse to sign it."""

    @abstractmethod
    def _show(self, members: Mapping[str, Json], configuration: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return what stands in the document: the proof alone, or with the context that it was signed under."""

    @abstractmethod
    def _read_signed(self, document: Mapping[str, Json], proof: Proof) -> tuple[Mapping[str, Json], dict[str, Json]]:
        """Return the document under the context that was signed, and the proof's options as they were hashed."""

    def _hash_for(self, key: PublicKey) -> HashName:
        if key.kind not in self.hashes:
            raise WrongKeyKind(self.name, " or ".join(kind.value for kind in self.hashes))
        return self.hashes[key.kind]
