"""Figures of the published vectors, typed in, so that something of them is proven where the vectors are not at hand."""

from __future__ import annotations

from typing import Any

import pytest

from credentials.data_integrity.errors import BadProof
from credentials.data_integrity.statements import hash_lines, hash_options, label_by_digest, label_by_rank, read_shown
from credentials.linked_data import Canonical

HMAC_KEY = bytes.fromhex("00112233445566778899AABBCCDDEEFF" * 2)
NAMES = Canonical((), {f"n{number}": f"c14n{number}" for number in range(8)})
METHOD = (
    "did:key:zUC7DerdEmfZ8f4pFajXgGwJoMkV1ofMTmEG5UoNvnWiPiLuGKNeqgRpLH2TV4Xe5mJ2cXV76gRN7LFQwapF1VFu6x2yrr5ci1mXqC1W"
    "NUrnHnLgvfZfMH7h6xP6qsf9EKRQrPQ"
)


def test_labels_by_rank_are_those_of_vc_di_bbs() -> None:
    """TestVectors/addBaseDocCanon.json and addBaseDocHMACCanon.json of w3c/vc-di-bbs."""
    labels = label_by_rank(NAMES, HMAC_KEY)
    assert [labels[name] for name in NAMES.labels] == ["b2", "b1", "b4", "b7", "b5", "b3", "b6", "b0"]


def test_labels_by_digest_are_those_of_vc_di_ecdsa() -> None:
    """TestVectors/ecdsa-sd-2023/employ of w3c/vc-di-ecdsa."""
    labels = label_by_digest(NAMES, HMAC_KEY)
    assert labels["n1"] == "u3Lv2QpFgo-YAegc1cQQKWJFW2sEjQF6FfuZ0VEoMKHg"
    assert labels["n0"] == "u4YIOZn1MHES1Z4Ij2hWZG3R4dEYBqg5fHTyDEvYhC38"


def test_the_hash_of_a_proof_s_options_is_that_of_vc_di_bbs() -> None:
    """TestVectors/addProofConfig.json and addHashData.json of w3c/vc-di-bbs."""
    options: dict[str, Any] = {
        "type": "DataIntegrityProof",
        "cryptosuite": "bbs-2023",
        "created": "2023-08-15T23:36:38Z",
        "verificationMethod": f"{METHOD}#{METHOD.removeprefix('did:key:')}",
        "proofPurpose": "assertionMethod",
    }
    document: dict[str, Any] = {"@context": ["https://www.w3.org/ns/credentials/v2"], "type": "VerifiableCredential"}
    hashed = hash_options(options, document)
    assert hashed.hex() == "3a5bbf25d34d90b18c35cd2357be6a6f42301e94fc9e52f77e93b773c5614bdf"


def test_no_statement_is_lost_or_counted_twice_between_mandatory_and_others() -> None:
    document: dict[str, Any] = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": "urn:example:1",
        "type": "VerifiableCredential",
        "issuer": "did:example:1",
    }
    kind = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
    lines = [
        f"<urn:example:1> {kind} <https://www.w3.org/2018/credentials#VerifiableCredential> .\n",
        "<urn:example:1> <https://www.w3.org/2018/credentials#issuer> <did:example:1> .\n",
    ]
    shown = read_shown(document, {}, [1])
    assert shown.optional_lines == (lines[0],)
    assert shown.mandatory_hash == hash_lines(lines[1:])
    with pytest.raises(BadProof):
        read_shown(document, {}, [2])
    with pytest.raises(BadProof):
        read_shown(document, {"c14n0": "b0"}, [1])
