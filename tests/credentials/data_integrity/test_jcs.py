"""What stays true of proofs over letters: what they cover, what may be appended, and where they do not count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from credentials.data_integrity import ecdsa_jcs_2019, eddsa_jcs_2022, eddsa_rdfc_2022, errors
from credentials.data_integrity.adding import build_proof_members
from credentials.data_integrity.chains import ProvenDocument, verify_proofs
from credentials.data_integrity.hashing import HashName, hash_data, write_json
from credentials.data_integrity.proofs import read_proofs, without_proof
from credentials.data_integrity.suites import ALL_SUITES, LINKED_SUITES
from credentials.encoding.multibase import encode_base58btc
from credentials.encoding.strict_json import parse_object
from credentials.errors import Malformed
from credentials.keys.kinds import KeyKind

if TYPE_CHECKING:
    from credentials.data_integrity.jcs import JcsSuite
    from credentials.errors import HandstampError
    from tests.credentials.data_integrity.conftest import Party, Town

V2 = "https://www.w3.org/ns/credentials/v2"
OTHER = "https://www.w3.org/ns/did/v1"


def suite_of(party: Party) -> JcsSuite:
    return eddsa_jcs_2022.SUITE if party.signer.public_key.kind is KeyKind.ED25519 else ecdsa_jcs_2019.SUITE


def sign(party: Party, document: dict[str, Any], **options: Any) -> dict[str, Any]:
    return suite_of(party).add_proof(document, signer=party.signer, verification_method=party.method, **options)


def verify(town: Town, document: dict[str, Any], **changes: Any) -> ProvenDocument:
    return verify_proofs(document, town.policy(suites=ALL_SUITES, **changes))


@pytest.mark.parametrize("name", ["coop", "label", "listener"])
def test_what_each_kind_of_key_signs_holds_whatever_the_order_of_its_members(town: Town, name: str) -> None:
    credential = town.coop.credential(unheardOf={"b": [1.5, True, None], "a": "ä"})
    secured = sign(getattr(town, name), credential, created=town.now)
    assert secured["proof"]["@context"] == [V2]
    turned = dict(reversed(secured.items()))
    turned["unheardOf"] = {"a": "ä", "b": [15e-1, True, None]}
    assert verify(town, turned).document == credential


def _set_proof(**changes: Any) -> Any:
    return lambda secured: secured["proof"].update(changes)


def _flip(secured: dict[str, Any]) -> None:
    value = secured["proof"]["proofValue"]
    secured["proof"]["proofValue"] = value[:-1] + ("1" if value[-1] != "1" else "2")


CHANGES: dict[str, tuple[Any, type[HandstampError]]] = {
    "a letter": (lambda secured: secured.update(name="proof of attendance"), errors.BadProof),
    "an order": (lambda secured: secured["list"].reverse(), errors.BadProof),
    "true for 1": (lambda secured: secured.update(list=[True, 2]), errors.BadProof),
    "text for a number": (lambda secured: secured.update(list=["1", 2]), errors.BadProof),
    "another normal form": (lambda secured: secured.update(accent="a\u0308"), errors.BadProof),
    "a member more": (lambda secured: secured.update(unheardOf="of"), errors.BadProof),
    "a member less": (lambda secured: secured.pop("name"), errors.BadProof),
    "a member of the proof": (_set_proof(unheardOf="of"), errors.BadProof),
    "its time": (_set_proof(created="2026-11-20T00:00:00Z"), errors.BadProof),
    "its value": (_flip, errors.BadProof),
    "its context taken out": (lambda secured: secured["proof"].pop("@context"), errors.BadProof),
    "both contexts": (
        lambda secured: (secured.update({"@context": [OTHER]}), _set_proof(**{"@context": [OTHER]})(secured)),
        errors.BadProof,
    ),
    "context as text": (_set_proof(**{"@context": V2}), errors.BadProof),
    "no context signed": (_set_proof(**{"@context": []}), errors.BadProof),
    "another context before": (
        lambda secured: secured.update({"@context": [OTHER, V2]}),
        errors.ProofContextMismatch,
    ),
    "no context": (lambda secured: secured.pop("@context"), errors.ProofContextMismatch),
    "a context fewer": (_set_proof(**{"@context": [V2, OTHER]}), errors.ProofContextMismatch),
    "a context of another kind": (_set_proof(**{"@context": {V2: 1}}), errors.ProofContextMismatch),
    "an integer beyond 53 bits": (lambda secured: secured.update(list=[2**53]), Malformed),
    "a number beyond all": (lambda secured: secured.update(list=[float("inf")]), Malformed),
    "a lone surrogate": (lambda secured: secured.update(name="\ud800"), Malformed),
    "a lone surrogate in a context": (_set_proof(**{"@context": ["\ud800"]}), Malformed),
    "another base": (_set_proof(proofValue="u" + "A" * 86), Malformed),
    "a suite that reads contexts": (_set_proof(cryptosuite="eddsa-rdfc-2022"), Malformed),
    "a suite of other keys": (_set_proof(cryptosuite="ecdsa-jcs-2019"), errors.WrongKeyKind),
    "another's key": (_set_proof(verificationMethod="LABEL"), errors.WrongKeyKind),
}


@pytest.mark.parametrize(("change", "refusal"), CHANGES.values(), ids=CHANGES)
def test_whatever_is_changed_after_signing_is_refused(town: Town, change: Any, refusal: type[HandstampError]) -> None:
    secured = sign(town.coop, town.coop.credential(list=[1, 2], accent="\u00e4"))
    change(secured)
    if secured["proof"]["verificationMethod"] == "LABEL":
        secured["proof"]["verificationMethod"] = town.label.method
    with pytest.raises(refusal):
        verify(town, secured)


@pytest.mark.parametrize(
    "text", ['{"a":1e400}', '{"a":-1e400}', '{"a":NaN}', '{"a":1,"a":1}', '{"a":9007199254740993}']
)
def test_json_that_readers_read_differently_does_not_come_as_far_as_a_proof(text: str) -> None:
    with pytest.raises(Malformed):
        parse_object(text, what="credential")


def test_what_was_appended_to_the_context_is_not_what_was_signed(town: Town) -> None:
    credential = town.coop.credential()
    secured = sign(town.coop, credential)
    appended = secured | {"@context": [V2, {"name": "https://evil.example/#debt"}]}
    assert verify(town, appended).document == credential
    # Who signs the whole after that would put its words into the mouth of who signed before.
    for late in (sign(town.label, appended), sign(town.label, secured | {"@context": [V2, OTHER]})):
        with pytest.raises(errors.ProofContextsDiffer):
            verify(town, late)


def test_a_document_without_a_context_is_signed_as_it_is(town: Town) -> None:
    secured = sign(town.label, {"hello": "world"})
    assert secured["proof"].keys() == {"type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue"}
    assert verify(town, secured).document == {"hello": "world"}
    with pytest.raises(errors.BadProof):
        verify(town, secured | {"@context": [V2]})


def test_a_proof_without_its_context_covers_the_whole_context_of_the_document(town: Town) -> None:
    # vc-di-eddsa §3.3.1: others may leave step 2 out.
    document = town.coop.credential()
    members = build_proof_members("eddsa-jcs-2022", town.coop.method, {})
    data = hash_data(document, members, hash_name=HashName.SHA_256, write=write_json)
    secured = document | {"proof": members | {"proofValue": encode_base58btc(town.coop.signer.sign(data))}}
    assert verify(town, secured).document == document
    with pytest.raises(errors.BadProof):
        verify(town, secured | {"@context": [V2, OTHER]})


def test_sets_and_chains_hold_and_break_as_those_of_other_suites_do(town: Town) -> None:
    first = sign(town.coop, town.coop.credential(), proof_id="urn:uuid:1")
    both = sign(town.label, first, previous_proof="urn:uuid:1")
    mixed = town.listener.sign(both)
    assert len(verify(town, mixed).proofs) == 3
    forged = both | {"proof": [both["proof"][0] | {"created": "2026-11-01T00:00:00Z"}, both["proof"][1]]}
    with pytest.raises(errors.BadProof):
        suite_of(town.label).verify_proof(forged, read_proofs(forged)[1], key=town.label.signer.public_key)
    with pytest.raises(errors.PreviousProofMissing):
        verify(town, both | {"proof": both["proof"][1]})


def test_who_asks_for_no_suite_gets_none_that_reads_no_contexts(town: Town) -> None:
    secured = sign(town.coop, town.coop.credential())
    assert {"eddsa-jcs-2022", "ecdsa-jcs-2019"} == ALL_SUITES - LINKED_SUITES
    with pytest.raises(errors.UnsupportedSuite):
        verify_proofs(secured, town.policy())


def test_a_proof_counts_for_its_own_suite_and_key_only(town: Town) -> None:
    secured = sign(town.coop, town.coop.credential())
    (proof,) = read_proofs(secured)
    for suite in (eddsa_rdfc_2022, ecdsa_jcs_2019):
        with pytest.raises(errors.WrongSuite):
            suite.verify_proof(secured, proof, key=town.coop.signer.public_key)
    other = type(town.coop)(type(town.coop.signer).generate(KeyKind.ED25519))
    with pytest.raises(errors.BadProof):
        eddsa_jcs_2022.verify_proof(secured, proof, key=other.signer.public_key)
    with pytest.raises(errors.WrongKeyKind):
        eddsa_jcs_2022.add_proof(
            without_proof(secured), signer=town.label.signer, verification_method=town.label.method
        )
