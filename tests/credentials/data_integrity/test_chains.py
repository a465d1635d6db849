from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from credentials.data_integrity import ecdsa_rdfc_2019, eddsa_rdfc_2022, errors
from credentials.data_integrity.chains import verify_proofs
from credentials.data_integrity.proofs import AUTHENTICATION, read_proofs, without_proof
from credentials.data_integrity.suites import ALL_SUITES
from credentials.dids.errors import DidKeyUnknown
from credentials.errors import Malformed
from credentials.linked_data import DroppedTerm

if TYPE_CHECKING:
    from credentials.errors import HandstampError
    from tests.credentials.data_integrity.conftest import Town


def test_one_proof_proves_the_document(town: Town) -> None:
    for party in town.parties:
        document = party.credential()
        proven = verify_proofs(party.sign(document, created=town.now), town.policy())
        assert proven.document == document
        assert [proof.verification_method for proof in proven.proofs] == [party.method]


def test_a_set_of_proofs_by_several_parties_has_no_order(town: Town) -> None:
    document = town.coop.credential()
    secured = document
    for party in town.parties:
        secured = party.sign(secured)
    assert len(verify_proofs(secured, town.policy()).proofs) == 3
    secured["proof"].reverse()
    assert verify_proofs(secured, town.policy()).document == document


def _chain(town: Town) -> dict[str, Any]:
    first = town.coop.sign(town.coop.credential(), proof_id="urn:uuid:1")
    second = town.label.sign(first, proof_id="urn:uuid:2", previous_proof="urn:uuid:1")
    return town.listener.sign(second, previous_proof=["urn:uuid:1", "urn:uuid:2"])


def test_a_chain_of_proofs_holds_in_any_order_of_the_array(town: Town) -> None:
    secured = _chain(town)
    assert verify_proofs(secured, town.policy()).document == town.coop.credential()
    secured["proof"].reverse()
    verify_proofs(secured, town.policy())


def test_a_chain_breaks_when_one_of_its_proofs_is_made_anew(town: Town) -> None:
    secured = _chain(town)
    anew = town.coop.sign(town.coop.credential(), proof_id="urn:uuid:1", nonce="another")["proof"]
    secured["proof"][0] = anew
    with pytest.raises(errors.BadProof):
        verify_proofs(secured, town.policy())


def test_a_chain_breaks_when_one_of_its_proofs_is_taken_out(town: Town) -> None:
    secured = _chain(town)
    del secured["proof"][0]
    with pytest.raises(errors.PreviousProofMissing):
        verify_proofs(secured, town.policy())


def test_a_proof_cannot_be_added_upon_one_that_is_not_there(town: Town) -> None:
    with pytest.raises(errors.PreviousProofMissing):
        town.coop.sign(town.coop.credential(), previous_proof="urn:uuid:1")


def test_a_proof_stands_beside_one_of_an_older_kind_which_is_not_taken_for_good(town: Town) -> None:
    older = {"type": "Ed25519Signature2020", "proofValue": "z1"}
    secured = town.coop.sign(town.coop.credential(proof=older))
    assert secured["proof"][0] == older
    with pytest.raises(errors.UnsupportedSuite):
        verify_proofs(secured, town.policy())
    verify_proofs(secured | {"proof": secured["proof"][1]}, town.policy())


def test_a_proof_cannot_be_added_under_an_id_that_is_taken(town: Town) -> None:
    secured = town.coop.sign(town.coop.credential(), proof_id="urn:uuid:1")
    with pytest.raises(errors.ProofImpossible):
        town.label.sign(secured, proof_id="urn:uuid:1")


def _change_value(secured: dict[str, Any]) -> None:
    value = secured["proof"]["proofValue"]
    secured["proof"]["proofValue"] = value[:-1] + ("1" if value[-1] != "1" else "2")


def _set(**changes: Any) -> Any:
    return lambda secured: secured.update(changes)


def _set_proof(**changes: Any) -> Any:
    return lambda secured: secured["proof"].update(changes)


