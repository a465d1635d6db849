"""Real connections to a real server with small bounds: who is slow, sends too much or speaks no HTTP is dropped."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import structlog
import uvicorn
from starlette.requests import Request  # noqa: TC002 - FastAPI reads it
from starlette.responses import Response, StreamingResponse

from plumbing import logs
from plumbing.metrics import PrometheusMeter
from plumbing.web.app import WebPolicy, create_app
from plumbing.web.overload import Load
from plumbing.web.pages import Pages
from plumbing.web.slow import Bounds, bounded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

CAP = 100_000
BOUNDS = Bounds(
    look_s=0.02, head_s=0.15, stall_s=0.15, head_bytes=4000, target_bytes=1000, fields=30, pipelined=3, connections=8
)


class Served:
    """The address of a running server, what it did, and what its log said."""

    def __init__(self) -> None:
        self.port = 0
        self.read = 0
        self.readers_dropped = threading.Event()
        self.load = Load(5)
        self.meter = PrometheusMeter("test", version="0", held_s=0)

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as made:
            yield made

    def ask(self, *parts: bytes) -> bytes:
        with self.connection() as made:
            for part in parts:
                made.sendall(part)
            return read_all(made)


def read_all(connection: socket.socket) -> bytes:
    """Read until the server closes."""
    got = bytearray()
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            break
        if not piece:
            break
        got += piece
    return bytes(got)


def read_until(connection: socket.socket, end: bytes) -> bytes:
    got = b""
    while not got.endswith(end):
        piece = connection.recv(65536)
        assert piece, got
        got += piece
    return got


def refusal(answer: bytes) -> tuple[int, str]:
    """The status and code of the last answer, which must be a whole problem document under strict headers."""
    head, _, body = answer[answer.rindex(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
    text = head.decode().lower()
    assert "content-type: application/problem+json" in text
    assert "x-content-type-options: nosniff" in text
    assert "connection: close" in text
    found = re.match(r"http/1\.1 (\d+) ", text)
    assert found
    return int(found[1]), str(json.loads(body)["code"])


def build(served: Served, folder: Path, bounds: Bounds) -> uvicorn.Server:
    policy = WebPolicy(statuses={}, max_body_bytes=CAP)
    app = create_app(title="t", policy=policy, pages=Pages(folder, site_name="Test"))
    app.state.load = served.load

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            served.read = len(body)
        return Response(str(len(body)))

    @app.post("/unread")
    @app.get("/quick")
    async def quick() -> Response:
        return Response("quick")

    @app.get("/endless")
    async def endless() -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield bytes(512 * 1024)
                    await asyncio.sleep(0)  # as reading a file from a thread does
            finally:
                served.readers_dropped.set()

        return StreamingResponse(pieces())

    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        ws="none",
        timeout_keep_alive=1,
        timeout_graceful_shutdown=1,
        http=bounded(bounds, served.load, served.meter, app.state.say),
    )
    return uvicorn.Server(config)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("pages"), BOUNDS) as running:
        yield running


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Under the bounds of a service: who sends much in a test is never slow, however busy the machine is."""
    with serving(tmp_path_factory.mktemp("patient"), Bounds()) as running:
        yield running


@contextmanager
def serving(folder: Path, bounds: Bounds) -> Iterator[Served]:
    running = Served()
    server = build(running, folder, bounds)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running.port = listener.getsockname()[1]
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        yield running
        server.should_exit = True
        thread.join()


GET = b"GET /quick HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: x\r\n"


def test_a_request_in_time_is_answered_and_the_connection_stays(served: Served) -> None:
    with served.connection() as connection:
        for _ in range(3):
            connection.sendall(GET + b"\r\n")
            assert read_until(connection, b"quick").startswith(b"HTTP/1.1 200 ")
    assert served.load.waiting == 0


def test_a_header_that_never_ends_is_dropped(served: Served) -> None:
    assert refusal(served.ask(GET + b"X-A: ")) == (408, "too_slow")


def test_what_is_refused_before_there_is_a_request_is_counted_by_its_code(served: Served) -> None:
    code = refusal(served.ask(b"nonsense\r\n\r\n"))[1]
    labels = {"service": "test", "code": code}
    assert served.meter.registry.get_sample_value("handstamp_refusals_total", labels)


