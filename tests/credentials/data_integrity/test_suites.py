from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

from credentials.bbs import BbsSecretKey
from credentials.data_integrity import bbs_2023, ecdsa_sd_2023, errors
from credentials.data_integrity.chains import verify_proofs
from credentials.data_integrity.keys import check_controller, find_key_in, read_controller
from credentials.dids.did import parse_did
from credentials.dids.did_key import build_did_key, read_did_key
from credentials.errors import Malformed

if TYPE_CHECKING:
    from credentials.data_integrity.chains import ProofPolicy
    from tests.credentials.data_integrity.conftest import Town

MANDATORY = ["/issuer"]
SHOWN = ["/credentialSubject/description"]


def _show_ecdsa(town: Town, **options: Any) -> tuple[dict[str, Any], ProofPolicy]:
    secured = ecdsa_sd_2023.add_base_proof(
        town.label.credential(),
        signer=town.label.signer,
        verification_method=town.label.method,
        mandatory=MANDATORY,
        random=secrets.token_bytes,
        **options,
    )
    return ecdsa_sd_2023.derive(secured, selective=SHOWN), town.policy()


def _show_bbs(town: Town, **options: Any) -> tuple[dict[str, Any], ProofPolicy]:
    key = BbsSecretKey.generate()
    did = build_did_key(key.public_key)
    secured = bbs_2023.add_base_proof(
        town.coop.credential(issuer=did),
        secret_key=key,
        verification_method=f"{did}#{key.public_key.multikey}",
        mandatory=MANDATORY,
        random=secrets.token_bytes,
        **options,
    )
    base = bbs_2023.open_base(secured, public_key=key.public_key)
    shown = bbs_2023.derive(base, selective=SHOWN, presentation_header=b"", nym_domain=None, random=secrets.token_bytes)
    return shown, town.policy(find_key=find_key_in({did: read_did_key(parse_did(did, what="DID"))}))


@pytest.mark.parametrize("show", [_show_ecdsa, _show_bbs])
def test_what_is_shown_in_parts_is_verified_by_its_own_suite(town: Town, show: Any) -> None:
    shown, policy = show(town)
    proven = verify_proofs(shown, policy)
    assert proven.document["credentialSubject"] == {"id": "did:example:listener", "description": "Was there"}
    assert "name" not in proven.document
    shown["credentialSubject"]["description"] = "Was elsewhere"
    with pytest.raises(errors.BadProof):
        verify_proofs(shown, policy)


@pytest.mark.parametrize("show", [_show_ecdsa, _show_bbs])
def test_a_proof_in_parts_builds_on_no_other(town: Town, show: Any) -> None:
    shown, policy = show(town, proof_id="urn:uuid:1")
    shown["proof"]["previousProof"] = "urn:uuid:1"
    with pytest.raises(errors.ChainUnsupported):
        verify_proofs(shown, policy)


def test_a_bbs_key_verifies_no_other_suite(town: Town) -> None:
    key = BbsSecretKey.generate().public_key
    secured = town.coop.sign(town.coop.credential())
    with pytest.raises(errors.WrongKeyKind):
        verify_proofs(secured, town.policy(find_key=lambda _method, *, purpose: (purpose, key)[1]))


def test_a_party_is_a_url_or_an_object_with_an_id() -> None:
    assert read_controller({}, "holder") is None
    assert read_controller({"holder": "did:example:a"}, "holder") == "did:example:a"
    assert read_controller({"holder": {"id": "did:example:a"}}, "holder") == "did:example:a"
    for value in (None, "", {}, {"id": 1}, ["did:example:a"]):
        with pytest.raises(Malformed):
            read_controller({"holder": value}, "holder")


def test_a_proof_belongs_to_whom_the_document_names() -> None:
    check_controller({"issuer": "did:example:a"}, "did:example:a#key", role="issuer")
    for document in ({"issuer": "did:example:b"}, {}):
        with pytest.raises(errors.WrongController):
            check_controller(document, "did:example:a#key", role="issuer")
