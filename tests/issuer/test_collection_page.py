"""My collection, beyond plays and purchases: the registers, download codes, and what has ended."""

from __future__ import annotations

import html
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from issuer.registers import Contribution, Persona, PersonaKind
from issuer.service.registers import add_contribution, add_member, end_member, verify_artist
from issuer.store import Store
from tests.issuer.acts import copy_of, give, new_codes, take_back
from tests.issuer.conftest import RELEASE, TRACKS, URL, description
from tests.issuer.test_pages import csrf, log_in

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.issuer.conftest import Coop


def write(coop: Coop, act: Callable[..., Any], *args: Any, **named: Any) -> Any:
    with coop.parts.database.write() as session:
        return act(Store(session), *args, now=coop.now, **named)


async def page_of(browser: httpx.AsyncClient) -> str:
    return html.unescape((await browser.get("/collection")).text).replace("\u00a0", " ")


async def use(browser: httpx.AsyncClient, code: str, **more: str) -> httpx.Response:
    page = await browser.get("/collection")
    return await browser.post("/codes", data={"csrf": csrf(page), "code": code, **more})


async def test_the_registers_stand_beside_the_records_and_can_be_sent_alone(
    coop: Coop, browser: httpx.AsyncClient
) -> None:
    listener = coop.listener()
    write(coop, add_member, listener=listener, share_class="listener")
    persona = Persona(
        id="", listener=listener, name="<Long> Way", kind=PersonaKind.LABEL, vouched_by=URL, vouching="met"
    )
    write(coop, verify_artist, persona, random=secrets.token_bytes)
    given = Contribution(id="1", listener=listener, what="translation", role="none", period="2026-11")
    write(coop, add_contribution, given, key=None)
    await log_in(coop, browser, listener)
    page = await page_of(browser)
    for words in ("Your membership", "Since 2026", "Verified label", "Translation", "November 2026"):
        assert words in page
    assert page.count('name="copy"') == 3
    assert "&lt;Long&gt; Way" in (await browser.get("/collection")).text
    chosen = coop.copies(listener)[0].id
    answer = await browser.post("/offers", data={"csrf": csrf(await browser.get("/collection")), "copy": chosen})
    assert answer.status_code == 303


async def test_a_code_typed_on_the_page_gives_what_it_was_made_for_whatever_else_is_sent(
    coop: Coop, browser: httpx.AsyncClient
) -> None:
    other = "9d0f6a1e-2c53-4a4f-8f7d-1a2b3c4d5e70"
    coop.add_release(description(other, ("3f1c2a70-5a1f-4b0e-9b1e-0c6a5f0d7e30",), title="Elsewhere"))
    listener = coop.listener()
    (code,) = new_codes(coop, RELEASE)
    await log_in(coop, browser, listener)
    answer = await use(browser, code.lower().replace("-", " "), release=other, subject=other, copy=other)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/collection?got={RELEASE}")
    page = html.unescape((await browser.get(answer.headers["location"])).text)
    assert "“Night Bus EP” is yours" in page
    assert {copy.subject for copy in coop.copies(listener)} == {RELEASE, *TRACKS}
    assert "“" not in (await browser.get("/collection?got=<x>")).text


@pytest.mark.parametrize(
    ("whose", "status", "words"),
    [
        ("nobody's", 404, "not known here. Nothing is lost"),
        ("another's", 410, "used already, by another account"),
        ("owned", 409, "You own this already, so the code was not used up"),
    ],
)
async def test_a_code_that_gives_nothing_is_told_beside_the_field(
    coop: Coop, browser: httpx.AsyncClient, whose: str, status: int, words: str
) -> None:
    """Also the owner of the album who was told "no purchase found": they are told that they own it, and see it."""
    listener = coop.owner()
    (code,) = new_codes(coop, RELEASE)
    if whose == "another's":
        friend = coop.listener()
        await log_in(coop, browser, friend)
        assert (await use(browser, code)).status_code == 303
        browser.cookies.clear()
    await log_in(coop, browser, listener)
    answer = await use(browser, "7K2M-9QXR-4B1C-0DWZ" if whose == "nobody's" else code)
    assert answer.status_code == status
    assert words in html.unescape(answer.text)
    assert 'aria-invalid="true"' in answer.text
    assert "Night Bus EP" in answer.text
    assert len(coop.copies(listener)) == 4


async def test_a_code_is_used_by_nobody_but_who_is_logged_in_on_this_site(
    coop: Coop, browser: httpx.AsyncClient
) -> None:
    (code,) = new_codes(coop, RELEASE)
    assert (await browser.post("/codes", data={"code": code})).status_code == 401
    await log_in(coop, browser, coop.listener())
    assert (await browser.post("/codes", data={"code": code})).status_code == 403
    evil = await browser.post("/codes", data={"code": code}, headers={"Origin": "https://evil.example"})
    assert evil.status_code == 403


async def test_what_has_ended_is_explained_once(coop: Coop, browser: httpx.AsyncClient) -> None:
    listener, friend = coop.listener(), coop.listener()
    coop.buy(listener, RELEASE)
    take_back(coop, copy_of(coop, listener, RELEASE).id)
    coop.buy(listener, TRACKS[0])
    give(coop, copy_of(coop, listener, TRACKS[0]).id, friend)
    write(coop, add_member, listener=listener, share_class="listener", ends=coop.now + timedelta(days=9))
    write(coop, end_member, listener=listener)
    await log_in(coop, browser, listener)
    page = await page_of(browser)
    assert "“Night Bus EP”: you got your money back in November 2026" in page
    assert "“Stop 1”: you gave it to somebody else in November 2026" in page
    assert "Your membership ended in November 2026" in page
    assert "Stop 2" not in page
    assert 'name="copy"' not in page


async def test_the_album_owned_by_tracks_by_gift_or_by_code_is_found(coop: Coop, browser: httpx.AsyncClient) -> None:
    """However it came: no owned album may be missing from the page (mirlo#1759)."""
    by_tracks, by_gift = coop.listener(), coop.listener()
    for track in TRACKS:
        coop.buy(by_tracks, track)
    give(coop, copy_of(coop, coop.owner(), RELEASE).id, by_gift)
    for listener in (by_tracks, by_gift):
        await log_in(coop, browser, listener)
        page = await page_of(browser)
        assert "Night Bus EP" in page
        assert "You own this" in page
        assert page.count('name="copy"') == 4
