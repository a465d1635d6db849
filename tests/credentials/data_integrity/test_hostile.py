"""What a stranger, or a careless issuer, may bring to the suites: each is refused for its own reason."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

from credentials.bbs import BadBbsProof
from credentials.data_integrity import bbs_2023
from credentials.data_integrity.bbs_2023 import Feature
from credentials.data_integrity.chains import verify_proofs
from credentials.data_integrity.errors import BadProof, UnsupportedSuite, WrongController
from credentials.data_integrity.presentations import verify_credential
from credentials.data_integrity.proof_values import read_value, write_value
from credentials.door_pass import check_door_pass, parse_door_pass
from credentials.encoding import base45
from credentials.encoding.cbor import decode, encode
from credentials.linked_credential import MANDATORY_POINTERS, build_linked_credential, claim_pointers
from credentials.linked_data import BlankNodeNamed
from credentials.months import start_of_month
from schemas import TRACK_OWNERSHIP
from tests.support.doors import DID, NOW, DoorTown, door

if TYPE_CHECKING:
    from tests.credentials.data_integrity.conftest import Town

NAMED = {
    "its subject": {"credentialSubject": {"id": "_:me", "description": "Was there"}},
    "itself": {"id": "_:this"},
    "a type": {"type": ["VerifiableCredential", "_:kind"]},
    "a name for choosing parts": {"credentialSubject": {"id": "urn:bnid:me", "description": "Was there"}},
    "somebody spoken of": {"termsOfUse": {"id": "_:terms", "type": "https://terms.example/"}},
}


@pytest.mark.parametrize("changes", NAMED.values(), ids=NAMED)
@pytest.mark.parametrize("suite", ["coop", "label"])
def test_nothing_is_issued_that_names_a_blank_node(town: Town, suite: str, changes: dict[str, Any]) -> None:
    party = getattr(town, suite)

    with pytest.raises(BlankNodeNamed):
        party.sign(party.credential(**changes))


def test_a_text_that_looks_like_a_name_is_a_text_where_all_is_signed_and_shown(town: Town) -> None:
    credential = town.coop.credential(name="_:b0 and urn:bnid:b1")

    assert verify_proofs(town.coop.sign(credential), town.policy()).document == credential


def test_one_bad_proof_beside_a_good_one_spoils_a_document(town: Town) -> None:
    both = town.label.sign(town.coop.sign(town.coop.credential()))
    bad = both | {"proof": [both["proof"][0], both["proof"][1] | {"created": "2026-11-01T00:00:00Z"}]}
    unknown = both | {"proof": [both["proof"][0], both["proof"][1] | {"cryptosuite": "trust-me-2026"}]}

    with pytest.raises(BadProof):
        verify_proofs(bad, town.policy())
    with pytest.raises(UnsupportedSuite):
        verify_proofs(unknown, town.policy())
    # Both hold, and one is of somebody who is not the issuer.
    with pytest.raises(WrongController):
        verify_credential(both, town.policy())


@pytest.mark.parametrize("names", [("urn:1", "urn:1"), ("urn:2", "urn:1")], ids=["itself", "in a circle"])
def test_proofs_that_build_on_themselves_come_to_an_end(town: Town, names: tuple[str, str]) -> None:
    both = town.label.sign(town.coop.sign(town.coop.credential(), proof_id="urn:1"), proof_id="urn:2")
    circle = [proof | {"previousProof": name} for proof, name in zip(both["proof"], names, strict=True)]

    with pytest.raises(BadProof):
        verify_proofs(both | {"proof": circle}, town.policy())


DOORS = DoorTown()
SHOWN_AT_A_DOOR = DOORS.show(DOORS.hold(), door())


def _show_all() -> dict[str, Any]:
    """A linked credential by the key of the door passes, all of it shown, so that proofs are of one length."""
    secured = bbs_2023.add_base_proof(
        build_linked_credential(
            TRACK_OWNERSHIP, issuer_did=DID, month_start=start_of_month(NOW), claims=TRACK_OWNERSHIP.example
        ),
        secret_key=DOORS.key,
        verification_method=DOORS.method_of(),
        mandatory=MANDATORY_POINTERS,
        random=secrets.token_bytes,
        feature=Feature.PSEUDONYM,
        commitment_with_proof=DOORS.commitment.commitment_with_proof,
        entropy=DOORS.entropy,
    )
    base = bbs_2023.open_base(
        secured, public_key=DOORS.key.public_key, prover_nym=DOORS.nym, blind=DOORS.commitment.blind
    )
    return bbs_2023.derive(
        base,
        selective=claim_pointers(TRACK_OWNERSHIP.linked_claim_names),
        presentation_header=b"",
        nym_domain=door().gate,
        random=secrets.token_bytes,
    )


def test_what_a_door_was_shown_is_no_proof_of_bbs_2023_nor_the_other_way_round() -> None:
    # Both have one key, one nym and so, for one gate, one pseudonym; the header that was signed tells them apart.
    derived, shown = _show_all(), parse_door_pass(SHOWN_AT_A_DOOR)
    kind, components = read_value(derived["proof"]["proofValue"], range(10))
    proof, pseudonym = components[0], components[6]
    assert pseudonym == shown.pseudonym
    assert isinstance(proof, bytes)
    assert len(proof) == len(shown.proof)

    swapped = write_value(kind, [shown.proof, *components[1:]])
    with pytest.raises(BadProof):
        bbs_2023.verify_derived(
            derived | {"proof": derived["proof"] | {"proofValue": swapped}}, public_key=DOORS.key.public_key
        )
    members = decode(base45.decode(SHOWN_AT_A_DOOR, what="pass", max_characters=1_200), what="pass")
    assert isinstance(members, list)
    scanned = base45.encode(encode([*members[:-1], proof + shown.pseudonym]))
    with pytest.raises(BadBbsProof):
        check_door_pass(scanned, policy=DOORS.policy(), door=door(), at=NOW)
