"""The wallet that records are bound to: confirmed and replaced on the page of the collection, or in a terminal."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from issuer.service.counting import scope_of
from issuer.service.wallets import binding_of
from tests.issuer.acts import copy_of
from tests.issuer.conftest import RELEASE
from tests.issuer.counting import OTHER, take, writing
from tests.issuer.test_pages import csrf, log_in

if TYPE_CHECKING:
    import httpx

    from tests.issuer.conftest import Coop, Wallet


async def submit(browser: httpx.AsyncClient, path: str, **fields: str) -> str:
    page = await browser.get("/collection")
    answer = await browser.post(path, data={"csrf": csrf(page), **fields})
    assert answer.status_code == 303
    return html.unescape((await browser.get(answer.headers["location"])).text).replace("\u00a0", " ")


async def test_who_has_nothing_bound_sees_nothing_of_it(coop: Coop, browser: httpx.AsyncClient) -> None:
    await log_in(coop, browser, coop.owner())
    assert "bound to" not in (await browser.get("/collection")).text
    assert "Nothing was changed" in await submit(browser, "/wallet/mine")
    assert "Nothing was changed" in await submit(browser, "/wallet/lost", sure="yes")


async def test_a_listener_says_that_the_wallet_is_theirs(coop: Coop, browser: httpx.AsyncClient) -> None:
    listener = coop.owner()
    take(coop, copy_of(coop, listener, RELEASE))
    await log_in(coop, browser, listener)
    assert "That wallet is mine" in (await browser.get("/collection")).text
    page = await submit(browser, "/wallet/mine")
    assert "Noted: it is your wallet" in page
    assert "That wallet is mine" not in page
    with writing(coop) as store:
        assert binding_of(store, listener).is_confirmed


async def test_a_lost_wallet_is_replaced_only_when_the_box_is_ticked_and_not_too_often(
    coop: Coop, browser: httpx.AsyncClient
) -> None:
    listener = coop.owner()
    copy = copy_of(coop, listener, RELEASE)
    await log_in(coop, browser, listener)
    month = "2026-11"
    for n in range(3):
        take(coop, copy, bytes([n]) * 48, month=month)
        assert "the box was not ticked" in await submit(browser, "/wallet/lost")
        assert "There is room for another wallet" in await submit(browser, "/wallet/lost", sure="yes")
        with writing(coop) as store:
            month = scope_of(store, copy).from_month
    take(coop, copy, OTHER, month=month)
    page = await submit(browser, "/wallet/lost", sure="yes")
    assert "too often this year" in page
    assert "it begins in July 2027" in page


async def test_who_has_the_lost_wallet_comes_back_with_it_no_more(
    coop: Coop, browser: httpx.AsyncClient, wallet: Wallet
) -> None:
    listener, other = coop.owner(), coop.owner()
    lost = (await wallet.token(coop.offer(listener))).json()
    theirs = (await wallet.token(coop.offer(other))).json()
    identifier = f"{copy_of(coop, listener, RELEASE).id}.pseudonym"
    assert (await wallet.ask(lost["access_token"], identifier)).status_code == 200
    await log_in(coop, browser, listener)
    await submit(browser, "/wallet/lost", sure="yes")
    assert (await wallet.ask(lost["access_token"], identifier)).status_code == 401
    assert (await wallet.refresh(lost["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await wallet.refresh(theirs["refresh_token"])).status_code == 200


async def test_another_site_replaces_nobodys_wallet(coop: Coop, browser: httpx.AsyncClient) -> None:
    listener = coop.owner()
    take(coop, copy_of(coop, listener, RELEASE))
    await log_in(coop, browser, listener)
    for path in ("/wallet/lost", "/wallet/mine"):
        assert (await browser.post(path, data={"csrf": "x", "sure": "yes"})).status_code == 403
    with writing(coop) as store:
        [scope] = binding_of(store, listener).scopes
    assert (scope.confirmed, scope.from_month) == (False, "")


async def test_the_news_in_the_address_is_one_that_the_page_knows(coop: Coop, browser: httpx.AsyncClient) -> None:
    await log_in(coop, browser, coop.owner())
    assert "zzz" not in (await browser.get("/collection?wallet=zzz")).text
