"""Nothing is lost whenever the wallet is stopped: while it receives, tops up, or fetches what was put off."""

import contextlib
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

import httpx
import pytest

import schemas
from plumbing.fetch import HttpFetcher, Reach
from tests.support.linked_issuer import LinkedIssuer
from tests.support.moving import Clock
from tests.support.other_issuer import OtherIssuer
from tests.support.outside import NOW, Authority, Memory, Outside
from wallet import errors
from wallet.ports import Tools
from wallet.service.receive import read_offer, receive
from wallet.service.top_up import top_up
from wallet.state import Wallet
from wallet.supply import Brought

T = TypeVar("T")


class Killed(BaseException):
    """The process ends here: nothing catches this, nothing after it runs."""


@dataclass
class Mortal:
    """Ends the process at one moment: before or after the n-th message or write."""

    fatal: int
    count: int = 0
    alive: bool = True

    def step(self) -> None:
        self.count += 1
        if self.alive and self.count == self.fatal:
            self.alive = False
            raise Killed


@dataclass
class MortalKeeper:
    """A keeper in which the process may die just before or just after the bytes are on the disk."""

    inner: Memory
    mortal: Mortal

    def load(self) -> Wallet:
        return self.inner.load()

    def change(self, apply: Callable[[Wallet], tuple[Wallet, T]]) -> T:
        self.mortal.step()
        result = self.inner.change(apply)
        self.mortal.step()
        return result

    def check_room(self) -> None:
        self.inner.check_room()


def mortal_web(outside: Outside, mortal: Mortal) -> Callable[[str], AbstractAsyncContextManager[HttpFetcher]]:
    """A network on which the process may die before a message has left or before its answer has come."""

    async def answer(request: httpx.Request) -> httpx.Response:
        mortal.step()
        response = await outside._answer(request)  # noqa: SLF001
        mortal.step()
        return response

    return lambda first_party: HttpFetcher(
        Reach.of(first_party), user_agent="handstamp-wallet", transport=httpx.MockTransport(answer)
    )


async def live(other: OtherIssuer, outside: Outside, authority: Authority, mortal: Mortal) -> Wallet:
    """Receive, show, top up, receive what was put off; die once on the way and begin again."""
    clock, memory = Clock(), Memory()
    memory.pin(authority)
    other.clock = clock
    keeper = MortalKeeper(memory, mortal)
    tools = Tools(keeper=keeper, web=mortal_web(outside, mortal), clock=clock, random=secrets.token_bytes)
    link = other.offer_link()
    for _ in range(2):
        with contextlib.suppress(Killed):
            await live_once(other, link, tools, clock)
            return memory.load()
    raise AssertionError("it died twice")


async def live_once(other: OtherIssuer, link: str, tools: Tools, clock: Clock) -> None:
    try:
        await receive(await read_offer(link, tools=tools), tools=tools)
    except (errors.AlreadyReceived, errors.ComesLater):
        pass
    except errors.WrongCode:
        # The one answer that nobody can give again is the code's: the co-op makes a new offer.
        other.violations.remove("a code was sent twice")
        await receive(await read_offer(other.offer_link(), tools=tools), tools=tools)
    for copy in tools.keeper.load().copies:
        if copy.uses == 0:
            tools.keeper.change(partial(taken, key=copy.key))
    other.defers.clear()
    for _ in range(2):
        clock.now += timedelta(hours=2)
        await top_up(tools=tools)


def taken(wallet: Wallet, key: tuple[str, str, str]) -> tuple[Wallet, None]:
    return wallet.taking_instance(key)[0], None


STEPS = 70


@pytest.mark.parametrize("part", range(5))
async def test_stopped_at_any_step_and_begun_again_the_wallet_has_everything_and_broke_no_rule(
    outside: Outside, authority: Authority, part: int
) -> None:
    for fatal in range(1 + part, STEPS, 5):
        other = OtherIssuer.open(outside, authority, identifiers=("ep", "track"), defers={"track"})
        wallet = await live(other, outside, authority, Mortal(fatal))
        assert other.violations == [], f"step {fatal}"
        assert not other.closed, f"step {fatal}"
        kinds = {schemas.RELEASE_OWNERSHIP.vct, schemas.TRACK_OWNERSHIP.vct}
        assert {copy.vct for copy in wallet.copies} == kinds, f"step {fatal}"
        assert all(len(copy.instances) >= 4 for copy in wallet.copies), f"step {fatal}"
        marks = [each.mark for copy in wallet.copies for each in copy.instances]
        assert len(set(marks)) == len(marks)
        assert not set(marks) & set(wallet.spent)
        assert all(isinstance(each, Brought) for supply in wallet.supplies for each in supply.sources)


FORMS = ("pseudonym", "door", "bbs")


@pytest.mark.parametrize("first", range(3))
async def test_stopped_at_any_step_the_wallet_has_every_form_in_the_end_and_committed_once(
    outside: Outside, authority: Authority, first: int
) -> None:
    identifiers = tuple(f"{copy}{form}" for copy in ("ep", "track") for form in ("", *(f".{each}" for each in FORMS)))
    for fatal in range(1 + 5 * first, 75, 15):
        coop, mortal, memory, clock = LinkedIssuer.open(outside, authority), Mortal(fatal), Memory(), Clock()
        coop.identifiers, coop.clock = identifiers, clock
        memory.pin(authority)
        web, keeper = mortal_web(outside, mortal), MortalKeeper(memory, mortal)
        tools = Tools(keeper=keeper, web=web, clock=clock, random=secrets.token_bytes)
        link = coop.offer_link()
        for _ in range(2):
            with contextlib.suppress(Killed, errors.AlreadyReceived):
                try:
                    await receive(await read_offer(link, tools=tools), tools=tools)
                except errors.WrongCode:
                    await receive(await read_offer(coop.offer_link(), tools=tools), tools=tools)
        wallet = memory.load()
        assert [each for each in coop.violations if each != "a code was sent twice"] == [], f"step {fatal}"
        assert len(wallet.copies) == 2, f"step {fatal}"
        assert all(len(copy.instances) >= 4 for copy in wallet.copies), f"step {fatal}"
        assert [{each.kind.value for each in copy.linked} for copy in wallet.copies] == [set(FORMS)] * 2, (
            f"step {fatal}"
        )
        assert {wallet.nym_of(copy, each) for copy in wallet.copies for each in copy.linked if each.scope} == {
            *wallet.nyms
        }
        assert len(wallet.nyms) == len(coop.points) == 1, f"step {fatal}"


async def test_two_copies_in_four_forms_are_written_at_once(outside: Outside, authority: Authority) -> None:
    coop, memory = LinkedIssuer.open(outside, authority), Memory()
    memory.pin(authority)
    coop.identifiers = tuple(
        f"{copy}{form}" for copy in ("ep", "track") for form in ("", ".pseudonym", ".door", ".bbs")
    )
    mortal = Mortal(fatal=0)
    tools = Tools(keeper=MortalKeeper(memory, mortal), web=outside.web, clock=lambda: NOW, random=secrets.token_bytes)
    await receive(await read_offer(coop.offer_link(), tools=tools), tools=tools)
    # The token, the nym before it is committed to, what came, that the co-op has heard of it; and that nothing was to
    # be topped up, which a file is not written for. Each counts before and after.
    assert mortal.count == 2 * 5


async def test_there_is_no_step_at_which_it_was_not_stopped(outside: Outside, authority: Authority) -> None:
    other, mortal = OtherIssuer.open(outside, authority, defers={"track"}), Mortal(fatal=10_000)
    await live(other, outside, authority, mortal)
    assert 50 < mortal.count < STEPS
