"""Metrics: closed labels, a page that changes once a minute, and a listener of their own."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from starlette.responses import Response, StreamingResponse

from plumbing.database import Database, DatabaseUnavailable
from plumbing.meter import NO_METER, Asked, Counted, Measured, error_codes
from plumbing.metrics import MetricsCannotListen, PrometheusMeter, metrics_listener
from plumbing.observing import Listener, Observing
from plumbing.runs import WORKS, Runs
from plumbing.web.app import WebPolicy, create_app
from plumbing.web.overload import Load
from plumbing.web.pages import Pages
from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from prometheus_client import CollectorRegistry

KINDS = Counted(name="kinds", help="Kinds.", labels={"kind": frozenset({"a", "b"})})
LEVEL = Measured(name="level", help="A level.", labels={"kind": frozenset({"a"})})
ASKED = Asked(method="GET", route="/x/{y}", status=200, seconds=0.02, sent_bytes=7, refusal=None)


def meter(held_s: float = 0.0) -> PrometheusMeter:
    return PrometheusMeter("issuer", version="1", held_s=held_s)


def shown(registry: CollectorRegistry) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return every sample of ours, by its name and the values of its labels but the service's."""
    return {
        (sample.name, tuple(value for name, value in sample.labels.items() if name != "service")): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name.startswith("handstamp_")
    }


def test_what_is_in_no_table_is_counted_as_other_and_never_named() -> None:
    counts = meter()
    for kind in ("a", "listener-4711", "gate-4711", "a"):
        counts.add(KINDS, kind)
    counts.put(LEVEL, "offer-4711", value=3)
    found = shown(counts.registry)
    assert found["handstamp_kinds_total", ("a",)] == 2
    assert found["handstamp_kinds_total", ("other",)] == 2
    assert "4711" not in str(found)


def test_a_made_up_method_or_code_becomes_no_label() -> None:
    counts = meter()
    for method in ("BREW", "CANARY"):
        counts.end(Asked(method=method, route="none", status=405, seconds=0, sent_bytes=0, refusal="canary"))
    found = shown(counts.registry)
    assert found["handstamp_requests_total", ("other", "none", "4xx")] == 2
    assert found["handstamp_refusals_total", ("other",)] == 2


def test_a_request_is_counted_by_its_template_and_its_class_of_status() -> None:
    counts = meter()
    counts.begin()
    counts.begin()
    counts.end(ASKED)
    found = shown(counts.registry)
    assert found["handstamp_requests_in_flight", ()] == 1
    assert found["handstamp_requests_total", ("GET", "/x/{y}", "2xx")] == 1
    assert found["handstamp_response_bytes_total", ("/x/{y}",)] == 7
    assert found["handstamp_request_duration_seconds_bucket", ("/x/{y}", "0.025")] == 1
    assert found["handstamp_request_duration_seconds_bucket", ("/x/{y}", "0.01")] == 0


def test_what_is_shown_stays_for_a_minute_however_often_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [1000.0]
    monkeypatch.setattr("plumbing.metrics.time.monotonic", lambda: seconds[0])
    counts = meter(held_s=60)
    before, page = shown(counts.registry), generate_latest(counts.registry)
    counts.add(KINDS, "a")
    seconds[0] += 59.9
    assert shown(counts.registry) == before
    assert generate_latest(counts.registry) == page  # not even the CPU time that the work took
    seconds[0] += 0.2
    assert shown(counts.registry)["handstamp_kinds_total", ("a",)] == 1


def test_no_sample_tells_when_a_count_began() -> None:
    counts = meter()
    counts.add(KINDS, "a")
    counts.end(ASKED)
    assert not [name for name, _ in shown(counts.registry) if name.endswith("_created")]


def test_two_services_in_one_process_share_no_count() -> None:
    one, other = meter(), meter()
    one.add(KINDS, "a")
    assert ("handstamp_kinds_total", ("a",)) not in shown(other.registry)


