"""What a browser, or somebody who writes as one, must not do to the co-op's pages: one input, one exact answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.issuer.test_pages import log_in

if TYPE_CHECKING:
    import httpx

    from tests.issuer.conftest import Coop

IN_PARTS = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n--b--\r\n'


@pytest.mark.parametrize(
    ("path", "charset", "value"),
    [
        ("/login", "undefined", b"x"),
        ("/login", "idna", b"xn--"),
        ("/login", "raw_unicode_escape", b"\\ud800"),
        ("/login", "utf-7", b"+2AA-"),
        ("/login", "utf-8", b"x"),
        ("/codes", "undefined", b"x"),
        ("/authorize", "undefined", b"x"),
        ("/offers", "undefined", b"x"),
        ("/logout", "undefined", b"x"),
    ],
)
async def test_a_form_in_parts_is_refused_however_its_letters_are_to_be_read(
    coop: Coop, browser: httpx.AsyncClient, path: str, charset: str, value: bytes
) -> None:
    if path != "/login":
        await log_in(coop, browser, coop.listener())
    headers = {"Content-Type": f"multipart/form-data; boundary=b; charset={charset}", "Accept": "application/json"}
    answer = await browser.post(path, content=IN_PARTS % (b"token", value), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forged_form")


@pytest.mark.parametrize(
    "accept", [b"application/jwt;q=\xb2", b"application/jwt;q=nan", b"application/jwt;q=1e9", b"application/jwt;q=-1"]
)
async def test_a_quality_that_is_none_gets_plain_metadata(browser: httpx.AsyncClient, accept: bytes) -> None:
    answer = await browser.get("/.well-known/openid-credential-issuer", headers={b"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/offers/%00", 410, "offer_gone"),
        ("/offers/%ff", 410, "offer_gone"),
        ("/offers/..%2f..%2fetc", 404, "not_found"),
        ("/offers/x/page", 401, "not_logged_in"),
        ("/offers/x/qr.svg", 401, "not_logged_in"),
        ("/offers/x/events", 401, "not_logged_in"),
        ("/statuslists/%00", 404, "no_such_status_list"),
        ("/statuslists/x?time=1", 501, "no_status_history"),
        ("/covers/%00", 404, "no_such_cover"),
        ("/login?token=%00", 410, "link_used_up"),
        ("/login", 410, "link_used_up"),
        ("/collection", 401, "not_logged_in"),
        ("/authorize", 401, "not_logged_in"),
    ],
)
async def test_an_address_that_leads_nowhere_has_its_exact_answer(
    browser: httpx.AsyncClient, path: str, status: int, code: str
) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("cookie", ["coop=", "coop=%00", 'coop="\\377"', "coop=" + "A" * 43])
async def test_a_cookie_of_ones_own_making_is_nobodys(browser: httpx.AsyncClient, cookie: str) -> None:
    answer = await browser.get("/collection", headers={"Cookie": cookie})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_logged_in")
