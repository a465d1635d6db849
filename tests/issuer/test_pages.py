"""The co-op's pages, as a browser without script uses them."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from credentials.errors import HandstampError
from issuer.api import STATUSES
from issuer.catalogue import Cover
from issuer.catalogue_api import STATUSES as CATALOGUE_STATUSES
from issuer.status_api import STATUSES as STATUS_LIST_STATUSES
from issuer.tables import BrowserSessionRow, LoginLinkRow, OfferRow
from tests.issuer.conftest import PNG, RELEASE, TRACKS, URL, description, make_coop

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.issuer.conftest import Coop, Wallet

PAGE = {"Accept": "text/html"}


async def log_in(coop: Coop, browser: httpx.AsyncClient, listener: str) -> None:
    browser.headers.update(PAGE)
    answer = await browser.post("/login", data={"token": coop.login_token(listener)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/collection")


def csrf(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found
    return found[1]


async def make_offer(browser: httpx.AsyncClient) -> str:
    page = await browser.get("/collection")
    chosen = re.findall(r'name="copy" value="([^"]+)"', page.text)
    answer = await browser.post("/offers", data={"csrf": csrf(page), "copy": chosen})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def test_a_login_link_shows_one_button_and_is_used_up_by_it_alone(coop: Coop, browser: httpx.AsyncClient) -> None:
    token = coop.login_token(coop.listener())
    browser.headers.update(PAGE)
    for _ in range(3):
        page = await browser.get("/login", params={"token": token})
        assert page.status_code == 200
        assert page.text.count("<button") == 1
    assert coop.rows(LoginLinkRow) == 1
    answer = await browser.post("/login", data={"token": token})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Domain" not in cookie
    assert (await browser.get("/collection")).status_code == 200
    again = await browser.post("/login", data={"token": token})
    assert again.status_code == 410
    assert (await browser.get("/login", params={"token": token})).status_code == 410


async def test_a_login_link_expires(coop: Coop, browser: httpx.AsyncClient) -> None:
    token = coop.login_token(coop.listener())
    coop.wait(minutes=30)
    assert (await browser.post("/login", data={"token": token})).status_code == 410
    assert (await browser.get("/login", params={"token": token})).status_code == 410
    assert coop.rows(BrowserSessionRow) == 0


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
async def test_another_site_can_log_nobody_in(coop: Coop, browser: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await browser.post("/login", data={"token": coop.login_token(coop.listener())}, headers=headers)
    assert answer.status_code == 403
    assert coop.rows(LoginLinkRow) == 1


async def test_a_login_ends_after_a_week(coop: Coop, browser: httpx.AsyncClient) -> None:
    await log_in(coop, browser, coop.listener())
    coop.wait(days=7)
    assert (await browser.get("/collection")).status_code == 401


@pytest.mark.parametrize("path", ["/collection", "/offers/x/page", "/offers/x/qr.svg"])
async def test_who_is_not_logged_in_is_told_so(browser: httpx.AsyncClient, path: str) -> None:
    page = await browser.get(path, headers=PAGE)
    assert page.status_code == 401
    assert "Please open your personal link again" in page.text
    answer = await browser.get(path)
    assert answer.json()["code"] == "not_logged_in"


async def test_the_front_door_leads_to_the_collection(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/collection")


async def test_an_empty_collection_teaches_the_first_step(coop: Coop, browser: httpx.AsyncClient) -> None:
    await log_in(coop, browser, coop.listener())
    page = await browser.get("/collection")
    assert "Nothing here yet" in page.text
    assert "at least 45 seconds" in page.text
    assert 'action="/offers"' not in page.text


async def test_the_collection_shows_what_is_owned_how_and_what_is_nearly_owned(
    coop: Coop, browser: httpx.AsyncClient
) -> None:
    listener = coop.listener()
    coop.buy(listener, TRACKS[0])
    coop.play(listener, TRACKS[1], 9)
    coop.play(listener, TRACKS[2], 5)
    await log_in(coop, browser, listener)
    page = html.unescape((await browser.get("/collection")).text).replace("\u00a0", " ")
    assert "Bought in November 2026" in page
    assert "Yours after nine plays, since November 2026" in page
    assert "5 of 9 plays, 0.960 credits to go" in page
    assert re.search(r'<progress[^>]* value="5" max="9"', page)
    assert "2 tracks of it are yours" in page
    assert page.count('name="copy"') == 2
    coop.buy(listener, TRACKS[2])
    page = (await browser.get("/collection")).text
    assert "You own this" in page
    assert page.count('name="copy"') == 4
    assert "Nearly yours" not in page


async def test_who_owns_nothing_yet_sees_how_far_it_is(coop: Coop, browser: httpx.AsyncClient) -> None:
    listener = coop.listener()
    coop.play(listener, TRACKS[0])
    await log_in(coop, browser, listener)
    page = (await browser.get("/collection")).text
    assert "on the way" in page
    assert "1 of 9 plays, 1.020 credits to go" in page


async def test_covers_come_from_the_co_op_itself_and_nothing_from_anywhere_else(
    coop: Coop, browser: httpx.AsyncClient
) -> None:
    coop.add_release(description(cover="/cover"), cover=Cover.parse(PNG))
    await log_in(coop, browser, coop.owner())
    page = await browser.get("/collection")
    assert f'src="/covers/{RELEASE}"' in page.text
    assert re.findall(r'(?:src|href|action)="(?:https?:)?//', page.text) == []
    cover = await browser.get(f"/covers/{RELEASE}")
    assert (cover.content, cover.headers["content-type"]) == (PNG, "image/png")
    assert cover.headers["x-content-type-options"] == "nosniff"
    again = await browser.get(f"/covers/{RELEASE}", headers={"If-None-Match": cover.headers["etag"]})
    assert again.status_code == 304
    assert (await browser.get("/covers/nothing")).status_code == 404


async def test_a_title_cannot_become_markup(coop: Coop, browser: httpx.AsyncClient) -> None:
    coop.add_release(description(title="<script>alert(1)</script>"))
    await log_in(coop, browser, coop.owner())
    page = (await browser.get("/collection")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


async def test_a_selection_becomes_an_offer_whose_pages_never_hold_link_and_code_together(
    coop: Coop, browser: httpx.AsyncClient
) -> None:
    await log_in(coop, browser, coop.owner())
    path = await make_offer(browser)
    page = await browser.get(path)
    offer_id = path.split("/")[2]
    code = coop.parts.desk.secrets.tx_code(offer_id)
    link = f"openid-credential-offer://?credential_offer_uri=http%3A%2F%2Fcoop.localhost%3A8701%2Foffers%2F{offer_id}"
    text = html.unescape(page.text)
    assert f'href="{link}"' in text
    assert f"handstamp wallet receive '{link}'" in text
    assert "4 records and tracks for your wallet" in text
    assert re.search(r'<img src="/offers/[^"]+/qr.svg" alt="QR code [^"]+"', text)
    assert code not in text
    picture = await browser.get(f"/offers/{offer_id}/qr.svg")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.content.startswith(b"<?xml")
    shown = await browser.post(f"/offers/{offer_id}/code", data={"csrf": csrf(page)})
    assert " ".join(code) in shown.text
    assert "openid-credential-offer" not in shown.text
    assert "qr.svg" not in shown.text


async def test_only_what_is_chosen_is_offered(coop: Coop, browser: httpx.AsyncClient) -> None:
    listener = coop.owner()
    await log_in(coop, browser, listener)
    page = await browser.get("/collection")
    one = coop.copies(listener)[0]
    answer = await browser.post("/offers", data={"csrf": csrf(page), "copy": [one.id, one.id]})
    with coop.parts.database.read() as session:
        from issuer.store import Store  # noqa: PLC0415

        offer = Store(session).offer(answer.headers["location"].split("/")[2])
    assert offer
    assert offer.copies == (one,)


async def test_choosing_nothing_is_said_on_the_page_and_nothing_is_lost(coop: Coop, browser: httpx.AsyncClient) -> None:
    await log_in(coop, browser, coop.owner())
    page = await browser.get("/collection")
    answer = await browser.post("/offers", data={"csrf": csrf(page)})
    assert answer.status_code == 422
    assert "Nothing is chosen yet" in answer.text
    assert coop.rows(OfferRow) == 0


async def test_more_than_a_wallet_takes_at_once_is_said_and_nothing_is_lost(
    coop: Coop, browser: httpx.AsyncClient
) -> None:
    await log_in(coop, browser, coop.owner())
    page = await browser.get("/collection")
    answer = await browser.post("/offers", data={"csrf": csrf(page), "copy": [f"{n:022}" for n in range(1001)]})
    assert answer.status_code == 422
    assert "up to 1,000 records and tracks" in answer.text
    assert coop.rows(OfferRow) == 0


async def test_another_listeners_copy_cannot_be_offered(coop: Coop, browser: httpx.AsyncClient) -> None:
    other = coop.copies(coop.owner())[0].id
    await log_in(coop, browser, coop.owner())
    page = await browser.get("/collection")
    answer = await browser.post("/offers", data={"csrf": csrf(page), "copy": other})
    assert answer.status_code == 422
    assert coop.rows(OfferRow) == 0


async def test_another_listeners_offer_is_not_shown(coop: Coop, browser: httpx.AsyncClient) -> None:
    offer = coop.offer(coop.owner())
    await log_in(coop, browser, coop.owner())
    token = csrf(await browser.get("/collection"))
    for answer in (
        await browser.get(f"/offers/{offer.id}/page"),
        await browser.get(f"/offers/{offer.id}/qr.svg"),
        await browser.post(f"/offers/{offer.id}/code", data={"csrf": token}),
    ):
        assert answer.status_code == 410
        assert coop.tx_code(offer) not in answer.text.replace(" ", "")


async def test_an_offer_that_a_wallet_took_says_so_to_its_listener_alone(
    coop: Coop, browser: httpx.AsyncClient, wallet: Wallet
) -> None:
    listener = coop.owner()
    offer = coop.offer(listener)
    await wallet.token(offer)
    await log_in(coop, browser, listener)
    page = await browser.get(f"/offers/{offer.id}/page")
    assert page.status_code == 200
    assert "Your wallet has them" in page.text
    await log_in(coop, browser, coop.listener())
    assert (await browser.get(f"/offers/{offer.id}/page")).status_code == 410


async def test_the_page_of_an_offer_hears_how_it_stands(coop: Coop, wallet: Wallet, browser: httpx.AsyncClient) -> None:
    listener = coop.owner()
    await log_in(coop, browser, listener)
    offer = (await make_offer(browser)).removesuffix("/page")
    assert f'data-events-url="{offer}/events"' in (await browser.get(f"{offer}/page")).text
    code_page = await browser.post(f"{offer}/code", data={"csrf": csrf(await browser.get("/collection"))})
    assert f'data-page="{offer}/page"' in code_page.text  # the code's own page cannot be taken again by its address
    coop.wait(minutes=30)
    assert "data: over" in (await browser.get(f"{offer}/events")).text
    fresh = coop.offer(listener)
    await wallet.token(fresh)
    assert "data: taken" in (await browser.get(f"/offers/{fresh.id}/events")).text
    await log_in(coop, browser, coop.owner())
    assert "data: over" in (await browser.get(f"/offers/{fresh.id}/events")).text


@pytest.mark.parametrize("field", [{}, {"csrf": ""}, {"csrf": "A" * 43}])
@pytest.mark.parametrize("path", ["/offers", "/logout", "/offers/x/code"])
async def test_a_form_without_its_hidden_field_is_refused(
    coop: Coop, browser: httpx.AsyncClient, path: str, field: dict[str, str]
) -> None:
    await log_in(coop, browser, coop.owner())
    assert (await browser.post(path, data=field)).status_code == 403
    assert coop.rows(BrowserSessionRow) == 1


async def test_the_hidden_field_of_one_browser_is_no_good_in_another(coop: Coop, browser: httpx.AsyncClient) -> None:
    await log_in(coop, browser, coop.owner())
    stolen = csrf(await browser.get("/collection"))
    await log_in(coop, browser, coop.owner())
    assert (await browser.post("/offers", data={"csrf": stolen})).status_code == 403


async def test_a_form_sent_by_another_site_is_refused(coop: Coop, browser: httpx.AsyncClient) -> None:
    await log_in(coop, browser, coop.owner())
    field = {"csrf": csrf(await browser.get("/collection"))}
    answer = await browser.post("/logout", data=field, headers={"Sec-Fetch-Site": "same-site"})
    assert answer.status_code == 403


async def test_logging_out_forgets_this_browser(coop: Coop, browser: httpx.AsyncClient) -> None:
    await log_in(coop, browser, coop.listener())
    page = await browser.get("/collection")
    cookie = browser.cookies["coop"]
    answer = await browser.post("/logout", data={"csrf": csrf(page)})
    assert answer.status_code == 200
    assert "logged out" in answer.text
    assert coop.rows(BrowserSessionRow) == 0
    browser.cookies.set("coop", cookie)
    assert (await browser.get("/collection")).status_code == 401


async def test_over_https_the_cookie_is_for_this_host_alone(tmp_path: Path) -> None:
    import httpx  # noqa: PLC0415

    coop = make_coop(tmp_path, url="https://coop.example")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(coop.app), base_url="https://coop.example") as browser:
        answer = await browser.post("/login", data={"token": coop.login_token(coop.listener())})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-coop=")
        assert "Secure" in cookie
        assert (await browser.get("/collection", headers=PAGE)).status_code == 200
    coop.parts.database.close()


async def test_pages_are_strict_about_what_they_load(coop: Coop, browser: httpx.AsyncClient) -> None:
    await log_in(coop, browser, coop.owner())
    page = await browser.get("/collection")
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "same-origin"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "style=" not in page.text
    assert URL not in page.text


@pytest.mark.parametrize("word", ["credential", "verifiable", "JSON", "token", "issuer", "holder"])
async def test_listeners_are_spoken_to_about_records(coop: Coop, browser: httpx.AsyncClient, word: str) -> None:
    await log_in(coop, browser, coop.owner())
    offer = await make_offer(browser)
    for path in ("/collection", offer):
        visible = re.sub(r"<[^>]+>", " ", (await browser.get(path)).text)
        visible = re.sub(r"openid-credential-offer\S+", "", visible)
        assert word not in visible


def test_every_error_of_the_co_op_has_its_status() -> None:
    def below(kind: type[HandstampError]) -> set[type[HandstampError]]:
        return {kind, *(each for child in kind.__subclasses__() for each in below(child))}

    ours = {each for each in below(HandstampError) if each.__module__.startswith("issuer.")}
    assert ours <= {*STATUSES, *STATUS_LIST_STATUSES, *CATALOGUE_STATUSES}
