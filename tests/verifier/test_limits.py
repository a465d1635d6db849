"""Gates that count: once ever, N a month, by copy, and what their pages say before."""

from __future__ import annotations

import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from credentials.encoding import base64url
from credentials.errors import HandstampError
from handstamp.commands.gate_wishes import describe_requirement
from tests.verifier.conftest import (
    COOP,
    FORM,
    JSON,
    PAGE,
    RELEASE,
    Site,
    make_gate,
    owns_track,
    response_code_of,
)
from tests.verifier.counting import COPY, begun, came_back, cookie_of, limited, short_code, state_of
from verifier.app import build_verifier_app
from verifier.gates import Counting, Gate
from verifier.limits import Monthly, NotCountable, OnceEver, build_mark
from verifier.proofs import AnyOf, MemberOf, OwnsRelease, OwnsTrack
from verifier.service.complete_return import complete_return
from verifier.service.take_answer import AnswerFailed, AnswerTaken, take_answer
from verifier.service.type_code import type_code
from verifier.visits import Accepted, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

CROWD = 50


@pytest.fixture
def once(site: Site) -> Gate:
    return limited(site, OnceEver())


def at_once(act: Callable[[int], object], *, crowd: int = CROWD) -> Counter[str]:
    def run(index: int) -> str:
        try:
            done = act(index)
        except HandstampError as error:
            return error.code
        return done.last_failure if isinstance(done, Refused) else type(done).__name__

    with ThreadPoolExecutor(16) as pool:
        return Counter(pool.map(run, range(crowd)))


async def test_fifty_simultaneous_answers_of_one_copy_open_a_once_gate_once(site: Site, once: Gate) -> None:
    visitors = [await site.visitor().start(once) for _ in range(CROWD)]
    requests = [await visitor.fetch_request("same_device") for visitor in visitors]
    forms = []
    for visitor, request in zip(visitors, requests, strict=True):
        credential = visitor.coop.issue(visitor.holder, release=RELEASE, copy=COPY)
        forms.append(visitor.answer(request, credential=credential, disclose=("release", "copy")))
    cookies = [cookie_of(visitor) for visitor in visitors]

    def answer_and_return(index: int) -> object:
        now = site.clock()
        request_id = requests[index].response_uri.rpartition("/")[2]
        taken = take_answer(site.parts.work, request_id, forms[index], party=site.parts.party, now=now)
        if isinstance(taken, AnswerFailed):
            raise taken.error
        assert isinstance(taken, AnswerTaken)
        code = response_code_of(taken.redirect_uri or "")
        return complete_return(site.parts.work, code, cookie_of=lambda _: cookies[index], now=now)

    assert at_once(answer_and_return) == {"Accepted": 1, "already_used": CROWD - 1}
    with site.parts.work.read() as stores:
        assert stores.load_passages(once.gate_id) == ((f"{site.clock():%Y-%m}", 1),)
        assert len(stores.load_receipts(once.gate_id)) == 1


async def test_codes_typed_at_once_for_one_copy_open_a_monthly_gate_n_times(site: Site) -> None:
    gate = limited(site, Monthly(times=3))
    ready = [await begun(site, gate, "cross_device") for _ in range(12)]
    codes = [await short_code(visitor, reply) for visitor, reply in ready]
    visits = [(visitor.visit.rpartition("/")[2], cookie_of(visitor)) for visitor, _ in ready]

    def type_it(index: int) -> object:
        visit_id, cookie = visits[index]
        return type_code(site.parts.work, visit_id, codes[index], cookie=cookie, now=site.clock())

    assert at_once(type_it, crowd=12) == {"Accepted": 3, "already_used": 9}


async def test_one_copy_opens_a_once_gate_once_and_another_copy_too(site: Site, once: Gate) -> None:
    assert await came_back(site, once) == "open"
    assert await came_back(site, once) == "already_used"
    assert await came_back(site, once, copy="d83vEjRWeJCrze8SNFZ4kA") == "open"


