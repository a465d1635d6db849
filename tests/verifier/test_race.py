"""Twenty at once: one answer is taken, one return opens, three grants are given, five failures end it."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from credentials.errors import HandstampError
from credentials.keys.signer import LocalSigner
from credentials.protocols.dpop import build_dpop_proof
from tests.verifier.conftest import Site, Visitor, response_code_of
from verifier.service.complete_return import complete_return
from verifier.service.give_grant import give_grant_to_wallet
from verifier.service.take_answer import AnswerFailed, AnswerTaken, take_answer
from verifier.store import SqlStores
from verifier.visits import LiveVisit, Refused, Requested

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from verifier.gates import Gate

CROWD = 20


def at_once(act: Callable[[int], object]) -> Counter[str]:
    """Let twenty threads act at the same moment; count what came of it, by class or by code."""
    start = threading.Barrier(CROWD)

    def run(index: int) -> str:
        start.wait()
        try:
            return type(act(index)).__name__
        except HandstampError as error:
            return error.code

    with ThreadPoolExecutor(CROWD) as pool:
        return Counter(pool.map(run, range(CROWD)))


def cookie_of(visitor: Visitor) -> str:
    return visitor.http.cookies[f"visit-{visitor.visit.rpartition('/')[2]}"].partition(".")[0]


@pytest.mark.parametrize("devices", [("same_device",), ("cross_device",), ("same_device", "cross_device")])
async def test_of_twenty_answers_at_once_exactly_one_is_taken(site: Site, gate: Gate, devices: tuple[str, ...]) -> None:
    visitor = await site.visitor().start(gate)
    requests = [await visitor.fetch_request(device) for device in devices]
    asked = [requests[index % len(requests)] for index in range(CROWD)]
    forms = [visitor.answer(request) for request in asked]

    def answer(index: int) -> object:
        request_id = asked[index].response_uri.rpartition("/")[2]
        return take_answer(site.parts.work, request_id, forms[index], party=site.parts.party, now=site.clock())

    assert at_once(answer) == {AnswerTaken.__name__: 1, "already_answered": CROWD - 1}


async def test_of_twenty_returns_at_once_exactly_one_opens_and_one_passage_counts(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("same_device")
    reply = await visitor.send(request, visitor.answer(request))
    code, cookie = response_code_of(reply.json()["redirect_uri"]), cookie_of(visitor)

    def come_back(_: int) -> object:
        return complete_return(site.parts.work, code, cookie_of=lambda _: cookie, now=site.clock())

    assert at_once(come_back) == {"Accepted": 1, "used_response_code": CROWD - 1}
    with site.parts.work.read() as stores:
        assert stores.load_passages(gate.gate_id) == ((f"{site.clock():%Y-%m}", 1),)


async def test_of_twenty_grants_at_once_three_are_given(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().pass_gate(gate)
    proof = build_dpop_proof(
        signer=LocalSigner.generate(),
        method="POST",
        url=f"{visitor.visit}/grant",
        issued_at=int(site.clock().timestamp()),
        jti="0123456789abcdef",
    )

    def ask(_: int) -> object:
        return give_grant_to_wallet(
            site.parts.work,
            visitor.visit.rpartition("/")[2],
            cookie=cookie_of(visitor),
            dpop=proof,
            party=site.parts.party,
            signer=site.parts.grant_signer,
            now=site.clock(),
        )

    assert at_once(ask) == {"GivenGrant": 3, "grants_spent": CROWD - 3}


async def test_of_twenty_failures_at_once_five_are_counted_and_end_the_visit(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    form = visitor.answer(request, nonce="n" * 43)
    request_id = request.response_uri.rpartition("/")[2]

    def fail(_: int) -> object:
        return take_answer(site.parts.work, request_id, form, party=site.parts.party, now=site.clock())

    assert at_once(fail) == {AnswerFailed.__name__: 5, "too_many_failed_answers": CROWD - 5}
    with site.parts.work.read() as stores:
        assert isinstance(stores.load_visit(visitor.visit.rpartition("/")[2]), Refused)


async def test_who_loses_a_compare_and_swap_looks_again_and_steps_from_there(
    site: Site, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    honest = SqlStores.replace_visit
    overtakers = ["wrong_nonce", "wrong_audience"]

    def overtaken(stores: SqlStores, before: LiveVisit, after: LiveVisit, *, now: datetime) -> bool:
        if overtakers:
            assert isinstance(before, Requested)
            assert honest(stores, before, before.fail(overtakers.pop()), now=now)
        return honest(stores, before, after, now=now)

    monkeypatch.setattr(SqlStores, "replace_visit", overtaken)
    reply = await visitor.send(request, visitor.answer(request))
    assert reply.status_code == 200
    assert overtakers == []


async def test_a_visit_that_never_holds_still_is_given_up(
    site: Site, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    monkeypatch.setattr(SqlStores, "replace_visit", lambda *_, **__: False)
    reply = await visitor.send(request, visitor.answer(request))
    assert (reply.status_code, reply.json()["code"]) == (503, "visit_too_busy")
    assert reply.headers["retry-after"] == "5"


async def test_a_visit_that_is_swept_between_request_and_answer_is_no_request_any_more(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    form = visitor.answer(request)
    site.clock.pass_time(minutes=6)
    with site.parts.work.write() as stores:
        assert stores.sweep(now=site.clock()) == 1
    reply = await visitor.send(request, form)
    assert (reply.status_code, reply.json()["code"]) == (404, "no_such_request")