def test_what_is_refused_before_there_is_a_request_is_logged_without_a_word_of_it(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("info")
    try:
        served.ask(b"canary nonsense\r\n\r\n")
    finally:
        structlog.reset_defaults()
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    said = json.loads(line)
    assert (said["event"], said["status"], said["code"]) == ("refused", 400, "bad_request")
    assert "canary" not in line
    assert "127.0.0.1" not in line


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (GET + b"Accept: text/html\r\nX-A: ", 408),
        (POST + b"Accept: text/html\r\nContent-Length: 9\r\n\r\n", 408),
        (GET + b"Accept: text/html\r\nCookie: " + b"a" * 5000 + b"\r\n\r\n", 431),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nContent-Length: x\r\n\r\n", 400),
    ],
)
def test_a_person_is_told_so_on_a_page(served: Served, sent: bytes, status: int) -> None:
    answer = served.ask(sent)
    head, _, page = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert {b"content-type: text/html; charset=utf-8", b"x-frame-options: DENY"} <= set(head.split(b"\r\n"))
    assert b"content-length: %d" % len(page) in head
    assert b"<h1>This did not work</h1>" in page


def test_a_header_that_comes_drop_by_drop_is_dropped(served: Served) -> None:
    with served.connection() as connection:
        gone = threading.Event()

        def drip() -> None:
            try:
                while not gone.wait(0.02):
                    connection.sendall(b"X-A: 1\r\n")
            except OSError:
                pass

        connection.sendall(GET)
        thread = threading.Thread(target=drip)
        thread.start()
        answer = read_all(connection)
        gone.set()
        thread.join()
    assert refusal(answer) == (408, "too_slow")


def test_a_second_request_on_a_connection_must_come_in_time_too(served: Served) -> None:
    answer = served.ask(GET + b"\r\n", GET)
    assert (answer.count(b"HTTP/1.1 "), refusal(answer)) == (2, (408, "too_slow"))


def test_empty_lines_keep_no_connection_open(served: Served) -> None:
    with served.connection() as connection:
        connection.sendall(GET + b"\r\n")
        read_until(connection, b"quick")
        connection.sendall(b"\r\n")
        assert refusal(read_all(connection)) == (408, "too_slow")


def test_a_connection_that_says_nothing_is_closed_without_a_word(served: Served) -> None:
    assert served.ask() == b""


def test_an_idle_connection_is_closed(served: Served) -> None:
    assert served.ask(GET + b"\r\n").endswith(b"quick")


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 1000\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]
)
def test_a_body_that_stalls_is_dropped_and_gives_its_place_back(served: Served, framing: bytes) -> None:
    assert refusal(served.ask(POST + framing)) == (408, "too_slow")
    assert served.ask(GET + b"Connection: close\r\n\r\n").endswith(b"quick")
    assert served.load.waiting == 0


def test_a_body_that_is_announced_too_long_is_refused_before_a_byte_of_it(served: Served) -> None:
    served.read = 0
    announced = POST + b"Content-Length: %d\r\n\r\n" % (CAP + 1)
    assert refusal(served.ask(announced)) == (413, "too_large")
    assert served.read == 0


