"""The page on which a listener says yes to a wallet that asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from playwright.sync_api import expect

import schemas
from credentials.protocols.openid4vci import PushedRequest, make_code_challenge
from issuer.ledger import BuyRelease
from issuer.service.authorizations import push, wanted_of
from issuer.store import Store
from tests.browser.test_collection_page import enrol, enter

if TYPE_CHECKING:
    from tests.browser.conftest import Visitor
    from tests.support.town import Town

EVERYTHING = tuple(each.scope for each in schemas.ALL)


def ask(town: Town, *scopes: str) -> str:
    """Let a wallet ask; return where it sends its listener's browser."""
    request = PushedRequest(
        client_id="wallet.example",
        redirect_uri="https://wallet.example/back?from=coop",
        code_challenge=make_code_challenge("v" * 43),
        scopes=scopes,
        state="s",
    )
    before = datetime.now(UTC) - timedelta(seconds=1)
    with town.issuer.database.write() as session:
        secret = push(Store(session), request, None, wanted=wanted_of(request), now=before)
    return f"{town.coop_url}/authorize?client_id=wallet.example&request_uri=urn:ietf:params:oauth:request_uri:{secret}"


def test_a_wallet_gets_what_is_ticked_and_nothing_before(town: Town, visitor: Visitor) -> None:
    listener = town.listener(BuyRelease(release=town.release))
    enrol(town, listener, refunded=False)
    enter(visitor, town, listener)
    page = visitor.page
    page.goto(ask(town, *EVERYTHING))
    expect(page.get_by_role("heading", level=1)).to_have_text("A wallet asks for your records")
    expect(page.get_by_role("button", name="Yes, send these")).to_be_disabled()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(0)
    visitor.check_page()
    visitor.pictures("authorize")
    page.get_by_role("checkbox", name="Your membership").check()
    visitor.tab_to("Yes, send these")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("One more step")
    assert "code=" in (page.get_by_role("link", name="Back to my wallet").get_attribute("href") or "")
    visitor.check_page()
    visitor.pictures("authorized")


def test_who_has_nothing_of_it_says_no_and_a_request_that_is_over_says_so(town: Town, visitor: Visitor) -> None:
    enter(visitor, town, town.listener())
    page = visitor.page
    address = ask(town, "coop_membership")
    page.goto(address)
    expect(page.get_by_text("Nothing fits")).to_be_visible()
    visitor.check_page()
    visitor.pictures("authorize-nothing")
    page.get_by_role("button", name="No, send nothing").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing was sent")
    visitor.pictures("authorize-no")
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("This is over")
    visitor.check_page()
    visitor.pictures("authorize-over")
