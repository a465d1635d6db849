"""The whole way in German: the browser asks for it, every page answers in it, and longer words still fit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.conftest import Visitor
    from tests.support.town import Town


@pytest.fixture
def german(new_visitor: Callable[..., Visitor]) -> Visitor:
    return new_visitor(language="de-DE", timezone_id="Europe/Berlin")


def test_the_collection_and_what_is_sent_from_it(town: Town, german: Visitor) -> None:
    page = german.page
    page.goto(town.login_link(town.owner()))
    page.get_by_role("button", name="Meine Sammlung öffnen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Meine Sammlung")
    expect(page.get_by_text("Gehört dir", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile("Gekauft im (Januar|[A-Z]).* 20")).first).to_be_visible()
    expect(page.get_by_text("4 ausgewählt")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "de"
    german.check_page()
    german.pictures("de-collection")
    page.get_by_role("button", name="An meine Wallet schicken").click()
    expect(page.get_by_text(re.compile(r"Gültig bis \d\d:\d\d"))).to_be_visible()
    german.check_page()
    german.pictures("de-offer")
    page.get_by_role("button", name="Zeig mir den Code").click()
    german.check_page()


def test_the_gate_and_the_files(town: Town, german: Visitor) -> None:
    page = german.page
    page.goto(town.gate_url(town.gate()))
    expect(page.get_by_text("Die Dateien, für alle, denen diese EP gehört")).to_be_visible()
    expect(page.get_by_text("3 Stücke, FLAC, ")).to_be_visible()
    german.check_page()
    german.pictures("de-gate")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Zeigen, dass sie mir gehört").click()
    expect(page.get_by_text("Warten auf deine Wallet")).to_be_visible()
    german.check_page()
    german.pictures("de-waiting")
    town.change("verifier", "UPDATE visits SET state = 'accepted', answer = '{}'")
    expect(page.get_by_role("heading", level=1)).to_have_text("Du bist drin")
    german.check_page()
    page.get_by_role("button", name="Dateien holen").click()
    expect(page.get_by_role("link", name="Alles holen")).to_be_visible()
    german.check_page()
    german.pictures("de-download")
