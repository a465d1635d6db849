from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from credentials.bbs import BbsSecretKey
from credentials.data_integrity import bbs_2023
from credentials.data_integrity.bbs_2023_values import BaseValue, DerivedValue, Feature
from credentials.data_integrity.proofs import without_proof
from credentials.data_integrity.statements import label_by_rank
from tests.support.vectors_sd import HMAC_KEY, Vectors

if TYPE_CHECKING:
    from pathlib import Path

_BASELINE = {".": "windSelective.json", "prc": "prCredSelective.json"}


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
    recovered = vectors.read("derivedRecoveredBaseData.json")
    statements = vectors.group(label_by_rank, recovered["mandatoryPointers"])
    value = BaseValue.parse(vectors.base["proof"]["proofValue"])
    assert value.feature is Feature.BASELINE
    assert (value.signature.hex(), value.hmac_key.hex()) == (recovered["bbsSignature"], recovered["hmacKey"])
    made = bbs_2023.add_base_proof(
        vectors.document,
        secret_key=issuer,
        verification_method=vectors.proof.verification_method,
        mandatory=recovered["mandatoryPointers"],
        random=lambda _: HMAC_KEY,
        created=vectors.proof.created,
    )
    assert made == vectors.base

    selective = json.loads((published / _BASELINE[name]).read_text())
    disclosure = vectors.disclose(statements, selective)
    adjusted = vectors.read("derivedAdjIndexes.json")
    assert list(disclosure.mandatory_indexes) == adjusted["adjMandatoryIndexes"]
    assert list(disclosure.selective_indexes) == adjusted["adjSelectiveIndexes"]
    vectors.check_shown(disclosure)
    opened = bbs_2023.open_base(vectors.base, public_key=issuer.public_key)
    header = bytes.fromhex("113377aa")
    derived = bbs_2023.derive(opened, selective=selective, presentation_header=header, random=secrets.token_bytes)
    # The numbers that hide the rest are new each time, and it is not said which ones the authors took.
    theirs, ours = (DerivedValue.parse(each["proof"]["proofValue"]) for each in (vectors.derived, derived))
    assert theirs.write() == vectors.derived["proof"]["proofValue"]
    assert replace(ours, proof=theirs.proof) == theirs
    assert without_proof(derived) == without_proof(vectors.derived)
    assert derived["proof"].keys() == vectors.derived["proof"].keys()
    bbs_2023.verify_derived(derived, public_key=issuer.public_key)
    assert bbs_2023.verify_derived(vectors.derived, public_key=issuer.public_key).presentation_header == header
