"""The waiting page: what it shows, what it hears, and what it costs the database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from plumbing.web.watchers import Watchers
from tests.support.waiting import until
from tests.verifier.conftest import PAGE, Site, Visitor

if TYPE_CHECKING:
    from verifier.gates import Gate


class Impatient(Watchers):
    """Lets streams look often, and counts their looks: how long one takes on a busy machine is nobody's guess."""

    def __init__(self) -> None:
        super().__init__(pause_s=0.01)
        self.looks = 0

    @property
    @override
    def pause_s(self) -> float:
        self.looks += 1
        return 0.01

    async def looked(self, times: int) -> None:
        """Wait until streams looked so often from now on, and said what they saw."""
        wanted = self.looks + times
        await until(lambda: self.looks >= wanted)


@pytest.fixture
def watchers(site: Site) -> Impatient:
    site.app.state.watchers = Impatient()
    return site.app.state.watchers


def states(stream: str) -> list[str]:
    lines = stream.replace("\r\n", "\n").split("\n")
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


async def listen(visitor: Visitor, seen: str = "waiting-0") -> list[str]:
    reply = await visitor.http.get(f"{visitor.visit_path}/events?seen={seen}")
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.headers["cache-control"] == "no-store"
    assert "event: state" in reply.text
    return states(reply.text)


async def test_the_page_hears_that_the_answer_was_accepted(site: Site, gate: Gate, watchers: Impatient) -> None:
    visitor = await site.visitor().start(gate)
    waiting = asyncio.create_task(listen(visitor))
    await watchers.looked(1)
    request = await visitor.fetch_request("cross_device")
    await visitor.send(request, visitor.answer(request))
    assert await waiting == ["waiting", "accepted"]


async def test_the_page_hears_that_an_answer_failed_and_goes_on_waiting(
    site: Site, gate: Gate, watchers: Impatient
) -> None:
    visitor = await site.visitor().start(gate)
    waiting = asyncio.create_task(listen(visitor))
    await watchers.looked(1)
    request = await visitor.fetch_request("cross_device")
    await visitor.send(request, visitor.answer(request, nonce="n" * 43))
    await watchers.looked(3)
    assert not waiting.done()
    site.clock.pass_time(minutes=5)
    assert await waiting == ["waiting", "changed", "expired"]


async def test_what_happened_between_page_and_stream_is_told_at_once(
    site: Site, gate: Gate, watchers: Impatient
) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    await visitor.send(request, visitor.answer(request, nonce="n" * 43))
    waiting = asyncio.create_task(listen(visitor))
    await watchers.looked(1)
    for _ in range(4):
        await visitor.send(request, visitor.answer(request, nonce="n" * 43))
    first, *changes, last = await waiting
    assert (first, set(changes), last) == ("waiting", {"changed"}, "refused")


async def test_a_visit_that_was_swept_while_somebody_watched_is_expired(
    site: Site, gate: Gate, watchers: Impatient
) -> None:
    visitor = await site.visitor().start(gate)
    waiting = asyncio.create_task(listen(visitor))
    await watchers.looked(1)
    with site.parts.work.write() as stores:
        moment = site.clock()
        site.clock.pass_time(minutes=6)
        stores.sweep(now=site.clock())
        site.clock.now = moment
    assert await waiting == ["waiting", "expired"]


async def test_many_waiting_pages_hold_no_database_session(site: Site, gate: Gate, watchers: Impatient) -> None:
    visitors = [await site.visitor().start(gate) for _ in range(30)]
    waiting = [asyncio.create_task(listen(visitor)) for visitor in visitors]
    await until(lambda: watchers.open == 30)
    for _ in range(10):
        await watchers.looked(3)
        pool = site.database._engine.pool  # noqa: SLF001  # nothing else counts connections
        assert pool.checkedout() <= 8  # type: ignore[attr-defined]
    newcomer = await site.visitor().start(gate)
    assert newcomer.visit
    site.clock.pass_time(minutes=5)
    assert all(heard[-1] == "expired" for heard in await asyncio.gather(*waiting))


