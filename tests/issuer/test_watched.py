"""What the co-op's metrics say while it is busy: how many of which kind, and of nobody."""

from __future__ import annotations

from dataclasses import replace

import httpx

from issuer.app import build_app
from issuer.counted import ISSUED, OFFERS
from issuer.store.counts import count_offers
from tests.issuer.conftest import RELEASE, URL, Coop, Wallet
from tests.support.waiting import until
from tests.support.watching import Watched

CANARY = {"name": "Ingvild Canarysdottir", "email": "ingvild@canary.example", "birth_date": "1987-03-14"}


def offers_now(coop: Coop) -> dict[tuple[str, ...], float]:
    with coop.parts.database.read() as session:
        return count_offers(session, now=coop.now)


async def test_the_metrics_of_a_busy_co_op_name_nobody_and_only_what_is_in_closed_tables(coop: Coop) -> None:
    watched = Watched("issuer")
    parts = replace(coop.parts, meter=watched.meter)
    app = build_app(parts, observing=watched.observing)
    watched.observing.watch_database(parts.database)
    watched.meter.watch(OFFERS, lambda: offers_now(coop))
    listener = coop.owner(**CANARY)
    offer, lost = coop.offer(listener), coop.offer(listener)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as http:
        wallet = Wallet(coop=coop, http=http)
        await http.get(f"/offers/{offer.id}?canary={offer.id}")
        token = (await wallet.token(offer)).json()
        for detail in reversed(token["authorization_details"]):
            answer = await wallet.ask(token["access_token"], detail["credential_identifiers"][0])
            assert answer.status_code == 200, answer.text
        for _ in range(5):
            await wallet.token(lost, "000000")
        await http.get(f"/nowhere/{lost.id}", headers={"User-Agent": "canary", "X-Request-ID": "canary"})
        await http.request("CANARY", "/token")
    page = watched.page
    assert watched.open_labels(app, (ISSUED, OFFERS)) == set()
    values = [*CANARY.values(), "Canary", "canary", listener, offer.id, lost.id, RELEASE, token["access_token"]]
    assert not [value for value in values if value in page]
    assert watched.count("credentials_issued", type="ReleaseOwnershipCredential", form="sd_jwt") > 0
    assert watched.count("credentials_issued", type="ReleaseOwnershipCredential", form="door") == 1
    assert watched.count("credentials_issued", type="TrackOwnershipCredential", form="bbs") > 0
    assert watched.count("requests", method="POST", route="/token", status_class="4xx") == 5
    assert watched.count("refusals", code="invalid_grant") == 5
    assert watched.count("requests", method="GET", route="none", status_class="4xx") == 1
    states = {(("redeemed",), 1.0), (("burnt",), 1.0), (("open",), 0.0), (("lapsed",), 0.0)}
    assert set(offers_now(coop).items()) == states


def test_an_offer_that_nobody_took_in_time_has_lapsed(coop: Coop) -> None:
    listener = coop.owner()
    coop.offer(listener)
    assert offers_now(coop)["open",] == 1
    coop.wait(days=2)
    assert (offers_now(coop)["open",], offers_now(coop)["lapsed",]) == (0, 1)


async def test_background_work_of_the_co_op_is_counted(coop: Coop) -> None:
    watched = Watched("issuer")
    app = build_app(coop.parts, observing=watched.observing)
    async with app.router.lifespan_context(app):
        await until(lambda: watched.count("background_runs", work="issuer.publish", outcome="done") > 0)
    assert watched.count("background_runs", work="issuer.publish", outcome="done") == 1
    assert watched.open_labels(app, ()) == set()
