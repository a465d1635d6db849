"""A service that dies in the middle loses nothing: real processes, ended without a warning and started again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest

from plumbing.fetch import FetchFailed, HttpFetcher, Reach
from tests.support.holder import Holder, field_of, request
from tests.support.pool import own_site
from verifier.limits import OnceEver
from wallet.errors import SiteRefused
from wallet.service.answer_request import answer, read_request
from wallet.service.open_gate import begin_visit
from wallet.service.show_code import awaits_code, fetch_code

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows.conftest import World
    from wallet.ports import Tools
    from wallet.state import Wallet

pytestmark = pytest.mark.slow


class PowerCut(httpx.AsyncHTTPTransport):
    """The network to a co-op whose power fails when the first credential is asked for."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/credential":
            self._world.kill("issuer")
        return await super().handle_async_request(request)


@dataclass(frozen=True)
class Received:
    """A wallet whose co-op died between token and credential, and what it was told then."""

    wallet: Wallet
    words: str


@pytest.fixture(scope="module")
def received(world: World, tmp_path_factory: pytest.TempPathFactory) -> Received:
    holder = Holder(folder=tmp_path_factory.mktemp("restart"))
    holder.trust(world.stage.folder / "certificates" / "authority.pem")
    # A listener of their own: whose wallet is not the first gets no number at gates that count (decision 21).
    owner = world.json("issuer", "listener", "add", "--name", "Ada Power")
    world.stage.run("issuer", "buy", str(owner["id"]), str(world.release["id"]))
    offer = world.json("issuer", "offer", str(owner["id"]))

    def failing(first_party: str) -> HttpFetcher:
        return HttpFetcher(Reach.of(first_party), transport=PowerCut(world))

    with pytest.raises(FetchFailed) as failed:
        holder.receive(offer, web=failing)
    assert holder.memory.load().copies == ()
    world.start("issuer")
    holder.receive({**offer, "code": None})
    return Received(holder.memory.load(), failed.value.detail)


@pytest.fixture
def tools(received: Received, tmp_path: Path) -> Tools:
    holder = Holder(folder=tmp_path)
    holder.memory.change(lambda _: (received.wallet, None))
    return holder.tools


def restart(world: World, role: str) -> None:
    world.kill(role)
    world.start(role)


def test_a_co_op_that_dies_between_token_and_credential_gives_everything_later_without_another_code(
    received: Received,
) -> None:
    assert "Nothing was changed; try again later" in received.words
    assert len(received.wallet.copies) > 1
    assert all(copy.instances for copy in received.wallet.copies)


async def test_a_site_that_dies_between_answer_and_return_opens_its_gate_after_all(world: World, tools: Tools) -> None:
    visit = await begin_visit(world.gate, tools=tools)
    answered = await answer(visit.asked, tools=tools)
    restart(world, "verifier")
    as_browser = {"Cookie": visit.cookie, "Accept": "text/html"}
    back = await request("GET", str(answered.redirect_uri), headers=as_browser)
    assert back.status_code in {200, 303}
    page = await request("GET", visit.url, headers=as_browser)
    assert "Get the files" in page.text
    opened = await request("POST", f"{visit.url}/grant", headers=as_browser, data={"csrf": field_of(page)})
    assert opened.headers["location"].startswith(world.stage.addresses["trackserver"])


async def test_a_site_that_dies_between_answer_and_code_counts_the_visit_once_when_the_code_is_typed(
    world: World, tools: Tools
) -> None:
    site = own_site(world)
    gate = await asyncio.to_thread(site.gate, world.release_url(), limit=OnceEver(), takes_other_wallets=True)
    started = await request("POST", f"{gate}/visits", headers={"Accept": "application/json"})
    visit, cookies = started.json(), dict(started.cookies)
    answered = await answer(await read_request(visit["cross_device"], tools=tools), tools=tools)
    assert awaits_code(answered)
    restart(world, "verifier")
    code = await fetch_code(answered, tools=tools)
    html = {"Accept": "text/html"}
    page = await request("GET", visit["visit"], cookies=cookies, headers=html)
    typed = await request(
        "POST", f"{visit['visit']}/code", cookies=cookies, data={"csrf": field_of(page), "code": code}
    )
    assert typed.status_code in {200, 303}
    assert "Get the files" in (await request("GET", visit["visit"], cookies=cookies, headers=html)).text
    again = await begin_visit(gate, tools=tools)
    with pytest.raises(SiteRefused, match="used"):
        await answer(again.asked, tools=tools)
    site.tools.database.close()
