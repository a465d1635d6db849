"""A clock that ran an hour ahead and is set back: nothing is taken twice, and nothing good is refused for long.

What a co-op's offers and tokens do then stands in `test_clock_back.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from credentials.protocols.freshness import NotFresh, check_fresh
from credentials.protocols.grants import GrantExpired, GrantTooLong
from credentials.protocols.openid4vp import RequestNotYetValid
from issuer.publishing import publish, signed_list
from issuer.service.sweep import sweep
from issuer.store import Store
from plumbing.runs import Runs
from tests.faults.reading import payload_of
from tests.issuer.conftest import Wallet, make_coop
from tests.verifier.conftest import TestClock, database, gate
from tests.verifier.lists import LISTS, code_of, show
from tests.verifier.test_statuses import host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.issuer.conftest import Coop
    from tests.verifier.conftest import Site
    from tests.verifier.lists import Host
    from verifier.gates import Gate

__all__ = ["database", "gate", "host"]
pytestmark = pytest.mark.sqlite
AHEAD = timedelta(hours=1)


@pytest.fixture
def issuing(tmp_path: Path) -> Iterator[Coop]:
    made = make_coop(tmp_path)
    made.add_release()
    yield made
    made.parts.database.close()


async def test_a_proof_that_was_swept_by_a_clock_ahead_would_be_fresh_again_and_is_remembered(issuing: Coop) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(issuing.app), base_url="http://coop.localhost:8701"
    ) as http:
        wallet = Wallet(issuing, http)
        offer = issuing.offer(issuing.owner())
        proof = wallet.proof_of_possession("/token")
        assert (await wallet.token(offer, "000000", dpop=proof)).json()["error"] == "invalid_grant"
        issuing.now += AHEAD
        with issuing.parts.database.write() as session:
            sweep(Store(session), now=issuing.now)
        issuing.now -= AHEAD
        assert (await wallet.token(offer, dpop=proof)).json()["error"] == "invalid_dpop_proof"
        assert (await wallet.token(issuing.offer(offer.listener))).status_code == 200


@pytest.mark.parametrize("by_itself", [True, False], ids=["by the loop", "when asked for"])
def test_a_list_that_was_signed_in_the_future_is_signed_anew(issuing: Coop, *, by_itself: bool) -> None:
    issuing.now += AHEAD
    publish(issuing.parts, now=issuing.now)
    issuing.now -= AHEAD
    with issuing.parts.database.read() as session:
        names = Store(session).list_ids()
    if by_itself:
        assert publish(issuing.parts, now=issuing.now).renewed == len(names)
    given = [signed_list(issuing.parts, name, now=issuing.now) for name in names]
    assert {payload_of(each.token)["iat"] for each in given if each} == {int(issuing.now.timestamp())}


def test_a_clock_that_is_set_makes_no_background_work_look_stuck() -> None:
    runs = Runs(clock=lambda: pytest.fail("the time of day says nothing of how long something took"))
    runs.expect("issuer.sweep")
    assert runs.stuck() == ()


async def test_a_site_opens_at_once_when_its_clock_and_the_co_ops_are_set_back(
    site: Site, gate: Gate, host: Host
) -> None:
    site.clock.now += AHEAD
    host.revoke(7)
    await site.parts.statuses.refresh(now=site.clock())
    assert (await show(site, gate, 8)).status_code == 200
    site.clock.now -= AHEAD
    host.revoke(9)  # what the co-op signs now is older than what the site has
    assert code_of(await show(site, gate, 9)) == "credential_revoked"
    assert (await show(site, gate, 8)).status_code == 200


async def test_the_background_asks_again_for_what_it_fetched_in_the_future(site: Site, host: Host) -> None:
    keeper = site.parts.statuses
    host.signed_at -= AHEAD
    site.clock.now += AHEAD
    assert (await keeper.refresh(now=site.clock()))["fetched"] == len(LISTS)
    site.clock.now -= AHEAD
    assert (await keeper.refresh(now=site.clock()))["fetched"] == len(LISTS)
    assert (await keeper.refresh(now=site.clock()))["fetched"] == 0


async def test_a_failure_in_the_future_is_forgotten_with_it(site: Site, gate: Gate, host: Host) -> None:
    host.down = True
    host.signed_at -= AHEAD
    site.clock.now += AHEAD
    assert code_of(await show(site, gate, 7)) == "status_list_needed"
    site.clock.now -= AHEAD
    host.down = False
    assert (await show(site, gate, 7)).status_code == 200


async def test_a_visit_is_answered_once_whatever_the_clock_does_meanwhile(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    form = visitor.answer(request)
    site.clock.now += AHEAD
    assert (await visitor.send(request, form)).status_code == 410
    site.clock.now -= AHEAD
    assert (await visitor.send(request, form)).status_code == 200
    site.clock.now -= AHEAD
    assert (await visitor.send(request, form)).status_code >= 400
    assert (await site.visitor().pass_gate(gate)).visit


async def test_a_request_and_a_grant_from_a_clock_ahead_say_that_a_clock_is_wrong(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    slow = TestClock()
    slow.now = site.clock() - AHEAD
    visitor.clock = slow
    with pytest.raises(RequestNotYetValid, match="clock"):
        await visitor.fetch_request()
    for refusal in (GrantTooLong(), GrantExpired()):
        assert "clock of the site or of this trackserver is wrong" in refusal.detail


@pytest.mark.parametrize("behind", [AHEAD, -AHEAD], ids=["behind", "ahead"])
def test_whoever_signs_by_a_wrong_clock_is_told_so(behind: timedelta) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    with pytest.raises(NotFresh, match="clock"):
        check_fresh(int((now - behind).timestamp()), at=now, what="DPoP proof")
