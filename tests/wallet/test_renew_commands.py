"""Any command that shows nothing renews what is due, quietly; `renew` says what it did."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from handstamp.commands import wallet as commands
from handstamp.composition import wallet as composition
from tests.support.linked_issuer import LinkedIssuer
from tests.support.moving import Clock
from tests.support.outside import NOW, Authority, Outside
from wallet.errors import ConsentDeclined
from wallet.ports import Tools
from wallet.service.receive import read_offer, receive
from wallet.vault import Vault

Run = Callable[..., Result]
DUE = datetime(2026, 12, 10, 23, 59, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def coop(outside: Outside, authority: Authority, clock: Clock) -> LinkedIssuer:
    return LinkedIssuer.open(outside, authority, clock=clock, identifiers=("ep.bbs",))


@pytest.fixture
def run(
    coop: LinkedIssuer, tools: Tools, vault: Vault, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Type a command into a wallet that holds one EP, as a proof that ends with its month."""
    monkeypatch.setenv("HANDSTAMP_WALLET__FILE", str(vault.path))
    monkeypatch.setattr(composition, "open_web", tools.web)
    monkeypatch.setattr(composition, "system_clock", clock)
    secret = tmp_path / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text("four words are easy")

    async def fill() -> None:
        await receive(await read_offer(coop.offer_link(), tools=tools), tools=replace(tools, clock=clock))

    asyncio.run(fill())
    coop.asked.clear()

    def type_command(*arguments: str, answer: str = "") -> Result:
        typed = [*arguments, "--passphrase-file", str(secret)]
        return CliRunner().invoke(commands.app, typed, input=answer, terminal_width=200)

    return type_command


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return str(result.output)


def months(run: Run) -> list[str]:
    (copy,) = json.loads(done(run("list", "--json")))
    return [each["month"] for each in copy["proofs"]]


def test_a_list_renews_what_is_due_and_says_nothing_of_it(run: Run, coop: LinkedIssuer, clock: Clock) -> None:
    assert months(run) == ["2026-11"]
    assert coop.asked == []
    clock.now = DUE
    assert months(run) == ["2026-12"]
    assert coop.asked == ["ep.bbs"]
    shown = done(run("show", "night"))
    assert "without a number; as often as you like" in shown
    assert "until 10" in shown
    assert "any" in done(run("list"))
    assert coop.asked == ["ep.bbs"]


def test_a_command_that_shows_something_renews_nothing(run: Run, coop: LinkedIssuer, clock: Clock) -> None:
    clock.now = DUE
    assert run("answer", "openid4vp://?client_id=x").exception
    done(run("history"))
    assert coop.asked == []


def test_why_something_was_not_renewed_stands_beside_it(run: Run, coop: LinkedIssuer, clock: Clock) -> None:
    clock.now = DUE
    coop.ended.add("ep.bbs")
    assert "Refunded" in done(run("show", "night"))
    assert "Nothing is to be renewed" in done(run("renew"))
    said = done(run("renew", "--now", "--yes"))
    assert "was not renewed: other.localhost did not hand over" in said
    coop.ended.clear()
    assert "1 record is good for another month." in done(run("renew", "--now", "--yes"))
    assert "Refunded" not in done(run("show", "night"))


def test_renewing_at_once_says_first_what_it_tells(run: Run, coop: LinkedIssuer, clock: Clock) -> None:
    clock.now = DUE
    refused = run("renew", "--now", answer="n\n")
    assert isinstance(refused.exception, ConsentDeclined)
    assert "your wallet is in use at this moment, not where" in refused.output
    assert coop.asked == []
    assert "1 record is good" in done(run("renew", "--now", answer="y\n"))


def test_a_co_op_that_is_away_keeps_no_command_from_its_work(
    run: Run, outside: Outside, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.now = DUE
    outside.parties.clear()
    assert months(run) == ["2026-11"]
    monkeypatch.setattr("handstamp.commands.wallet_renewing.LONGEST_WAIT_S", 0)
    assert months(run) == ["2026-11"]


def test_what_came_in_fewer_forms_than_offered_says_why(run: Run, coop: LinkedIssuer) -> None:
    coop.identifiers = ("ep.pseudonym", "ep.bbs")
    coop.ended.add("ep.pseudonym")
    said = done(run("receive", coop.offer_link(), "--yes"))
    assert "received the EP “Night Bus EP” by The Long Way Home: bought, November 2026, good as often" in said
    assert "not in every form: other.localhost did not hand over" in said
    assert "1 received" in said