async def test_a_collector_reads_a_listener_of_its_own_over_a_real_socket() -> None:
    counts = meter()
    counts.add(KINDS, "b")
    observing = Observing(meter=counts, prometheus=counts)
    async with observing.running():
        pass  # nobody said where to listen
    async with (
        metrics_listener(counts.registry, host="127.0.0.1", port=0) as port,
        httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client,
    ):
        answer = await client.get(f"http://127.0.0.1:{port}/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert {"handstamp_kinds", "handstamp_build_info", "process_resident_memory_bytes"} <= set(families)
    with socket.socket() as after:
        assert after.connect_ex(("127.0.0.1", port)) != 0


async def test_a_port_that_is_taken_is_said_in_words() -> None:
    counts = meter()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        watched = Observing(meter=counts, prometheus=counts, listener=Listener(host="127.0.0.1", port=port))
        with pytest.raises(MetricsCannotListen, match="metrics_port"):
            async with watched.running():
                pass


def test_a_measure_that_fails_hides_itself_and_nothing_else() -> None:
    counts = meter()
    asked: list[object] = []

    def measure() -> dict[tuple[str, ...], float]:
        asked.append(None)
        if len(asked) == 1:
            raise DatabaseUnavailable("gone")
        return {("a",): 5.0, ("canary",): 1.0}

    counts.watch(LEVEL, measure)
    counts.add(KINDS, "a")
    first, second = shown(counts.registry), shown(counts.registry)
    assert ("handstamp_kinds_total", ("a",)) in first
    assert not [name for name, _ in first if name == "handstamp_level"]
    assert second["handstamp_level", ("a",)] == 5
    assert second["handstamp_level", ("other",)] == 1


def test_a_database_is_watched_but_a_key_that_is_there_already_is_no_error(tmp_path: Path) -> None:
    counts = meter()
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    Observing(meter=counts).watch_database(database)
    with database.write() as session:
        session.execute(text("CREATE TABLE one (id INTEGER PRIMARY KEY)"))
    for statement, error in (("one", None), ("one", IntegrityError), ("two", DatabaseUnavailable)):
        expected = pytest.raises(error) if error else contextlib.nullcontext()
        with expected, database.write() as session:
            session.execute(text(f"INSERT INTO {statement} VALUES (1)"))  # noqa: S608
    found = shown(counts.registry)
    assert found["handstamp_database_errors_total", ("OperationalError",)] == 1
    assert ("handstamp_database_errors_total", ("IntegrityError",)) not in found
    assert found["handstamp_database_pool_connections", ("in_use",)] == 0
    database.close()


def test_background_work_is_counted_with_what_it_did_and_when_it_went_well() -> None:
    counts = meter()
    runs = Runs(counts)
    runs.expect("issuer.publish")
    runs.done("issuer.publish", {"changed": 2, "renewed": 1, "lost": 0})
    runs.failed("issuer.publish")
    found = shown(counts.registry)
    assert found["handstamp_background_runs_total", ("issuer.publish", "done")] == 1
    assert found["handstamp_background_runs_total", ("issuer.publish", "failed")] == 1
    assert found["handstamp_background_items_total", ("issuer.publish", "changed")] == 2
    assert found["handstamp_background_last_success_timestamp_seconds", ("issuer.publish",)] > 1.6e9
    assert "issuer.publish" in WORKS


def test_where_metrics_are_off_nothing_is_counted() -> None:
    NO_METER.begin()
    NO_METER.end(ASKED)
    NO_METER.add(KINDS, "a")
    NO_METER.put(LEVEL, "a", value=1)
    NO_METER.watch(LEVEL, dict)
    NO_METER.refused("x")
    assert {"overloaded", "not_found"} <= error_codes()


async def test_what_is_shed_before_any_work_is_counted_too(tmp_path: Path) -> None:
    counts = meter()
    pages = Pages(tmp_path, site_name="x")
    app = create_app(title="x", policy=WebPolicy(statuses={}), pages=pages, observing=Observing(meter=counts))
    app.state.load = Load(1)
    app.state.load.enter("/somebody")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/nowhere")).status_code == 503
        assert (await client.get("/health/live")).status_code == 200
    found = shown(counts.registry)
    assert found["handstamp_refusals_total", ("overloaded",)] == 1
    assert found["handstamp_requests_total", ("GET", "/health/live", "2xx")] == 1


async def test_an_answer_that_breaks_off_in_the_middle_is_counted_as_a_fault_of_ours(tmp_path: Path) -> None:
    counts = meter()
    pages = Pages(tmp_path, site_name="x")
    app = create_app(title="x", policy=WebPolicy(statuses={}), pages=pages, observing=Observing(meter=counts))

    @app.get("/half")
    async def half() -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"half"
            raise ValueError

        return StreamingResponse(pieces())

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        with pytest.raises(ConnectionAbortedError):
            await client.get("/half")
    assert shown(counts.registry)["handstamp_refusals_total", ("internal_error",)] == 1
