from __future__ import annotations

import secrets
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from credentials.data_integrity import ecdsa_sd_2023
from credentials.data_integrity.ecdsa_sd_2023 import BaseValue, DerivedValue
from credentials.data_integrity.errors import BadProof, ProofImpossible, WrongKeyKind, WrongSuite
from credentials.data_integrity.proof_values import read_value, write_value
from credentials.data_integrity.selection import NothingSelected
from credentials.encoding import base64url
from credentials.errors import Malformed
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner

if TYPE_CHECKING:
    from credentials.encoding.strict_json import Json

SIGNER = LocalSigner.generate()
DOCUMENT: dict[str, Json] = {
    "@context": ["https://www.w3.org/ns/credentials/v2", {"@vocab": "https://town.example/"}],
    "type": ["VerifiableCredential"],
    "issuer": "did:example:1",
    "credentialSubject": {"name": "Möbius Strip", "tracks": [{"length": 1}, {"length": 2}]},
}


def issue(document: dict[str, Json] = DOCUMENT, **changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "signer": SIGNER,
        "verification_method": "did:example:1#key",
        "mandatory": ["/issuer"],
        "random": secrets.token_bytes,
    }
    return ecdsa_sd_2023.add_base_proof(document, **(arguments | changes))


def derive(*selective: str) -> dict[str, Any]:
    return ecdsa_sd_2023.derive(issue(), selective=selective)


def change(secured: dict[str, Any], position: int, value: Any) -> dict[str, Any]:
    """Put something else in the place of one component of the proof's value."""
    kind, components = read_value(secured["proof"]["proofValue"], {0, 1})
    components[position] = value
    return {**secured, "proof": {**secured["proof"], "proofValue": write_value(kind, components)}}


def test_a_part_is_shown_and_verified() -> None:
    derived = derive("/credentialSubject/tracks/1")
    proof = ecdsa_sd_2023.verify_derived(derived, key=SIGNER.public_key)
    assert proof.cryptosuite == "ecdsa-sd-2023"
    assert derived["credentialSubject"] == {"tracks": [{"length": 2}]}


def test_a_document_without_mandatory_parts_shows_something_all_the_same() -> None:
    secured = issue(mandatory=[])
    derived = ecdsa_sd_2023.derive(secured, selective=["/credentialSubject/name"])
    ecdsa_sd_2023.verify_derived(derived, key=SIGNER.public_key)
    with pytest.raises(NothingSelected):
        ecdsa_sd_2023.derive(secured, selective=[])


def test_two_documents_have_keys_of_their_own() -> None:
    values = [BaseValue.parse(issue()["proof"]["proofValue"]) for _ in range(2)]
    assert values[0].public_key != values[1].public_key
    assert values[0].hmac_key != values[1].hmac_key


@pytest.mark.parametrize("kind", [KeyKind.P384, KeyKind.ED25519])
def test_only_p256_keys_sign_and_verify(kind: KeyKind) -> None:
    other = LocalSigner.generate(kind)
    with pytest.raises(WrongKeyKind):
        issue(signer=other)
    with pytest.raises(WrongKeyKind):
        issue(proof_signer=other)
    with pytest.raises(WrongKeyKind):
        ecdsa_sd_2023.verify_derived(derive(), key=other.public_key)


def test_another_key_did_not_sign() -> None:
    with pytest.raises(BadProof):
        ecdsa_sd_2023.verify_derived(derive(), key=LocalSigner.generate().public_key)


def test_a_chain_is_not_made_of_it() -> None:
    with pytest.raises(ProofImpossible, match="what it builds on"):
        issue(previous_proof="urn:example:proof")


def test_a_document_with_no_or_two_proofs_of_the_suite_is_refused() -> None:
    secured = issue()
    twice = {**secured, "proof": [secured["proof"], secured["proof"]]}
    with pytest.raises(WrongSuite):
        ecdsa_sd_2023.derive(twice, selective=[])
    with pytest.raises(WrongSuite):
        ecdsa_sd_2023.derive({**secured, "proof": {**secured["proof"], "cryptosuite": "bbs-2023"}}, selective=[])


def test_a_base_proof_does_not_stand_for_a_derived_one_nor_the_other_way_round() -> None:
    with pytest.raises(Malformed, match="another kind"):
        ecdsa_sd_2023.verify_derived(issue(), key=SIGNER.public_key)
    with pytest.raises(Malformed, match="another kind"):
        ecdsa_sd_2023.derive(derive(), selective=[])


@pytest.mark.parametrize(
    ("position", "value", "error"),
    [
        (0, bytes(63), Malformed),
        (0, bytes(64), BadProof),
        (1, bytes(35), Malformed),
        (1, b"\x80\x24\x02" + b"\xff" * 32, Malformed),
        (2, [], BadProof),
        (2, [bytes(64)] * 2, BadProof),
        (2, [bytes(63)], Malformed),
        (2, b"", Malformed),
        (3, {}, BadProof),
        (3, [], Malformed),
        (3, {0: bytes(32), 1: bytes(32)}, BadProof),
        (3, {0: bytes(32), 2: bytes(32)}, BadProof),
        (3, {0: bytes(31)}, Malformed),
        (3, {"0": bytes(32)}, Malformed),
        (3, {-1: bytes(32)}, Malformed),
        (4, [], BadProof),
        (4, [0, 0], Malformed),
        (4, [1, 0], Malformed),
        (4, [0, 99], BadProof),
        (4, [-1], Malformed),
        (4, [True], Malformed),
        (4, list(range(4_097)), Malformed),
    ],
    ids=map(str, count()),
)
def test_a_derived_proof_in_any_other_form_is_refused(position: int, value: Any, error: type[Exception]) -> None:
    derived = derive("/credentialSubject/name")
    with pytest.raises(error):
        ecdsa_sd_2023.verify_derived(change(derived, position, value), key=SIGNER.public_key)


def test_labels_that_are_swapped_are_refused() -> None:
    derived = derive("/credentialSubject/name")
    labels = DerivedValue.parse(derived["proof"]["proofValue"]).label_map
    digests = [base64url.decode(label[1:], what="label") for label in labels.values()]
    with pytest.raises(BadProof):
        ecdsa_sd_2023.verify_derived(change(derived, 3, dict(enumerate(digests[::-1]))), key=SIGNER.public_key)


def test_a_base_proof_with_a_signature_too_few_is_refused() -> None:
    secured = issue()
    with pytest.raises(BadProof):
        ecdsa_sd_2023.derive(change(secured, 3, [bytes(64)]), selective=[])


@pytest.mark.parametrize(
    "value",
    ["", "u", "z1", "u2V0", "u2V0B", "u2V0Bgw", "m2V0Bgw", "u2V0AYA", "uAAAA", "u2V0B9g", "u" + "A" * 70_000],
    ids=lambda value: value[:9],
)
def test_a_value_that_is_no_proof_is_malformed(value: str) -> None:
    derived = derive()
    derived["proof"]["proofValue"] = value
    with pytest.raises(Malformed):
        ecdsa_sd_2023.verify_derived(derived, key=SIGNER.public_key)