CHANGES: dict[str, tuple[Any, type[HandstampError]]] = {
    "another name": (_set(name="Another"), errors.BadProof),
    "another subject": (
        lambda secured: secured["credentialSubject"].update(id="did:example:thief"),
        errors.BadProof,
    ),
    "a claim more": (_set(validUntil="2027-01-01T00:00:00Z"), errors.BadProof),
    "a claim less": (lambda secured: secured.pop("name"), errors.BadProof),
    "an undefined claim": (_set(unheardOf="of"), DroppedTerm),
    "an undefined member of the proof": (_set_proof(unheardOf="of"), DroppedTerm),
    "another time": (_set_proof(created="2026-11-20T00:00:01Z"), errors.BadProof),
    "a nonce": (_set_proof(nonce="added"), errors.BadProof),
    "another purpose": (_set_proof(proofPurpose="authentication"), errors.WrongPurpose),
    "a suite that is not known": (_set_proof(cryptosuite="trust-me-2026"), errors.UnsupportedSuite),
    "a suite that reads no contexts": (_set_proof(cryptosuite="eddsa-jcs-2022"), errors.UnsupportedSuite),
    "ecdsa-rdfc-2019": (_set_proof(cryptosuite="ecdsa-rdfc-2019"), errors.WrongKeyKind),
    "ecdsa-sd-2023": (_set_proof(cryptosuite="ecdsa-sd-2023"), errors.WrongKeyKind),
    "bbs-2023": (_set_proof(cryptosuite="bbs-2023"), errors.WrongKeyKind),
    "an unknown key": (_set_proof(verificationMethod="did:example:x#y"), DidKeyUnknown),
    "no proof": (lambda secured: secured.pop("proof"), errors.ProofMissing),
    "another value": (_change_value, errors.BadProof),
    "another base": (_set_proof(proofValue="u" + "A" * 86), Malformed),
    "a short value": (_set_proof(proofValue="z1"), errors.BadProof),
    "no base58": (_set_proof(proofValue="z0OIl"), Malformed),
    "a long value": (_set_proof(proofValue="z" + "2" * 141), Malformed),
}


@pytest.mark.parametrize(("change", "refusal"), CHANGES.values(), ids=CHANGES)
def test_whatever_is_changed_after_signing_is_refused(town: Town, change: Any, refusal: type[HandstampError]) -> None:
    secured = town.coop.sign(town.coop.credential(), created=town.now - timedelta(days=1))
    change(secured)
    with pytest.raises(refusal):
        verify_proofs(secured, town.policy())


def test_another_key_of_the_same_kind_does_not_verify(town: Town) -> None:
    other = type(town.coop)(type(town.coop.signer).generate(town.coop.signer.public_key.kind))
    secured = other.sign(town.coop.credential())
    secured["proof"]["verificationMethod"] = town.coop.method
    with pytest.raises(errors.BadProof):
        verify_proofs(secured, town.policy())


def test_a_proof_for_logging_in_is_no_statement(town: Town) -> None:
    secured = town.coop.sign(town.coop.credential(), purpose=AUTHENTICATION)
    with pytest.raises(errors.WrongPurpose):
        verify_proofs(secured, town.policy())
    assert verify_proofs(secured, town.policy(purpose=AUTHENTICATION)).proofs


def test_a_purpose_that_no_key_is_listed_for_finds_no_key(town: Town) -> None:
    secured = town.coop.sign(town.coop.credential(), purpose="capabilityInvocation")
    with pytest.raises(DidKeyUnknown):
        verify_proofs(secured, town.policy(purpose="capabilityInvocation"))


def test_a_verifier_may_take_fewer_suites_than_there_are(town: Town) -> None:
    secured = town.coop.sign(town.coop.credential())
    with pytest.raises(errors.UnsupportedSuite):
        verify_proofs(secured, town.policy(suites=frozenset({"bbs-2023"})))
    assert verify_proofs(secured, town.policy(suites=ALL_SUITES)).proofs


def test_a_proof_is_checked_by_its_own_suite_only(town: Town) -> None:
    secured = town.coop.sign(town.coop.credential())
    with pytest.raises(errors.WrongSuite):
        ecdsa_rdfc_2019.verify_proof(secured, read_proofs(secured)[0], key=town.coop.signer.public_key)


def test_a_suite_does_not_sign_with_a_key_of_another_kind(town: Town) -> None:
    with pytest.raises(errors.WrongKeyKind):
        eddsa_rdfc_2022.add_proof(
            town.label.credential(), signer=town.label.signer, verification_method=town.label.method
        )


def test_a_document_whose_context_knows_no_proofs_is_given_one_that_does(town: Town) -> None:
    older = {
        "@context": ["https://www.w3.org/2018/credentials/v1"],
        "type": ["VerifiableCredential"],
        "issuer": town.coop.did,
        "issuanceDate": "2026-11-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:listener"},
    }
    secured = town.coop.sign(older, domain=["a.example", "b.example"], challenge="c", expires=town.now)
    assert secured["@context"] == [*older["@context"], "https://w3id.org/security/data-integrity/v2"]
    at = town.now - timedelta(seconds=1)
    assert verify_proofs(secured, town.policy(at=at, challenge="c")).document == without_proof(secured)
    with pytest.raises(errors.WrongDomain):
        verify_proofs(secured, town.policy(at=at, domain="a.example"))
    assert len(verify_proofs(town.label.sign(secured), town.policy(at=at)).proofs) == 2
