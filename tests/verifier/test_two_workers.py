"""Two workers of a site: the page waits at one, the answer arrives at the other, and so for every step of a visit."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from credentials.protocols.dpop import build_dpop_proof
from credentials.status import StatusPolicy
from plumbing.database import Database
from tests.support.spreading import BITS, Spread
from tests.support.waiting import until
from tests.verifier.conftest import ARTIST, JSON, PAGE, RELEASE, Site, make_gate
from tests.verifier.counting import begun, came_back, limited, short_code, typed
from tests.verifier.linked import LinkedCoop, NymHolder, trust
from tests.verifier.test_door import scanned
from tests.verifier.test_waiting import listen
from verifier.app import build_verifier_app
from verifier.gates import Counting
from verifier.limits import OnceEver
from verifier.proofs import OwnsRelease
from verifier.statuses import StatusKeeper
from verifier.store import SqlWork

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

    from verifier.gates import Gate


def said(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["code"]


@pytest.fixture
def second(site: Site) -> Iterator[FastAPI]:
    """The site's other worker: everything of its own but database, keys and clock."""
    database = Database(site.database.url.render_as_string(hide_password=False))
    parts, work = site.parts, SqlWork(database, site="main")
    statuses = StatusKeeper(work, parts.fetcher, party=parts.party, policy=StatusPolicy.REFUSE)
    yield build_verifier_app(replace(parts, work=work, statuses=statuses))
    database.close()


@pytest.fixture
def other(second: FastAPI) -> httpx.AsyncBaseTransport:
    return httpx.ASGITransport(app=second)


@pytest.fixture
def spread(bit: int, site: Site, second: FastAPI) -> Iterator[Site]:
    """The site behind a proxy that tells two requests apart by one bit of their number."""
    spread = Spread(site.app, second, bit=bit)
    yield replace(site, app=spread)  # type: ignore[arg-type]
    spread.check()


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


@pytest.mark.parametrize("bit", BITS)
async def test_a_visit_on_one_device_is_one_visit_at_both(spread: Site, gate: Gate) -> None:
    assert (await spread.visitor().http.get(f"/gates/{gate.gate_id}", headers=PAGE)).status_code == 200
    visitor = await spread.visitor().start(gate)
    assert (await visitor.http.get(visitor.visit, headers=PAGE)).status_code == 200
    assert (await visitor.http.get(f"{visitor.visit}/qr.svg")).status_code == 200
    request = await visitor.fetch_request("same_device")
    form = visitor.answer(request)
    wrong = await visitor.send(request, visitor.answer(request, nonce="n" * 43))
    assert wrong.json()["error"] == "invalid_request"
    returning = (await visitor.send(request, form)).json()["redirect_uri"]
    assert said(await visitor.send(request, form)) == (409, "already_answered")
    assert said(await spread.visitor().http.get(returning, headers=JSON)) == (403, "foreign_browser")
    assert (await visitor.http.get(returning, headers=PAGE)).headers["location"] == visitor.visit
    assert said(await visitor.http.get(returning, headers=JSON)) == (410, "used_response_code")
    assert await listen(visitor) == ["accepted"]
    proof = build_dpop_proof(
        signer=visitor.holder,
        method="POST",
        url=f"{visitor.visit}/grant",
        issued_at=int(spread.clock().timestamp()),
        jti="0123456789abcdef",
    )
    given = await visitor.http.post(f"{visitor.visit}/grant", headers={**JSON, "DPoP": proof})
    assert spread.verify_grant(given.json()["grant"]).release == RELEASE


@pytest.mark.parametrize("bit", BITS)
async def test_a_code_is_typed_and_a_copy_counted_once_at_both(spread: Site) -> None:
    once = limited(spread, OnceEver())
    visitor, reply = await begun(spread, once, "cross_device")
    assert "Type the code from your wallet" in (await visitor.http.get(visitor.visit, headers=PAGE)).text
    code = await short_code(spread.visitor(), reply)
    await typed(spread, visitor, "abcdef")
    assert "4 more times" in (await visitor.http.get(visitor.visit, headers=PAGE)).text
    assert (await typed(spread, visitor, code)).status_code == 303
    assert await listen(visitor, "waiting-code-0") == ["accepted"]
    assert await came_back(spread, once) == "already_used"


@pytest.mark.parametrize("bit", range(3))
async def test_a_pass_is_green_at_one_of_them_and_yellow_at_both(spread: Site) -> None:
    door = spread.save_gate(
        make_gate(
            OwnsRelease(release_id=RELEASE),
            clock=spread.clock,
            counting=Counting(limit=OnceEver(), key=secrets.token_bytes(32)),
        )
    )
    http, coop, keys = spread.visitor().http, trust(spread, LinkedCoop()), spread.parts.door_keys
    assert keys is not None
    mine, theirs = NymHolder(coop).door_pass(spread.clock()), NymHolder(coop).door_pass(spread.clock())
    known = {"Authorization": f"Bearer {keys.key_of(door.gate_id)}"}
    seen = []
    for held in (mine, mine, theirs, mine, theirs):
        body = {"pass": scanned(spread, door, held)}
        seen.append((await http.post(f"/gates/{door.gate_id}/passes", headers=known, json=body)).json()["verdict"])
    assert seen == ["green", "yellow", "green", "yellow", "yellow"]
