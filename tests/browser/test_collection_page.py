"""My collection at the co-op: empty, on the way, one record, chosen, sent to a wallet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from issuer.ledger import BuyRelease, BuyTrack, Play, Thing, ThingKind
from issuer.registers import Contribution, Persona, PersonaKind
from issuer.service.codes import make_codes
from issuer.service.losses import refund
from issuer.service.registers import add_contribution, add_member, verify_artist
from issuer.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.conftest import Visitor
    from tests.support.town import Town


def enter(visitor: Visitor, town: Town, listener: str) -> None:
    visitor.page.goto(town.login_link(listener))
    visitor.page.get_by_role("button", name="Open my collection").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("My collection")


def test_a_personal_link_waits_for_a_press_of_its_button(town: Town, visitor: Visitor) -> None:
    link = town.login_link(town.owner())
    for _ in range(2):  # only looking uses nothing up
        visitor.page.goto(link)
    visitor.check_page()
    visitor.pictures("login")
    visitor.tab_to("Open my collection")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("My collection")


def test_a_used_link_says_what_to_do(town: Town, visitor: Visitor) -> None:
    listener = town.owner()
    link = town.login_link(listener)
    visitor.page.goto(link)
    visitor.page.get_by_role("button", name="Open my collection").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("My collection")
    visitor.page.goto(link)
    visitor.check_page()
    visitor.pictures("login-used")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("This link was used already")


def test_an_empty_collection_teaches_the_first_step(town: Town, visitor: Visitor) -> None:
    enter(visitor, town, town.listener())
    expect(visitor.page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
    assert visitor.page.get_by_role("checkbox").count() == 0
    visitor.check_page()
    visitor.pictures("collection-empty")


def test_what_is_nearly_owned_shows_how_far_it_is(town: Town, visitor: Visitor) -> None:
    enter(visitor, town, town.listener(*[Play(track=town.tracks[0], seconds=60)] * 4))
    expect(visitor.page.get_by_role("progressbar", name="Last Bus")).to_have_attribute("value", "4")
    expect(visitor.page.get_by_text("4 of 9 plays")).to_be_visible()
    visitor.check_page()
    visitor.pictures("collection-nearly")


def test_an_owned_record_is_stamped_and_every_track_says_how_it_was_got(town: Town, visitor: Visitor) -> None:
    enter(visitor, town, town.owner())
    page = visitor.page
    expect(page.get_by_text("You own this")).to_be_visible()
    expect(page.get_by_role("heading", name="Night Bus Songs")).to_be_visible()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(5)  # the record, three tracks, and all of it
    assert page.get_by_text("Bought in").count() == 2
    assert page.get_by_role("img", name="Cover of Night Bus Songs").evaluate("e => e.naturalWidth") > 100
    visitor.check_page()
    visitor.pictures("collection-one")


def enrol(town: Town, listener: str, *, refunded: bool = True) -> str:
    """Make a listener a member, an artist and a helper, who gave a record back; return a code of theirs to type."""
    now = town.issuer.clock()
    with town.issuer.database.write() as session:
        store = Store(session)
        add_member(store, listener=listener, share_class="listener", now=now)
        persona = Persona(
            id="",
            listener=listener,
            name="The Long Way Home",
            kind=PersonaKind.ARTIST,
            vouched_by=town.coop_url,
            vouching="met in person",
        )
        verify_artist(store, persona, random=town.issuer.random, now=now)
        given = Contribution(id=listener, listener=listener, what="translation", role="none", period="2026-11")
        add_contribution(store, given, key=None, now=now)
        copy = next(copy for copy in store.copies(listener) if copy.subject == town.release)
        if refunded:
            refund(store, copy_id=copy.id, now=now)
        thing = Thing(kind=ThingKind.RELEASE, id=town.release)
        (code,) = make_codes(store, thing, count=1, label=None, now=now, random=town.issuer.random)
    return code


def test_registers_codes_and_what_has_ended_stand_in_one_page(town: Town, visitor: Visitor) -> None:
    listener = town.listener(BuyRelease(release=town.release))
    code = enrol(town, listener)
    enter(visitor, town, listener)
    page = visitor.page
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(4)  # three lines, and all of it
    page.get_by_text("What was yours once").click()
    page.get_by_text("What a site sees of these").click()
    expect(page.get_by_role("link", name="Your membership")).to_be_visible()
    expect(page.get_by_text("you got your money back")).to_be_visible()
    page.get_by_label("The code on your card or record").fill("7K2M")
    page.get_by_role("button", name="Make it mine").click()
    expect(page.get_by_text("This code is not known here")).to_be_in_viewport()
    visitor.check_page()
    visitor.pictures("collection-code-wrong")
    page.get_by_label("The code on your card or record").fill(code.lower())
    page.keyboard.press("Enter")
    expect(page.get_by_text("“Night Bus Songs” is yours")).to_be_visible()
    expect(page.get_by_text("From a download code").first).to_be_visible()
    visitor.check_page()
    visitor.pictures("collection-all-kinds")


def test_one_track_alone_and_the_way_to_the_rest(town: Town, visitor: Visitor) -> None:
    first, second, _ = town.tracks
    enter(visitor, town, town.listener(BuyTrack(track=first), Play(track=second, seconds=60)))
    expect(visitor.page.get_by_text("1 track of it is yours")).to_be_visible()
    expect(visitor.page.get_by_text("You own this")).to_be_hidden()
    visitor.check_page()


def test_many_records_stand_side_by_side_and_are_chosen_one_by_one(town: Town, visitor: Visitor) -> None:
    more = town.add_releases(20)
    enter(visitor, town, town.listener(*[BuyRelease(release=each) for each in (town.release, *more)]))
    page = visitor.page
    expect(page.get_by_role("article")).to_have_count(21)
    expect(page.get_by_text(re.compile(r"^\d+ selected$"))).to_be_visible()
    page.get_by_label("All of it").uncheck()
    page.get_by_role("article").filter(has_text="Night Bus Songs").get_by_label("The whole record").check()
    expect(page.get_by_text("1 selected")).to_be_visible()
    visitor.check_page()
    visitor.pictures("collection-many")


def test_an_empty_selection_cannot_be_sent_and_is_answered_in_words(
    town: Town, visitor: Visitor, new_visitor: Callable[..., Visitor]
) -> None:
    listener = town.owner()
    enter(visitor, town, listener)
    expect(visitor.page.get_by_text("4 selected")).to_be_visible()
    visitor.page.get_by_label("All of it").uncheck()
    expect(visitor.page.get_by_role("button", name="Send to my wallet")).to_be_disabled()
    plain = new_visitor(java_script_enabled=False)
    enter(plain, town, listener)
    for box in plain.page.get_by_role("checkbox").all():
        box.uncheck()
    plain.page.get_by_role("button", name="Send to my wallet").click()
    expect(plain.page.get_by_text("Nothing is chosen yet")).to_be_visible()
    plain.picture("collection-nothing-chosen")


def test_a_collection_is_sent_to_the_wallet_by_keyboard_alone(town: Town, visitor: Visitor) -> None:
    enter(visitor, town, town.owner())
    visitor.tab_to("Send to my wallet")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("link", name="Open in my wallet")).to_be_visible()


def test_the_link_and_the_code_are_never_on_one_page(town: Town, visitor: Visitor) -> None:
    enter(visitor, town, town.owner())
    page = visitor.page
    page.get_by_role("button", name="Send to my wallet").click()
    link = page.get_by_role("link", name="Open in my wallet").get_attribute("href") or ""
    offer = page.url
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    visitor.check_page()
    visitor.pictures("offer")
    visitor.tab_to("Show me the code")
    page.keyboard.press("Enter")
    digits = page.locator(".digits").inner_text().replace("\u00a0", "")
    assert digits.isdecimal()
    assert len(digits) == 6
    assert page.locator("img").count() == 0
    assert link not in page.content()
    visitor.check_page()
    visitor.pictures("offer-code")
    town.receive(town.wallet(), link, digits)  # the code's page goes on by itself, to the offer's
    expect(page.get_by_role("heading", level=1)).to_have_text("Your wallet has them")
    assert page.url == offer
    visitor.check_page()
    visitor.pictures("offer-taken")
    page.goto(f"{town.coop_url}/collection")
    page.get_by_text("The wallet that your records are bound to").click()
    page.get_by_label("I do not have that wallet any more").check()
    visitor.check_page()
    visitor.check_words()
    visitor.pictures("collection-bound")
    page.get_by_role("button", name="That wallet is mine").click()
    expect(page.get_by_role("status").filter(has_text="Noted: it is your wallet")).to_be_focused()


def test_what_was_not_taken_in_time_is_still_there_to_send(town: Town, visitor: Visitor) -> None:
    enter(visitor, town, town.owner())
    visitor.page.get_by_role("button", name="Send to my wallet").click()
    expect(visitor.page.get_by_role("link", name="Open in my wallet")).to_be_visible()
    town.change("issuer", "UPDATE offer SET expires_at = 1")
    visitor.page.reload()
    assert "still yours" in visitor.page.locator(".lead").inner_text()
    expect(visitor.page.get_by_role("link", name="To my collection")).to_be_visible()
    visitor.check_page()
    visitor.pictures("offer-over")


def test_whoever_logs_out_is_told_so_and_is_out(town: Town, visitor: Visitor) -> None:
    enter(visitor, town, town.owner())
    visitor.page.get_by_role("button", name="Log out").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("You are logged out")
    visitor.check_page()
    visitor.page.goto(f"{town.coop_url}/collection")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Please open your personal link again")
    visitor.check_page()
    visitor.pictures("collection-no-session")


def test_an_unknown_address_at_the_co_op_is_explained(town: Town, visitor: Visitor) -> None:
    visitor.page.goto(f"{town.coop_url}/nowhere")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("There is nothing at this address")
    visitor.check_page()
