"""The gate at the artist's own site: what opens, what is revealed, and on what words hands are shaken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.conftest import Visitor
    from tests.support.town import Town


def test_a_gate_says_what_it_opens_and_what_it_costs_before_anything_is_asked(town: Town, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(town.gate_url(town.gate()))
    expect(page.get_by_role("heading", level=1)).to_have_text("Night Bus Songs")
    expect(page.get_by_text("3 tracks, FLAC")).to_be_visible()
    expect(page.get_by_text("That you own this EP.")).to_be_visible()
    expect(page.get_by_text("Who you are: no name, no e-mail, no account.")).to_be_visible()
    expect(page.get_by_role("blockquote")).to_contain_text("Thank you for owning")
    assert visitor.context.cookies() == []
    visitor.check_page()
    visitor.pictures("gate")


def test_a_gate_for_one_track_names_that_track_alone(town: Town, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(town.gate_url(town.gate(track=2)))
    expect(page.get_by_role("heading", level=1)).to_have_text("Rain on the Upper Deck")
    expect(page.get_by_text("That you own this track, or the record it is on.")).to_be_visible()
    expect(page.get_by_text("Walking the Rest")).to_be_hidden()
    visitor.check_page()
    visitor.pictures("gate-track")


def test_a_gate_is_opened_by_keyboard_alone(town: Town, visitor: Visitor) -> None:
    visitor.page.goto(town.gate_url(town.gate()))
    visitor.page.get_by_role("checkbox").focus()
    visitor.page.keyboard.press("Space")
    visitor.tab_to("Show that I own it")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_text("Waiting for your wallet")).to_be_visible()


def test_the_first_page_weighs_less_than_60_kb_apart_from_the_cover(town: Town, visitor: Visitor) -> None:
    weights: dict[str, int] = {}
    visitor.page.on("response", lambda response: weights.update({response.url: len(response.body())}))
    visitor.page.goto(town.gate_url(town.gate()), wait_until="networkidle")
    assert sum(weight for address, weight in weights.items() if not address.endswith("/cover")) < 60_000


def test_no_jargon_stands_in_front_of_a_listener(town: Town, visitor: Visitor) -> None:
    visitor.page.goto(town.gate_url(town.gate()))
    visitor.check_words()


def test_an_unknown_gate_is_explained(town: Town, visitor: Visitor) -> None:
    visitor.page.goto(f"{town.artist_url}/gates/nothing-here")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("There is no such gate here")
    visitor.check_page()
