"""Every type explains itself: to people as a page, to programs as documents."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

import schemas
from schemas.context import CONTEXT_BYTES, CONTEXT_SHA256, load_context

if TYPE_CHECKING:
    import httpx

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def test_a_program_gets_type_metadata_and_a_person_a_page(
    browser: httpx.AsyncClient,
) -> None:
    for kind in schemas.ALL:
        path = f"/types/{kind.configuration_id}"
        document = await browser.get(path)
        assert document.json() == kind.type_metadata
        assert document.headers["content-type"] == "application/json"
        page = await browser.get(path, headers=PAGE)
        assert page.headers["content-type"].startswith("text/html")
        for answer in (document, page):
            assert "Accept" in answer.headers["vary"].split(", ")
        again = await browser.get(path, headers={"If-None-Match": document.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_what_the_page_leads_to_is_there(browser: httpx.AsyncClient) -> None:
    for kind in schemas.ALL:
        path = f"/types/{kind.configuration_id}"
        page = (await browser.get(path, headers=PAGE)).text
        for address in set(re.findall(r'(?:href|src)="(/types/[^"]+)"', page)):
            assert (await browser.get(address)).status_code == 200, address
        assert (await browser.get(f"{path}/metadata")).json() == kind.type_metadata
        assert (await browser.get(f"{path}/schema")).json() == kind.json_schema
        assert (await browser.get(f"{path}/example")).json() == kind.example
        assert (await browser.get(f"{path}/linked-schema")).json() == kind.linked_schema
        assert (await browser.get(f"{path}/linked-example")).json() == kind.linked_example
        logo = await browser.get(f"{path}/logo.svg")
        assert (logo.headers["content-type"].partition(";")[0], logo.content) == ("image/svg+xml", kind.logo)


@pytest.mark.parametrize("language", ["en", "de"])
async def test_every_line_that_can_be_shown_has_its_name_and_an_example(
    browser: httpx.AsyncClient, language: str
) -> None:
    for kind in schemas.ALL:
        answer = await browser.get(f"/types/{kind.configuration_id}", headers=PAGE | {"Accept-Language": language})
        page = html.unescape(answer.text)
        display = next(each for each in kind.type_metadata["display"] if each["locale"] == language)
        assert f"<h1>{display['name']}</h1>" in page
        shown = re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page)
        labels = [
            next(label["label"] for label in entry["display"] if label["locale"] == language)
            for entry in kind.type_metadata["claims"]
            if entry["sd"] == "always"
        ]
        assert [label for label, _ in shown] == labels
        # The values of the format itself are not for people.
        assert not {"none", "true", "stream_to_own", kind.example[kind.countable_claim]} & {value for _, value in shown}


async def test_a_page_speaks_of_records_and_people(browser: httpx.AsyncClient) -> None:
    for kind in schemas.ALL:
        page = (await browser.get(f"/types/{kind.configuration_id}", headers=PAGE)).text
        spoken = re.sub(r"<details.*?</details>|<[^>]+>", " ", page, flags=re.DOTALL).lower()
        for word in ("credential", "verifiable", "holder", "issuer", "json", "token", "claim", "presentation"):
            assert word not in spoken
        assert ("until the end of" in spoken) is (kind.lifetime_months is not None)


async def test_a_membership_stamped_in_november_is_good_until_the_end_of_december(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/types/CoopMembershipCredential", headers=PAGE)).text
    assert "What is stamped in November 2026 is good until the end of December 2026." in page


async def test_all_kinds_are_on_one_page(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/types", headers=PAGE)).text
    for kind in schemas.ALL:
        assert f'href="/types/{kind.configuration_id}"' in page
    assert (await browser.get("/types/Nothing", headers=PAGE)).status_code == 404


async def test_the_context_is_given_as_it_was_frozen(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/contexts/1")
    assert answer.headers["content-type"] == "application/ld+json"
    assert answer.content == CONTEXT_BYTES


@pytest.mark.parametrize("language", ["en", "de"])
async def test_the_vocabulary_says_what_every_term_means(browser: httpx.AsyncClient, language: str) -> None:
    page = html.unescape((await browser.get("/vocabulary", headers=PAGE | {"Accept-Language": language})).text)
    assert CONTEXT_SHA256 in page
    for name, iri in load_context()["@context"].items():
        if iri not in (1.1, True) and not name[0].isupper():
            assert f"<code>{name}</code>" in page
            assert f"<code>{iri}</code>" in page
    for kind in schemas.ALL:
        assert f'href="/types/{kind.configuration_id}"' in page
