"""A disk that is full, or may not be written: everybody is told to come back, nothing is half done, and it recovers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from issuer.publishing import publish
from plumbing.database import DatabaseUnavailable
from tests.faults.trouble import FULL, READ_ONLY, trouble
from tests.issuer.conftest import browser, coop, wallet
from tests.support.databases import rows_in

if TYPE_CHECKING:
    import httpx

    from tests.issuer.conftest import Coop, Wallet

__all__ = ["browser", "coop", "wallet"]
pytestmark = pytest.mark.sqlite
BOTH = pytest.mark.parametrize("kind", [FULL, READ_ONLY], ids=["full", "read-only"])


@BOTH
async def test_a_wallet_is_told_to_come_back_and_then_gets_all_with_the_same_offer(
    kind: str, coop: Coop, wallet: Wallet
) -> None:
    offers, refused = [coop.offer(coop.owner()) for _ in range(12)], []
    with trouble(coop.parts.database, kind):
        answers = []
        for offer in offers:
            before = rows_in(coop.parts.database)
            answers.append(await wallet.token(offer))
            if answers[-1].status_code != 200:
                refused.append(offer)
                assert rows_in(coop.parts.database) == before
    assert {each.status_code for each in answers} <= {200, 503}  # a full disk may still have room within a page
    assert refused
    for answer in [each for each in answers if each.status_code == 503]:
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["error"] == "temporarily_unavailable"
        assert kind in answer.json()["error_description"]
        assert "disk" in answer.json()["error_description"]
    for offer in refused:
        token = await wallet.token(offer)
        assert token.status_code == 200
        assert (await wallet.ask(token.json()["access_token"], offer.copies[0].id)).status_code == 200


@BOTH
async def test_what_is_only_read_is_there_all_the_same(kind: str, coop: Coop, browser: httpx.AsyncClient) -> None:
    publish(coop.parts, now=coop.now)
    with trouble(coop.parts.database, kind):
        lists = (await browser.get("/statuslists")).json()["status_lists"]
        assert (await browser.get(lists[0])).status_code == 200
        assert (await browser.get("/.well-known/openid-credential-issuer")).status_code == 200


@BOTH
def test_what_could_not_be_published_goes_out_once_there_is_room(kind: str, coop: Coop) -> None:
    publish(coop.parts, now=coop.now)
    coop.wait(hours=13)  # so that there is something to sign again
    with trouble(coop.parts.database, kind):
        try:
            publish(coop.parts, now=coop.now)
        except DatabaseUnavailable as error:
            assert kind in error.detail  # noqa: PT017 - a full disk may have room for what only takes another's place
        else:
            assert kind == FULL
    coop.wait(hours=13)
    assert publish(coop.parts, now=coop.now).lost == 0