async def test_a_gate_of_three_a_month_opens_again_next_month(site: Site) -> None:
    gate = limited(site, Monthly(times=3))
    assert [await came_back(site, gate) for _ in range(4)] == ["open", "open", "open", "already_used"]
    with site.parts.work.read() as stores:
        receipts = len(stores.load_receipts(gate.gate_id))
    assert receipts == 3
    key = gate.counting.key if gate.counting else b""
    mark = build_mark(key, issuer=COOP, claim="copy", value=COPY)
    now, month = site.clock(), f"{site.clock():%Y-%m}"
    later = replace_month(now)
    with site.parts.work.write() as stores:
        assert stores.load_spent(gate.gate_id, period=month, mark=mark, times=3) == now
        stores.sweep(now=later)
        assert stores.load_spent(gate.gate_id, period=month, mark=mark, times=1) is None
        assert stores.use_up(gate.gate_id, period=f"{later:%Y-%m}", mark=mark, times=3, now=later) is None


async def test_a_clock_that_runs_into_the_next_month_and_is_set_back_lets_nobody_pass_again(site: Site) -> None:
    gate = limited(site, Monthly(times=1))
    site.clock.now = datetime(2026, 11, 30, 23, 40, tzinfo=UTC)
    assert await came_back(site, gate) == "open"
    site.clock.pass_time(hours=1)
    with site.parts.work.write() as stores:
        stores.sweep(now=site.clock())
    site.clock.pass_time(hours=-1)
    assert await came_back(site, gate) == "already_used"
    assert await came_back(site, gate, copy="d83vEjRWeJCrze8SNFZ4kA") == "open"


def replace_month(now: datetime) -> datetime:
    year, month = (now.year + 1, 1) if now.month == 12 else (now.year, now.month + 1)
    return now.replace(year=year, month=month, day=1)


async def test_who_comes_again_is_told_when_the_stamp_was_used(site: Site, once: Gate) -> None:
    assert await came_back(site, once) == "open"
    first = site.clock()
    site.clock.pass_time(minutes=7)
    visitor, reply = await begun(site, once)
    assert reply.status_code == 409
    assert f"{first:%H:%M}" in reply.json()["error_description"]
    page = await visitor.http.get(visitor.visit, headers=PAGE)
    assert "already used here" in page.text
    assert f'datetime="{first:%Y-%m-%dT%H:%M:%SZ}"' in page.text


async def test_who_loses_the_race_at_the_return_is_told_so_on_the_page(site: Site, once: Gate) -> None:
    (first, won), (second, lost) = await begun(site, once), await begun(site, once)
    assert (await first.http.get(won.json()["redirect_uri"], headers=PAGE)).status_code == 303
    back = await second.http.get(lost.json()["redirect_uri"], headers=PAGE)
    page = await second.http.get(back.headers["location"], headers=PAGE)
    assert "already used here" in page.text
    assert f'datetime="{site.clock():%Y-%m-%dT%H:%M:%SZ}"' in page.text
    assert "Back to the gate" in page.text
    again = await second.http.get(lost.json()["redirect_uri"], headers=JSON)
    assert again.json()["code"] == "used_response_code"


async def test_a_restart_between_answer_and_return_loses_nothing(site: Site, once: Gate) -> None:
    visitor, reply = await begun(site, once)
    site.app.state.verifier = None
    visitor.http._transport = httpx.ASGITransport(app=build_verifier_app(site.parts))  # noqa: SLF001
    back = await visitor.http.get(reply.json()["redirect_uri"], headers=JSON)
    assert back.json() == {"visit": visitor.visit}
    assert isinstance(state_of(site, visitor), Accepted)


async def test_a_limited_gate_keeps_no_number_of_a_copy_and_no_two_gates_the_same_mark(site: Site, once: Gate) -> None:
    other = limited(site, OnceEver())
    assert await came_back(site, once) == "open"
    assert await came_back(site, other) == "open"
    assert COPY.encode() not in site.dump()
    assert base64url.decode(COPY, what="copy") not in site.dump()
    with site.database.read() as session:
        marks = session.connection().exec_driver_sql("SELECT mark FROM marks").scalars().all()
    assert len(set(marks)) == 2


@pytest.mark.parametrize("value", ["none", "", None, 7, "x" * 600])
def test_what_is_no_number_of_a_copy_is_not_counted(value: Any) -> None:
    with pytest.raises(NotCountable):
        build_mark(b"k" * 32, issuer=COOP, claim="copy", value=value)


