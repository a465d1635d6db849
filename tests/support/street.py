"""A co-op, two shops and a wallet, each the real thing, over ASGI and on one clock."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import trustme

from credentials.keys.certificates import load_chain_pem
from credentials.keys.signer import LocalSigner
from credentials.status import StatusPolicy
from plumbing.database import Database
from plumbing.dids import build_resolver
from plumbing.fetch import HttpFetcher, Reach
from plumbing.web.csrf import FormGuard
from plumbing.web.pages import Pages
from tests.issuer.conftest import RELEASE, TRACKS, Coop
from tests.support.databases import fresh_database
from tests.support.outside import Memory
from tests.verifier.conftest import make_gate
from verifier.app import build_verifier_app
from verifier.doors import DoorKeys
from verifier.gates import Counting, Gate
from verifier.parts import VerifierParts
from verifier.party import Party, RequestSigner
from verifier.places import TEMPLATES
from verifier.proofs import OwnsRelease, OwnsTrack, Requirement
from verifier.service.admit_pass import admit_pass
from verifier.service.hang_poster import hang_poster
from verifier.service.trust_issuer import ask_linked_keys, trust_anchor
from verifier.statuses import StatusKeeper
from verifier.store import SqlWork
from wallet.ports import Tools
from wallet.service.open_gate import begin_visit, pass_gate
from wallet.service.receive import read_offer, receive
from wallet.state import Authority, Wallet

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from fastapi import FastAPI

    from verifier.doors import Verdict
    from verifier.limits import Limit

COOP_HOST = "coop.localhost:8701"


@dataclass
class Shop:
    """One site with gates; it trusts the co-op."""

    host: str
    app: FastAPI
    parts: VerifierParts
    clock: Any

    def url(self, gate: Gate) -> str:
        return self.parts.party.gate_url(gate.gate_id)

    def gate(
        self, requirement: Requirement | None = None, *, limit: Limit | None = None, others: bool = False, **more: Any
    ) -> Gate:
        counting = limit and Counting(limit=limit, key=secrets.token_bytes(32), takes_other_wallets=others)
        wanted = requirement or OwnsRelease(release_id=RELEASE)
        gate = make_gate(wanted, clock=self.clock, counting=counting, **more)
        with self.parts.work.write() as stores:
            stores.save_gate(gate, now=self.clock())
        return gate

    def judge(self, gate: Gate, text: str, device: str | None = None) -> Verdict:
        """Scan a pass at the door."""
        assert self.parts.door_keys
        return admit_pass(
            self.parts.work,
            gate.gate_id,
            text,
            party=self.parts.party,
            keys=self.parts.door_keys,
            now=self.clock(),
            device=device.encode() if device else None,
        )

    def poster_of(self, gate: Gate) -> str:
        """Sign what hangs at the door."""
        signing = self.parts.request_signer
        assert signing
        return hang_poster(gate, party=self.parts.party, signer=signing.signer, months=3, now=self.clock())


@dataclass
class Street:
    """All parties; `sent` has every request that the wallet ever made."""

    coop: Coop
    folder: Path
    memory: Memory = field(default_factory=Memory)
    shops: dict[str, Shop] = field(default_factory=dict)
    sent: list[httpx.Request] = field(default_factory=list)

    def now(self) -> datetime:
        return self.coop.now

    @property
    def tools(self) -> Tools:
        return Tools(keeper=self.memory, web=self._web, clock=self.now, random=secrets.token_bytes)

    @property
    def wallet(self) -> Wallet:
        return self.memory.load()

    async def open_shop(self, name: str, port: int) -> Shop:
        host = f"{name}.localhost:{port}"
        issued = self.coop.authority.issue_cert(f"{name}.localhost", key_type=trustme.KeyType.ECDSA)
        chain = load_chain_pem(b"".join(part.bytes() for part in issued.cert_chain_pems))
        party = Party(base_url=f"http://{host}", site="main", name=name.title())
        work = SqlWork(Database(fresh_database("verifier", self.folder, name)), site="main")
        fetcher = self._web("")

        async def close() -> None:
            await fetcher.close()

        parts = VerifierParts(
            party=party,
            work=work,
            request_signer=RequestSigner(
                signer=LocalSigner.from_pem(issued.private_key_pem.bytes(), None), x5c=tuple(chain.x5c())
            ),
            grant_signer=LocalSigner.generate(),
            guard=FormGuard(b"f" * 32),
            pages=Pages(TEMPLATES, site_name=name.title()),
            fetcher=fetcher,
            statuses=StatusKeeper(work, fetcher, party=party, policy=StatusPolicy.REFUSE),
            clock=self.now,
            close=close,
            door_keys=DoorKeys(b"d" * 32),
        )
        coop = f"http://{COOP_HOST}"
        linked = await ask_linked_keys(coop, resolver=build_resolver(fetcher, clock=self.now))
        anchor = self.coop.authority.cert_pem.bytes()
        trust_anchor(work, coop, anchor, name="Sound Commons", party=party, now=self.now(), linked=linked)
        self.shops[host] = Shop(host=host, app=build_verifier_app(parts), parts=parts, clock=self.now)
        return self.shops[host]

    async def receive(self, *things: str) -> None:
        """Buy these, and take all that the co-op offers of them into the wallet."""
        listener = self.coop.listener()
        for thing in things:
            self.coop.buy(listener, thing)
        offer = self.coop.offer(listener)
        pem = self.coop.authority.cert_pem.bytes().decode()
        pinned = Authority(name="Test", certificate=pem, fingerprint="AB", added_at=self.now())
        self.memory.change(lambda wallet: (wallet.with_authority(pinned), None))
        opened = await read_offer(self.coop.parts.desk.by_value(offer).to_link(), tools=self.tools)
        await receive(opened, tools=self.tools, tx_code=self.coop.tx_code(offer))

    async def visit(self, shop: Shop, gate: Gate) -> None:
        """Open a gate and say yes."""
        await pass_gate(await begin_visit(shop.url(gate), tools=self.tools), tools=self.tools)

    def _web(self, _first_party: str) -> HttpFetcher:
        return HttpFetcher(Reach.LOOPBACK, user_agent="handstamp-wallet", transport=_Addresses(self))


class _Addresses(httpx.AsyncBaseTransport):
    """Leads to each party by its host, as a network does."""

    def __init__(self, street: Street) -> None:
        self._street = street

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.headers["Host"]
        self._street.sent.append(request)
        if host != COOP_HOST and host not in self._street.shops:
            raise httpx.ConnectError("nobody is there")
        app = self._street.coop.app if host == COOP_HOST else self._street.shops[host].app
        return await httpx.ASGITransport(app).handle_async_request(request)


def owns_track(number: int = 0) -> OwnsTrack:
    return OwnsTrack(track_id=TRACKS[number], release_id=RELEASE)
