"""Two workers of every service share one database: no request minds at which of them the one before it was."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from typing_extensions import override

from credentials.status import StatusPolicy
from handstamp.demo.stage import ROLES, Stage, build_stage
from issuer.app import build_app as build_issuer_app
from plumbing.database import Database
from plumbing.fetch import HttpFetcher, Reach
from tests.flows.conftest import furnish
from tests.flows.test_own_hold_open_have import digests
from tests.issuer.conftest import Coop, make_coop
from tests.support.crowded_street import TRACKS_HOST, CrowdedStreet, recorded_logs
from tests.support.recording import Recording, free_port, wire_tap
from tests.support.street import COOP_HOST, Shop
from tests.support.town import build_album
from tests.support.waiting import end
from trackserver.api import build_trackserver_app
from verifier.app import build_verifier_app
from verifier.limits import OnceEver
from verifier.statuses import StatusKeeper
from verifier.store import SqlWork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fastapi import FastAPI

pytestmark = pytest.mark.database


class RoundRobin(httpx.AsyncBaseTransport):
    """Gives each request to the next worker of its party, as a proxy without sticky sessions does."""

    def __init__(self, parties: Callable[[], dict[str, list[FastAPI]]]) -> None:
        self._parties = parties
        self._turn = cycle((0, 1))
        self.met: Counter[tuple[str, int]] = Counter()

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.headers["Host"]
        worker = next(self._turn)
        self.met[host, worker] += 1
        await request.aread()
        app = self._parties()[host][worker]
        answer = await httpx.ASGITransport(app).handle_async_request(request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())


@dataclass
class TwoOfEach(CrowdedStreet):
    """A street in which every service has two workers, each with connections of its own."""

    opened: list[Database] = field(default_factory=list)
    workers: dict[str, list[FastAPI]] = field(default_factory=dict)
    proxy: RoundRobin | None = None

    def again(self, database: Database) -> Database:
        """Open a database once more, as another process does."""
        self.opened.append(Database(database.url.render_as_string(hide_password=False)))
        return self.opened[-1]

    def parties(self) -> dict[str, list[FastAPI]]:
        """Return the workers of everybody; those of a shop begin when the first asks for it."""
        if COOP_HOST not in self.workers:
            other = replace(self.coop.parts, database=self.again(self.coop.parts.database))
            self.workers[COOP_HOST] = [self.coop.app, build_issuer_app(other)]
        if self.tracks is not None and TRACKS_HOST not in self.workers:
            tracks = replace(self.tracks, database=self.again(self.tracks.database))
            self.workers[TRACKS_HOST] = [self.apps[TRACKS_HOST], build_trackserver_app(tracks)]
        for host, shop in self.shops.items():
            if host not in self.workers:
                self.workers[host] = [shop.app, self.second(shop)]
        return self.workers

    def second(self, shop: Shop) -> FastAPI:
        """Build another worker of a shop."""
        parts = shop.parts
        work = SqlWork(self.again(parts.work._database), site="main")  # type: ignore[attr-defined]  # noqa: SLF001
        statuses = StatusKeeper(work, parts.fetcher, party=parts.party, policy=StatusPolicy.REFUSE)
        return build_verifier_app(replace(parts, work=work, statuses=statuses))

    @override
    def _web(self, _first_party: str) -> HttpFetcher:
        self.proxy = self.proxy or RoundRobin(self.parties)
        return HttpFetcher(Reach.LOOPBACK, user_agent=self.user_agent, transport=self.proxy)

    @override
    def _rows(self, role: str) -> list[Any]:
        return []


@pytest.fixture
def coop(tmp_path: Path) -> Iterator[Coop]:
    made = make_coop(tmp_path)
    yield made
    made.parts.database.close()


async def test_a_record_is_received_shown_and_fetched_at_two_workers_of_everybody(coop: Coop, tmp_path: Path) -> None:
    street = TwoOfEach(coop=coop, folder=tmp_path)
    with recorded_logs(street.lines):
        await street.furnish()
        await street.join(0)
        shop = next(iter(street.shops.values()))
        for limit in (None, OnceEver()):
            await street.redeem(0, shop, street.put_up(shop, limit=limit), 0)
        await street.pass_door(0, shop, street.put_up(shop), 0)
    assert street.proxy is not None
    for host in (COOP_HOST, TRACKS_HOST, shop.host):
        assert street.proxy.met[host, 0] > 1, host
        assert street.proxy.met[host, 1] > 1, host
    assert not [line for line in street.lines if line.get("status", 0) >= 500]
    for database in street.opened:
        database.close()
    assert street.tracks is not None
    street.tracks.database.close()


@contextmanager
def two_processes(stage: Stage, role: str) -> Iterator[Recording]:
    """Run two processes of a service, and let its public port give each connection to the next of them."""
    public, ports = int(stage.addresses[role].rpartition(":")[2]), (free_port(), free_port())
    started = [
        replace(stage, environment={**stage.environment, f"HANDSTAMP_{role.upper()}__PORT": str(port)}).start(role)
        for port in ports
    ]
    try:
        with wire_tap(public, *ports) as tap:
            for process in started * 2:
                stage.wait(role, process)
            yield tap
    finally:
        end(started)


@pytest.mark.slow
def test_two_processes_of_every_service_start_at_once_on_empty_databases_and_serve_one_listener(
    on_server: Callable[[str], str], tmp_path: Path
) -> None:
    plain = build_stage(tmp_path / "stage", first_ports={role: free_port() for role in ROLES})
    urls = {f"HANDSTAMP_{role.upper()}__DATABASE_URL": on_server("empty") for role in ROLES}
    file = {"HANDSTAMP_WALLET__FILE": str(tmp_path / "wallet.handstamp")}
    stage = replace(plain, environment={**plain.environment, **urls, **file})
    stage.import_keys()
    with ExitStack() as stack:
        for role in ROLES:
            stack.enter_context(two_processes(stage, role))
        world = furnish(stage, {}, build_album(tmp_path / "album"), {})
        stage.run("wallet", "create")
        stage.run("wallet", "trust", "add", str(stage.folder / "certificates" / "authority.pem"), "--name", "Demo")
        offer = world.json("issuer", "offer", world.listener)
        stage.run("wallet", "receive", offer["link"], "--code", offer["code"], "--yes")
        stage.run("wallet", "open", world.gate, "--yes", "--to", str(tmp_path / "received"))
    assert digests(tmp_path / "received") == digests(world.album)
    assert not list((stage.folder / "data").rglob("*.sqlite"))
