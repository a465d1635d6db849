from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from credentials.bbs import BbsSecretKey, ProverBlind, ProverNym
from credentials.bbs.w3c_pseudonym import finalize_w3c_nym
from credentials.data_integrity import bbs_2023
from credentials.data_integrity.bbs_2023_values import BaseValue, DerivedValue, Feature
from credentials.data_integrity.bbs_2023_w3c import W3cBaseValue, parse_derived, verify_w3c_derived
from credentials.data_integrity.errors import BadProof
from credentials.data_integrity.proofs import without_proof
from credentials.data_integrity.statements import label_by_rank
from credentials.errors import Malformed
from tests.support.vectors_sd import HMAC_KEY, Vectors

if TYPE_CHECKING:
    from pathlib import Path

    from credentials.data_integrity.statements import Disclosure

_BASELINE = {".": ("windDoc", "wind"), "prc": (None, "prCred")}


@pytest.fixture(scope="module")
def published(vectors_dir: Path) -> Path:
    return vectors_dir / "w3c-vc-di-bbs" / "TestVectors"


@pytest.fixture(scope="module")
def issuer(published: Path) -> BbsSecretKey:
    return BbsSecretKey.from_bytes(
        bytes.fromhex(json.loads((published / "BBSKeyMaterial.json").read_text())["privateKeyHex"])
    )


@pytest.mark.parametrize("name", _BASELINE)
def test_every_step_of_the_baseline_vectors(published: Path, issuer: BbsSecretKey, name: str) -> None:
    vectors = Vectors(published / name)
    unsigned, prefix = _BASELINE[name]
    if unsigned is not None:
        assert vectors.document == json.loads((published / f"{unsigned}.json").read_text())
    recovered = vectors.read("derivedRecoveredBaseData.json")
    statements = vectors.group(label_by_rank, recovered["mandatoryPointers"])
    value = BaseValue.parse(vectors.base["proof"]["proofValue"])
    assert value.feature is Feature.BASELINE
    assert list(value.mandatory) == json.loads((published / f"{prefix}Mandatory.json").read_text())
    assert (value.signature.hex(), value.hmac_key.hex()) == (recovered["bbsSignature"], recovered["hmacKey"])
    made: dict[str, Any] = bbs_2023.add_base_proof(
        vectors.document,
        secret_key=issuer,
        verification_method=vectors.proof.verification_method,
        mandatory=recovered["mandatoryPointers"],
        random=lambda _: HMAC_KEY,
        created=vectors.proof.created,
    )
    assert made == vectors.base

    selective = json.loads((published / f"{prefix}Selective.json").read_text())
    disclosure = vectors.disclose(statements, selective)
    adjusted = vectors.read("derivedAdjIndexes.json")
    assert list(disclosure.mandatory_indexes) == adjusted["adjMandatoryIndexes"]
    assert list(disclosure.selective_indexes) == adjusted["adjSelectiveIndexes"]
    vectors.check_shown(disclosure)
    opened = bbs_2023.open_base(vectors.base, public_key=issuer.public_key)
    header = bytes.fromhex(json.loads((published / "BBSDeriveMaterial.json").read_text())["presentationHeaderHex"])
    how: dict[str, Any] = {"selective": selective, "presentation_header": header, "random": secrets.token_bytes}
    derived: dict[str, Any] = bbs_2023.derive(opened, **how)
    # The numbers that hide the rest are new each time, and it is not said which ones the authors took.
    theirs, ours = (DerivedValue.parse(each["proof"]["proofValue"]) for each in (vectors.derived, derived))
    assert theirs.write() == vectors.derived["proof"]["proofValue"]
    assert theirs.proof.hex() == vectors.read("derivedDisclosureData.json")["bbsProof"]
    assert replace(ours, proof=theirs.proof) == theirs
    assert without_proof(derived) == without_proof(vectors.derived)
    assert derived["proof"].keys() == vectors.derived["proof"].keys()
    bbs_2023.verify_derived(derived, public_key=issuer.public_key)
    assert bbs_2023.verify_derived(vectors.derived, public_key=issuer.public_key).presentation_header == header


def read_features(published: Path) -> dict[str, Any]:
    """Read what the vectors of all features were made from."""
    found: dict[str, Any] = {}
    for name in ("holderSecret", "proverNym", "signerNymEntropy", "verifierInfo"):
        found |= json.loads((published / f"FeatureInputs/{name}.json").read_text())
    for name in ("license", "licenseMandatory", "licenseSelective"):
        found[name] = json.loads((published / f"FeatureInputs/{name}.json").read_text())
    return found


def check_disclosure(vectors: Vectors, features: dict[str, Any]) -> Disclosure:
    """Check the steps that have nothing to do with the feature."""
    assert vectors.document == features["license"]
    statements = vectors.group(label_by_rank, features["licenseMandatory"])
    disclosure = vectors.disclose(statements, features["licenseSelective"])
    adjusted = vectors.read("derivedAdjIndexes.json")
    assert list(disclosure.mandatory_indexes) == adjusted["adjMandatoryIndexes"]
    assert list(disclosure.selective_indexes) == adjusted["adjSelectiveIndexes"]
    vectors.check_shown(disclosure)
    return disclosure


