"""An offer, a nonce, a key, a proof and a download code are good once, for one of two hundred, on either database."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from credentials.keys.signer import LocalSigner
from issuer.app import build_app
from issuer.codes import CodeUsed
from issuer.counting_tables import CountingScopeRow
from issuer.delivery_tables import DeliveryRow
from issuer.ledger import Thing, ThingKind
from issuer.offers import Burnt
from issuer.service.codes import make_codes, redeem_code
from issuer.service.nonces import give_nonce, use_nonces
from issuer.store import Store
from issuer.tables import OfferRow
from tests.issuer.conftest import RELEASE, URL, Coop, Wallet
from tests.support.rush import CROWD, rush, rush_web, two_workers

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable, Callable, Iterator
    from datetime import datetime

    import httpx
    from fastapi import FastAPI


@pytest.fixture
def apps(coop: Coop) -> Iterator[tuple[FastAPI, ...]]:
    """Two workers of the co-op, on one database."""
    with two_workers(coop.parts.database.url.render_as_string(hide_password=False)) as databases:
        yield tuple(build_app(replace(coop.parts, database=each)) for each in databases)


def ask_at_once(
    coop: Coop,
    apps: tuple[FastAPI, ...],
    act: Callable[[int, Wallet], Awaitable[httpx.Response]],
    *,
    crowd: int = CROWD,
) -> Counter[str]:
    """Let the wallets of a crowd ask the workers at once; count the statuses, with the error if there is one."""

    async def ask(number: int, client: httpx.AsyncClient) -> str:
        answer = await act(number, Wallet(coop, client))
        return f"{answer.status_code} {answer.json().get('error', '')}".strip()

    return rush_web(apps, URL, ask, crowd=crowd)


@pytest.mark.slow
@pytest.mark.exact
def test_of_two_hundred_wallets_one_gets_the_tokens_of_an_offer(coop: Coop, apps: tuple[FastAPI, ...]) -> None:
    offer = coop.offer(coop.owner())
    came = ask_at_once(coop, apps, lambda _, wallet: wallet.token(offer))
    # Of those who come too late only one is looked at in ten seconds: the others learn nothing of their digits.
    assert came["200"] == 1
    assert came["400 invalid_grant"] + came["429 temporarily_unavailable"] == CROWD - 1
    assert coop.rows(DeliveryRow) == 1


@pytest.mark.slow
@pytest.mark.exact
def test_a_hundred_offers_of_one_listener_are_all_taken_at_once(coop: Coop, apps: tuple[FastAPI, ...]) -> None:
    listener = coop.owner()
    offers = [coop.offer(listener) for _ in range(CROWD // 2)]
    came = ask_at_once(coop, apps, lambda number, wallet: wallet.token(offers[number]), crowd=len(offers))
    assert came == {"200": len(offers)}
    assert coop.rows(CountingScopeRow) == 1


@pytest.mark.slow
@pytest.mark.exact
def test_two_hundred_wrong_digits_at_once_burn_an_offer_and_no_more(coop: Coop, apps: tuple[FastAPI, ...]) -> None:
    offer = coop.offer(coop.owner())
    wrong = f"{(int(coop.tx_code(offer)) + 1) % 1_000_000:06}"
    came = ask_at_once(coop, apps, lambda _, wallet: wallet.token(offer, tx_code=wrong))
    assert came == {"400 invalid_grant": CROWD}
    with coop.parts.database.read() as session:
        assert isinstance(Store(session).offer(offer.id), Burnt)
        row = session.get(OfferRow, offer.id)
    assert row is not None
    assert row.tries_left == 0


@pytest.mark.slow
@pytest.mark.exact
@pytest.mark.parametrize("same", ["nonce", "key", "proof"])
async def test_of_two_hundred_requests_one_gets_a_credential(
    same: str, coop: Coop, wallet: Wallet, apps: tuple[FastAPI, ...]
) -> None:
    offer = coop.offer(coop.owner())
    given = (await wallet.token(offer)).json()
    identifier = given["authorization_details"][0]["credential_identifiers"][0]
    nonces = [await wallet.nonce() for _ in range(1 if same == "nonce" else CROWD)]
    keys = [LocalSigner.generate() for _ in range(1 if same == "key" else CROWD)]
    token = given["access_token"]
    proofs = [wallet.proof_of_possession("/credential", token) for _ in range(1 if same == "proof" else CROWD)]

    bodies: list[dict[str, Any]] = []
    for number in range(CROWD):
        own = wallet.key_proofs(nonces[number % len(nonces)], [keys[number % len(keys)]])
        bodies.append({"credential_identifier": identifier, "proofs": {"jwt": own}})

    def request(number: int, mine: Wallet) -> Awaitable[httpx.Response]:
        return mine.credential(token, bodies[number], dpop=proofs[number % len(proofs)])

    came = await asyncio.to_thread(ask_at_once, coop, apps, request)
    refusal = {"nonce": "400 invalid_nonce", "key": "400 invalid_proof", "proof": "401 invalid_dpop_proof"}[same]
    assert came == {"200": 1, refusal: CROWD - 1}


@pytest.mark.slow
@pytest.mark.exact
async def test_a_refresh_token_that_was_replaced_ends_its_delivery_for_all_of_two_hundred(
    coop: Coop, wallet: Wallet, apps: tuple[FastAPI, ...]
) -> None:
    first = (await wallet.token(coop.offer(coop.owner()))).json()["refresh_token"]
    second = (await wallet.refresh(first)).json()["refresh_token"]
    newest = (await wallet.refresh(second)).json()["refresh_token"]

    def refresh(number: int, mine: Wallet) -> Awaitable[httpx.Response]:
        return replace(mine, dpop=wallet.dpop).refresh(newest if number == 0 else first)

    came = await asyncio.to_thread(ask_at_once, coop, apps, refresh)
    assert came["400 invalid_grant"] >= CROWD - 1
    assert came.total() == came["400 invalid_grant"] + came["200"]
    assert (await wallet.refresh(newest)).json()["error"] == "invalid_grant"


def test_of_two_hundred_listeners_one_gets_what_a_download_code_gives(coop: Coop) -> None:
    listeners = [coop.listener() for _ in range(CROWD)]
    with coop.parts.database.write() as session:
        thing = Thing(kind=ThingKind.RELEASE, id=RELEASE)
        (code,) = make_codes(Store(session), thing, count=1, label=None, now=coop.now, random=secrets.token_bytes)
    with two_workers(coop.parts.database.url.render_as_string(hide_password=False)) as workers:

        def use(number: int) -> str:
            with workers[number % 2].write() as session:
                redeem_code(Store(session), code, listener=listeners[number], now=coop.now)
            return "theirs"

        assert rush(use) == {"theirs": 1, CodeUsed.code: CROWD - 1}


def test_of_two_hundred_one_uses_a_nonce_and_one_a_proof(new_database: Callable[[str], str], coop: Coop) -> None:
    with two_workers(new_database("issuer")) as workers:
        secrets_of_offers = coop.parts.desk.secrets
        nonce = give_nonce(secrets_of_offers, now=coop.now).c_nonce

        def use(number: int) -> str:
            with workers[number % 2].write(turn=f"request:{number}") as session:
                store = Store(session)
                fresh = store.remember_proof("p", until=coop.now)
                return f"{fresh} {use_nonces(store, [nonce], secrets=secrets_of_offers, now=coop.now)}"

        came = rush(use)
    assert sum(count for words, count in came.items() if words.startswith("True")) == 1
    assert sum(count for words, count in came.items() if words.endswith("True")) == 1


async def test_nonces_are_used_in_one_order_so_that_no_two_requests_wait_for_each_other(
    coop: Coop, wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = coop.offer(coop.owner())
    token = (await wallet.token(offer)).json()["access_token"]
    proofs = [wallet.key_proofs(await wallet.nonce(), [LocalSigner.generate()])[0] for _ in range(8)]
    used: list[str] = []
    remember = Store.remember_proof

    def note(store: Store, proof_hash: str, *, until: datetime) -> bool:
        used.append(proof_hash)
        return remember(store, proof_hash, until=until)

    monkeypatch.setattr(Store, "remember_proof", note)
    body = {"credential_identifier": offer.copies[0].id, "proofs": {"jwt": proofs}}
    assert (await wallet.credential(token, body)).status_code == 200
    assert len(used) == 9
    assert used[1:] == sorted(used[1:])  # after the proof of the request itself
