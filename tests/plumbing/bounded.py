"""A real server with small bounds for its connections, and a client that says to it whatever it likes."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import uvicorn
from starlette.requests import Request  # noqa: TC002 - FastAPI reads it
from starlette.responses import Response, StreamingResponse

from plumbing.metrics import PrometheusMeter
from plumbing.web.app import WebPolicy, create_app
from plumbing.web.overload import Load
from plumbing.web.pages import Pages
from plumbing.web.slow import Bounds, bounded
from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

CAP = 100_000
BOUNDS = Bounds(head_bytes=4000, target_bytes=1000, fields=30, pipelined=3, connections=8)
"""Small, but not of time: who sends in a test what shall be looked at is never slow, however busy the machine is."""
HASTY = replace(BOUNDS, look_s=0.02, head_s=0.3, stall_s=0.3)
"""So little time that a test can wait until it is over."""


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
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as made:
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
        http=bounded(bounds, served.load, meter=served.meter, say=app.state.say),
    )
    return uvicorn.Server(config)


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
PIECE = b"8000\r\n" + bytes(0x8000) + b"\r\n"
