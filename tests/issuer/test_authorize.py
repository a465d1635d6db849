"""The authorization code flow: a wallet asks, its listener says yes in a browser that the co-op knows, it comes."""

from __future__ import annotations

import re
import secrets
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vci import (
    AuthorizationServerMetadata,
    CodeRequest,
    PushedResponse,
    TokenResponse,
)
from issuer.authorization_tables import AuthorizationRow, PushedRequestRow
from issuer.service.sweep import sweep
from issuer.store import Store
from tests.issuer.authorizing import BACK, VERIFIER, asks, fields, push, say
from tests.issuer.conftest import URL, Coop, Wallet
from tests.issuer.test_hostile_token import refused
from tests.issuer.test_pages import log_in

if TYPE_CHECKING:
    import httpx

WRONG = {
    "error": "invalid_grant",
    "error_description": (
        "The code is wrong, expired or used, or is shown with other values than it was asked for with."
    ),
}


async def page(browser: httpx.AsyncClient, pushed: httpx.Response, client: str = "wallet.example") -> httpx.Response:
    assert pushed.status_code == 201, pushed.text
    uri = PushedResponse.parse(pushed.content).request_uri
    return await browser.get("/authorize", params={"client_id": client, "request_uri": uri})


def way_back(shown: httpx.Response) -> dict[str, str]:
    link = unescape(re.search(r'href="(https://wallet\.example/back[^"]+)"', shown.text)[1])  # type: ignore[index]
    assert link.startswith(BACK + "&")
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}


async def code_of(coop: Coop, wallet: Wallet, browser: httpx.AsyncClient, **changed: Any) -> str:
    await log_in(coop, browser, coop.owner())
    answer = await say(browser, fields(await page(browser, await push(wallet, asks(**changed)))))
    assert answer.status_code == 200, answer.text
    back = way_back(answer)
    assert (back["iss"], back["state"], back["from"]) == (URL, "a state", "coop")
    return back["code"]


async def redeem(wallet: Wallet, code: str, *, dpop: bool = True, **changed: Any) -> httpx.Response:
    asked: dict[str, Any] = {
        "code": code,
        "code_verifier": VERIFIER,
        "redirect_uri": BACK,
        "client_id": "wallet.example",
    }
    headers = {"DPoP": wallet.proof_of_possession("/token")} if dpop else {}
    content = CodeRequest(**{**asked, **changed}).to_form()
    return await wallet.http.post("/token", content=content, headers=headers)


