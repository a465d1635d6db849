from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from credentials.data_integrity import ecdsa_sd_2023
from credentials.data_integrity.ecdsa_sd_2023 import BaseValue, DerivedValue
from credentials.data_integrity.proofs import Proof
from credentials.data_integrity.statements import label_by_digest
from credentials.encoding.multibase import decode_base58btc, encode_base58btc
from credentials.keys.jwk import PublicKey
from credentials.keys.signer import LocalSigner
from tests.support.vectors_sd import HMAC_KEY, Vectors

if TYPE_CHECKING:
    from pathlib import Path

_SETS = {"employ": ("employmentAuth", "employ"), "prc": (None, "prCred")}


@pytest.fixture(scope="module")
def published(vectors_dir: Path) -> Path:
    return vectors_dir / "w3c-vc-di-ecdsa" / "TestVectors"


def read_signer(pair: dict[str, str]) -> LocalSigner:
    data = decode_base58btc(pair["secretKeyMultibase"], what="key", max_characters=80)
    return LocalSigner(ec.derive_private_key(int.from_bytes(data[2:]), ec.SECP256R1()))


def hexadecimal(signatures: tuple[bytes, ...]) -> list[str]:
    return [signature.hex() for signature in signatures]


@pytest.mark.parametrize("name", _SETS)
def test_every_step_of_the_published_vectors(published: Path, name: str) -> None:
    vectors = Vectors(published / "ecdsa-sd-2023" / name)
    unsigned, prefix = _SETS[name]
    if unsigned is not None:
        assert vectors.document == json.loads((published / f"{unsigned}.json").read_text())
    keys: dict[str, Any] = json.loads((published / "ecdsa-sd-2023/SDKeyMaterial.json").read_text())
    base_key = PublicKey.from_multikey(keys["baseKeyPair"]["publicKeyMultibase"], what="key")
    base = BaseValue.parse(vectors.base["proof"]["proofValue"])
    assert base.write() == vectors.base["proof"]["proofValue"]
    assert list(base.mandatory) == json.loads((published / f"{prefix}Mandatory.json").read_text())
    statements = vectors.group(label_by_digest, list(base.mandatory))
    recovered = vectors.read("derivedRecoveredBaseData.json")
    assert {
        "baseSignature": base.signature.hex(),
        "proofPublicKey": encode_base58btc(base.public_key),
        "hmacKey": base.hmac_key.hex(),
        "signatures": hexadecimal(base.signatures),
        "mandatoryPointers": list(base.mandatory),
    } == recovered
    proof_key = PublicKey.from_multikey(recovered["proofPublicKey"], what="key")
    for signature, line in zip(base.signatures, statements.optional_lines, strict=True):
        proof_key.verify(signature, line.encode())
    hashes = vectors.read("addHashData.json")
    signed = bytes.fromhex(hashes["proofHash"]) + base.public_key + bytes.fromhex(hashes["mandatoryHash"])
    base_key.verify(base.signature, signed)

    selective = json.loads((published / f"{prefix}Selective.json").read_text())
    disclosure = vectors.disclose(statements, selective)
    adjusted = vectors.read("derivedAdjSignatures.json")
    assert list(disclosure.selective_indexes) == adjusted["adjSignatureIndexes"]
    assert list(disclosure.mandatory_indexes) == vectors.read("derivedAdjMandatoryIndexes.json")["adjMandatoryIndexes"]
    assert ecdsa_sd_2023.derive(vectors.base, selective=selective) == vectors.derived
    value = DerivedValue.parse(vectors.derived["proof"]["proofValue"])
    assert hexadecimal(value.signatures) == adjusted["filteredSignatures"]
    vectors.check_shown(disclosure)
    assert isinstance(ecdsa_sd_2023.verify_derived(vectors.derived, key=base_key), Proof)


@pytest.mark.parametrize("name", _SETS)
def test_what_we_make_of_the_published_documents_differs_in_signatures_only(published: Path, name: str) -> None:
    vectors = Vectors(published / "ecdsa-sd-2023" / name)
    keys: dict[str, Any] = json.loads((published / "ecdsa-sd-2023/SDKeyMaterial.json").read_text())
    theirs = BaseValue.parse(vectors.base["proof"]["proofValue"])
    made = ecdsa_sd_2023.add_base_proof(
        vectors.document,
        signer=read_signer(keys["baseKeyPair"]),
        proof_signer=read_signer(keys["proofKeyPair"]),
        verification_method=vectors.proof.verification_method,
        mandatory=theirs.mandatory,
        random=lambda _: HMAC_KEY,
        created=vectors.proof.created,
    )
    (proof,) = [made["proof"]]
    assert isinstance(proof, dict)
    ours = BaseValue.parse(str(proof.pop("proofValue")))
    assert {**proof, "proofValue": vectors.base["proof"]["proofValue"]} == vectors.base["proof"]
    assert (ours.public_key, ours.hmac_key, ours.mandatory) == (theirs.public_key, theirs.hmac_key, theirs.mandatory)
    assert len(ours.signatures) == len(theirs.signatures)