def test_every_step_of_the_holder_binding_vectors(published: Path, issuer: BbsSecretKey) -> None:
    vectors, features = Vectors(published / "HolderBinding"), read_features(published)
    disclosure = check_disclosure(vectors, features)
    commitment, recovered = vectors.read("commitmentInfo.json"), vectors.read("derivedRecoveredBaseData.json")
    made: dict[str, Any] = bbs_2023.add_base_proof(
        vectors.document,
        secret_key=issuer,
        verification_method=vectors.proof.verification_method,
        mandatory=features["licenseMandatory"],
        random=lambda _: HMAC_KEY,
        created=vectors.proof.created,
        feature=Feature.HOLDER_BINDING,
        commitment_with_proof=bytes.fromhex(commitment["commitmentWithProof"]),
    )
    value = BaseValue.parse(vectors.base["proof"]["proofValue"])
    assert value.write() == vectors.base["proof"]["proofValue"]
    assert (value.signature.hex(), value.header.hex()) == (recovered["bbsSignature"], recovered["bbsHeader"])
    # The exponent of a signature is the issuer's to choose; all else is the same.
    assert replace(BaseValue.parse(made["proof"]["proofValue"]), signature=value.signature) == value
    opened = bbs_2023.open_base(
        vectors.base,
        public_key=issuer.public_key,
        blind=ProverBlind.from_bytes(bytes.fromhex(commitment["secretProverBlind"])),
        holder_secret=bytes.fromhex(features["holderSecretHex"]),
    )
    derived: dict[str, Any] = bbs_2023.derive(
        opened,
        selective=features["licenseSelective"],
        presentation_header=bytes.fromhex("113377aa"),
        random=secrets.token_bytes,
    )
    theirs, ours = (DerivedValue.parse(each["proof"]["proofValue"]) for each in (vectors.derived, derived))
    assert theirs.write() == vectors.derived["proof"]["proofValue"]
    assert theirs.proof.hex() == vectors.read("derivedDisclosureData.json")["bbsProof"]
    assert replace(ours, proof=theirs.proof) == theirs
    assert ours.selective_indexes == disclosure.selective_indexes
    for each in (vectors.derived, derived):
        assert bbs_2023.verify_derived(each, public_key=issuer.public_key).feature is Feature.HOLDER_BINDING


@pytest.mark.parametrize("name", ["Pseudonym", "PseudonymHB"])
def test_the_older_pseudonym_vectors_are_verified_at_every_step(
    published: Path, issuer: BbsSecretKey, name: str
) -> None:
    vectors, features = Vectors(published / name), read_features(published)
    disclosure = check_disclosure(vectors, features)
    recovered = vectors.read("derivedRecoveredBaseData.json")
    value = W3cBaseValue.parse(vectors.base["proof"]["proofValue"])
    assert (value.signature.hex(), value.header.hex()) == (recovered["bbsSignature"], recovered["bbsHeader"])
    assert value.public_key.data.hex() == recovered["publicKey"]
    assert (value.hmac_key, list(value.mandatory)) == (HMAC_KEY, features["licenseMandatory"])
    assert value.entropy.hex() == features["signerNymEntropyHex"]
    has_secret = name == "PseudonymHB"
    nym = finalize_w3c_nym(
        value.public_key,
        value.signature,
        [line.encode() for line in vectors.group(label_by_rank, features["licenseMandatory"]).optional_lines],
        header=value.header,
        prover_nym=ProverNym.from_bytes(bytes.fromhex(features["proverNymHex"])),
        blind=ProverBlind.from_bytes(bytes.fromhex(vectors.read("commitmentInfo.json")["secretProverBlind"])),
        entropy=value.entropy,
        committed=[bytes.fromhex(features["holderSecretHex"])] if has_secret else [],
    )
    assert nym.to_bytes().hex().lstrip("0") == vectors.read("nymSecret.json")["nymSecretHex"].lstrip("0")
    derived = parse_derived(vectors.derived["proof"]["proofValue"])
    assert derived.proof.hex() == vectors.read("derivedDisclosureData.json")["bbsProof"]
    assert (derived.mandatory_indexes, derived.selective_indexes) == (
        disclosure.mandatory_indexes,
        disclosure.selective_indexes,
    )
    assert derived.label_map == disclosure.label_map
    key, domain = issuer.public_key, features["verifierId"]
    found = verify_w3c_derived(vectors.derived, public_key=key, nym_domain=domain)
    assert found.feature is (Feature.HOLDER_BINDING_PSEUDONYM if has_secret else Feature.PSEUDONYM)
    with pytest.raises(BadProof):
        verify_w3c_derived(vectors.derived, public_key=key, nym_domain=domain.removesuffix("/"))
    with pytest.raises(Malformed, match="number of components"):
        bbs_2023.verify_derived(vectors.derived, public_key=key)
