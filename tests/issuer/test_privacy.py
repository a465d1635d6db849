"""Names, e-mail addresses and birth dates never leave the co-op's own table."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from credentials.encoding import base64url
from issuer.listeners import Listener
from plumbing.logs import configure
from tests.issuer.acts import enrol, many_acts
from tests.issuer.test_pages import csrf, log_in, make_offer
from tests.support.databases import rows_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.issuer.conftest import Coop, Wallet

CANARY = {"name": "Zebulon Quicksilver", "email": "zebulon@canary.example", "birth_date": "1987-03-29"}
TRACES = ("zebulon", "quicksilver", "canary.example", "1987-03-29", "1987")


def assert_silent(text: str, where: str) -> None:
    plain = text
    for part in text.replace("~", ".").replace('"', ".").split("."):
        try:
            plain += base64url.decode(part, what="part").decode("utf-8", "replace")
        except Exception:  # noqa: BLE001, S112  # not base64url: read as it is
            continue
    for trace in TRACES:
        assert trace not in plain.lower(), f"{trace} is in {where}"


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Whatever a test configures for its own captured stream ends with it."""
    yield
    structlog.reset_defaults()


async def test_nothing_that_names_a_listener_is_sent_signed_or_logged(
    coop: Coop,
    wallet: Wallet,
    browser: httpx.AsyncClient,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    configure("debug")
    caplog.set_level(logging.DEBUG)
    messages: list[str] = []

    async def keep(answer: httpx.Response) -> None:
        await answer.aread()
        messages.append(f"{answer.request.url} {answer.headers} {answer.text}")

    for client in (wallet.http, browser):
        client.event_hooks["response"].append(keep)
    listener = coop.owner(**CANARY)
    enrol(coop, listener)
    offer = coop.offer(listener)
    await wallet.http.get(f"/offers/{offer.id}")
    messages.append(coop.parts.desk.by_value(offer).to_link())
    token = (await wallet.token(offer)).json()
    for details in reversed(token["authorization_details"]):
        for identifier in details["credential_identifiers"]:
            assert (await wallet.ask(token["access_token"], identifier)).status_code == 200
    await wallet.token(offer)
    await wallet.credential("nothing", b"{")
    await log_in(coop, browser, listener)
    path = await make_offer(browser)
    page = await browser.get(path)
    await browser.post(path.replace("/page", "/code"), data={"csrf": csrf(page)})
    await browser.get("/login", params={"token": "nothing"})
    for message in messages:
        assert_silent(message, message[:200])
    printed = capsys.readouterr()
    assert_silent(printed.err + printed.out + caplog.text, "the log")
    assert listener not in printed.err + printed.out + caplog.text + "".join(messages)


def test_only_the_listener_table_knows_who_somebody_is(coop: Coop) -> None:
    listener = coop.listener(**CANARY)
    many_acts(coop, listener)
    enrol(coop, listener)
    coop.offer(listener)
    for table, rows in rows_in(coop.parts.database).items():
        held = repr(rows)
        if table == "listener":
            assert all(value in held for value in CANARY.values())
        else:
            assert_silent(held, table)


def test_a_listener_is_printed_without_what_names_them() -> None:
    assert_silent(repr(Listener.parse(listener_id="x", **CANARY)), "repr")


async def test_the_database_holds_no_secret_that_opens_anything(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    offer, waiting = coop.offer(listener), coop.offer(listener)
    link = coop.login_token(listener)
    access_token = (await wallet.token(offer)).json()["access_token"]
    nonce = await wallet.nonce()
    everything = repr(rows_in(coop.parts.database))
    for secret in (link, access_token, nonce, coop.code(offer), coop.code(waiting), coop.tx_code(waiting)):
        assert secret not in everything
