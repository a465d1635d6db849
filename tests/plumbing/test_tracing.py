"""Spans: of a request its template, of a transaction its outcome, of a fetch its status. Nothing that names anybody."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from handstamp.composition.observing import traced_transport
from plumbing.database import Database, DatabaseUnavailable
from plumbing.fetch import HttpFetcher, Reach
from plumbing.observing import Observing
from plumbing.tracing import NoTracing, Tracing
from plumbing.web.app import WebPolicy, create_app
from plumbing.web.pages import Pages

TRACEPARENT = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "X-Request-ID": "canary"}


class Spans:
    """Tracing into memory."""

    def __init__(self) -> None:
        self._memory = InMemorySpanExporter()
        self.tracing = Tracing("verifier", endpoint="http://127.0.0.1:1/v1/traces", exporter=self._memory)

    def all(self) -> list[Any]:
        self.tracing.flush()
        return list(self._memory.get_finished_spans())


@pytest.fixture
def spans() -> Iterator[Spans]:
    made = Spans()
    yield made
    made.tracing.close()


def serve(tmp_path: Path, spans: Spans, fetcher: HttpFetcher, database: Database) -> httpx.AsyncClient:
    observing = Observing(tracing=spans.tracing)
    observing.watch_database(database)
    pages = Pages(tmp_path, site_name="x")
    app = create_app(title="x", policy=WebPolicy(statuses={}), pages=pages, observing=observing)

    @app.get("/gates/{gate}")
    async def gate(gate: str, request: Request) -> Response:
        with database.write() as session:
            session.execute(text("SELECT 1"))
        await fetcher.request("GET", f"http://coop.localhost:9/statuslists/{gate}")
        if "boom" in request.query_params:
            raise ValueError(gate)
        return Response()

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_a_request_its_transaction_and_its_fetch_are_spans_that_name_nobody(tmp_path: Path, spans: Spans) -> None:
    transport = spans.tracing.transport(httpx.MockTransport(lambda _: httpx.Response(200)))
    fetcher = HttpFetcher(Reach.LOOPBACK, transport=transport)
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    async with serve(tmp_path, spans, fetcher, database) as http, fetcher:
        await http.get("/gates/canary?token=canary", headers=TRACEPARENT)
        failed = await http.get("/gates/canary?boom=canary")
        await fetcher.request("GET", "http://coop.localhost:9/background/canary")
    database.close()
    found = spans.all()
    assert [span.name for span in found] == [*["transaction", "fetch", "GET /gates/{gate}"] * 2, "fetch"]
    assert "canary" not in "".join(span.to_json() for span in found)
    assert "127.0.0.1" not in "".join(span.to_json() for span in found)
    transaction, fetch, request = found[:3]
    # Within a request no host: whose list was needed tells of the record.
    assert request.parent is None  # a trace of ours, whatever the caller says
    assert f"{request.context.trace_id:032x}" not in TRACEPARENT["traceparent"]
    assert transaction.parent.span_id == fetch.parent.span_id == request.context.span_id
    assert transaction.attributes == {"outcome": "commit"}
    assert dict(fetch.attributes) == {"http.response.status_code": 200}
    assert found[-1].attributes["server.address"] == "coop.localhost"  # the background asks everybody alike
    assert request.attributes["http.route"] == "/gates/{gate}"
    assert found[5].attributes["handstamp.request_id"] == failed.headers["x-request-id"]
    assert found[5].status.status_code.name == "ERROR"
    assert not any(span.events for span in found)  # no exception, with whatever it quotes
    assert dict(request.resource.attributes) == {"service.name": "handstamp-verifier"}


async def test_no_trace_of_ours_is_told_to_others(spans: Spans) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200)

    async with HttpFetcher(Reach.LOOPBACK, transport=spans.tracing.transport(httpx.MockTransport(answer))) as fetcher:
        await fetcher.request("GET", "http://coop.localhost:9/")
    assert not {"traceparent", "tracestate", "baggage"} & set(asked[0].headers)


def test_a_transaction_that_is_undone_is_a_span_too(tmp_path: Path, spans: Spans) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    spans.tracing.watch_database(database.engine)
    with pytest.raises(DatabaseUnavailable), database.write() as session:
        session.execute(text("SELECT * FROM nowhere"))
    database.close()
    assert [(span.name, dict(span.attributes)) for span in spans.all()] == [("transaction", {"outcome": "rollback"})]


def test_without_the_extra_it_is_said_in_words_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    load = importlib.import_module

    def missing(name: str) -> object:
        if name.startswith("opentelemetry"):
            raise ImportError(name)
        return load(name)

    monkeypatch.setattr("plumbing.tracing.importlib.import_module", missing)
    with pytest.raises(NoTracing, match=r"handstamp\[tracing\]"):
        Tracing("issuer", endpoint="http://127.0.0.1:4318/v1/traces")


def test_off_it_is_in_no_ones_way(tmp_path: Path) -> None:
    observing = Observing()
    app = create_app(
        title="x", policy=WebPolicy(statuses={}), pages=Pages(tmp_path, site_name="x"), observing=observing
    )
    assert not [each for each in app.user_middleware if "tracing" in str(each)]
    assert traced_transport(observing) is None


async def test_spans_are_sent_before_the_service_ends_and_only_requests_have_one() -> None:
    sent = InMemorySpanExporter()
    tracing = Tracing("issuer", endpoint="http://127.0.0.1:1/v1/traces", exporter=sent)
    passed: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        passed.append(scope["type"])

    async with Observing(tracing=tracing).running():
        for scope in ({"type": "lifespan"}, {"type": "http", "method": "CANARY"}):
            await tracing.middleware(app)(scope, None, None)  # type: ignore[arg-type]
    assert passed == ["lifespan", "http"]
    assert [span.name for span in sent.get_finished_spans()] == ["other none"]