async def test_a_wallet_gets_what_its_listener_said_yes_to(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    code = await code_of(coop, wallet, browser)
    answer = await redeem(wallet, code)
    assert answer.headers["cache-control"] == "no-store"
    token = TokenResponse.parse(answer.content)
    [detail] = token.authorization_details
    assert detail.credential_configuration_id == "ReleaseOwnershipCredential"
    assert (await wallet.ask(token.access_token, detail.credential_identifiers[0])).status_code == 200
    assert (await wallet.refresh(token.refresh_token or "")).status_code == 200


async def test_a_pushed_request_is_kept_for_less_than_ten_minutes(wallet: Wallet) -> None:
    # FAPI 2.0 Security Profile §5.3.2.2, by HAIP 1.0 §4.
    assert 0 < PushedResponse.parse((await push(wallet, asks())).content).expires_in < 600


async def test_the_page_says_who_asks_and_where_it_leads(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    await log_in(coop, browser, coop.owner())
    shown = await page(browser, await push(wallet, asks()))
    assert "wallet.example" in shown.text
    assert BACK in unescape(shown.text)
    assert "Night Bus EP" in shown.text
    assert "Stop 1" not in shown.text


async def test_no_is_told_to_the_wallet_and_gives_nothing(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    await log_in(coop, browser, coop.owner())
    form = fields(await page(browser, await push(wallet, asks()))) | {"no": "no"}
    back = way_back(await say(browser, form))
    assert (back["error"], back["iss"], back["state"]) == ("access_denied", URL, "a state")
    gone = await say(browser, form)
    assert gone.status_code == 410
    assert "request_gone" in gone.text
    assert (coop.rows(PushedRequestRow), coop.rows(AuthorizationRow)) == (0, 0)


async def test_one_yes_gives_one_code(coop: Coop, wallet: Wallet, browser: httpx.AsyncClient) -> None:
    await log_in(coop, browser, coop.owner())
    form = fields(await page(browser, await push(wallet, asks())))
    assert (await say(browser, form)).status_code == 200
    assert (await say(browser, form)).status_code == 410
    assert coop.rows(AuthorizationRow) == 1


async def test_nothing_chosen_or_not_theirs_is_asked_again(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    listener = coop.owner()
    await log_in(coop, browser, listener)
    form = fields(await page(browser, await push(wallet, asks())))
    track = next(copy.id for copy in coop.copies(listener) if copy.kind == "track")
    for wrong in ([], [track], ["nobody's"]):
        again = await say(browser, {**form, "copy": wrong})
        assert again.status_code == 422
        assert "Nothing is chosen yet" in again.text
    assert (await say(browser, form)).status_code == 200


async def test_who_is_not_logged_in_sees_nothing_and_another_site_says_yes_to_nothing(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    pushed = await push(wallet, asks())
    assert (await page(browser, pushed)).status_code == 401
    await log_in(coop, browser, coop.owner())
    form = fields(await page(browser, pushed))
    crossed = await browser.post("/authorize", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert crossed.status_code == 403
    assert (await say(browser, {**form, "csrf": "x"})).status_code == 403


async def test_a_request_that_is_over_or_another_wallets_is_gone(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    await log_in(coop, browser, coop.owner())
    pushed = await push(wallet, asks())
    assert (await page(browser, pushed, client="another.example")).status_code == 410
    coop.wait(minutes=10)
    assert (await page(browser, pushed)).status_code == 410


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": "x" * 43},
        {"redirect_uri": "https://wallet.example/elsewhere"},
        {"client_id": "another.example"},
        {"code": "A" * 43},
        {"dpop": False},
    ],
)
async def test_a_code_shown_with_anything_else_gives_nothing_and_stays(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient, changed: dict[str, Any]
) -> None:
    code = await code_of(coop, wallet, browser)
    refused(await redeem(wallet, **{"code": code, **changed}), WRONG)
    assert (await redeem(wallet, code)).status_code == 200


async def test_another_key_than_the_request_was_made_with_gets_nothing(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    code = await code_of(coop, wallet, browser)
    own, wallet.dpop = wallet.dpop, LocalSigner.generate()
    refused(await redeem(wallet, code), WRONG)
    wallet.dpop = own
    assert (await redeem(wallet, code)).status_code == 200


async def test_a_code_lives_a_minute_and_its_replay_ends_what_came_of_it(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    code = await code_of(coop, wallet, browser)
    token = TokenResponse.parse((await redeem(wallet, code)).content)
    refused(await redeem(wallet, code, code_verifier="x" * 43), WRONG)
    refreshed = await wallet.refresh(token.refresh_token or "")
    assert refreshed.status_code == 200
    refused(await redeem(wallet, code), WRONG)
    assert (await wallet.refresh(refreshed.json()["refresh_token"])).json()["error"] == "invalid_grant"
    late = await code_of(coop, wallet, browser)
    coop.wait(minutes=1)
    refused(await redeem(wallet, late), WRONG)


async def test_a_code_of_one_flow_is_none_of_the_other(coop: Coop, wallet: Wallet, browser: httpx.AsyncClient) -> None:
    code = await code_of(coop, wallet, browser)
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:pre-authorized_code",
        "pre-authorized_code": code,
        "tx_code": "",
    }
    headers = {"DPoP": wallet.proof_of_possession("/token")}
    assert (await wallet.http.post("/token", data=form, headers=headers)).json()["error"] == "invalid_grant"
    offer = coop.offer(coop.owner())
    refused(await redeem(wallet, coop.code(offer)), WRONG)


async def test_who_saw_a_code_cannot_burn_it_by_tries_in_the_other_flow(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    code = await code_of(coop, wallet, browser)
    for spelling in ("authorization_code.", "authorization_code", "authorization_code%00", "authorization_code\x00"):
        for _ in range(6):
            answer = await wallet.http.post(
                "/token",
                data={
                    "grant_type": "urn:ietf:params:oauth:grant-type:pre-authorized_code",
                    "pre-authorized_code": spelling + code,
                    "tx_code": "000000",
                },
            )
            assert answer.json()["error"] == ("invalid_request" if "\x00" in spelling else "invalid_grant")
    assert (await redeem(wallet, code)).status_code == 200


async def test_less_than_was_agreed_may_be_asked_for_and_never_more(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    code = await code_of(coop, wallet, browser)
    more = await redeem(wallet, code, requested_configuration_ids=("TrackOwnershipCredential",))
    assert more.json()["error"] == "invalid_authorization_details"
    assert (await redeem(wallet, code, requested_configuration_ids=("ReleaseOwnershipCredential",))).status_code == 200


async def test_a_wallet_without_dpop_and_with_a_scheme_of_its_own_gets_a_bearer_token(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    await log_in(coop, browser, coop.owner())
    pushed = await push(wallet, asks(redirect_uri="com.example.wallet://back", state=None), dpop=False)
    answer = await say(browser, fields(await page(browser, pushed)))
    code = unescape(re.search(r'href="com.example.wallet://back\?code=([^&"]+)&', answer.text)[1])  # type: ignore[index]
    token = await redeem(wallet, code, dpop=False, redirect_uri="com.example.wallet://back")
    assert token.json()["token_type"] == "Bearer"


async def test_what_is_over_is_swept_and_the_metadata_names_the_flow(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    await code_of(coop, wallet, browser)
    await push(wallet, asks(state=secrets.token_hex(4)))
    coop.wait(days=1)
    with coop.parts.database.write() as session:
        sweep(Store(session), now=coop.now)
    assert (coop.rows(PushedRequestRow), coop.rows(AuthorizationRow)) == (0, 0)
    found = await wallet.http.get("/.well-known/oauth-authorization-server")
    server = AuthorizationServerMetadata.parse(found.content, issuer=URL)
    assert server.authorization_endpoint == f"{URL}/authorize"
    assert server.pushed_authorization_request_endpoint == f"{URL}/par"
    assert server.pushed_authorization_requests_required
    assert server.response_iss
    assert server.code_challenge_methods_supported == ("S256",)
