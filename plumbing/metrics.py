"""Metrics in the form that Prometheus collects, on a listener of their own that only this machine reaches.

Small counts can point at a person: who scrapes each second sees when a single passage happened, and could look up who
else was busy at that moment. So no label names a gate, a release or an offer, and what is shown changes once a minute
and not sooner: however often somebody looks, two different pages lie a minute apart.
"""

import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Final
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import ThreadingWSGIServer, make_wsgi_app
from prometheus_client.registry import Collector
from typing_extensions import override

from credentials.errors import OperatorError
from plumbing.logs import get_logger
from plumbing.meter import METHODS, OTHER, Asked, Counted, Measured, error_codes

HELD_S: Final = 60.0
_PREFIX: Final = "handstamp"
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_Child = Counter | Gauge


class MetricsCannotListen(OperatorError):
    """The address for metrics is taken, or may not be used."""

    code = "metrics_cannot_listen"

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"Metrics cannot be shown at {host}:{port} ({reason}). Stop what is there, or set metrics_host and "
            "metrics_port; every worker needs a port of its own."
        )


class PrometheusMeter:
    """Counts for one service, in a registry of its own.

    Args:
        service: "issuer", "verifier" or "trackserver".
        version: of Handstamp.
        held_s: how long a page of metrics stays as it is.
    """

    def __init__(self, service: str, *, version: str, held_s: float = HELD_S) -> None:
        self._service = service
        self._inner = CollectorRegistry()
        self.registry = CollectorRegistry()
        self.registry.register(_Held(self._inner, held_s))
        # Held back like the rest: CPU time that grows tells the moment of a passage as well as a count does.
        ProcessCollector(registry=self._inner)
        self._children: dict[tuple[str, ...], _Child] = {}
        self._families: dict[str, _Child] = {}
        self._codes = error_codes()
        build = Gauge(f"{_PREFIX}_build_info", "The version that runs.", ("service", "version"), registry=self._inner)
        build.labels(service, version).set(1)
        self._in_flight = Gauge(
            f"{_PREFIX}_requests_in_flight", "Requests being answered.", ("service",), registry=self._inner
        ).labels(service)
        labels = ("service", "method", "route", "status_class")
        self._requests = Counter(f"{_PREFIX}_requests", "Requests answered.", labels, registry=self._inner)
        self._sent = Counter(
            f"{_PREFIX}_response_bytes", "Bytes of bodies sent.", ("service", "route"), registry=self._inner
        )
        self._durations = Histogram(
            f"{_PREFIX}_request_duration_seconds",
            "How long requests took, until the last byte was handed over.",
            ("service", "route"),
            buckets=_BUCKETS,
            registry=self._inner,
        )
        self._refusals = Counter(
            f"{_PREFIX}_refusals", "Requests refused, by the code of why.", ("service", "code"), registry=self._inner
        )
        self._per_route: dict[tuple[str, str, int], tuple[Counter, Counter, Histogram]] = {}
        self._per_code: dict[str, Counter] = {}

    def add(self, what: Counted, *values: str, amount: float = 1) -> None:
        """See `plumbing.meter.Meter`."""
        child = self._children.get((what.name, *values)) or self._child(Counter, what, values)
        child.inc(amount)

    def put(self, what: Measured, *values: str, value: float) -> None:
        """See `plumbing.meter.Meter`."""
        child = self._children.get((what.name, *values)) or self._child(Gauge, what, values)
        assert isinstance(child, Gauge)  # noqa: S101  # made by this very line, under a name that no counter has
        child.set(value)

    def watch(self, what: Measured, measure: Callable[[], Mapping[tuple[str, ...], float]]) -> None:
        """See `plumbing.meter.Meter`."""
        self._inner.register(_Watched(self._service, what, measure))

    def begin(self) -> None:
        """See `plumbing.meter.Meter`."""
        self._in_flight.inc()

    def end(self, asked: Asked) -> None:
        """See `plumbing.meter.Meter`."""
        self._in_flight.dec()
        key = (asked.method, asked.route, asked.status // 100)
        requests, sent, durations = self._per_route.get(key) or self._route(*key)
        requests.inc()
        durations.observe(asked.seconds)
        if asked.sent_bytes:
            sent.inc(asked.sent_bytes)
        if asked.refusal is not None:
            self.refused(asked.refusal)

    def refused(self, code: str) -> None:
        """See `plumbing.meter.Meter`."""
        code = code if code in self._codes else OTHER
        child = self._per_code.get(code)
        if child is None:
            child = self._per_code[code] = self._refusals.labels(self._service, code)
        child.inc()

    def _route(self, method: str, route: str, status_class: int) -> tuple[Counter, Counter, Histogram]:
        named = method if method in METHODS else OTHER
        made = (
            self._requests.labels(self._service, named, route, f"{status_class}xx"),
            self._sent.labels(self._service, route),
            self._durations.labels(self._service, route),
        )
        if named is method:  # else a caller who makes up methods would fill this
            self._per_route[method, route, status_class] = made
        return made

    def _child(self, kind: type[_Child], what: Counted, values: tuple[str, ...]) -> _Child:
        family = self._families.get(what.name)
        if family is None:
            names = ("service", *what.labels)
            family = self._families[what.name] = kind(f"{_PREFIX}_{what.name}", what.help, names, registry=self._inner)
        closed = _closed(what, values)
        child = family.labels(self._service, *closed)
        if closed == values:
            self._children[what.name, *values] = child
        return child


def _closed(what: Counted, values: tuple[str, ...]) -> tuple[str, ...]:
    tables = what.labels.values()
    return tuple(value if value in table else OTHER for value, table in zip(values, tables, strict=True))


class _Watched(Collector):
    """Measures when somebody looks; a database that is down hides its own numbers, and no others."""

    def __init__(self, service: str, what: Measured, measure: Callable[[], Mapping[tuple[str, ...], float]]) -> None:
        self._service = service
        self._what = what
        self._measure = measure

    @override
    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            f"{_PREFIX}_{self._what.name}", self._what.help, labels=("service", *self._what.labels)
        )
        try:
            measured = self._measure()
        except Exception as error:  # noqa: BLE001  # whatever it is, the other metrics are wanted all the more
            get_logger("metrics").warning("not measured", what=self._what.name, error=type(error).__name__)
            return
        for values, value in measured.items():
            family.add_metric((self._service, *_closed(self._what, values)), value)
        yield family

    def describe(self) -> Iterable[Metric]:
        """Name the metric without measuring it."""
        return [GaugeMetricFamily(f"{_PREFIX}_{self._what.name}", self._what.help)]


