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
    StatusList,
    StatusPolicy,
    verify_status_list,
)
from credentials.status.errors import StatusListNeeded
from credentials.trust import TrustedIssuer
from tests.verifier.conftest import COOP, Gate, Site
from tests.verifier.lists import LISTS, Host, code_of, issue, show
from verifier.evidence import Evidence, build_evidence
from verifier.lists_at_hand import ListsAtHand
from verifier.service.take_answer import AnswerTaken, take_answer
from verifier.statuses import KnownStatuses, StatusKeeper

if TYPE_CHECKING:
    from collections.abc import Callable

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


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses of lists in the order in which they were verified."""
    uris: list[str] = []

    def verify(token: str, *, uri: str, **others: Any) -> StatusList:
        uris.append(uri)
        return verify_status_list(token, uri=uri, **others)

    monkeypatch.setattr("verifier.statuses.verify_status_list", verify)
    return uris


async def test_one_visit_after_the_other_relies_on_a_list_that_was_verified_a_moment_ago(
    site: Site, gate: Gate, host: Host, verified: list[str]
) -> None:
    host.revoke(8)
    await site.parts.statuses.refresh(now=site.clock())
    verified.clear()
    assert (await show(site, gate, 7)).status_code == 200
    site.clock.pass_time(seconds=30)
    assert code_of(await show(site, gate, 8)) == "credential_revoked"
    assert (await show(site, gate, 7, LISTS[1])).status_code == 200
    assert verified == LISTS[:2]
    site.clock.pass_time(seconds=1)
    assert (await show(site, gate, 9)).status_code == 200
    assert verified == [LISTS[0], LISTS[1], LISTS[0]]


async def test_an_answer_is_judged_once_where_its_list_is_at_hand(site: Site, host: Host) -> None:
    keeper, seen = site.parts.statuses, []

    def judge(_: Work, known: KnownStatuses) -> str:
        seen.append(tuple(known.lists))
        if LISTS[0] not in known.lists:
            raise StatusListNeeded(LISTS[0], COOP)
        return "judged"

    for _ in range(2):
        assert await keeper.judge(judge, now=site.clock()) == "judged"
    assert seen == [(), (LISTS[0],), (LISTS[0],)]
    assert host.lists_asked() == ["statuslists/first"]


async def test_what_is_fetched_anew_is_heeded_at_once(site: Site, gate: Gate, host: Host) -> None:
    keeper = site.parts.statuses
    await keeper.refresh(now=site.clock())
    site.clock.pass_time(seconds=119)
    assert (await show(site, gate, 7)).status_code == 200
    host.revoke(7)
    site.clock.pass_time(seconds=2)
    assert await keeper.refresh(now=site.clock()) == {"fetched": 3, "failed": 0}
    assert code_of(await show(site, gate, 7)) == "credential_revoked"


async def test_a_list_that_ended_meanwhile_is_asked_for_again_and_refuses_nobody(
    site: Site, gate: Gate, host: Host
) -> None:
    host.changes = {"expires_at": int(site.clock().timestamp()) + 20}
    assert (await show(site, gate, 7)).status_code == 200
    site.clock.pass_time(seconds=20)
    host.changes, host.signed_at = {}, site.clock()
    assert (await show(site, gate, 7)).status_code == 200


async def test_what_was_read_before_a_newer_list_came_is_not_kept_at_hand(
    site: Site, gate: Gate, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, real = site.parts.statuses, site.parts.work.apart
    await keeper.refresh(now=site.clock())
    site.clock.pass_time(seconds=121)

    async def apart(do: Callable[[Work], Any]) -> Any:
        """Let the background fetch the list anew between reading the old one and relying on it."""
        read = await real(do)
        if isinstance(read, tuple) and isinstance(read[0], TrustedIssuer):
            monkeypatch.setattr(site.parts.work, "apart", real)
            host.revoke(7)
            await keeper.refresh(now=site.clock())
        return read

    monkeypatch.setattr(site.parts.work, "apart", apart)
    await show(site, gate, 8)
    assert code_of(await show(site, gate, 7)) == "credential_revoked"


@pytest.mark.usefixtures("host")
async def test_a_list_at_hand_is_of_no_use_before_it_was_verified(site: Site, gate: Gate, verified: list[str]) -> None:
    site.clock.pass_time(minutes=10)
    assert (await show(site, gate, 7)).status_code == 200
    count = len(verified)
    site.clock.pass_time(seconds=-20)  # the clock was set back
    await show(site, gate, 7)
    assert len(verified) > count


def test_only_the_last_few_lists_are_at_hand(site: Site, host: Host) -> None:
    at_hand, now = ListsAtHand(), site.clock()
    with site.parts.work.read() as stores:
        trusted = stores.load_policy("main").issuer_for(COOP)
    uris = [f"{COOP}/statuslists/{number}" for number in range(17)]
    host.statuses |= dict.fromkeys(uris, host.statuses[LISTS[0]])
    for uri in (uris[1], *uris, uris[1]):
        at_hand.keep(verify_status_list(host.token(uri), uri=uri, issuer=trusted, at=now), fetched_at=now, now=now)
    assert list(at_hand.at(now)) == [*uris[2:], uris[1]]
