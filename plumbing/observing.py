"""What a service is watched with: metrics, spans, health. All of it is chosen once, when the service is composed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Engine, ExceptionContext, event
from sqlalchemy.pool import QueuePool

from plumbing.database import Database
from plumbing.health import Check, Health
from plumbing.logs import get_logger
from plumbing.meter import NO_METER, Counted, Measured, Meter
from plumbing.metrics import MetricsCannotListen, PrometheusMeter, metrics_listener
from plumbing.runs import Runs
from plumbing.tracing import Tracing

_ERRORS: Final = Counted(
    name="database_errors",
    help="Errors of the database, other than a key that was there already.",
    labels={"kind": frozenset({"OperationalError", "DatabaseError", "DataError", "InternalError", "InterfaceError"})},
)
_POOL: Final = Measured(
    name="database_pool_connections",
    help="Connections of the pool, by what they do.",
    labels={"state": frozenset({"in_use", "idle"})},
)
_NO_ERROR: Final = frozenset({"IntegrityError"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Where metrics are shown; port 0 is any that is free."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Observing:
    """How one service is watched.

    Attributes:
        meter: counts; it counts nothing where metrics are off.
        prometheus: the same meter, where they are shown.
        listener: where.
        tracing: makes spans; None where none are wanted.
        runs: how background work goes.
        checks: what must be well for the service to be ready, beside its background work.
        setup: what its workers have in common; empty for not saying it.
    """

    meter: Meter = NO_METER
    prometheus: PrometheusMeter | None = None
    listener: Listener | None = None
    tracing: Tracing | None = None
    runs: Runs = field(default_factory=Runs)
    checks: Mapping[str, Check] = field(default_factory=dict)
    setup: str = ""

    def health(self) -> Health:
        """Return what answers for the service."""
        return Health(self.checks, runs=self.runs, setup=self.setup)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Show metrics and send spans while the service runs.

        Raises:
            MetricsCannotListen: the address for metrics is taken.
        """
        async with contextlib.AsyncExitStack() as stack:
            if self.tracing is not None:
                stack.push_async_callback(asyncio.to_thread, self.tracing.close)
            if self.prometheus is not None and self.listener is not None:
                await stack.enter_async_context(_shown(self.prometheus, self.listener))
            yield

    def watch_database(self, database: Database) -> None:
        """Count what goes wrong with a database and how full its pool is, and give its transactions spans."""
        engine = database.engine
        if self.meter is not NO_METER:
            event.listen(engine, "handle_error", self._count)
            self.meter.watch(_POOL, lambda: _pool_use(engine))
        if self.tracing is not None:
            self.tracing.watch_database(engine)

    def _count(self, context: ExceptionContext) -> None:
        kind = type(context.sqlalchemy_exception or context.original_exception).__name__
        if kind not in _NO_ERROR:
            self.meter.add(_ERRORS, kind)


@contextlib.asynccontextmanager
async def _shown(prometheus: PrometheusMeter, listener: Listener) -> AsyncIterator[None]:
    try:
        async with metrics_listener(prometheus.registry, host=listener.host, port=listener.port):
            yield
    except MetricsCannotListen as error:
        # The server repeats no error's text, because it may hold values; this one names only our own settings.
        get_logger("metrics").error("not shown", code=error.code, detail=error.detail)
        raise


def _pool_use(engine: Engine) -> dict[tuple[str, ...], float]:
    pool = engine.pool
    if not isinstance(pool, QueuePool):
        return {}
    return {("in_use",): pool.checkedout(), ("idle",): pool.checkedin()}