class _Held(Collector):
    """Shows the same to everybody for a while."""

    def __init__(self, inner: CollectorRegistry, held_s: float) -> None:
        self._inner = inner
        self._held_s = held_s
        self._lock = threading.Lock()
        self._shown: list[Metric] = []
        self._next = 0.0

    @override
    def collect(self) -> Iterable[Metric]:
        with self._lock:
            now = time.monotonic()
            if now >= self._next:
                self._shown = [_without_moments(each) for each in self._inner.collect()]
                self._next = now + self._held_s
            return self._shown

    def describe(self) -> Iterable[Metric]:
        """Name nothing ahead: what is shown is known when it is."""
        return []


def _without_moments(metric: Metric) -> Metric:
    """Leave out when each count began: for what happens seldom, that is the moment of a single passage."""
    metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
    return metric


class _Quiet(WSGIRequestHandler):
    """Writes no line per request: the server's own would hold the address of who asks."""

    timeout = 5

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


class _Server(ThreadingWSGIServer):
    daemon_threads = True

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Write nothing of who hung up."""


class _Server6(_Server):
    address_family = socket.AF_INET6


@contextlib.asynccontextmanager
async def metrics_listener(registry: CollectorRegistry, *, host: str, port: int) -> AsyncIterator[int]:
    """Show metrics while the block lasts, in a thread of its own; gives the port.

    Raises:
        MetricsCannotListen: the address is taken.
    """
    kind = _Server6 if ":" in host else _Server
    try:
        server = make_server(host, port, make_wsgi_app(registry), kind, handler_class=_Quiet)
    except OSError as error:
        raise MetricsCannotListen(host, port, error.strerror or str(error)) from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
