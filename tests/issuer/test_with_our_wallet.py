"""Our wallet at our co-op, across the wire and weeks: receive, run low, come back; what ended does not come again."""

import secrets

import httpx
import pytest

from issuer.service.deferred import hold_copy, let_copy_go
from issuer.store import Store
from plumbing.fetch import HttpFetcher, Reach
from tests.issuer.acts import take_back
from tests.issuer.conftest import TRACKS, Coop
from tests.support.outside import Memory
from wallet.ports import Tools
from wallet.service.receive import read_offer, receive
from wallet.service.renew import renew
from wallet.service.top_up import top_up
from wallet.state import Authority, Wallet

pytestmark = pytest.mark.slow


@pytest.fixture
def tools(coop: Coop) -> Tools:
    """A wallet that trusts the co-op's authority and speaks to the co-op over ASGI."""
    memory = Memory()
    pem = coop.authority.cert_pem.bytes().decode()
    pinned = Authority(name="Test", certificate=pem, fingerprint="AB", added_at=coop.now)
    memory.change(lambda wallet: (wallet.with_authority(pinned), None))

    def web(_first_party: str) -> HttpFetcher:
        return HttpFetcher(Reach.LOOPBACK, transport=httpx.ASGITransport(coop.app))

    return Tools(keeper=memory, web=web, clock=lambda: coop.now, random=secrets.token_bytes)


async def take(coop: Coop, tools: Tools, listener: str) -> int:
    offer = coop.offer(listener)
    opened = await read_offer(coop.parts.desk.by_value(offer).to_link(), tools=tools)
    return len(await receive(opened, tools=tools, tx_code=coop.tx_code(offer)))


def use_up(tools: Tools) -> None:
    def cut(wallet: Wallet) -> tuple[Wallet, None]:
        for copy in wallet.copies:
            for _ in copy.instances:
                wallet, _taken = wallet.taking_instance(copy.key)
        return wallet, None

    tools.keeper.change(cut)


async def test_a_wallet_runs_low_and_comes_back_again_and_again(coop: Coop, tools: Tools) -> None:
    assert await take(coop, tools, coop.owner()) == 4
    for _ in range(3):
        use_up(tools)
        coop.wait(days=20)
        report = await top_up(tools=tools)
        assert report.not_renewed == ()
        assert len(report.renewed) == 4
    assert [each.notices for each in tools.keeper.load().supplies] == [()]


async def test_what_the_co_op_says_of_itself_is_signed(coop: Coop, tools: Tools) -> None:
    offer = coop.offer(coop.owner())
    opened = await read_offer(coop.parts.desk.by_value(offer).to_link(), tools=tools)
    assert opened.desk.signed


async def test_a_refunded_copy_does_not_come_again_and_the_others_do(coop: Coop, tools: Tools) -> None:
    listener = coop.listener()
    for track in TRACKS[:2]:
        coop.buy(listener, track)
    assert await take(coop, tools, listener) == 2
    use_up(tools)
    take_back(coop, coop.copies(listener)[0].id)
    coop.wait(days=1)
    report = await top_up(tools=tools)
    assert (len(report.renewed), len(report.not_renewed)) == (1, 1)


async def test_a_copy_that_is_held_back_comes_when_it_is_let_go(coop: Coop, tools: Tools) -> None:
    listener = coop.listener()
    coop.buy(listener, TRACKS[0])
    held = coop.copies(listener)[0].id
    with coop.parts.database.write() as session:
        hold_copy(Store(session), held, now=coop.now)
    assert await take(coop, tools, listener) == 0
    coop.wait(hours=2)
    assert len(set((await top_up(tools=tools)).later)) == 1
    with coop.parts.database.write() as session:
        assert let_copy_go(Store(session), held)
    coop.wait(hours=2)
    await top_up(tools=tools)
    [copy] = tools.keeper.load().copies
    assert len(copy.instances) == 4
    assert {each.kind.value for each in copy.linked} == {"bbs", "pseudonym", "door"}


async def test_an_answer_that_is_lost_on_the_way_closes_nothing(coop: Coop, tools: Tools) -> None:
    await take(coop, tools, coop.owner())
    before = tools.keeper.load()
    use_up(tools)
    spent = tools.keeper.load()
    coop.wait(days=1)
    await top_up(tools=tools)
    # As if the power had failed before anything of it was kept.
    tools.keeper.change(lambda _: (spent, None))
    report = await top_up(tools=tools)
    assert (len(report.renewed), report.not_renewed) == (4, ())
    assert before.supplies[0].refresh_token != tools.keeper.load().supplies[0].refresh_token


async def test_what_ends_with_its_month_is_renewed_and_what_was_paid_back_is_not(coop: Coop, tools: Tools) -> None:
    listener = coop.listener()
    for track in TRACKS[:2]:
        coop.buy(listener, track)
    await take(coop, tools, listener)
    before = tools.keeper.load()
    (supply,) = before.supplies
    assert supply.renew_at
    coop.wait(days=(supply.renew_at - coop.now).days + 1)
    take_back(coop, coop.copies(listener)[0].id)
    report = await renew(tools=tools)
    (kept,) = report.renewed
    (ended,) = report.not_renewed
    assert {each.month for each in kept.linked} == {f"{coop.now:%Y-%m}"}
    assert "paid back" in ended.reason
    after = tools.keeper.load()
    assert after.nyms == before.nyms
    assert {copy.not_renewed for copy in after.copies} == {None, ended.reason}