@pytest.mark.parametrize("framing", [b"Content-Length: %d\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n%X\r\n"])
def test_whoever_sends_too_much_hears_it_although_all_of_it_was_on_its_way(patient: Served, framing: bytes) -> None:
    size = CAP + 600_000  # more than fits into the buffers of a reader that has stopped
    with patient.connection() as connection:
        connection.sendall(POST + b"Accept: text/html\r\n" + framing % size + bytes(size) + b"\r\n0\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))  # a connection that is reset would raise here
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"That was too much at once" in answer
    assert answer.endswith(b"</html>")


def test_a_body_that_nobody_announced_is_cut_off_at_the_cap(patient: Served) -> None:
    taken, chunk = pour(patient, POST + b"Transfer-Encoding: chunked\r\n\r\n", chunked=True)
    assert patient.read <= CAP
    assert taken < CAP + 8_000_000  # what lies in both sockets' buffers, and no more
    assert refusal(chunk) == (413, "too_large")


def test_a_body_that_nobody_reads_is_not_swallowed_for_ever(patient: Served) -> None:
    head = b"POST /unread HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    taken, answer = pour(patient, head, chunked=True)
    assert taken < 8_000_000
    assert b"quick" in answer


def pour(served: Served, head: bytes, *, chunked: bool) -> tuple[int, bytes]:
    """Send without end until the server has enough; return how much went out, and the answer."""
    piece = b"8000\r\n" + bytes(0x8000) + b"\r\n" if chunked else bytes(0x8000)
    sent = 0
    with served.connection() as connection:
        connection.sendall(head)
        try:
            while sent < 50_000_000:
                connection.sendall(piece)
                sent += 0x8000
        except OSError:
            pass
        return sent, read_all(connection)


def test_a_reader_that_takes_nothing_is_dropped_with_what_it_did_not_take(served: Served) -> None:
    served.readers_dropped.clear()
    with served.connection() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        assert served.readers_dropped.wait(10)


def test_a_reader_that_goes_on_reading_is_served_on(served: Served) -> None:
    served.readers_dropped.clear()
    with served.connection() as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        got = 0
        while got < 20_000_000:
            piece = connection.recv(1 << 20)
            assert piece
            got += len(piece)
        assert not served.readers_dropped.is_set()


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"GET /" + b"a" * 1000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (414, "target_too_long")),
        (b"GET /" + b"a" * 5000, (414, "target_too_long")),
        (GET + b"X: " + b"a" * 4000 + b"\r\n\r\n", (431, "header_too_long")),
        (GET + b"X: " + b"a" * 5000, (431, "header_too_long")),
        (GET + b"".join(b"X-%d: 1\r\n" % n for n in range(30)) + b"\r\n", (431, "header_too_long")),
        (GET + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", (400, "bad_request")),
        (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400, "bad_request")),
        (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", (400, "bad_request")),
        (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", (400, "bad_request")),
        (POST + b"Content-Length: +3\r\n\r\nabc", (400, "bad_request")),
        (POST + b"Content-Length: 3, 3\r\n\r\nabc", (400, "bad_request")),
        (POST + b"Content-Length: 99999999999999999999999\r\n\r\n", (400, "bad_request")),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", (400, "bad_request")),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", (400, "bad_request")),
        (POST + b"X: a\n folded\r\n\r\n", (400, "bad_request")),
        (POST + b"X: a\x00b\r\n\r\n", (400, "bad_request")),
        (POST + b"X y: a\r\n\r\n", (400, "bad_request")),
        (b"GET /quick HTTP/9.9\r\nHost: x\r\n\r\n", (400, "bad_request")),
        (b"GET /qu\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", (400, "bad_request")),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", (400, "bad_request")),
        (b"FROBNICATE / HTTP/1.1\r\nHost: x\r\n\r\n", (400, "bad_request")),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, "bad_request")),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (400, "bad_request")),
        (b"\x00\x00\x00\x00\x00", (400, "bad_request")),
    ],
)
def test_what_is_no_request_is_refused_with_its_reason(served: Served, sent: bytes, expected: tuple[int, str]) -> None:
    assert refusal(served.ask(sent)) == expected


def test_what_came_after_a_refused_request_is_not_looked_at(served: Served) -> None:
    answer = served.ask(b"GARBAGE\r\n\r\n" + GET + b"\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert refusal(answer) == (400, "bad_request")


def test_hundreds_of_requests_behind_one_another_are_refused(served: Served) -> None:
    assert refusal(served.ask((GET + b"\r\n") * 200)) == (400, "too_many_at_once")
    assert served.load.waiting == 0


def test_an_upgrade_to_another_protocol_is_answered_as_if_nobody_had_asked_for_it(served: Served) -> None:
    for protocol in (b"websocket", b"h2c"):
        upgrade = b"Connection: Upgrade, close\r\nUpgrade: " + protocol + b"\r\n\r\n"
        assert served.ask(GET + upgrade).startswith(b"HTTP/1.1 200 ")


def test_one_connection_too_many_is_told_so(served: Served) -> None:
    kept = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(BOUNDS.connections)]
    try:
        answer = served.ask()
        assert refusal(answer) == (503, "too_many_connections")
        assert b"retry-after: 2" in answer.lower()
    finally:
        for each in kept:
            each.close()


def test_requests_that_arrive_together_are_shed_before_any_is_worked_on(served: Served) -> None:
    served.load.waiting += 5
    try:
        answer = served.ask(GET + b"Connection: close\r\n\r\n")
    finally:
        served.load.waiting -= 5
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b'"code":"overloaded"' in answer


def test_nothing_of_this_says_in_the_log_who_it_was(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="uvicorn.error"):
        served.ask(b"GARBAGE secret\r\n\r\n")
        served.ask(GET + b"X: secret")
    assert "127.0.0.1" not in caplog.text
    assert "secret" not in caplog.text
