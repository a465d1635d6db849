"""W3C credentials of our types between our code and Digital Bazaar's packages: each role is played by both."""

from __future__ import annotations

import copy
import secrets
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from credentials.bbs import BbsPublicKey, BbsSecretKey, ProverNym, commit_nym
from credentials.data_integrity import bbs_2023, ecdsa_rdfc_2019, ecdsa_sd_2023, eddsa_rdfc_2022
from credentials.data_integrity.chains import ProofPolicy, verify_proofs
from credentials.data_integrity.errors import BadProof, WrongChallenge, WrongDomain
from credentials.data_integrity.presentations import build_presentation, verify_presentation
from credentials.data_integrity.proofs import controller_of, without_proof
from credentials.dids.did_key import build_did_key
from credentials.dids.document import multikey_url
from credentials.encoding import base64url
from credentials.errors import Malformed
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.linked_credential import MANDATORY_POINTERS, claim_pointers
from credentials.linked_data import canonicalize
from schemas import ALL, TRACK_OWNERSHIP, CredentialType
from tests.support.bazaar import (
    HEADER,
    NOW,
    NOW_TEXT,
    Bazaar,
    build,
    find_keys,
    method_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow


CHALLENGE, DOMAIN = "XpQ0c4Kq8mVv1yJ7bRr2Zg", "https://gate.example"
SIDES = ("ours", "theirs")
PAIRS = tuple(product(SIDES, SIDES))
WHOLE = {
    KeyKind.ED25519: eddsa_rdfc_2022.SUITE,
    KeyKind.P256: ecdsa_rdfc_2019.SUITE,
    KeyKind.P384: ecdsa_rdfc_2019.SUITE,
}


def name_case(value: object) -> str:
    return value.configuration_id if isinstance(value, CredentialType) else str(getattr(value, "name", value))


def verify_here(secured: dict[str, Any]) -> None:
    find_key = find_keys(controller_of(secured["proof"]["verificationMethod"]))
    verify_proofs(secured, ProofPolicy(find_key=find_key, at=NOW))


def change(secured: dict[str, Any]) -> dict[str, Any]:
    changed = copy.deepcopy(secured)
    name = next(iter(changed["credentialSubject"]))
    changed["credentialSubject"][name] = "Another"
    return changed


@pytest.mark.parametrize("kind", ALL, ids=name_case)
def test_both_see_the_same_statements_in_a_credential(bazaar: Bazaar, kind: CredentialType) -> None:
    document = build(kind, "did:web:coop.example")
    assert bazaar.ask("canonize", document=document) == canonicalize(document).text


@pytest.mark.parametrize("kind", list(WHOLE), ids=lambda kind: kind.value)
def test_what_one_signs_whole_the_other_verifies(bazaar: Bazaar, kind: KeyKind) -> None:
    suite, signer = WHOLE[kind], LocalSigner.generate(kind)
    did = build_did_key(signer.public_key)
    bazaar.know_did(did)
    method = multikey_url(did, signer.public_key)
    made_here = suite.add_proof(build(TRACK_OWNERSHIP, did), signer=signer, verification_method=method, created=NOW)
    made_there = bazaar.issue(suite.name, bazaar.make_key(kind.value), TRACK_OWNERSHIP)
    for secured in (made_here, made_there):
        verify_here(secured)
        bazaar.verify(suite.name, secured)
        changed = change(secured)
        with pytest.raises(BadProof):
            verify_here(changed)
        assert "Invalid signature" in bazaar.refuse(suite.name, changed)


@dataclass(frozen=True)
class InParts:
    """A suite of credentials that are shown in parts, as our code does it."""

    name: str
    key: str
    issue: Callable[[CredentialType], dict[str, Any]]
    derive: Callable[[dict[str, Any], list[str]], dict[str, Any]]


def _issue_ecdsa_sd(kind: CredentialType) -> dict[str, Any]:
    signer = LocalSigner.generate()
    did = build_did_key(signer.public_key)
    return ecdsa_sd_2023.add_base_proof(
        build(kind, did),
        signer=signer,
        verification_method=method_of(did),
        mandatory=MANDATORY_POINTERS,
        random=secrets.token_bytes,
    )


def _derive_ecdsa_sd(secured: dict[str, Any], selective: list[str]) -> dict[str, Any]:
    return ecdsa_sd_2023.derive(secured, selective=selective)


def _issue_bbs(kind: CredentialType) -> dict[str, Any]:
    key = BbsSecretKey.generate()
    did = build_did_key(key.public_key)
    return bbs_2023.add_base_proof(
        build(kind, did),
        secret_key=key,
        verification_method=method_of(did),
        mandatory=MANDATORY_POINTERS,
        in_document_order=True,
        random=secrets.token_bytes,
    )


def _derive_bbs(secured: dict[str, Any], selective: list[str]) -> dict[str, Any]:
    multikey = secured["issuer"].removeprefix("did:key:")
    base = bbs_2023.open_base(secured, public_key=BbsPublicKey.from_multikey(multikey, what="key"))
    return bbs_2023.derive(base, selective=selective, presentation_header=HEADER, random=secrets.token_bytes)


ECDSA_SD = InParts(ecdsa_sd_2023.SUITE, "P-256", _issue_ecdsa_sd, _derive_ecdsa_sd)
BBS = InParts(bbs_2023.SUITE, "BLS12-381", _issue_bbs, _derive_bbs)


# Every pair of sides, and in bbs-2023 every type.
TRIPS = [
    *((ECDSA_SD, kind, *sides) for kind, sides in zip(ALL[:4], PAIRS, strict=True)),
    *((BBS, kind, *sides) for kind, sides in zip(ALL, (*PAIRS, PAIRS[1]), strict=True)),
]


@pytest.mark.parametrize(("suite", "kind", "issuer", "holder"), TRIPS, ids=name_case)
def test_what_one_signs_and_another_shows_in_parts_both_verify(
    bazaar: Bazaar, suite: InParts, kind: CredentialType, issuer: str, holder: str
) -> None:
    secured = issue(bazaar, suite, kind, issuer)
    names = kind.linked_claim_names[:2]
    selective = claim_pointers(names)
    shown = suite.derive(secured, selective) if holder == "ours" else bazaar.derive(suite.name, secured, selective)
    claims = {name: kind.example[name] for name in names}
    assert without_proof(shown) == {**build(kind, secured["issuer"]), "credentialSubject": claims}
    verify_here(shown)
    bazaar.verify(suite.name, shown)
    changed = change(shown)
    with pytest.raises(BadProof):
        verify_here(changed)
    assert "Invalid signature" in bazaar.refuse(suite.name, changed)


def issue(bazaar: Bazaar, suite: InParts, kind: CredentialType, side: str) -> dict[str, Any]:
    if side == "theirs":
        return bazaar.issue(suite.name, bazaar.make_key(suite.key), kind)
    secured = suite.issue(kind)
    bazaar.know_did(secured["issuer"])
    return secured


@pytest.mark.parametrize("holder", SIDES)
def test_both_hold_a_proof_to_the_occasion_that_it_was_made_for(bazaar: Bazaar, holder: str) -> None:
    secured = issue(bazaar, BBS, TRACK_OWNERSHIP, "ours")
    selective = claim_pointers(("track",))
    shown = BBS.derive(secured, selective) if holder == "ours" else bazaar.derive(BBS.name, secured, selective)
    key = BbsPublicKey.from_multikey(secured["issuer"].removeprefix("did:key:"), what="key")
    assert bbs_2023.verify_derived(shown, public_key=key).presentation_header == HEADER
    bazaar.refuse(BBS.name, shown, header=base64url.encode(b"what another gate asked for"))


@pytest.mark.parametrize("suite", [ECDSA_SD, BBS], ids=name_case)
def test_neither_takes_a_base_proof_for_one_that_shows_parts(bazaar: Bazaar, suite: InParts) -> None:
    secured = issue(bazaar, suite, TRACK_OWNERSHIP, "theirs")
    with pytest.raises(Malformed):
        verify_here(secured)
    bazaar.refuse(suite.name, secured)


def test_they_know_no_pseudonyms_and_refuse_what_has_one(bazaar: Bazaar) -> None:
    key, nym = BbsSecretKey.generate(), ProverNym.generate(secrets.token_bytes)
    did = build_did_key(key.public_key)
    bazaar.know_did(did)
    commitment = commit_nym(nym, random=secrets.token_bytes)
    secured = bbs_2023.add_base_proof(
        build(TRACK_OWNERSHIP, did),
        secret_key=key,
        verification_method=method_of(did),
        mandatory=MANDATORY_POINTERS,
        feature=bbs_2023.Feature.PSEUDONYM,
        commitment_with_proof=commitment.commitment_with_proof,
        entropy=bytes(31) + b"\x01",
        random=secrets.token_bytes,
    )
    base = bbs_2023.open_base(secured, public_key=key.public_key, prover_nym=nym, blind=commitment.blind)
    selective = claim_pointers(("track",))
    shown = bbs_2023.derive(
        base, selective=selective, presentation_header=HEADER, nym_domain=DOMAIN, random=secrets.token_bytes
    )
    verify_here(shown)
    assert 'valid "proofValue"' in bazaar.refuse(BBS.name, shown)


def present_here(bazaar: Bazaar, credentials: list[dict[str, Any]]) -> dict[str, Any]:
    signer = LocalSigner.generate(KeyKind.ED25519)
    holder = build_did_key(signer.public_key)
    bazaar.know_did(holder)
    return build_presentation(
        credentials,
        suite=eddsa_rdfc_2022.SUITE,
        signer=signer,
        holder=holder,
        verification_method=method_of(holder),
        created=NOW,
        challenge=CHALLENGE,
        domain=DOMAIN,
    )


def present_there(bazaar: Bazaar, credentials: list[dict[str, Any]]) -> dict[str, Any]:
    holder = bazaar.make_key("Ed25519")
    presentation: dict[str, Any] = bazaar.ask(
        "present",
        credentials=credentials,
        suite=eddsa_rdfc_2022.SUITE.name,
        method=method_of(holder),
        holder=holder,
        challenge=CHALLENGE,
        domain=DOMAIN,
        now=NOW_TEXT,
    )
    return presentation


@pytest.mark.parametrize("present", [present_here, present_there], ids=SIDES)
def test_a_presentation_of_several_credentials_answers_one_question(
    bazaar: Bazaar, present: Callable[[Bazaar, list[dict[str, Any]]], dict[str, Any]]
) -> None:
    whole = bazaar.issue(eddsa_rdfc_2022.SUITE.name, bazaar.make_key("Ed25519"), TRACK_OWNERSHIP)
    part = ECDSA_SD.derive(issue(bazaar, ECDSA_SD, TRACK_OWNERSHIP, "ours"), claim_pointers(("track",)))
    presentation = present(bazaar, [whole, part])
    dids = (presentation["holder"], whole["issuer"], part["issuer"])
    policy = ProofPolicy(find_key=find_keys(*dids), at=NOW, challenge=CHALLENGE, domain=DOMAIN)
    shown = verify_presentation(presentation, policy)
    assert [each.issuer for each in shown.credentials] == [whole["issuer"], part["issuer"]]
    asked = {"presentation": presentation, "suites": [eddsa_rdfc_2022.SUITE.name, ECDSA_SD.name], "now": NOW_TEXT}
    bazaar.ask("verifyPresentation", **asked, challenge=CHALLENGE, domain=DOMAIN)
    with pytest.raises(WrongChallenge):
        verify_presentation(presentation, replace(policy, challenge="another"))
    assert "challenge" in bazaar.ask.refusal("verifyPresentation", **asked, challenge="another", domain=DOMAIN)
    with pytest.raises(WrongDomain):
        verify_presentation(presentation, replace(policy, domain="https://another.example"))
    elsewhere = "https://another.example"
    assert "domain" in bazaar.ask.refusal("verifyPresentation", **asked, challenge=CHALLENGE, domain=elsewhere)
