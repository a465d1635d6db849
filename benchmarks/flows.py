"""Complete flows against the real services in this process, on SQLite files with `synchronous=FULL`.

Only the time inside the services' applications is counted: the wallet's own work (keys, proofs, presentations) happens
between requests. What a web server adds around an application (reading and writing HTTP) is not counted either.
"""

import asyncio
import contextlib
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import trustme

from benchmarks.asgi import Server
from benchmarks.kernel import raw_actions
from benchmarks.measure import Figure, Goal, measure_rates
from benchmarks.parties import Coop, Flow, Site, logs_to_nowhere
from handstamp.settings import Settings

_RAW_S: Final = 0.1
_MOST_VERIFICATIONS: Final = 100.0
_ISSUANCE: Final = "Issuance flow, 1 instance (offer, token, nonce, credential)"
_PRESENTATION: Final = "Presentation flow (visit, request, answer, result)"
_WANTED: Final = frozenset({_ISSUANCE, _PRESENTATION})


def measure_flows(folder: Path, *, rounds: int, flows: int, postgresql_url: str | None = None) -> Iterator[Figure]:
    """Measure the flows, in units of raw verifications that are timed in the same round.

    Args:
        folder: for what the services keep.
        rounds: how often.
        flows: how many of each in one round.
        postgresql_url: of an empty database, to measure the issuance flow there, too.
    """
    settings = Settings(data_dir=folder)
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    with logs_to_nowhere(), contextlib.ExitStack() as stack:
        coop, site = Coop.build(settings, authority), Site.build(settings, authority)
        stack.callback(coop.parts.database.close)
        stack.callback(lambda: asyncio.run(site.close()))
        kinds = [
            (_ISSUANCE, coop.server, coop.flow(1), flows),
            ("Issuance flow, 20 instances", coop.server, coop.flow(20), max(1, flows // 5)),
            (_PRESENTATION, site.server, site.present, flows),
        ]
        if postgresql_url is not None:
            elsewhere = settings.issuer.model_copy(update={"database_url": postgresql_url})
            other = Coop.build(Settings(data_dir=folder / "other", issuer=elsewhere), authority)
            stack.callback(other.parts.database.close)
            kinds.append(("Issuance flow, 1 instance, on PostgreSQL", other.server, other.flow(1), flows))
        yield from _measure_all(kinds, rounds=rounds)


def _measure_all(kinds: Sequence[tuple[str, Server, Flow, int]], *, rounds: int) -> Iterator[Figure]:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name, *_ in kinds}
    for _ in range(rounds):
        for name, server, flow, times in kinds:
            found[name].append(asyncio.run(_measure(server, flow, times)))
    for name, rates in found.items():
        rate = statistics.median(rate for rate, _ in rates)
        raw = statistics.median(raw for _, raw in rates)
        each = statistics.median(raw / rate for rate, raw in rates)
        yield Figure(
            name=name,
            rate=f"{rate:,.0f}/s",
            limit=f"raw verification: {raw:,.0f}/s",
            ratio=f"{each:.0f} verifications each",
            value=each,
            goal=Goal(value=_MOST_VERIFICATIONS, at_most=True) if name in _WANTED else None,
        )


async def _measure(server: Server, flow: Flow, times: int) -> tuple[float, float]:
    """Return flows per second of the server's CPU, and raw verifications per second, both measured now."""
    raw = measure_rates({"verify": raw_actions()["verify"]}, rounds=1, seconds=_RAW_S)["verify"].median
    await flow()
    server.cpu_s = 0.0
    for _ in range(times):
        await flow()
    return times / server.cpu_s, raw
