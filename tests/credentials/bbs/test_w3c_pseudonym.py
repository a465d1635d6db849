"""The older pseudonyms and the holder binding of W3C's vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from credentials.bbs import (
    BadBbsProof,
    BadBbsSignature,
    BbsSecretKey,
    NymCheck,
    ProverBlind,
    ProverNym,
    blind_sign,
    verify_blind,
)
from credentials.bbs.w3c_pseudonym import W3cNymCheck, finalize_w3c_nym, verify_w3c_nym_proof
from tests.support.bbs import read, scalar

if TYPE_CHECKING:
    from pathlib import Path


class Vectors:
    def __init__(self, folder: Path, case: str) -> None:
        inputs = folder / "FeatureInputs"
        self.key = BbsSecretKey.from_bytes(bytes.fromhex(read(folder / "BBSKeyMaterial.json")["privateKeyHex"]))
        self.signed = read(folder / case / "addRawBaseSignatureInfo.json")
        self.commitment = read(folder / case / "commitmentInfo.json")
        statements = read(folder / case / "addBaseTransform.json")["nonMandatory"]["value"]
        self.messages = [statement.encode() for _, statement in statements]
        self.header = bytes.fromhex(self.signed["bbsHeader"])
        self.signature = bytes.fromhex(self.signed["bbsSignature"])
        self.blind = ProverBlind(scalar(self.commitment["secretProverBlind"]))
        self.holder_secret = bytes.fromhex(read(inputs / "holderSecret.json")["holderSecretHex"])
        self.prover_nym = ProverNym(scalar(read(inputs / "proverNym.json")["proverNymHex"]))
        self.derived = read(folder / case / "derivedDisclosureData.json")
        self.occasion = bytes.fromhex(read(folder / "BBSDeriveMaterial.json")["presentationHeaderHex"])
        self.context = read(inputs / "verifierInfo.json")["verifierId"].encode()

    def asked(self, indexes: str, committed: int) -> dict[str, Any]:
        return {
            "proof": bytes.fromhex(self.derived["bbsProof"]),
            "pseudonym": bytes.fromhex(self.derived["pseudonym"]),
            "disclosed": {index: self.messages[index] for index in self.derived[indexes]},
            "header": self.header,
            "presentation_header": self.occasion,
            "context_id": self.context,
            "committed_count": committed,
        }


@pytest.fixture(scope="module")
def w3c_bbs(vectors_dir: Path) -> Path:
    return vectors_dir / "w3c-vc-di-bbs/TestVectors"


def test_the_signature_with_holder_binding_comes_out(w3c_bbs: Path) -> None:
    given = Vectors(w3c_bbs, "HolderBinding")
    commitment = bytes.fromhex(given.commitment["commitmentWithProof"])
    assert blind_sign(given.key, commitment, given.messages, header=given.header) == given.signature
    verify_blind(
        given.key.public_key,
        given.signature,
        given.messages,
        [given.holder_secret],
        header=given.header,
        blind=given.blind,
    )


@pytest.mark.parametrize("case", ["Pseudonym", "PseudonymHB"])
def test_a_signature_of_the_older_variant_is_verified(case: str, w3c_bbs: Path) -> None:
    given = Vectors(w3c_bbs, case)
    asked: dict[str, Any] = {
        "header": given.header,
        "prover_nym": given.prover_nym,
        "blind": given.blind,
        "entropy": bytes.fromhex(given.signed["signerNymEntropyHex"]),
        "committed": [given.holder_secret] if case == "PseudonymHB" else [],
    }
    nym = finalize_w3c_nym(given.key.public_key, given.signature, given.messages, **asked)
    published = read(w3c_bbs / case / "nymSecret.json")["nymSecretHex"]
    assert nym.to_bytes().hex() == published.zfill(64)
    with pytest.raises(BadBbsSignature):
        finalize_w3c_nym(given.key.public_key, given.signature, given.messages, **asked | {"header": b""})


@pytest.mark.parametrize(("case", "committed"), [("Pseudonym", 0), ("PseudonymHB", 1)])
def test_a_proof_of_the_older_variant_is_verified_and_is_none_of_ours(case: str, committed: int, w3c_bbs: Path) -> None:
    given = Vectors(w3c_bbs, case)
    asked = given.asked("adjSelectiveIndexes", committed)
    verify_w3c_nym_proof(
        given.key.public_key, asked.pop("proof"), asked.pop("pseudonym"), asked.pop("disclosed"), **asked
    )
    asked = given.asked("adjSelectiveIndexes", committed)
    with pytest.raises(BadBbsProof):
        NymCheck(public_key=given.key.public_key, **asked).verify()
    for changed in ({"context_id": b"https://other.example/"}, {"presentation_header": b""}, {"header": b""}):
        with pytest.raises(BadBbsProof):
            W3cNymCheck(public_key=given.key.public_key, **asked | changed).verify()
