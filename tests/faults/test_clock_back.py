"""The clock of a co-op ran an hour ahead and is set back: nothing is taken twice, nothing good is refused for long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from issuer.publishing import publish
from issuer.store import Store
from tests.faults.reading import PublishedList, payload_of
from tests.issuer.acts import take_back
from tests.issuer.conftest import browser, coop, wallet

if TYPE_CHECKING:
    import httpx

    from tests.issuer.conftest import Coop, Wallet

__all__ = ["browser", "coop", "wallet"]


async def test_an_offer_is_neither_lost_nor_taken_twice(coop: Coop, wallet: Wallet) -> None:
    waiting, taken = coop.offer(coop.owner()), coop.offer(coop.owner())
    proof = wallet.proof_of_possession("/token")
    assert (await wallet.token(taken, dpop=proof)).status_code == 200
    coop.wait(hours=1)
    with coop.parts.database.write() as session:
        Store(session).delete_expired(coop.now)
    coop.wait(hours=-1)
    assert (await wallet.token(taken, dpop=proof)).status_code == 400
    assert (await wallet.token(taken)).json()["error"] == "invalid_grant"
    again = await wallet.token(coop.offer(waiting.listener))
    assert (await wallet.ask(again.json()["access_token"], waiting.copies[0].id)).status_code == 200


async def test_a_wallet_comes_back_with_what_it_got_while_the_clock_was_ahead(coop: Coop, wallet: Wallet) -> None:
    offer = coop.offer(coop.owner())
    got = (await wallet.token(offer)).json()
    coop.wait(hours=-1)
    assert (await wallet.ask(got["access_token"], offer.copies[0].id)).status_code == 200
    again = await wallet.refresh(got["refresh_token"])
    assert again.status_code == 200
    assert (await wallet.refresh(again.json()["refresh_token"])).status_code == 200


async def test_lists_go_on_and_take_back_what_is_refunded_meanwhile(coop: Coop, browser: httpx.AsyncClient) -> None:
    listener = coop.owner()
    copy = next(copy for copy in coop.copies(listener) if copy.kind.value == "release")
    with coop.parts.database.write() as session:
        (drawn,) = Store(session).draw(copy.id, count=1, month=f"{coop.now:%Y-%m}", now=coop.now)
    publish(coop.parts, now=coop.now)
    coop.wait(hours=-1)
    take_back(coop, copy.id)
    for _ in range(2):
        coop.wait(minutes=11)
        publish(coop.parts, now=coop.now)
    answer = await browser.get(f"/statuslists/{drawn.list_id}", headers={"Accept": "application/statuslist+jwt"})
    read = PublishedList.read(answer.text, anchor=coop.authority.cert_pem.bytes())
    assert drawn.index in read.taken_back
    assert payload_of(answer.text)["iat"] <= coop.now.timestamp() < read.expires_at
