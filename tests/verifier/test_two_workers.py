"""Two workers of a site: the page waits at one, the answer arrives at the other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from credentials.status import StatusPolicy
from plumbing.database import Database
from tests.support.waiting import until
from tests.verifier.conftest import ARTIST, PAGE, Site
from tests.verifier.test_waiting import listen
from verifier.app import build_verifier_app
from verifier.statuses import StatusKeeper
from verifier.store import SqlWork

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verifier.gates import Gate


@pytest.fixture
def other(site: Site) -> Iterator[httpx.AsyncBaseTransport]:
    """The site's other worker: everything of its own but database, keys and clock."""
    database = Database(site.database.url.render_as_string(hide_password=False))
    parts, work = site.parts, SqlWork(database, site="main")
    statuses = StatusKeeper(work, parts.fetcher, party=parts.party, policy=StatusPolicy.REFUSE)
    yield httpx.ASGITransport(app=build_verifier_app(replace(parts, work=work, statuses=statuses)))
    database.close()


async def test_the_page_hears_of_an_answer_that_arrived_at_the_other_worker(
    site: Site, gate: Gate, other: httpx.AsyncBaseTransport
) -> None:
    page = await site.visitor().start(gate)
    wallet = replace(page, http=httpx.AsyncClient(transport=other, base_url=ARTIST))
    waiting = asyncio.create_task(listen(page))
    await until(lambda: site.app.state.watchers.open == 1)
    request = await wallet.fetch_request("cross_device")
    assert (await wallet.send(request, wallet.answer(request))).status_code == 200
    assert await waiting == ["waiting", "accepted"]


async def test_a_browser_that_began_at_one_worker_goes_on_at_the_other(
    site: Site, gate: Gate, other: httpx.AsyncBaseTransport
) -> None:
    page = await site.visitor().start(gate)
    request = await page.fetch_request("same_device")
    returning = (await page.send(request, page.answer(request))).json()["redirect_uri"]
    there = httpx.AsyncClient(transport=other, base_url=ARTIST, cookies=page.http.cookies)
    opened = await there.get(returning, headers=PAGE)
    assert opened.status_code == 303
    assert await listen(replace(page, http=there)) == ["accepted"]
