"""Limits are exact, whoever else comes at the same moment through another worker, on either database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.support.rush import CROWD, rush, two_workers
from tests.verifier.conftest import Site, TestClock, make_gate, response_code_of
from tests.verifier.test_race import cookie_of
from verifier.limits import EVER
from verifier.proofs import OwnsRelease
from verifier.service.complete_return import complete_return
from verifier.store import SqlWork
from verifier.visits import Accepted

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("times", [1, 7])
def test_of_two_hundred_uses_exactly_as_many_count_as_a_gate_allows(
    times: int, new_database: Callable[[str], str]
) -> None:
    gate = make_gate(OwnsRelease(release_id="r"), clock=TestClock())
    with two_workers(new_database("verifier")) as workers:
        works = [SqlWork(worker, site="main") for worker in workers]
        with works[0].write() as stores:
            stores.save_gate(gate, now=NOW)

        def use(number: int) -> bool:
            with works[number % 2].write(turn=f"visit:{number}") as stores:
                counted = stores.use_up(gate.gate_id, period=EVER, mark=b"m", times=times, now=NOW) is None
                if counted:
                    stores.count_passage(site="main", gate_id=gate.gate_id, terms="t", month="2026-11")
                return counted

        assert rush(use) == {"True": times, "False": CROWD - times}
        with works[1].read() as stores:
            assert stores.load_passages(gate.gate_id) == (("2026-11", times),)


def test_of_two_hundred_passages_at_once_each_is_counted(new_database: Callable[[str], str]) -> None:
    with two_workers(new_database("verifier")) as workers:
        works = [SqlWork(worker, site="main") for worker in workers]

        def pass_through(number: int) -> str:
            with works[number % 2].write(turn=f"visit:{number}") as stores:
                stores.count_passage(site="main", gate_id="g", terms="t", month="2026-11")
            return "counted"

        assert rush(pass_through) == {"counted": CROWD}
        with works[0].read() as stores:
            assert stores.load_passages("g") == (("2026-11", CROWD),)


async def test_of_two_hundred_returns_one_opens(site: Site) -> None:
    gate = site.save_gate(make_gate(OwnsRelease(release_id="r"), clock=site.clock))
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("same_device")
    credential = visitor.coop.issue(visitor.holder, release="r")
    reply = await visitor.send(request, visitor.answer(request, credential=credential))
    code, cookie = response_code_of(reply.json()["redirect_uri"]), cookie_of(visitor)
    with two_workers(site.database.url.render_as_string(hide_password=False)) as workers:
        works = [SqlWork(worker, site="main") for worker in workers]

        def come_back(number: int) -> str:
            opened = complete_return(works[number % 2], code, cookie_of=lambda _: cookie, now=site.clock())
            return type(opened).__name__

        assert rush(come_back) == {Accepted.__name__: 1, "used_response_code": CROWD - 1}
    with site.parts.work.read() as stores:
        assert stores.load_passages(gate.gate_id) == ((f"{site.clock():%Y-%m}", 1),)
