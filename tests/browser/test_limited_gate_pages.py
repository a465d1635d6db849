"""The pages of a gate that counts: what it asks, the code to type, the code on the phone, used already, closed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from plumbing.clock import system_clock
from plumbing.ids import new_public_id
from verifier.gates import Counting
from verifier.limits import Monthly, OnceEver
from verifier.proofs import AllOf, AnyOf, Contributed, MemberOf, SpeaksFor
from verifier.visits import digest

if TYPE_CHECKING:
    from tests.browser.conftest import Visitor
    from tests.support.town import Town
    from verifier.gates import Gate

PAGE = "the-page-that-only-the-wallet-knows"


@pytest.fixture(scope="module")
def gate(town: Town) -> Gate:
    made = town.gate()
    coop = MemberOf(coop="https://coop.example", name="Sound Commons Co-op", over16=True)
    limited = replace(
        made,
        gate_id=new_public_id(),
        requirement=AnyOf(proofs=(made.requirement, coop)),  # type: ignore[arg-type]
        counting=Counting(limit=OnceEver(), key=b"k" * 32, takes_other_wallets=True),
        opens=replace(made.opens, has_cover=False),
    )
    with town.verifier.work.write() as stores:
        stores.save_gate(limited, now=system_clock())
    return limited


def start(visitor: Visitor, town: Town, gate: Gate) -> None:
    visitor.page.goto(town.gate_url(gate))
    visitor.page.get_by_role("checkbox").check()
    visitor.page.get_by_role("button", name="Show it with my wallet").click()
    expect(visitor.page.get_by_text("Waiting for your wallet")).to_be_visible()


def test_a_gate_that_counts_says_before_that_it_recognises(town: Town, gate: Gate, visitor: Visitor) -> None:
    visitor.page.goto(town.gate_url(gate))
    expect(visitor.page.get_by_text("You can open it once.")).to_be_visible()
    expect(visitor.page.get_by_text("One of these is enough")).to_be_visible()
    visitor.check_page()
    visitor.pictures("limited-gate")
    visitor.page.evaluate("document.querySelector('form').noValidate = true")
    visitor.page.get_by_role("button", name="Show it with my wallet").click()
    expect(visitor.page.get_by_text("The tick is missing")).to_be_visible()
    visitor.complaints.clear()  # the browser notes the 400
    visitor.check_page()
    visitor.pictures("limited-gate-unticked")


def test_every_way_of_asking_is_told_before_the_button(town: Town, gate: Gate, visitor: Visitor) -> None:
    coop = MemberOf(coop="https://coop.example", name="Sound Commons Co-op")
    monthly = Counting(limit=Monthly(times=2), key=b"k" * 32, takes_other_wallets=False)
    artist = SpeaksFor(persona="6f1b2f0e-5d0b-4a8e-9f7e-0a8d4f0c1b2a", name="The Long Way Home")
    helper = Contributed(coop="https://coop.example", name="Sound Commons Co-op", contribution="translation")
    ways = {
        "gate-artist": replace(gate, gate_id=new_public_id(), requirement=artist, counting=None),
        "gate-helper": replace(gate, gate_id=new_public_id(), requirement=helper, counting=None),
        "gate-member": replace(gate, gate_id=new_public_id(), requirement=coop, counting=monthly),
        "gate-all": replace(gate, gate_id=new_public_id(), requirement=AllOf(proofs=gate.requirement.proofs)),  # type: ignore[union-attr]
    }
    with town.verifier.work.write() as stores:
        for way in ways.values():
            stores.save_gate(way, now=system_clock())
    page = visitor.page
    page.goto(town.gate_url(ways["gate-member"]))
    expect(page.get_by_text("An extra for members of Sound Commons Co-op")).to_be_visible()
    expect(page.get_by_text("You can open it 2 times a month.")).to_be_visible()
    expect(page.get_by_text("number for each gate alone")).to_be_visible()
    visitor.check_page()
    visitor.check_words()
    visitor.pictures("gate-member")
    visitor.other_pictures("gate-member")
    for name, words in (("gate-artist", "For The Long Way Home"), ("gate-helper", "for those who contributed")):
        page.goto(town.gate_url(ways[name]))
        expect(page.get_by_text(words)).to_be_visible()
        visitor.check_page()
        visitor.check_words()
        visitor.pictures(name)
        # Whoever shows an artist's name is recognised by it.
        assert page.get_by_text("Whether you were here before").is_visible() == (name == "gate-helper")
    page.goto(town.gate_url(ways["gate-all"]))
    expect(page.get_by_text("All of these are needed")).to_be_visible()
    page.get_by_role("link", name="Read the words").click()
    expect(page.get_by_role("heading", name="The handshake")).to_be_in_viewport()
    visitor.pictures("gate-all")


def test_the_code_is_typed_where_the_square_was(town: Town, gate: Gate, visitor: Visitor) -> None:
    start(visitor, town, gate)
    page = visitor.page
    # The answer itself is the business of tests/verifier/test_limits.py.
    with town.verifier.database.write() as session:
        session.connection().exec_driver_sql(
            "UPDATE visits SET state = 'awaiting_code', answer = '{}', code = '482193', code_page = ? "
            "WHERE gate_id = ?",
            (digest(PAGE), gate.gate_id),
        )
    expect(page.get_by_role("heading", level=1)).to_have_text("Type the code from your wallet")
    visitor.check_page()
    visitor.pictures("visit-code")
    page.get_by_label("Six digits").fill("111111")
    page.get_by_role("button", name="Open it").click()
    expect(page.get_by_text("That was another code")).to_be_visible()
    visitor.check_page()
    visitor.pictures("visit-code-wrong")
    here = page.url
    page.goto(f"{town.verifier.party.base_url}/codes/{PAGE}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Type this code where you scanned")
    visitor.check_page()
    visitor.pictures("code")
    page.goto(here)
    page.get_by_label("Six digits").fill("482 193")
    page.get_by_role("button", name="Open it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are in")
    visitor.check_page()
    visitor.pictures("limited-accepted")


def test_a_stamp_that_was_used_says_when(town: Town, gate: Gate, visitor: Visitor) -> None:
    start(visitor, town, gate)
    town.change(
        "verifier", "UPDATE visits SET state = 'refused', last_failure = 'already_used', first_use = 1795260000"
    )
    expect(visitor.page.get_by_text("This stamp was already used here")).to_be_visible()
    visitor.check_page()
    visitor.pictures("visit-used")


def test_a_closed_gate_says_so(town: Town, gate: Gate, visitor: Visitor) -> None:
    town.change("verifier", "UPDATE gates SET closed_at = 1 WHERE limit_times = 1")
    visitor.page.goto(town.gate_url(gate))
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("This gate is closed")
    visitor.complaints.clear()  # the browser notes the 410
    visitor.check_page()
    visitor.pictures("gate-closed")
