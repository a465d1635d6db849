"""A visit: waiting, then accepted without a reload; refused, expired, in the wrong browser."""

from __future__ import annotations

import io
import re
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import expect

from credentials.errors import HandstampError
from issuer.service.offers import choose_copies
from issuer.store import Store
from plumbing.clock import system_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.conftest import Visitor
    from tests.support.town import Town
    from verifier.gates import Gate
    from wallet.ports import Tools


@pytest.fixture(scope="module")
def wallet(town: Town) -> Tools:
    """A wallet that holds the whole release."""
    listener = town.buyer()
    with town.issuer.database.write() as session:
        store = Store(session)
        copies = choose_copies(store, listener=listener, copy_ids=None)
        offer = town.issuer.desk.make(store, copies, listener=listener, now=system_clock())
    made = town.wallet()
    link = town.issuer.desk.by_value(offer).to_link()
    town.receive(made, link, town.issuer.desk.secrets.tx_code(offer.id))
    return made


@pytest.fixture(scope="module")
def gate(town: Town) -> Gate:
    return town.gate()


def start(visitor: Visitor, town: Town, gate: Gate) -> None:
    visitor.page.goto(town.gate_url(gate))
    visitor.page.get_by_role("checkbox").check()
    visitor.page.get_by_role("button", name="Show that I own it").click()
    expect(visitor.page.get_by_text("Waiting for your wallet")).to_be_visible()


def same_device(visitor: Visitor) -> str:
    return visitor.page.get_by_role("link", name="Open my wallet").get_attribute("href") or ""


def cross_device(visitor: Visitor) -> str:
    command = visitor.page.locator(".copy-text").inner_text()
    found = re.search("'(.*)'", command)
    assert found
    return found[1]


def test_the_waiting_page_offers_both_devices_and_a_way_out(town: Town, gate: Gate, visitor: Visitor) -> None:
    start(visitor, town, gate)
    page = visitor.page
    assert same_device(visitor).startswith("openid4vp://?")
    expect(page.get_by_role("img", name="Code that opens this request in your wallet")).to_be_visible()
    expect(page.get_by_role("link", name="Stop and go back")).to_be_visible()
    expect(page.get_by_text("The connection is gone")).to_be_hidden()
    visitor.check_page()
    visitor.pictures("visit-waiting")
    visitor.tab_to("Open my wallet")


def test_the_code_on_the_page_is_the_request_for_another_device(town: Town, gate: Gate, visitor: Visitor) -> None:
    start(visitor, town, gate)
    visitor.page.wait_for_load_state("load")  # the code is a picture, and comes after the page
    for scheme in ("light", "dark"):
        visitor.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        picture = Image.open(io.BytesIO(visitor.page.screenshot(full_page=True)))
        codes = zxingcpp.read_barcodes(picture)
        assert [code.text for code in codes] == [cross_device(visitor)]


def test_an_answer_from_another_device_opens_the_page_without_a_reload(
    town: Town, gate: Gate, wallet: Tools, visitor: Visitor
) -> None:
    start(visitor, town, gate)
    page = visitor.page
    page.evaluate("window.same = true")
    assert town.answer(wallet, cross_device(visitor)) is None
    expect(page.get_by_role("heading", name="You are in")).to_be_focused()
    expect(page.locator("#main").get_by_text("You own this")).to_be_visible()  # the announcer says it too
    expect(page.locator("#announcer")).to_have_text("You are in")
    assert page.evaluate("window.same") is True
    visitor.check_page()
    visitor.pictures("visit-accepted")
    visitor.tab_to("Get the files")


def test_an_answer_on_the_same_device_comes_back_to_this_browser(
    town: Town, gate: Gate, wallet: Tools, visitor: Visitor, new_visitor: Callable[..., Visitor]
) -> None:
    start(visitor, town, gate)
    link = town.answer(wallet, same_device(visitor))
    assert link
    expect(visitor.page.locator("#main").get_by_text("Your wallet has answered")).to_be_visible()
    visitor.picture("visit-returning")
    stranger = new_visitor()
    stranger.page.goto(link)
    expect(stranger.page.get_by_role("heading", level=1)).to_have_text("This was started in another browser")
    stranger.check_page()
    stranger.pictures("visit-foreign")
    visitor.page.goto(link)
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("You are in")
    visitor.page.goto(link)
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("This link was used already")
    visitor.check_page()
    visitor.pictures("visit-return-used")


def test_without_script_the_waiting_page_goes_on_by_itself(
    town: Town, gate: Gate, wallet: Tools, new_visitor: Callable[..., Visitor]
) -> None:
    plain = new_visitor(java_script_enabled=False)
    start(plain, town, gate)
    town.answer(wallet, cross_device(plain))
    expect(plain.page.get_by_role("heading", name="You are in")).to_be_visible()


def test_a_wallet_that_says_no_is_told_on_the_page(town: Town, gate: Gate, wallet: Tools, visitor: Visitor) -> None:
    start(visitor, town, gate)
    town.decline(wallet, cross_device(visitor))
    notice = visitor.page.get_by_role("alert")
    expect(notice).to_contain_text("Your wallet said no")
    expect(notice).to_be_focused()
    visitor.check_page()
    visitor.pictures("visit-declined")


def test_too_many_refusals_end_the_visit_in_words(town: Town, gate: Gate, wallet: Tools, visitor: Visitor) -> None:
    start(visitor, town, gate)
    link = cross_device(visitor)
    for _ in range(5):
        with suppress(HandstampError):
            town.decline(wallet, link)
    page = visitor.page
    expect(page.get_by_role("heading", level=1)).to_have_text("This did not open")
    expect(page.get_by_role("link", name="Start again")).to_be_visible()
    visitor.check_page()
    visitor.pictures("visit-refused")


def test_a_visit_that_ran_out_says_so_and_starts_again(town: Town, gate: Gate, visitor: Visitor) -> None:
    start(visitor, town, gate)
    town.change("verifier", "UPDATE visits SET expires_at = 1")
    page = visitor.page
    expect(page.get_by_role("heading", level=1)).to_have_text("Time is up")
    visitor.check_page()
    visitor.pictures("visit-expired")
    page.get_by_role("link", name="Start again").click()
    expect(page.get_by_role("button", name="Show that I own it")).to_be_visible()


def test_somebody_elses_visit_is_not_shown(
    town: Town, gate: Gate, visitor: Visitor, new_visitor: Callable[..., Visitor]
) -> None:
    start(visitor, town, gate)
    stranger = new_visitor()
    stranger.page.goto(visitor.page.url)
    expect(stranger.page.get_by_role("heading", level=1)).to_have_text("This was started in another browser")
    assert stranger.page.get_by_role("link", name="Open my wallet").count() == 0
