"""A refund, through the co-op's code and the site's: every instance is refused within one batch and the list's ttl."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from credentials.keys.signer import LocalSigner
from credentials.trust import TrustedIssuer
from issuer.publishing import publish
from issuer.service.losses import refund
from issuer.store import Store
from schemas import ALL
from tests.issuer.conftest import RELEASE, URL, Wallet, make_coop
from tests.verifier.conftest import make_gate
from verifier.gates import OwnsRelease

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI

    from tests.issuer.conftest import Coop
    from tests.verifier.conftest import Gate, Site

STEP_S = 60
INSTANCES = 4


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Coop]:
    """A co-op with its own code, ledger and lists."""
    folder = tmp_path / "coop"
    folder.mkdir()
    made = make_coop(folder)
    made.add_release()
    yield made
    made.parts.database.close()


@pytest.fixture
def trackserver(real: Coop) -> FastAPI:
    """Whom the site's network reaches: here the co-op."""
    return real.app


@dataclass
class Held:
    """The instances of one copy, each with its key."""

    copy: str
    instances: list[tuple[str, LocalSigner]]


async def receive(real: Coop) -> Held:
    """Buy the release, and receive it into a wallet."""
    listener = real.owner()
    copy = next(each.id for each in real.copies(listener) if each.subject == RELEASE)
    keys = [LocalSigner.generate() for _ in range(INSTANCES)]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(real.app), base_url=URL) as client:
        wallet = Wallet(real, client)
        token = (await wallet.token(real.offer(listener))).json()["access_token"]
        answer = (await wallet.ask(token, copy, keys)).json()
    return Held(
        copy=copy, instances=[(each["credential"], k) for each, k in zip(answer["credentials"], keys, strict=True)]
    )


async def show(site: Site, gate: Gate, instance: tuple[str, LocalSigner]) -> str:
    """Show an instance at the gate; return `open`, or the code of the refusal."""
    credential, key = instance
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    reply = await visitor.send(request, visitor.answer(request, credential=credential, signer=key))
    return "open" if reply.status_code == 200 else str(reply.json()["code"])


@pytest.mark.parametrize(
    ("background", "after_s"),
    [(True, 1), (False, 599)],
    ids=["just after a batch, fetched ahead", "just before a batch, fetched at the gate"],
)
async def test_a_refund_revokes_every_instance_within_one_batch_and_the_ttl_of_the_list(
    site: Site, real: Coop, background: bool, after_s: int
) -> None:
    batch, ttl = real.parts.schedule.batch, real.parts.schedule.ttl
    site.clock.now = real.parts.schedule.batch_start(site.clock.now)
    real.now = site.clock.now
    trusted = TrustedIssuer(
        issuer=URL, name="x", anchors=(real.authority.cert_pem.bytes(),), types=frozenset(each.vct for each in ALL)
    )
    with site.parts.work.write() as stores:
        stores.save_issuer("main", trusted, now=site.clock())
    gate = site.save_gate(make_gate(OwnsRelease(release_id=RELEASE), clock=site.clock))
    gone, kept = await receive(real), await receive(real)

    async def pass_time(seconds: float) -> None:
        """Let both services do what they do by themselves."""
        site.clock.now += timedelta(seconds=seconds)
        real.now = site.clock.now
        publish(real.parts, now=real.now)
        if background:
            await site.parts.statuses.refresh(now=site.clock())

    await pass_time(after_s)
    assert [await show(site, gate, each) for each in gone.instances] == ["open"] * INSTANCES
    with real.parts.database.write() as session:
        assert refund(Store(session), copy_id=gone.copy, now=real.now).copies
    refunded_at, waited = real.now, 0.0
    while await show(site, gate, gone.instances[0]) == "open":
        assert real.now < refunded_at + batch + ttl
        await pass_time(STEP_S)
        waited += STEP_S
    # Not at once either: who watches the lists must not learn when somebody gave something back.
    assert waited > 0
    while real.now < refunded_at + batch + ttl:
        await pass_time(STEP_S)
    assert [await show(site, gate, each) for each in gone.instances] == ["credential_revoked"] * INSTANCES
    assert [await show(site, gate, each) for each in kept.instances] == ["open"] * INSTANCES
