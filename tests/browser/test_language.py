"""The whole way in German: the browser asks for it, every page answers in it, and longer words still fit."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from issuer.ledger import BuyRelease
from plumbing.clock import system_clock
from plumbing.ids import new_public_id
from tests.browser.test_authorize_page import EVERYTHING, ask
from tests.browser.test_collection_page import enrol
from verifier.gates import Counting
from verifier.limits import Monthly
from verifier.proofs import AnyOf, MemberOf

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.conftest import Visitor
    from tests.support.town import Town

pytestmark = pytest.mark.slow


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
    # After midnight the hour has one digit; before it, the day is named too.
    expect(page.get_by_text(re.compile(r"Gültig bis .*\b\d?\d:\d\d"))).to_be_visible()
    german.check_page()
    german.pictures("de-offer")
    page.get_by_role("button", name="Zeig mir den Code").click()
    expect(page.locator(".digits")).to_be_visible()
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


def test_what_a_wallet_may_have_and_what_each_kind_shows(town: Town, german: Visitor) -> None:
    page = german.page
    listener = town.listener(BuyRelease(release=town.release))
    enrol(town, listener)
    page.goto(town.login_link(listener))
    page.get_by_role("button", name="Meine Sammlung öffnen").click()
    page.get_by_text("Was einmal deins war").click()
    expect(page.get_by_text("dein Geld zurückbekommen")).to_be_visible()
    german.pictures("de-collection-all-kinds")
    page.get_by_text("Was eine Seite davon sieht").click()
    page.get_by_role("link", name="Deine Mitgliedschaft").click()
    expect(page.get_by_text("Was eine Seite erfährt")).to_be_visible()
    german.check_page()
    german.pictures("de-type")
    page.goto(ask(town, *EVERYTHING))
    expect(page.get_by_role("button", name="Ja, das schicken")).to_be_disabled()
    german.check_page()
    german.pictures("de-authorize")


def test_a_gate_that_counts(town: Town, german: Visitor) -> None:
    member = MemberOf(coop="https://coop.example", name="Sound Commons Co-op", over16=True)
    made = town.gate()
    gate = replace(
        made,
        gate_id=new_public_id(),
        requirement=AnyOf(proofs=(made.requirement, member)),  # type: ignore[arg-type]
        counting=Counting(limit=Monthly(times=2), key=b"k" * 32, takes_other_wallets=True),
        opens=replace(made.opens, has_cover=False),
    )
    with town.verifier.work.write() as stores:
        stores.save_gate(gate, now=system_clock())
    page = german.page
    page.goto(town.gate_url(gate))
    expect(page.get_by_text("Du kannst es 2 Mal im Monat öffnen.")).to_be_visible()
    german.check_page()
    german.pictures("de-limited-gate")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Mit meiner Wallet zeigen").click()
    expect(page.get_by_text("Warten auf deine Wallet")).to_be_visible()
    town.change(
        "verifier", "UPDATE visits SET state = 'refused', last_failure = 'already_used', first_use = 1795000000"
    )
    expect(page.get_by_text("Dieser Stempel wurde hier schon benutzt")).to_be_visible()
    german.pictures("de-visit-used")
