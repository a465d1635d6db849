"""Whole flows over HTTP: eight clients at once against a service in a process of its own, and one client alone.

The wallet's keys and the credentials that it shows are made before the clock runs. What it can sign only when it has
been given something (a token, a nonce, a request) it signs between two requests, and that time is not counted: the
latency of a flow is the sum of its waits, from the first byte of each request to the last of its answer. The offers of
the issuance flow were made before, by this process; what they took is added to what the service took.
"""

import asyncio
import contextlib
import math
import statistics
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import trustme

from benchmarks.kernel import raw_actions
from benchmarks.measure import Figure, Goal, Rate, measure_rates
from benchmarks.parties import Coop, Held, Site, logs_to_nowhere
from benchmarks.process import cpu_s_of, free_port, running
from benchmarks.wire import Wire
from credentials.keys.signer import LocalSigner
from handstamp.settings import IssuerSettings, Settings, VerifierSettings

CLIENTS: Final = 8
_T = TypeVar("_T")
_MS: Final = 1_000
_WARM_UP: Final = 2
_RAW_S: Final = 0.1
_MOST_VERIFICATIONS: Final = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round gave.

    Attributes:
        p50: of the flows of all clients at once, in milliseconds.
        p99: the same.
        alone: median of one client with nobody beside it, in milliseconds.
        rate: flows in a second of the whole service's CPU.
        raw: verifications in a second.
    """

    p50: float
    p99: float
    alone: float
    rate: float
    raw: float


def measure_served(
    folder: Path, *, rounds: int, flows: int, postgresql: tuple[str, str] | None = None
) -> Iterator[Figure]:
    """Measure both flows on SQLite, and on PostgreSQL too where there is a server.

    Args:
        folder: for what the services keep.
        rounds: how often.
        flows: how many of each kind every client goes through in one round.
        postgresql: addresses of two empty databases.
    """
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    engines: list[tuple[str, tuple[str, str] | tuple[None, None]]] = [("SQLite", (None, None))]
    if postgresql is not None:
        engines.append(("PostgreSQL", postgresql))
    with logs_to_nowhere():
        for engine, urls in engines:
            where = folder / engine
            where.mkdir()
            for measure, url in zip((_measure_issuer, _measure_verifier), urls, strict=True):
                yield from measure(where, authority, engine, url, rounds=rounds, flows=flows)


def _measure_issuer(
    folder: Path, authority: trustme.CA, engine: str, database_url: str | None, *, rounds: int, flows: int
) -> Iterator[Figure]:
    port = free_port()
    issuer = IssuerSettings(base_url=f"http://coop.localhost:{port}", port=port, database_url=database_url)
    coop = Coop.build(Settings(data_dir=folder, issuer=issuer), authority)
    named = {"ISSUER__BASE_URL": issuer.base_url, "ISSUER__PORT": str(port)}
    named |= {} if database_url is None else {"ISSUER__DATABASE_URL": database_url}

    async def receive(wire: Wire, offer_id: str) -> None:
        await coop.receive(wire, offer_id, 1)

    def prepare(count: int) -> list[str]:
        coop.keys.extend(LocalSigner.generate() for _ in range(count))
        return coop.make_offers(count)

    with contextlib.closing(coop.parts.database), _service("issuer", port, folder, named) as service:
        found = []
        for _ in range(rounds):
            coop.server.cpu_s = 0.0
            one = asyncio.run(_one_round(service, port, flows, prepare, receive))
            offer_s = coop.server.cpu_s / _things(flows)
            found.append(replace(one, rate=1 / (1 / one.rate + offer_s)))
    yield from _figures("Issuance", engine, found)


def _measure_verifier(
    folder: Path, authority: trustme.CA, engine: str, database_url: str | None, *, rounds: int, flows: int
) -> Iterator[Figure]:
    port = free_port()
    verifier = VerifierSettings(base_url=f"http://artist.localhost:{port}", port=port, database_url=database_url)
    site = Site.build(Settings(data_dir=folder, verifier=verifier), authority)
    named = {"VERIFIER__BASE_URL": verifier.base_url, "VERIFIER__PORT": str(port)}
    named |= {} if database_url is None else {"VERIFIER__DATABASE_URL": database_url}

    def prepare(count: int) -> list[Held]:
        return [site.hold() for _ in range(count)]

    with _service("verifier", port, folder, named) as service:
        found = [asyncio.run(_one_round(service, port, flows, prepare, site.show)) for _ in range(rounds)]
    asyncio.run(site.close())
    yield from _figures("Presentation", engine, found)


def _service(
    role: str, port: int, folder: Path, named: dict[str, str]
) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    return running(role, "serve", port=port, folder=folder, settings=named, one_core=True)


def _things(flows: int) -> int:
    """Return how many flows of one kind one round has."""
    return (CLIENTS + 1) * flows + _WARM_UP


async def _one_round(
    service: subprocess.Popen[bytes],
    port: int,
    flows: int,
    prepare: Callable[[int], Sequence[_T]],
    go: Callable[[Wire, _T], Awaitable[None]],
) -> Round:
    raw = measure_rates({"verify": raw_actions()["verify"]}, rounds=1, seconds=_RAW_S)["verify"].median
    things = iter(prepare(_things(flows)))
    await _client(port, [next(things) for _ in range(_WARM_UP)], go)
    before_s = cpu_s_of(service)
    alone = await _client(port, [next(things) for _ in range(flows)], go)
    shares = [[next(things) for _ in range(flows)] for _ in range(CLIENTS)]
    waits = await asyncio.gather(*(_client(port, share, go) for share in shares))
    took_s = cpu_s_of(service) - before_s
    found = sorted(each for one in waits for each in one)
    return Round(
        p50=statistics.median(found),
        p99=found[math.ceil(0.99 * len(found)) - 1],
        alone=statistics.median(alone),
        rate=(len(alone) + len(found)) / took_s,
        raw=raw,
    )


async def _client(port: int, things: Sequence[_T], go: Callable[[Wire, _T], Awaitable[None]]) -> list[float]:
    """Go through flows one after the other on one connection; return how long each waited, in milliseconds."""
    wire, waits = await Wire.open(port), []
    for thing in things:
        before = wire.waited_s
        await go(wire, thing)
        waits.append((wire.waited_s - before) * _MS)
    await wire.close()
    return waits


def _figures(flow: str, engine: str, rounds: Sequence[Round]) -> Iterator[Figure]:
    p50, p99 = (statistics.median(getattr(each, which) for each in rounds) for which in ("p50", "p99"))
    alone = statistics.median(each.alone for each in rounds)
    yield Figure(
        name=f"{flow} over HTTP, {engine}, {CLIENTS} clients",
        rate=f"p50 {p50:.0f} ms, p99 {p99:.0f} ms",
        limit=f"one client alone: p50 {alone:.0f} ms",
        ratio=f"{p50 / alone:.1f} times that",
        value=p50 / alone,
    )
    rate, raw = Rate(tuple(each.rate for each in rounds)), Rate(tuple(each.raw for each in rounds))
    yield Figure(
        name=f"{flow}, whole service with its HTTP, {engine}",
        rate=str(rate),
        limit=f"raw verification: {raw}",
        ratio=f"{raw.beside(rate):.0f} verifications each",
        value=raw.beside(rate),
        goal=Goal(value=_MOST_VERIFICATIONS, at_most=True) if engine == "SQLite" else None,
    )
