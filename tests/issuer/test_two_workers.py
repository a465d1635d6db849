"""Two workers of a co-op: a wallet and a browser that began at one go on at the other, wherever they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from credentials.keys.signer import LocalSigner
from issuer.app import build_app
from issuer.offers import Open
from issuer.service.deferred import hold_copy, let_copy_go
from issuer.store import Store
from tests.issuer.acts import new_codes
from tests.issuer.authorizing import asks, fields, push, say
from tests.issuer.conftest import RELEASE, TRACKS, URL, Coop
from tests.issuer.test_authorize import page, redeem, way_back
from tests.issuer.test_pages import PAGE, csrf, log_in, make_offer
from tests.support.rush import two_workers
from tests.support.spreading import BITS, Spread

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.issuer.conftest import Wallet

pytestmark = pytest.mark.parametrize("bit", BITS)


@pytest.fixture(autouse=True)
def _spread(bit: int, coop: Coop) -> Iterator[None]:
    with two_workers(coop.parts.database.url.render_as_string(hide_password=False)) as databases:
        spread = Spread(*(build_app(replace(coop.parts, database=each)) for each in databases), bit=bit)
        coop.app = spread  # type: ignore[assignment]
        yield
        spread.check()


async def test_what_a_wallet_pushes_and_its_listener_allows_is_fetched_and_refreshed(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    await log_in(coop, browser, coop.owner())
    form = fields(await page(browser, await push(wallet, asks())))
    allowed = await say(browser, form)
    assert (await say(browser, form)).status_code == 410
    token = (await redeem(wallet, way_back(allowed)["code"])).json()
    copy = token["authorization_details"][0]["credential_identifiers"][0]
    assert (await wallet.ask(token["access_token"], copy)).status_code == 200
    newer = (await wallet.refresh(token["refresh_token"])).json()
    told = (await wallet.ask(newer["access_token"], copy)).json()["notification_id"]
    body = {"notification_id": told, "event": "credential_accepted"}
    assert (await wallet.post("/notification", newer["access_token"], body)).status_code == 204
    newest = (await wallet.refresh(newer["refresh_token"])).json()["refresh_token"]
    assert (await wallet.refresh(token["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await wallet.refresh(newest)).json()["error"] == "invalid_grant", "whoever used the old one ended it"


async def test_what_is_held_back_comes_later_and_nothing_counts_twice(coop: Coop, wallet: Wallet) -> None:
    offer = coop.offer(coop.owner())
    with coop.parts.database.write() as session:
        hold_copy(Store(session), offer.copies[0].id, now=coop.now)
    answer = await wallet.http.get(f"/offers/{offer.id}")
    assert answer.json()["credential_issuer"] == URL
    wrong = f"{(int(coop.tx_code(offer)) + 1) % 1_000_000:06}"
    assert (await wallet.token(offer, tx_code=wrong)).json()["error"] == "invalid_grant"
    token = (await wallet.token(offer)).json()["access_token"]
    nonce = await wallet.nonce()
    body = {"credential_identifier": offer.copies[0].id}
    body |= {"proofs": {"jwt": wallet.key_proofs(nonce, [LocalSigner.generate()])}}
    proof = wallet.proof_of_possession("/credential", token)
    waiting = await wallet.credential(token, body, dpop=proof)
    assert waiting.status_code == 202
    assert (await wallet.credential(token, body, dpop=proof)).json()["error"] == "invalid_dpop_proof"
    assert (await wallet.credential(token, body)).json()["error"] == "invalid_nonce"
    later = {"transaction_id": waiting.json()["transaction_id"]}
    assert (await wallet.post("/deferred_credential", token, later)).status_code == 202
    with coop.parts.database.write() as session:
        assert let_copy_go(Store(session), offer.copies[0].id)
    assert (await wallet.post("/deferred_credential", token, later)).status_code == 200
    again = await wallet.post("/deferred_credential", token, later)
    assert again.json()["error"] == "invalid_transaction_id"


async def test_a_collections_pages_are_those_of_one_listener(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    listener = coop.listener()
    coop.buy(listener, TRACKS[0])
    (code,) = new_codes(coop, RELEASE)
    await log_in(coop, browser, listener)
    shown = await browser.get("/collection")
    assert shown.text.count('name="copy"') == 1
    form = {"csrf": csrf(shown), "code": code}
    assert (await browser.post("/codes", data=form)).headers["location"] == f"/collection?got={RELEASE}"
    place = await make_offer(browser)
    offer_page = await browser.get(place)
    assert "openid-credential-offer://" in offer_page.text
    digits = await browser.post(place.replace("/page", "/code"), data={"csrf": csrf(offer_page)})
    with coop.parts.database.read() as session:
        offer = Store(session).offer(place.split("/")[2])
    assert isinstance(offer, Open)
    assert coop.tx_code(offer)[:3] in digits.text
    assert (await wallet.token(offer)).status_code == 200
    news = await browser.get(place.replace("/page", "/events"))
    assert "data: taken" in news.text
    assert (await browser.post("/logout", data={"csrf": csrf(await browser.get("/collection"))})).status_code == 200
    assert (await browser.get("/collection", headers=PAGE)).status_code == 401
