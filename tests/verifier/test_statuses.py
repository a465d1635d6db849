"""Status lists at a site: fetched ahead of need, and asked for once when they are not there."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI  # noqa: TC002 - FastAPI reads the annotations

from credentials.status import (
    SUSPENDED,
    PackedStatuses,
    StatusCheck,
    StatusPolicy,
)
from tests.verifier.conftest import COOP, Gate, Site
from tests.verifier.lists import LISTS, Host, code_of, issue, show
from verifier.evidence import Evidence, build_evidence
from verifier.service.take_answer import AnswerTaken, take_answer
from verifier.statuses import KnownStatuses, StatusKeeper

if TYPE_CHECKING:
    from starlette.responses import Response

    from verifier.ports import Work


@pytest.fixture
def host(trackserver: FastAPI, site: Site) -> Host:
    return Host(clock=site.clock, signer=site.coop.signer, x5c=site.coop.x5c, app=trackserver)


async def test_every_list_is_fetched_ahead_so_that_a_visit_asks_nobody(site: Site, gate: Gate, host: Host) -> None:
    assert await site.parts.statuses.refresh(now=site.clock()) == {"fetched": 3, "failed": 0}
    before = list(host.asked)
    for uri in LISTS:
        assert (await show(site, gate, 7, uri)).status_code == 200
    assert host.asked == before


async def test_the_schedule_of_fetching_knows_nothing_of_visits(site: Site, gate: Gate, host: Host) -> None:
    keeper = site.parts.statuses
    await keeper.refresh(now=site.clock())
    host.asked.clear()
    site.clock.pass_time(seconds=60)
    await show(site, gate, 7)
    assert await keeper.refresh(now=site.clock()) == {"fetched": 0, "failed": 0}
    assert host.asked == []
    site.clock.pass_time(seconds=61)
    assert await keeper.refresh(now=site.clock()) == {"fetched": 3, "failed": 0}
    assert host.conditional == 3  # they had not changed, so nothing was sent again


async def test_an_unknown_list_is_fetched_once_however_many_ask(site: Site, gate: Gate, host: Host) -> None:
    answers = await asyncio.gather(*(show(site, gate, index) for index in range(1, 9)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert host.lists_asked() == ["statuslists/first"]


async def test_what_was_taken_back_or_suspended_opens_nothing(site: Site, gate: Gate, host: Host) -> None:
    host.revoke(7)
    host.revoke(8, status=SUSPENDED)
    assert code_of(await show(site, gate, 7)) == "credential_revoked"
    assert code_of(await show(site, gate, 8)) == "credential_suspended"
    assert (await show(site, gate, 9)).status_code == 200


async def test_a_list_that_cannot_be_had_refuses_in_words_and_is_not_asked_for_at_each_visit(
    site: Site, gate: Gate, host: Host
) -> None:
    host.down = True
    refused = await show(site, gate, 7)
    assert (refused.status_code, code_of(refused)) == (503, "status_list_needed")
    assert refused.headers["retry-after"] == "60"
    assert "try again" in refused.json()["error_description"]
    assert code_of(await show(site, gate, 8)) == "status_list_needed"
    assert host.lists_asked() == ["statuslists/first"]
    host.down = False
    site.clock.pass_time(seconds=11)
    assert (await show(site, gate, 9)).status_code == 200


async def test_a_host_that_does_not_answer_is_waited_for_two_seconds_at_most(
    site: Site, gate: Gate, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verifier.statuses._AT_THE_GATE", timedelta(milliseconds=1))

    async def silence(*_: Any) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(host.app.router.routes[-1], "app", silence)
    assert code_of(await show(site, gate, 7)) == "status_list_needed"


async def test_a_stale_list_is_fetched_anew_before_anybody_is_admitted(site: Site, gate: Gate, host: Host) -> None:
    assert (await show(site, gate, 7)).status_code == 200
    site.clock.pass_time(seconds=290)
    host.revoke(7)
    assert (await show(site, gate, 7)).status_code == 200  # within the list's own ttl
    site.clock.pass_time(seconds=11)
    assert code_of(await show(site, gate, 7)) == "credential_revoked"


@pytest.mark.parametrize(
    ("wait", "index", "outcome"),
    [(100, 7, StatusCheck.CURRENT), (400, 7, StatusCheck.STALE), (90_000, 7, StatusCheck.UNKNOWN), (400, 9, None)],
)
async def test_a_gate_that_admits_says_in_the_evidence_what_it_knew(
    site: Site,
    gate: Gate,
    host: Host,
    wait: int,
    index: int,
    outcome: StatusCheck | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host.revoke(9)
    keeper = StatusKeeper(site.parts.work, site.parts.fetcher, party=site.parts.party, policy=StatusPolicy.ADMIT)
    await keeper.refresh(now=site.clock())
    host.down = True
    site.clock.pass_time(seconds=wait)
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    form = visitor.answer(request, credential=issue(visitor, index))
    request_id = request.response_uri.rpartition("/")[2]
    evidence: list[Evidence] = []

    def build(*arguments: Any, **named: Any) -> Evidence:
        evidence.append(build_evidence(*arguments, **named))
        return evidence[-1]

    def take(work: Work, known: KnownStatuses) -> Any:
        return take_answer(work, request_id, form, party=site.parts.party, now=site.clock(), known=known)

    monkeypatch.setattr("verifier.service.judge_answer.build_evidence", build)
    taken = await keeper.judge(take, now=site.clock())
    assert isinstance(taken, AnswerTaken) == (outcome is not None)
    assert [each.status for each in evidence] == ([] if outcome is None else [outcome])


async def test_new_lists_are_found_without_anybody_showing_one(site: Site, host: Host) -> None:
    keeper = site.parts.statuses
    await keeper.refresh(now=site.clock())
    new = f"{COOP}/statuslists/new"
    host.statuses[new] = PackedStatuses.all_valid(4096)
    LISTS.append(new)
    try:
        site.clock.pass_time(minutes=31)
        await keeper.refresh(now=site.clock())
        with site.parts.work.read() as stores:
            assert new in stores.load_list_uris(COOP)
    finally:
        LISTS.remove(new)


async def test_a_co_op_without_a_list_of_lists_is_no_failure_and_asked_again_soon(site: Site, host: Host) -> None:
    host.down = True
    assert await site.parts.statuses.refresh(now=site.clock()) == {"fetched": 0, "failed": 0}
    host.down = False
    site.clock.pass_time(seconds=30)
    assert await site.parts.statuses.refresh(now=site.clock()) == {"fetched": 0, "failed": 0}
    site.clock.pass_time(minutes=2)
    assert await site.parts.statuses.refresh(now=site.clock()) == {"fetched": 3, "failed": 0}


@pytest.mark.usefixtures("host")
async def test_the_lists_of_a_co_op_that_is_no_longer_trusted_are_forgotten(site: Site) -> None:
    await site.parts.statuses.refresh(now=site.clock())
    with site.parts.work.write() as stores:
        assert stores.remove_issuer("main", COOP)
    site.clock.pass_time(minutes=31)
    await site.parts.statuses.refresh(now=site.clock())
    with site.parts.work.read() as stores:
        assert stores.load_list_uris(COOP) == frozenset()


@pytest.mark.usefixtures("host")
async def test_what_the_site_keeps_of_lists_says_nothing_of_visits(site: Site, gate: Gate) -> None:
    await site.parts.statuses.refresh(now=site.clock())
    with site.parts.work.read() as stores:
        before = stores.load_status_list(LISTS[0])
    await show(site, gate, 7)
    with site.parts.work.read() as stores:
        assert stores.load_status_list(LISTS[0]) == before
