"""Refresh tokens: coming back for more instances, losing an answer on the way, and being robbed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vci import TokenResponse
from issuer.copies import Ended
from issuer.delivery_tables import AccessTokenRow, DeliveryRow, RefreshTokenRow
from issuer.service.sweep import sweep
from issuer.store import Store
from tests.issuer.test_hostile_token import WRONG_CODE, refused

if TYPE_CHECKING:
    import httpx

    from issuer.offers import Open
    from tests.issuer.conftest import Coop, Wallet

WRONG = {"error": "invalid_grant", "error_description": "The refresh token is wrong, expired or replaced."}


@pytest.fixture
def offer(coop: Coop) -> Open:
    return coop.offer(coop.owner())


def read(answer: httpx.Response) -> TokenResponse:
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return TokenResponse.parse(answer.content)


def refresh_token(answer: httpx.Response) -> str:
    return read(answer).refresh_token or ""


async def test_a_wallet_tops_up_with_one_refresh_and_one_request_for_each_copy(
    coop: Coop, wallet: Wallet, offer: Open
) -> None:
    first = read(await wallet.token(offer))
    coop.wait(days=40)
    again = read(await wallet.refresh(first.refresh_token or ""))
    assert again.authorization_details == first.authorization_details
    assert again.token_type == "DPoP"
    assert again.refresh_token not in {None, first.refresh_token}
    for detail in reversed(again.authorization_details):
        for identifier in detail.credential_identifiers:
            assert (await wallet.ask(again.access_token, identifier)).status_code == 200


async def test_the_token_before_stays_good_until_the_next_was_used_for_an_answer_can_be_lost(
    wallet: Wallet, offer: Open
) -> None:
    first = refresh_token(await wallet.token(offer))
    await wallet.refresh(first)  # its answer is lost
    second = refresh_token(await wallet.refresh(first))
    third = refresh_token(await wallet.refresh(second))
    assert (await wallet.refresh(third)).status_code == 200


async def test_a_replay_of_a_replaced_token_closes_everything_that_came_of_the_offer(
    wallet: Wallet, offer: Open
) -> None:
    first = read(await wallet.token(offer))
    second = read(await wallet.refresh(first.refresh_token or ""))
    third = read(await wallet.refresh(second.refresh_token or ""))
    refused(await wallet.refresh(first.refresh_token or ""), WRONG)
    refused(await wallet.refresh(third.refresh_token or ""), WRONG)
    gone = {"error": "invalid_token", "error_description": "The access token is unknown, expired or revoked."}
    for token in (first, second, third):
        refused(await wallet.ask(token.access_token, offer.copies[0].id), gone, status=401)


async def test_a_sibling_of_the_token_that_was_used_counts_as_a_replay(wallet: Wallet, offer: Open) -> None:
    first = refresh_token(await wallet.token(offer))
    lost = refresh_token(await wallet.refresh(first))
    second = refresh_token(await wallet.refresh(first))
    assert (await wallet.refresh(second)).status_code == 200
    refused(await wallet.refresh(lost), WRONG)
    refused(await wallet.refresh(second), WRONG)


async def test_a_replayed_offer_code_ends_the_refresh_token_too(wallet: Wallet, offer: Open) -> None:
    first = refresh_token(await wallet.token(offer))
    refused(await wallet.token(offer), WRONG_CODE)
    refused(await wallet.refresh(first), WRONG)


async def test_a_stolen_refresh_token_gives_nothing_without_its_key_and_closes_nothing(
    wallet: Wallet, offer: Open
) -> None:
    first = refresh_token(await wallet.token(offer))
    thief = replace(wallet, dpop=LocalSigner.generate())
    refused(
        await thief.refresh(first),
        {
            "error": "invalid_grant",
            "error_description": "The refresh token is bound to another key than the one of the DPoP proof.",
        },
    )
    refused(
        await wallet.refresh(first, dpop=None),
        {"error": "invalid_dpop_proof", "error_description": "The DPoP header is missing."},
    )
    assert (await wallet.refresh(first)).status_code == 200


async def test_a_dpop_proof_serves_one_refresh(wallet: Wallet, offer: Open) -> None:
    first = refresh_token(await wallet.token(offer))
    proof = wallet.proof_of_possession("/token")
    second = refresh_token(await wallet.refresh(first, dpop=proof))
    again = {"error": "invalid_dpop_proof", "error_description": "The DPoP proof was used before."}
    refused(await wallet.refresh(second, dpop=proof), again)


async def test_an_unknown_refresh_token_is_refused(wallet: Wallet) -> None:
    refused(await wallet.refresh("A" * 43), WRONG)


async def test_after_a_year_a_wallet_needs_a_new_offer(coop: Coop, wallet: Wallet, offer: Open) -> None:
    first = refresh_token(await wallet.token(offer))
    coop.wait(days=364)
    second = refresh_token(await wallet.refresh(first))
    coop.wait(days=1)
    refused(await wallet.refresh(second), WRONG)


async def test_less_may_be_asked_for_and_never_more(wallet: Wallet, offer: Open) -> None:
    first = read(await wallet.token(offer, scope="release_ownership"))
    assert [each.credential_configuration_id for each in first.authorization_details] == ["ReleaseOwnershipCredential"]
    refused(
        await wallet.refresh(first.refresh_token or "", scope="track_ownership"),
        {
            "error": "invalid_scope",
            "error_description": "The offer does not hold every kind of credential that the scope asks for.",
        },
    )
    beyond = json.dumps([{"type": "openid_credential", "credential_configuration_id": "TrackOwnershipCredential"}])
    answer = await wallet.refresh(first.refresh_token or "", authorization_details=beyond)
    assert answer.json()["error"] == "invalid_authorization_details"
    assert (await wallet.refresh(first.refresh_token or "", scope="release_ownership nobody_knows")).status_code == 200


async def test_what_ended_is_left_out_and_when_all_ended_nothing_comes(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    offer = coop.offer(listener)
    first = read(await wallet.token(offer))
    end(coop, [copy.id for copy in offer.copies if copy.kind == "release"])
    second = read(await wallet.refresh(first.refresh_token or ""))
    kinds = {each.credential_configuration_id.partition(".")[0] for each in second.authorization_details}
    assert kinds == {"TrackOwnershipCredential"}
    end(coop, [copy.id for copy in offer.copies if copy.kind == "track"])
    refused(
        await wallet.refresh(second.refresh_token or ""),
        {
            "error": "invalid_grant",
            "error_description": "Nothing that this refresh token was for is owned any more.",
        },
    )


async def test_old_refresh_tokens_are_forgotten_after_a_month_and_all_with_the_delivery(
    coop: Coop, wallet: Wallet, offer: Open
) -> None:
    token = refresh_token(await wallet.token(offer))
    for _ in range(4):
        coop.wait(days=16)
        token = refresh_token(await wallet.refresh(token))
    assert coop.rows(RefreshTokenRow) == 2
    coop.wait(days=365)
    with coop.parts.database.write() as session:
        sweep(Store(session), now=coop.now)
    assert [coop.rows(table) for table in (DeliveryRow, RefreshTokenRow, AccessTokenRow)] == [0, 0, 0]


async def test_the_database_holds_no_token_that_could_be_used(coop: Coop, wallet: Wallet, offer: Open) -> None:
    first = read(await wallet.token(offer))
    with coop.parts.database.read() as session:
        rows = [
            str(row.model_dump())
            for table in (DeliveryRow, RefreshTokenRow, AccessTokenRow)
            for row in session.exec(select(table))
        ]
    assert len(rows) == 3
    assert not any(secret and secret in row for row in rows for secret in (first.access_token, first.refresh_token))


async def test_a_bearer_token_works_for_five_minutes_with_its_own_scheme(
    coop: Coop, wallet: Wallet, offer: Open
) -> None:
    token = TokenResponse.parse((await wallet.token(offer, dpop=None)).content, allow_bearer=True)
    proofs = {"jwt": wallet.key_proofs(await wallet.nonce(), [LocalSigner.generate()])}
    body = {"credential_identifier": offer.copies[0].id, "proofs": proofs}
    wrong_scheme = await wallet.post("/credential", token.access_token, body)
    assert wrong_scheme.json()["error"] == "invalid_token"
    assert wrong_scheme.headers["www-authenticate"].startswith("DPoP error=")
    assert (await wallet.post("/credential", token.access_token, body, bearer=True)).status_code == 200
    coop.wait(minutes=5)
    late = await wallet.post("/credential", token.access_token, body, bearer=True)
    assert (late.status_code, late.json()["error"]) == (401, "invalid_token")
    assert late.headers["www-authenticate"].startswith("Bearer error=")


async def test_a_wallet_that_knows_no_identifiers_gets_the_one_copy_of_its_kind(wallet: Wallet, offer: Open) -> None:
    token = read(await wallet.token(offer))

    async def ask(configuration: str) -> httpx.Response:
        proofs = {"jwt": wallet.key_proofs(await wallet.nonce(), [LocalSigner.generate()])}
        body = {"credential_configuration_id": configuration, "proofs": proofs}
        return await wallet.credential(token.access_token, body)

    assert (await ask("ReleaseOwnershipCredential")).status_code == 200
    several = {
        "error": "invalid_credential_request",
        "error_description": "Use a credential_identifier from the token response.",
    }
    refused(await ask("TrackOwnershipCredential"), several)
    not_opened = {
        "error": "unknown_credential_configuration",
        "error_description": "The access token opens nothing of this credential configuration.",
    }
    refused(await ask("CoopMembershipCredential"), not_opened)


async def test_a_single_proof_of_an_older_draft_is_read(wallet: Wallet, offer: Open) -> None:
    token = read(await wallet.token(offer))
    [proof] = wallet.key_proofs(await wallet.nonce(), [LocalSigner.generate()])
    body = {"credential_identifier": offer.copies[0].id, "proof": {"proof_type": "jwt", "jwt": proof}}
    answer = await wallet.credential(token.access_token, body)
    assert len(answer.json()["credentials"]) == 1


def end(coop: Coop, copies: list[str]) -> None:
    with coop.parts.database.write() as session:
        for copy in copies:
            assert Store(session).end_copy(copy, why=Ended.REFUNDED, now=coop.now)
