"""Whole flows over HTTP: eight clients at once against a service in a process of its own, and one client alone.

The wallet's keys and the credentials that it shows are made before the clock runs. What it can sign only when it has
been given something (a token, a nonce, a request) it signs between two requests, and that time is not counted: the
latency of a flow is the sum of its waits, from the first byte of each request to the last of its answer. The offers of
the issuance flow were made before.
"""

import asyncio
import contextlib
import math
import statistics
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import trustme

from benchmarks.measure import Figure
from benchmarks.parties import Coop, Site, logs_to_nowhere
from benchmarks.process import free_port, running
from benchmarks.wire import Wire
from credentials.keys.signer import LocalSigner
from handstamp.settings import IssuerSettings, Settings, VerifierSettings

CLIENTS: Final = 8
_T = TypeVar("_T")
_MS: Final = 1_000
_WARM_UP: Final = 2


@dataclass(frozen=True, slots=True)
class Round:
    """What one round gave, in milliseconds; `alone` is the median of one client with nobody beside it."""

    p50: float
    p99: float
    alone: float


def measure_served(folder: Path, *, rounds: int, flows: int, postgresql_url: str | None = None) -> Iterator[Figure]:
    """Measure both flows on SQLite, and the issuance flow on PostgreSQL too where there is a server.

    Args:
        folder: for what the services keep.
        rounds: how often.
        flows: how many of each kind every client goes through in one round.
        postgresql_url: of an empty database.
    """
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    with logs_to_nowhere():
        yield from _measure_issuer(folder / "sqlite", authority, "SQLite", None, rounds=rounds, flows=flows)
        if postgresql_url is not None:
            where = folder / "postgresql"
            yield from _measure_issuer(where, authority, "PostgreSQL", postgresql_url, rounds=rounds, flows=flows)
        yield from _measure_verifier(folder / "sqlite", authority, rounds=rounds, flows=flows)


def _measure_issuer(
    folder: Path, authority: trustme.CA, engine: str, database_url: str | None, *, rounds: int, flows: int
) -> Iterator[Figure]:
    port = free_port()
    issuer = IssuerSettings(base_url=f"http://coop.localhost:{port}", port=port, database_url=database_url)
    folder.mkdir(exist_ok=True)
    coop = Coop.build(Settings(data_dir=folder, issuer=issuer), authority)
    named = {"ISSUER__BASE_URL": issuer.base_url, "ISSUER__PORT": str(port)}
    named |= {} if database_url is None else {"ISSUER__DATABASE_URL": database_url}

    async def receive(wire: Wire, offer_id: str) -> None:
        await coop.receive(wire, offer_id, 1)

    def prepare(count: int) -> list[str]:
        coop.keys.extend(LocalSigner.generate() for _ in range(count))
        return coop.make_offers(count)

    with contextlib.closing(coop.parts.database), running("issuer", "serve", port=port, folder=folder, settings=named):
        found = [asyncio.run(_one_round(port, flows, prepare, receive)) for _ in range(rounds)]
    yield _figure(f"Issuance over HTTP, {engine}, {CLIENTS} clients", found)


def _measure_verifier(folder: Path, authority: trustme.CA, *, rounds: int, flows: int) -> Iterator[Figure]:
    port = free_port()
    verifier = VerifierSettings(base_url=f"http://artist.localhost:{port}", port=port)
    site = Site.build(Settings(data_dir=folder, verifier=verifier), authority)
    named = {"VERIFIER__BASE_URL": verifier.base_url, "VERIFIER__PORT": str(port)}
    with running("verifier", "serve", port=port, folder=folder, settings=named):
        found = [
            asyncio.run(_one_round(port, flows, lambda count: [site.hold() for _ in range(count)], site.show))
            for _ in range(rounds)
        ]
    asyncio.run(site.close())
    yield _figure(f"Presentation over HTTP, SQLite, {CLIENTS} clients", found)


async def _one_round(
    port: int, flows: int, prepare: Callable[[int], Sequence[_T]], go: Callable[[Wire, _T], Awaitable[None]]
) -> Round:
    things = iter(prepare((CLIENTS + 1) * flows + _WARM_UP))
    await _client(port, [next(things) for _ in range(_WARM_UP)], go)
    alone = await _client(port, [next(things) for _ in range(flows)], go)
    shares = [[next(things) for _ in range(flows)] for _ in range(CLIENTS)]
    waits = await asyncio.gather(*(_client(port, share, go) for share in shares))
    found = sorted(each for one in waits for each in one)
    return Round(statistics.median(found), found[math.ceil(0.99 * len(found)) - 1], statistics.median(alone))


async def _client(port: int, things: Sequence[_T], go: Callable[[Wire, _T], Awaitable[None]]) -> list[float]:
    """Go through flows one after the other on one connection; return how long each waited, in milliseconds."""
    wire, waits = await Wire.open(port), []
    for thing in things:
        before = wire.waited_s
        await go(wire, thing)
        waits.append((wire.waited_s - before) * _MS)
    await wire.close()
    return waits


def _figure(name: str, rounds: Sequence[Round]) -> Figure:
    p50, p99 = (statistics.median(getattr(each, which) for each in rounds) for which in ("p50", "p99"))
    alone = statistics.median(each.alone for each in rounds)
    return Figure(
        name=name,
        rate=f"p50 {p50:.0f} ms, p99 {p99:.0f} ms",
        limit=f"one client alone: p50 {alone:.0f} ms",
        ratio=f"{p50 / alone:.1f} times that",
        value=p50 / alone,
    )