async def test_a_copy_without_a_number_does_not_open_a_limited_gate(site: Site, once: Gate) -> None:
    assert await came_back(site, once, copy="none") == "not_countable"


async def test_hiding_the_number_does_not_open_a_limited_gate(site: Site, once: Gate) -> None:
    visitor = await site.visitor().start(once)
    request = await visitor.fetch_request("same_device")
    reply = await visitor.send(request, visitor.answer(request))
    assert reply.json()["code"] == "missing_claim"


async def test_a_release_and_its_track_do_not_open_a_limited_track_gate_twice(site: Site) -> None:
    counting = Counting(limit=OnceEver(), key=secrets.token_bytes(32), takes_other_wallets=True)
    track = OwnsTrack(track_id="8a1f1b52-6a0c-4f3e-8f5e-2b1f6f0a9c01", release_id=RELEASE)
    gate = site.save_gate(make_gate(track, clock=site.clock, counting=counting))
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("same_device")
    form = visitor.answer(request, disclose=("release", "copy"))
    assert (await visitor.send(request, form)).json()["code"] == "unasked_answer"
    credential = owns_track(visitor)
    assert credential
    assert [each.id for each in request.dcql.credentials] == ["track"]


async def test_a_membership_is_counted_by_its_own_number(site: Site) -> None:
    counting = Counting(limit=OnceEver(), key=secrets.token_bytes(32), takes_other_wallets=True)
    gate = site.save_gate(make_gate(MemberOf(coop=COOP, name="Sound Commons"), clock=site.clock, counting=counting))
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("same_device")
    (numbered,) = request.dcql.credentials
    assert [claim.path for claim in numbered.claims] == [("coop",), ("standing",), ("membership",)]


# The tick.


async def test_without_the_tick_no_browser_starts_a_visit(site: Site, gate: Gate) -> None:
    http = site.visitor().http
    page = await http.get(f"/gates/{gate.gate_id}", headers=PAGE)
    assert 'type="checkbox" name="terms"' in page.text
    sent = await http.post(f"/gates/{gate.gate_id}/visits", headers=FORM | PAGE, content="other=x")
    assert sent.status_code == 400
    assert "The tick is missing" in sent.text
    assert "set-cookie" not in sent.headers


async def test_a_limited_gate_says_before_that_it_recognises(site: Site, once: Gate, gate: Gate) -> None:
    http = site.visitor().http
    counted = (await http.get(f"/gates/{once.gate_id}", headers=PAGE)).text
    assert "You can open it once." in counted
    assert "by which other gates could recognise you, too" in counted
    assert "Whether you were here before." not in counted
    free = (await http.get(f"/gates/{gate.gate_id}", headers=PAGE)).text
    assert "Whether you were here before." in free
    monthly = limited(site, Monthly(times=3))
    assert "3 times a month" in (await http.get(f"/gates/{monthly.gate_id}", headers=PAGE)).text


async def test_a_limited_track_gate_says_that_it_takes_the_track_itself(site: Site, track_gate: Gate) -> None:
    counting = Counting(limit=OnceEver(), key=secrets.token_bytes(32), takes_other_wallets=True)
    either = AnyOf(proofs=(OwnsRelease(release_id=RELEASE), track_gate.requirement))  # type: ignore[arg-type]
    gate = site.save_gate(replace(track_gate, gate_id="g" * 22, requirement=either, counting=counting))
    http = site.visitor().http
    page = (await http.get(f"/gates/{gate.gate_id}", headers=PAGE)).text
    assert "the track is yours, too: take it into your wallet" in page
    assert "or the record" not in page
    assert "One of these is enough" not in page
    assert describe_requirement(gate) == "owns the track, once"
    free = (await http.get(f"/gates/{track_gate.gate_id}", headers=PAGE)).text
    assert "or the record it is on" in free


def test_marks_of_two_texts_never_meet() -> None:
    key = b"k" * 32
    one = build_mark(key, issuer="https://a", claim="copy", value="x" * 20)
    assert one != build_mark(key, issuer="https://acopy", claim="", value="x" * 20)


def test_a_limit_counts_within_its_period() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert (OnceEver().period(now), Monthly(times=3).period(now)) == ("ever", "2026-11")
    assert replace(Monthly(times=3), times=4).times == 4
