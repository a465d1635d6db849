"""Spans for who runs a collector of OpenTelemetry: off unless the extra `tracing` is installed and an endpoint named.

A span holds a method, a route's template, a status and how long it took. Never a path, a query, an address or the text
of an error; nothing that a caller sends becomes part of a trace, and no other party is told of ours. What one request
asks of others names no host: a trace would else tell which co-op somebody's record is of.
"""

import importlib
from typing import TYPE_CHECKING, Final

import httpx
from sqlalchemy import Connection, Engine, event
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from credentials.errors import OperatorError
from plumbing.logs import current_request_id
from plumbing.meter import METHODS, NO_ROUTE, OTHER

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

_SPAN: Final = "handstamp_span"
_STATUS: Final = "http.response.status_code"
_SERVER_ERROR: Final = 500
_TIMEOUT_S: Final = 2  # a collector that is down holds up neither spans to come nor the end of the service


class NoTracing(OperatorError):
    """Spans are asked for, and cannot be sent."""

    code = "no_tracing"

    def __init__(self) -> None:
        super().__init__(
            "tracing_endpoint is set, and the libraries for it are not installed. Run: pip install "
            "'handstamp[tracing]', or take the setting away."
        )


class Tracing:
    """Makes the spans of one service.

    Args:
        service: "issuer", "verifier" or "trackserver".
        endpoint: where an OTLP collector takes traces over HTTP, as `http://127.0.0.1:4318/v1/traces`.
        exporter: instead of the one for `endpoint`.

    Raises:
        NoTracing: the extra is not installed.
    """

    def __init__(self, service: str, *, endpoint: str, exporter: "SpanExporter | None" = None) -> None:
        try:
            sdk = importlib.import_module("opentelemetry.sdk.trace")
            resources = importlib.import_module("opentelemetry.sdk.resources")
            export = importlib.import_module("opentelemetry.sdk.trace.export")
            otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        except ImportError as error:
            raise NoTracing from error
        # Not `Resource.create`, which adds whatever the environment says of this machine and its process.
        resource = resources.Resource({"service.name": f"handstamp-{service}"})
        self._provider = sdk.TracerProvider(resource=resource, shutdown_on_exit=False)
        processor = export.BatchSpanProcessor(exporter or otlp.OTLPSpanExporter(endpoint=endpoint, timeout=_TIMEOUT_S))
        self._provider.add_span_processor(processor)
        self.tracer: Final[Tracer] = self._provider.get_tracer("handstamp")

    def flush(self) -> None:
        """Send what there is now."""
        self._provider.force_flush()

    def close(self) -> None:
        """Send what is left, and stop."""
        self._provider.shutdown()

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """Wrap an application so that each request has a span."""
        return _Requests(app, self.tracer)

    def watch_database(self, engine: Engine) -> None:
        """Give each transaction a span; it names no statement."""
        event.listen(engine, "begin", self._begin)
        event.listen(engine, "commit", lambda connection: _end(connection, "commit"))
        event.listen(engine, "rollback", lambda connection: _end(connection, "rollback"))

    def _begin(self, connection: Connection) -> None:
        connection.info[_SPAN] = self.tracer.start_span("transaction")

    def transport(self, inner: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        """Wrap what sends our own requests to others, so that each has a span."""
        return _Fetches(inner, self.tracer)


def _end(connection: Connection, outcome: str) -> None:
    span: Span | None = connection.info.pop(_SPAN, None)
    if span is not None:
        span.set_attribute("outcome", outcome)
        span.end()


class _Requests:
    """A span for each request. Whatever trace a caller says it belongs to, it begins a trace of ours."""

    def __init__(self, app: ASGIApp, tracer: "Tracer") -> None:
        self._app = app
        self._tracer = tracer
        self._api = importlib.import_module("opentelemetry.trace")
        self._nobody = importlib.import_module("opentelemetry.context").Context()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on within its span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        span = self._tracer.start_span("request", context=self._nobody, kind=self._api.SpanKind.SERVER)

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                span.set_attribute(_STATUS, message["status"])
                if message["status"] >= _SERVER_ERROR:
                    span.set_status(self._api.StatusCode.ERROR)
            await send(message)

        try:
            # The text of an exception may hold a value, so the span is told of none.
            with self._api.use_span(span, record_exception=False, set_status_on_exception=False):
                await self._app(scope, receive, send_and_note)
        except Exception:
            span.set_status(self._api.StatusCode.ERROR)  # the edge around us answers it
            raise
        finally:
            method = scope["method"] if scope["method"] in METHODS else OTHER
            route = getattr(scope.get("route"), "path", NO_ROUTE)
            span.update_name(f"{method} {route}")
            span.set_attributes({"http.request.method": method, "http.route": route})
            request_id = current_request_id()
            if request_id is not None:
                span.set_attribute("handstamp.request_id", request_id)
            span.end()


class _Fetches(httpx.AsyncBaseTransport):
    """A span for each request to another party; its host only where no request of somebody made us ask."""

    def __init__(self, inner: httpx.AsyncBaseTransport, tracer: "Tracer") -> None:
        self._inner = inner
        self._tracer = tracer
        self._client = importlib.import_module("opentelemetry.trace").SpanKind.CLIENT

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        span = self._tracer.start_span("fetch", kind=self._client)
        try:
            if current_request_id() is None:
                span.set_attribute("server.address", str(request.extensions.get("sni_hostname", "")))
            answer = await self._inner.handle_async_request(request)
            span.set_attribute(_STATUS, answer.status_code)
            return answer
        finally:
            span.end()

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()
