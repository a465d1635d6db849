"""A base or derived proof of bbs-2023 in any other form than its own, and a shown document that was changed."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from credentials.bbs import BbsSecretKey
from credentials.data_integrity import bbs_2023
from credentials.data_integrity.errors import BadProof
from credentials.data_integrity.proof_values import read_value, write_value
from credentials.data_integrity.selection import PointerMismatch
from credentials.errors import Malformed
from tests.credentials.data_integrity.proving import (
    BASE,
    COMMITTED,
    DOCUMENT,
    DOMAIN,
    KEY,
    change,
    derive,
    open_base,
)

if TYPE_CHECKING:
    from credentials.encoding.strict_json import Json

_TYPE_IRI = "urn:handstamp:vocabulary:TrackOwnershipCredential"
DERIVED: dict[str, Any] = derive(open_base(BASE), "/credentialSubject/isrcCode", nym_domain=DOMAIN)


@pytest.mark.parametrize(
    ("position", "value", "error"),
    [
        (0, bytes(79), Malformed),
        (0, bytes(80), Malformed),
        (1, bytes(64), BadProof),
        (1, bytes(63), Malformed),
        (2, bytes(96), Malformed),
        (2, BbsSecretKey.from_key_material(b"\1" * 32).public_key.data, BadProof),
        (3, bytes(31), Malformed),
        (4, ["/issuer"], BadProof),
        (4, ["/absent"], PointerMismatch),
        (4, ["issuer"], Malformed),
        (4, [1], Malformed),
        (4, ["/issuer"] * 257, Malformed),
        (4, {}, Malformed),
        (5, bytes(31) + b"\6", BadProof),
        (5, bytes(32), Malformed),
        (5, 5, Malformed),
        (6, "cfrg-bbs-pseudonyms-02", Malformed),
        (6, 3, Malformed),
    ],
    ids=map(str, count()),
)
def test_a_base_proof_in_any_other_form_is_refused(position: int, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        open_base(change(BASE, position, value))


_POINT = COMMITTED.commitment_with_proof[:48]


@pytest.mark.parametrize(
    ("position", "value", "error"),
    [
        (0, b"", BadProof),
        (0, bytes(400), Malformed),
        (0, bytes(40_001), Malformed),
        (1, {}, BadProof),
        (1, {0: 1, 1: 0}, BadProof),
        (1, {0: 0, 1: 0}, BadProof),
        (1, {0: 0, 1: 1, 2: 2}, BadProof),
        (1, {0: 0, 2: 1}, BadProof),
        (1, {0: -1, 1: 1}, Malformed),
        (1, {0: "b0", 1: "b1"}, Malformed),
        (1, {"c14n0": 0}, Malformed),
        (1, {b"0": 0}, Malformed),
        (1, {0: 5_000, 1: 1}, Malformed),
        (1, dict.fromkeys(range(1_025), 0), Malformed),
        (1, [0, 1], Malformed),
        (2, [], BadProof),
        (2, [0, 1, 2, 3], BadProof),
        (2, [0, 1, 2, 3, 9], BadProof),
        (2, [0, 1, 1, 2, 3], Malformed),
        (2, [1, 0, 2, 3, 4], Malformed),
        (2, ["0"], Malformed),
        (2, [False, 1], Malformed),
        (2, [-1], Malformed),
        (2, list(range(4_097)), Malformed),
        (3, [], BadProof),
        (3, [0], BadProof),
        (3, [1, 2], BadProof),
        (3, [0, 4_000], BadProof),
        (3, [0, 4_097], Malformed),
        (3, [0, 0], Malformed),
        (3, b"\0", Malformed),
        (4, b"", BadProof),
        (4, bytes(33), BadProof),
        (4, "", Malformed),
        (4, bytes(1_025), Malformed),
        (5, DOMAIN + "/", BadProof),
        (5, "", Malformed),
        (5, "a" * 1_025, Malformed),
        (5, DOMAIN.encode(), Malformed),
        (6, bytes(48), Malformed),
        (6, b"\xc0" + bytes(47), Malformed),
        (6, _POINT, BadProof),
        (6, _POINT[:47], Malformed),
        (7, 3, BadProof),
        (7, 5, BadProof),
        (7, 5_000, Malformed),
        (7, None, Malformed),
        (8, "cfrg-bbs-pseudonyms-02", Malformed),
        (8, None, Malformed),
    ],
    ids=map(str, count()),  # The bytes would make names of thousands of characters.
)
def test_a_derived_proof_in_any_other_form_is_refused(position: int, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        bbs_2023.verify_derived(change(DERIVED, position, value), public_key=KEY)


@pytest.mark.parametrize("kind", [0x00, 0x01, 0x03, 0x05, 0x06, 0x08, 0x09, 0x0A])
def test_a_derived_proof_under_the_mark_of_another_kind_is_refused(kind: int) -> None:
    _, components = read_value(DERIVED["proof"]["proofValue"], {7})
    moved = {**DERIVED, "proof": {**DERIVED["proof"], "proofValue": write_value(kind, components)}}
    with pytest.raises((Malformed, BadProof)):
        bbs_2023.verify_derived(moved, public_key=KEY)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "did:web:other.example"},
        {"validFrom": "2026-10-01T00:00:00Z"},
        {"type": ["VerifiableCredential", "ReleaseOwnershipCredential"]},
        {"type": ["VerifiableCredential"]},
        {"credentialSubject": {"isrcCode": "QZABC2600002"}},
        {"credentialSubject": {"isrcCode": "QZABC2600001", "name": "Möbius Strip"}},
        {"credentialSubject": {"name": "QZABC2600001"}},
        {"credentialSubject": {"id": "did:example:thief", "isrcCode": "QZABC2600001"}},
        {"@context": ["https://www.w3.org/ns/credentials/v2", {"@vocab": "https://other.example/"}]},
    ],
    ids=str,
)
def test_a_shown_document_that_was_changed_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadProof):
        bbs_2023.verify_derived({**DERIVED, **changes}, public_key=KEY)


def test_statements_are_proven_and_not_the_words_for_them_so_that_readers_of_json_compare_contexts() -> None:
    terms: dict[str, Json] = {"shown": "https://schema.org/isrcCode", "TrackOwnershipCredential": _TYPE_IRI}
    reworded = {**DERIVED, "@context": [DOCUMENT["@context"][0], terms], "credentialSubject": {"shown": "QZABC2600001"}}
    found = bbs_2023.verify_derived(reworded, public_key=KEY)
    assert found.document["@context"] != DOCUMENT["@context"]


@pytest.mark.parametrize(
    "changes",
    [
        {"verificationMethod": "did:web:coop.example#other"},
        {"proofPurpose": "authentication"},
        {"created": "2026-11-01T00:00:00Z"},
        {"nonce": "a"},
    ],
    ids=str,
)
def test_what_a_proof_says_of_itself_cannot_be_changed(changes: dict[str, Any]) -> None:
    with pytest.raises(BadProof):
        bbs_2023.verify_derived({**DERIVED, "proof": {**DERIVED["proof"], **changes}}, public_key=KEY)
