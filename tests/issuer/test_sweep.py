from __future__ import annotations

from typing import TYPE_CHECKING

from issuer.app import build_app
from issuer.delivery_tables import AccessTokenRow
from issuer.service.sweep import sweep
from issuer.store import Store
from issuer.tables import (
    BrowserSessionRow,
    CopyRow,
    EntryRow,
    LoginLinkRow,
    OfferCopyRow,
    OfferRow,
    SeenProofRow,
)
from tests.issuer.test_pages import log_in
from tests.support.waiting import until

if TYPE_CHECKING:
    import httpx
    import pytest

    from tests.issuer.conftest import Coop, Wallet

EXPIRING = (OfferRow, OfferCopyRow, AccessTokenRow, SeenProofRow, LoginLinkRow, BrowserSessionRow)


async def fill(coop: Coop, wallet: Wallet, browser: httpx.AsyncClient) -> None:
    listener = coop.owner()
    await wallet.token(coop.offer(listener))
    await log_in(coop, browser, listener)
    coop.login_token(listener)
    assert all(coop.rows(table) for table in EXPIRING)


def swept(coop: Coop) -> int:
    with coop.parts.database.write() as session:
        return sweep(Store(session), now=coop.now)


async def test_expired_rows_go_and_the_ledger_stays(coop: Coop, wallet: Wallet, browser: httpx.AsyncClient) -> None:
    await fill(coop, wallet, browser)
    assert swept(coop) == 0
    coop.wait(days=8)
    assert swept(coop) == 5
    assert [coop.rows(table) for table in EXPIRING] == [0] * len(EXPIRING)
    assert (coop.rows(EntryRow), coop.rows(CopyRow)) == (1, 4)


async def test_an_offer_stays_as_long_as_its_token_so_that_a_replay_still_revokes(coop: Coop, wallet: Wallet) -> None:
    offer = coop.offer(coop.owner())
    coop.wait(minutes=9)
    token = (await wallet.token(offer)).json()["access_token"]
    coop.wait(minutes=9)
    swept(coop)
    assert (await wallet.token(offer)).status_code == 400
    assert (await wallet.ask(token, offer.copies[0].id)).json()["error"] == "invalid_token"


async def test_the_service_sweeps_when_it_starts_and_again_later(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    await fill(coop, wallet, browser)
    app = build_app(coop.parts, sweep_every_s=0.02)
    coop.wait(days=8)
    async with app.router.lifespan_context(app):
        await _until_empty(coop, OfferRow)
        coop.login_token(coop.listener())
        coop.wait(days=1)
        await _until_empty(coop, LoginLinkRow)
        coop.parts.database.close()


async def test_a_database_that_is_away_does_not_end_the_sweeping(coop: Coop, monkeypatch: pytest.MonkeyPatch) -> None:
    from plumbing.database import DatabaseUnavailable  # noqa: PLC0415

    tries: list[int] = []

    def away(*_: object) -> int:
        tries.append(1)
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(Store, "delete_expired", away)
    app = build_app(coop.parts, sweep_every_s=0.01)
    async with app.router.lifespan_context(app):
        await until(lambda: len(tries) > 1)


async def _until_empty(coop: Coop, table: type) -> None:
    await until(lambda: coop.rows(table) == 0)