async def test_the_waiting_page_works_without_script(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    page = (await visitor.http.get(visitor.visit, headers=PAGE)).text
    assert '<meta http-equiv="refresh"' in page
    assert visitor.links["same_device"].replace("&", "&amp;") in page
    assert "handstamp wallet answer" in page
    assert visitor.links["cross_device"].replace("&", "&amp;") in page
    assert f"{visitor.visit_path}/qr.svg" in page
    assert f"{visitor.visit_path}/events?seen=waiting-0" in page


async def test_the_code_on_the_page_is_a_small_svg_of_the_other_devices_request(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    reply = await visitor.http.get(f"{visitor.visit_path}/qr.svg")
    assert reply.headers["content-type"] == "image/svg+xml"
    assert reply.content.lstrip().startswith(b"<?xml")


async def test_the_gate_page_says_what_opens_what_it_costs_and_the_terms(site: Site, gate: Gate) -> None:
    page = (await site.visitor().http.get(f"/gates/{gate.gate_id}", headers=PAGE)).text
    for words in ("Low Tide", "Marrow &amp; Vale", "31.2", "FLAC", "That you own this EP.", "Who you are", "Thank you"):
        assert words in page, words
    assert "Harbour &lt;b&gt;Lights&lt;/b&gt;" in page
    assert "credential" not in page.split("<main")[1].lower()


async def test_an_expired_page_leads_back_to_the_gate_even_after_the_sweep(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    site.clock.pass_time(minutes=5)
    page = await visitor.http.get(visitor.visit, headers=PAGE)
    assert (page.status_code, "Time is up" in page.text) == (410, True)
    await site.visitor().start(gate)
    page = await visitor.http.get(visitor.visit, headers=PAGE)
    assert (page.status_code, "Time is up" in page.text) == (410, True)
    assert f'href="/gates/{gate.gate_id}"' in page.text


async def test_somebody_without_the_cookie_sees_no_visit(site: Site, gate: Gate) -> None:
    visitor, stranger = await site.visitor().start(gate), site.visitor()
    page = await stranger.http.get(visitor.visit, headers=PAGE)
    assert page.status_code == 403
    assert "started in another browser" in page.text
    gone = await stranger.http.get("/visits/AAAAAAAAAAAAAAAAAAAAAA", headers=PAGE)
    assert gone.status_code == 404


@pytest.mark.parametrize(
    "code",
    ["wallet_declined", "untrusted_issuer", "stale_key_binding", "wrong_nonce", "wrong_claim_value", "bad_signature"],
)
async def test_every_reason_has_words_without_jargon(site: Site, gate: Gate, code: str) -> None:
    visitor = await site.visitor().start(gate)
    with site.parts.work.write() as stores:
        visit = stores.load_visit(visitor.visit.rpartition("/")[2])
        assert visit is not None
        assert stores.replace_visit(visit, visit.fail(code), now=site.clock())  # type: ignore[union-attr]
    page = (await visitor.http.get(visitor.visit, headers=PAGE)).text
    assert "Nothing is lost" in page
    assert code not in page.split("<main")[1]


async def test_a_flood_of_streams_looks_no_more_often_than_a_crowd(site: Site, gate: Gate) -> None:
    watchers: Watchers = site.app.state.watchers
    assert watchers.pause_s == 0.5
    visitor = await site.visitor().start(gate)
    waiting = [asyncio.create_task(listen(visitor)) for _ in range(3)]
    await until(lambda: watchers.open == 3)
    site.clock.pass_time(minutes=6)
    await asyncio.gather(*waiting)
    assert watchers.open == 0
    for _ in range(1000):
        watchers.__enter__()
    assert watchers.open / watchers.pause_s == 200
    watchers.open = 1_000_000
    assert watchers.pause_s == 15
