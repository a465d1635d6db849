"""Linked credentials from the credential endpoint: one shape, and nothing that joins."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

import schemas
from credentials.data_integrity import bbs_2023, eddsa_rdfc_2022
from credentials.data_integrity.proofs import read_proofs
from credentials.dids.did_key import build_did_key
from credentials.door_pass import (
    Door,
    Limit,
    PassContent,
    check_door_pass,
    open_door_pass,
    show_door_pass,
    slot_of,
)
from credentials.encoding import base64url
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.linked_credential import check_linked_shape, claim_pointers
from credentials.protocols.openid4vci import SD_JWT_VC, CredentialResponse, IssuerMetadata
from credentials.trust import TrustedIssuer, TrustPolicy
from issuer.counting_tables import CommitmentRow
from issuer.service.deferred import hold_copy, let_copy_go
from issuer.service.registers import verify_artist
from issuer.store import Store
from schemas import RELEASE_OWNERSHIP, TRACK_OWNERSHIP, VERIFIED_ARTIST, CredentialType
from tests.issuer.acts import copy_of
from tests.issuer.conftest import RELEASE, TRACKS, URL, Coop, Wallet, description
from tests.issuer.linked import ask_with, document, instance_of, opened
from tests.issuer.test_registers import persona
from tests.support.databases import everything_in

if TYPE_CHECKING:
    from issuer.copies import Copy

GATE = "https://shop.example/gates/1"


def open_it(
    coop: Coop, wallet: Wallet, credential: dict[str, Any], kind: CredentialType, identifier: str | None = None
) -> bbs_2023.BaseCredential:
    nym, blind = wallet.nyms[wallet.label_of(identifier)] if identifier else (None, None)
    key = coop.parts.identity.linked.of(kind).public_key
    return bbs_2023.open_base(credential, public_key=key, prover_nym=nym, blind=blind)


def pseudonym(base: bbs_2023.BaseCredential, domain: str = GATE) -> bytes:
    shown = bbs_2023.derive(
        base, selective=[], presentation_header=bytes(32), nym_domain=domain, random=secrets.token_bytes
    )
    found = bbs_2023.verify_derived(shown, public_key=base.value.public_key).pseudonym
    assert found
    return found


async def test_a_baseline_credential_is_like_every_other_of_its_month(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    token = await opened(coop, wallet, listener)
    track = copy_of(coop, listener, TRACKS[1])
    credential = await document(wallet, token, f"{track.id}.bbs")
    base = open_it(coop, wallet, credential, TRACK_OWNERSHIP)
    check_linked_shape(base, TRACK_OWNERSHIP, issuer_did=coop.parts.identity.did, at=coop.now)
    assert (credential["validFrom"], credential["validUntil"]) == ("2026-11-01T00:00:00Z", "2026-12-11T00:00:00Z")
    assert credential["credentialSubject"] == {
        "track": TRACKS[1],
        "name": "Stop 2",
        "byArtist": "The Long Way Home",
        "isrcCode": "none",
        "inAlbum": RELEASE,
        "albumName": "Night Bus EP",
        "acquisition": "purchase",
        "acquired": "2026-11",
    }
    jsonschema.validate(credential, TRACK_OWNERSHIP.linked_schema)
    assert "status" not in str(credential)
    shown = bbs_2023.derive(
        base,
        selective=claim_pointers(["track"]),
        presentation_header=bytes(32),
        nym_domain=None,
        random=secrets.token_bytes,
    )
    derived = bbs_2023.verify_derived(shown, public_key=coop.parts.identity.linked.of(TRACK_OWNERSHIP).public_key)
    assert derived.document["credentialSubject"] == {"track": TRACKS[1]}


async def test_release_track_and_the_next_month_have_one_pseudonym_at_a_gate_and_another_at_the_next(
    coop: Coop, wallet: Wallet
) -> None:
    listener = coop.owner()
    token = await opened(coop, wallet, listener)
    release, track = (f"{copy_of(coop, listener, each).id}.pseudonym" for each in (RELEASE, TRACKS[0]))
    first = open_it(coop, wallet, await document(wallet, token, release), RELEASE_OWNERSHIP, release)
    check_linked_shape(first, RELEASE_OWNERSHIP, issuer_did=coop.parts.identity.did, at=coop.now)
    again = open_it(coop, wallet, await document(wallet, token, track), TRACK_OWNERSHIP, track)
    coop.now = datetime(2026, 12, 9, 4, tzinfo=UTC)
    later = open_it(
        coop, wallet, await document(wallet, await opened(coop, wallet, listener), track), TRACK_OWNERSHIP, track
    )
    assert later.document["validFrom"] == "2026-12-01T00:00:00Z"
    assert pseudonym(first) == pseudonym(again) == pseudonym(later)
    assert pseudonym(first, "https://other.example/gates/1") != pseudonym(first)


async def test_every_form_of_every_type_is_in_the_metadata_with_what_it_wants(wallet: Wallet) -> None:
    found = await wallet.http.get("/.well-known/openid-credential-issuer")
    metadata = IssuerMetadata.parse(found.content, issuer=URL)
    for kind in schemas.ALL:
        name = kind.configuration_id
        plain, baseline, counted = (metadata.configuration(f"{name}{form}") for form in ("", ".bbs", ".pseudonym"))
        assert (plain.format, plain.types) == (SD_JWT_VC, ())
        for linked in (baseline, counted):
            assert (linked.format, linked.signing_algorithms) == ("ldp_vc", ("bbs-2023",))
            assert linked.types == kind.ldp_types
            assert [each.path for each in linked.claims] == [
                ("credentialSubject", each) for each in kind.linked_claim_names
            ]
        assert (baseline.binding_methods, baseline.proof_algorithms, baseline.commitment_algorithms) == ((), (), ())
        assert (counted.binding_methods, counted.commitment_algorithms) == (("bbs_commitment",), ("ES256",))
    assert metadata.configuration(f"{VERIFIED_ARTIST.configuration_id}.eddsa").binding_methods == ("did:key",)
    assert len({each.scope for each in metadata.configurations}) == len(metadata.configurations)


async def test_a_wallet_that_knows_no_identifiers_gets_the_one_copy_in_the_form_that_it_names(
    coop: Coop, wallet: Wallet
) -> None:
    token = await opened(coop, wallet, coop.owner())
    answer = await wallet.credential(token, {"credential_configuration_id": "ReleaseOwnershipCredential.bbs"})
    assert answer.json()["credentials"][0]["credential"]["type"] == list(RELEASE_OWNERSHIP.ldp_types)


async def test_a_wallet_may_ask_for_one_form_only_by_its_scope(coop: Coop, wallet: Wallet) -> None:
    answer = await wallet.token(coop.offer(coop.owner()), scope="release_ownership.bbs")
    [detail] = answer.json()["authorization_details"]
    assert detail["credential_configuration_id"] == "ReleaseOwnershipCredential.bbs"
    assert "handstamp_commitments" not in detail


async def test_a_door_pass_has_the_pseudonym_of_its_release_and_fits_on_a_door(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    token = await opened(coop, wallet, listener)
    identifier = copy_of(coop, listener, RELEASE).id
    base = open_it(
        coop,
        wallet,
        await document(wallet, token, f"{identifier}.pseudonym"),
        RELEASE_OWNERSHIP,
        f"{identifier}.pseudonym",
    )
    answer = await wallet.ask(token, f"{identifier}.door")
    [issued] = CredentialResponse.parse(answer.content).credentials
    nym, blind = wallet.nyms[wallet.label_of(f"{identifier}.door")]
    policy = TrustPolicy((trusted(coop),))
    expected = PassContent(vct=RELEASE_OWNERSHIP.vct, subject=RELEASE, month=coop.now.year * 12 + coop.now.month - 1)
    held = open_door_pass(
        issued, policy=policy, issuer=URL, expected=expected, prover_nym=nym, blind=blind, at=coop.now
    )
    text = show_door_pass(held, gate=GATE, slot=slot_of(coop.now), limit=Limit.EVER, random=secrets.token_bytes)
    door = Door(gate=GATE, accepts={RELEASE_OWNERSHIP.vct: frozenset({RELEASE})}, limit=Limit.EVER)
    assert check_door_pass(text, policy=policy, door=door, at=coop.now).pseudonym == pseudonym(base)


def trusted(coop: Coop) -> TrustedIssuer:
    """The co-op with the keys that its DID document holds."""
    identity = coop.parts.identity
    linked = identity.linked
    return TrustedIssuer(
        issuer=URL,
        name="Sound Commons",
        types=frozenset(schemas.BY_VCT),
        did=identity.did,
        bbs_keys={linked.method_of(kind, identity.did): linked.of(kind).public_key for kind in schemas.ALL},
    )


@pytest.mark.parametrize("title", ["Sad ^_:( Song", "urn:bnid:x"])
async def test_a_title_that_no_statement_can_hold_binds_the_record_to_nothing(
    coop: Coop, wallet: Wallet, title: str
) -> None:
    coop.add_release(description(title=title))
    listener = coop.owner()
    token = await opened(coop, wallet, listener)
    copy = copy_of(coop, listener, RELEASE)
    for form in (".pseudonym", ".bbs"):
        answer = await wallet.ask(token, copy.id + form)
        assert (answer.status_code, answer.json()["error"]) == (400, "credential_request_denied")
        assert "single-use stamps" in answer.json()["error_description"]
    assert coop.rows(CommitmentRow) == 0
    assert instance_of(await wallet.ask(token, copy.id))["copy"] == copy.id


async def test_a_title_that_no_statement_can_hold_still_comes_as_door_pass_and_instances(
    coop: Coop, wallet: Wallet
) -> None:
    coop.add_release(description(title="Night _:b0 EP"))
    listener = coop.owner()
    token = await opened(coop, wallet, listener)
    copy = copy_of(coop, listener, RELEASE)
    assert (await wallet.ask(token, f"{copy.id}.door")).status_code == 200
    # The number of the pass is what counts now.
    assert instance_of(await wallet.ask(token, copy.id))["copy"] == schemas.NOT_KNOWN


# Later, and to publish.


def hold(coop: Coop, copy: Copy, *, held: bool) -> None:
    with coop.parts.database.write() as session:
        store = Store(session)
        if held:
            hold_copy(store, copy.id, now=coop.now)
        else:
            assert let_copy_go(store, copy.id)


async def test_what_was_held_back_comes_later_in_every_form_and_only_for_the_wallet_that_was_first(
    coop: Coop, wallet: Wallet
) -> None:
    listener = coop.owner()
    copy = copy_of(coop, listener, RELEASE)
    hold(coop, copy, held=True)
    token = await opened(coop, wallet, listener)
    waiting = {}
    for form in (".bbs", ".pseudonym"):
        answer = await wallet.ask(token, copy.id + form)
        assert answer.status_code == 202
        waiting[form] = {"transaction_id": answer.json()["transaction_id"]}
    first = wallet.nyms[wallet.label_of(f"{copy.id}.pseudonym")]
    wallet.nyms.clear()
    other = {"transaction_id": (await wallet.ask(token, f"{copy.id}.pseudonym")).json()["transaction_id"]}
    hold(coop, copy, held=False)
    for form, body in waiting.items():
        answer = await wallet.post("/deferred_credential", token, body)
        assert answer.json()["credentials"][0]["credential"]["issuer"] == coop.parts.identity.did, form
    refused = await wallet.post("/deferred_credential", token, other)
    assert refused.json()["error"] == "invalid_proof"
    wallet.nyms[wallet.label_of(f"{copy.id}.pseudonym")] = first
    await document(wallet, token, f"{copy.id}.pseudonym")


@pytest.mark.parametrize("kind", [KeyKind.ED25519, KeyKind.P256], ids=str)
async def test_what_an_artist_publishes_names_the_key_that_speaks_for_them(
    coop: Coop, wallet: Wallet, kind: KeyKind
) -> None:
    listener = coop.listener()
    with coop.parts.database.write() as session:
        verify_artist(Store(session), persona(listener), random=secrets.token_bytes, now=coop.now)
    [copy] = coop.copies(listener)
    token = await opened(coop, wallet, listener)
    key = LocalSigner.generate(kind)
    for _ in range(2):  # it is renewed with the same key
        answer = await wallet.ask(token, f"{copy.id}.eddsa", [key])
        assert answer.status_code == 200, answer.text
    credential = answer.json()["credentials"][0]["credential"]
    assert credential["credentialSubject"]["id"] == build_did_key(key.public_key)
    assert "copy" not in credential["credentialSubject"]
    jsonschema.validate(credential, VERIFIED_ARTIST.public_schema)
    [proof] = read_proofs(credential)
    eddsa_rdfc_2022.verify_proof(credential, proof, key=coop.parts.identity.linked.signer.public_key)
    two = wallet.key_proofs(await wallet.nonce(), [key, LocalSigner.generate(kind)])
    assert await ask_with(wallet, token, f"{copy.id}.eddsa", {"jwt": two}) == "invalid_proof"


async def test_nothing_that_a_gate_sees_of_a_holder_is_kept_by_the_co_op(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    identifier = f"{copy_of(coop, listener, RELEASE).id}.pseudonym"
    credential = await document(wallet, await opened(coop, wallet, listener), identifier)
    base = open_it(coop, wallet, credential, RELEASE_OWNERSHIP, identifier)
    seen = pseudonym(base)
    nym, blind = wallet.nyms[wallet.label_of(identifier)]
    kept = everything_in(coop.parts.database)
    assert base64url.encode(base.value.signature).encode() not in kept
    for secret in (seen, nym.to_bytes(), blind.to_bytes(), base.value.signature, base.value.hmac_key):
        assert secret not in kept
        assert base64url.encode(secret).encode() not in kept
        assert secret.hex().encode() not in kept
