"""One commitment for life, what a cheat tries at the credential endpoint, and each wrong request with its error."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import jsonschema

import schemas
from credentials.bbs import ProverBlind, ProverNym, commit_nym
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vci import build_proof_jwt
from issuer.counting_tables import CommitmentRow
from tests.issuer.acts import copy_of, give
from tests.issuer.conftest import RELEASE, TRACKS, URL, Coop, Wallet
from tests.issuer.linked import ask_with, document, instance_of, opened

# One commitment for life: what a cheat tries at the credential endpoint.


async def refusal(wallet: Wallet, token: str, identifier: str) -> str:
    answer = await wallet.ask(token, identifier)
    assert answer.status_code == 400, answer.text
    return str(answer.json()["error"])


async def test_who_commits_anew_gets_nothing_for_the_release_or_any_of_its_tracks(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    token = await opened(coop, wallet, listener)
    await document(wallet, token, f"{copy_of(coop, listener, TRACKS[0]).id}.pseudonym")
    for second in (RELEASE, TRACKS[0], TRACKS[1]):
        wallet.nyms.clear()
        assert await refusal(wallet, token, f"{copy_of(coop, listener, second).id}.pseudonym") == "invalid_proof"


async def test_who_renews_with_another_nym_gets_nothing(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    identifier = f"{copy_of(coop, listener, RELEASE).id}.pseudonym"
    await document(wallet, await opened(coop, wallet, listener), identifier)
    coop.now = datetime(2026, 12, 3, tzinfo=UTC)
    wallet.nyms.clear()
    assert await refusal(wallet, await opened(coop, wallet, listener), identifier) == "invalid_proof"


async def test_the_same_secret_under_another_blind_is_another_commitment(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    identifier = f"{copy_of(coop, listener, RELEASE).id}.pseudonym"
    token = await opened(coop, wallet, listener)
    await document(wallet, token, identifier)
    label = wallet.label_of(identifier)
    wallet.nyms[label] = wallet.nyms[label][0], ProverBlind.generate(secrets.token_bytes)
    assert await refusal(wallet, token, identifier) == "invalid_proof"


async def test_one_secret_is_never_taken_for_two_listeners(coop: Coop, wallet: Wallet) -> None:
    robin, mia = coop.owner(), coop.owner()
    mine, theirs = (f"{copy_of(coop, each, RELEASE).id}.pseudonym" for each in (robin, mia))
    await document(wallet, await opened(coop, wallet, robin), mine)
    token = await opened(coop, wallet, mia)
    wallet.nyms[wallet.label_of(theirs)] = wallet.nyms[wallet.label_of(mine)]
    assert await refusal(wallet, token, theirs) == "invalid_proof"
    assert coop.rows(CommitmentRow) == 1


async def test_an_instance_after_a_pseudonym_names_no_copy(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    token = await opened(coop, wallet, listener)
    await document(wallet, token, f"{copy_of(coop, listener, TRACKS[0]).id}.pseudonym")
    for subject in (RELEASE, TRACKS[0], TRACKS[1]):
        claims = instance_of(await wallet.ask(token, copy_of(coop, listener, subject).id))
        assert claims["copy"] == "none"
        jsonschema.validate(dict(claims), schemas.BY_VCT[str(claims["vct"])].json_schema)


async def test_after_an_instance_that_names_its_copy_no_pseudonym_is_given_and_the_plain_form_is(
    coop: Coop, wallet: Wallet
) -> None:
    listener = coop.owner()
    token = await opened(coop, wallet, listener)
    copy = copy_of(coop, listener, TRACKS[0])
    assert instance_of(await wallet.ask(token, copy.id))["copy"] == copy.id
    release = copy_of(coop, listener, RELEASE)
    assert await refusal(wallet, token, f"{release.id}.pseudonym") == "credential_request_denied"
    await document(wallet, token, f"{release.id}.bbs")


async def test_what_was_given_away_is_counted_for_its_receiver_when_its_givers_credentials_are_over(
    coop: Coop, wallet: Wallet
) -> None:
    robin, mia = coop.owner(), coop.listener()
    await document(wallet, await opened(coop, wallet, robin), f"{copy_of(coop, robin, RELEASE).id}.pseudonym")
    give(coop, copy_of(coop, robin, RELEASE).id, mia)
    received = copy_of(coop, mia, RELEASE)
    token = await opened(coop, wallet, mia)
    assert await refusal(wallet, token, f"{received.id}.pseudonym") == "credential_request_denied"
    await document(wallet, token, f"{received.id}.bbs")
    assert instance_of(await wallet.ask(token, received.id))["copy"] == "none"
    coop.now = datetime(2027, 1, 2, tzinfo=UTC)
    await document(wallet, await opened(coop, wallet, mia), f"{received.id}.pseudonym")


# Hostile requests, each with its error.


async def test_a_credential_with_pseudonyms_wants_one_commitment_and_nothing_else(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    token = await opened(coop, wallet, listener)
    identifier = f"{copy_of(coop, listener, RELEASE).id}.pseudonym"
    now = int(coop.now.timestamp())
    key_proof = build_proof_jwt(signer=LocalSigner.generate(), audience=URL, nonce=await wallet.nonce(), issued_at=now)
    assert await ask_with(wallet, token, identifier, {"jwt": [key_proof]}) == "invalid_proof"
    assert await ask_with(wallet, token, identifier, None) == "invalid_proof"
    nonce = await wallet.nonce()
    made = commit_nym(ProverNym.generate(secrets.token_bytes), random=secrets.token_bytes).commitment_with_proof
    wrong = {
        "made for another issuer": wallet.commitment(nonce, "x", audience="http://other.localhost"),
        "too old": wallet.commitment(nonce, "x", issued_at=now - 900),
        "of a secret that its sender does not know": wallet.commitment(
            nonce, "x", commitment_with_proof=made[:-32] + bytes(31) + b"\x01"
        ),
        "no point": wallet.commitment(nonce, "x", commitment_with_proof=bytes(48) + made[48:]),
        "the identity": wallet.commitment(nonce, "x", commitment_with_proof=b"\xc0" + bytes(47) + made[48:]),
        "of no secret": wallet.commitment(nonce, "x", commitment_with_proof=made[:-32]),
        "of two secrets": wallet.commitment(nonce, "x", commitment_with_proof=made + bytes(32)),
    }
    for why, commitment in wrong.items():
        error = await ask_with(wallet, token, identifier, {"bbs2023_commitment": [commitment]})
        assert error == "invalid_proof", why
    assert coop.rows(CommitmentRow) == 0


async def test_a_commitment_is_good_once_and_with_a_nonce_of_the_co_op(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    token = await opened(coop, wallet, listener)
    identifier = f"{copy_of(coop, listener, RELEASE).id}.pseudonym"
    proofs = {"bbs2023_commitment": [wallet.commitment(await wallet.nonce(), wallet.label_of(identifier))]}
    answer = await wallet.credential(token, {"credential_identifier": identifier, "proofs": proofs})
    assert answer.status_code == 200
    assert await ask_with(wallet, token, identifier, proofs) == "invalid_nonce"
    foreign = {"bbs2023_commitment": [wallet.commitment("made up", wallet.label_of(identifier))]}
    assert await ask_with(wallet, token, identifier, foreign) == "invalid_nonce"


async def test_a_baseline_credential_takes_no_proofs(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    token = await opened(coop, wallet, listener)
    identifier = f"{copy_of(coop, listener, RELEASE).id}.bbs"
    proofs = {"bbs2023_commitment": [wallet.commitment(await wallet.nonce(), "x")]}
    assert await ask_with(wallet, token, identifier, proofs) == "invalid_proof"


async def test_a_form_that_a_copy_does_not_come_in_is_unknown(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    token = await opened(coop, wallet, listener)
    copy = copy_of(coop, listener, RELEASE)
    proofs = {"jwt": wallet.key_proofs(await wallet.nonce(), [LocalSigner.generate()])}
    for suffix in (".", ".BBS", ".bbs.bbs", ".eddsa", ".sd-jwt"):
        assert await ask_with(wallet, token, f"{copy.id}{suffix}", proofs) == "unknown_credential_identifier"
        body = {"credential_configuration_id": f"ReleaseOwnershipCredential{suffix}", "proofs": proofs}
        answer = await wallet.credential(token, body)
        assert answer.json()["error"] == "unknown_credential_configuration"


async def test_who_got_a_door_pass_commits_no_other_wallet_and_names_no_copy(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    token = await opened(coop, wallet, listener)
    copy = copy_of(coop, listener, TRACKS[0])
    assert (await wallet.ask(token, f"{copy.id}.door")).status_code == 200
    assert instance_of(await wallet.ask(token, copy.id))["copy"] == "none"
    wallet.nyms.clear()
    assert await refusal(wallet, token, f"{copy_of(coop, listener, RELEASE).id}.pseudonym") == "invalid_proof"
    assert await refusal(wallet, token, f"{copy.id}.door") == "invalid_proof"
