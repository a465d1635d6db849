"""A real server with small bounds for its connections, and a client that says to it whatever it likes.

What takes too long is tried by moving the clock of the server's loop, once the server has seen what it shall find slow:
its bounds of time are so long that nothing else is ever slow, however busy the machine is.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from starlette.requests import Request  # noqa: TC002 - FastAPI reads it
from starlette.responses import Response, StreamingResponse
from typing_extensions import override

from plumbing.metrics import PrometheusMeter
from plumbing.web.app import WebPolicy, create_app
from plumbing.web.overload import Load
from plumbing.web.pages import Pages
from plumbing.web.slow import BoundedHttp, Bounds, bounded
from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from fastapi import FastAPI

CAP = 100_000
_STALL_S = 1000.0
IN_TIME_S, TOO_LONG_S = 0.6 * _STALL_S, 1.1 * _STALL_S
"""By how much the clock is moved for what is still in time, and for what is not."""
PATIENT = Bounds(look_s=100.0, head_s=_STALL_S, stall_s=_STALL_S)
BOUNDS = replace(PATIENT, head_bytes=4000, target_bytes=1000, fields=30, pipelined=3, connections=8)


class _Loop(asyncio.SelectorEventLoop):
    """A loop whose clock can be moved."""

    ahead_s = 0.0

    @override
    def time(self) -> float:
        return super().time() + self.ahead_s


class Served:
    """The address of a running server, what it saw and did, and its clock."""

    def __init__(self) -> None:
        self.port = 0
        self.read = 0
        self.readers_dropped = threading.Event()
        self.load = Load(5)
        self.meter = PrometheusMeter("test", version="0", held_s=0)
        self.loop = _Loop()
        self._changed = threading.Condition()
        self._counted: Counter[str] = Counter()

    def count(self, what: str, number: int = 1) -> None:
        """Tell whoever waits that the server did something, or saw so many bytes."""
        with self._changed:
            self._counted[what] += number
            self._changed.notify_all()

    @contextmanager
    def awaited(self, what: str, number: int = 1) -> Iterator[None]:
        """Wait at the end of the block until the server did this so often since its beginning."""
        wanted = self._counted[what] + number
        yield
        with self._changed:
            assert self._changed.wait_for(lambda: self._counted[what] >= wanted, PATIENCE_S), what

    def let_pass(self, seconds: float) -> None:
        """Move the server's clock, and wait until it is: who has gone on meanwhile did so before."""
        moved = threading.Event()

        def move() -> None:
            self.loop.ahead_s += seconds
            moved.set()

        self.loop.call_soon_threadsafe(move)
        assert moved.wait(PATIENCE_S)

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as made:
            yield made

    def ask(self, *parts: bytes) -> bytes:
        with self.connection() as made:
            for part in parts:
                made.sendall(part)
            return read_all(made)

    def say(self, connection: socket.socket, part: bytes) -> None:
        """Send something, and wait until the server has seen all of it."""
        with self.awaited("bytes", len(part)):
            connection.sendall(part)

    def ask_and_stop(self, part: bytes) -> bytes:
        """Send something, and nothing more for too long; return what the server says to that."""
        with self.connection() as made:
            self.say(made, part)
            self.let_pass(TOO_LONG_S)
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

    _add_whole_answers(app)

    @app.api_route("/endless", methods=["GET", "POST"])
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
        timeout_keep_alive=int(_STALL_S),
        timeout_graceful_shutdown=1,
        http=_watched(served, bounded(bounds, served.load, meter=served.meter, say=app.state.say)),
    )
    return uvicorn.Server(config)


def _add_whole_answers(app: FastAPI) -> None:
    @app.post("/unread")
    @app.get("/quick")
    async def quick() -> Response:
        return Response("quick")

    @app.get("/long")
    async def long() -> Response:
        return Response(bytes(8 * 1024 * 1024))


def _watched(served: Served, protocol: type[BoundedHttp]) -> type[BoundedHttp]:
    """Let every connection tell what it came to, when it has."""

    def telling(name: str, what: str) -> Callable[..., None]:
        def tell(self: BoundedHttp, *arguments: Any) -> None:
            getattr(super(watched, self), name)(*arguments)
            served.count(what, len(arguments[0]) if what == "bytes" else 1)

        return tell

    told = {"connection_made": "made", "data_received": "bytes", "connection_lost": "lost"}
    told |= {"pause_writing": "full", "resume_writing": "went on"}
    watched = type("Watched", (protocol,), {name: telling(name, what) for name, what in told.items()})
    return watched


@contextmanager
def serving(folder: Path, bounds: Bounds) -> Iterator[Served]:
    running = Served()
    server = build(running, folder, bounds)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Else the system lets it grow as it likes, and a reader could take millions before the server has to go on.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_KEEPS)
        running.port = listener.getsockname()[1]

        def serve() -> None:
            with asyncio.Runner(loop_factory=lambda: running.loop) as runner:
                runner.run(server.serve(sockets=[listener]))

        thread = threading.Thread(target=serve)
        thread.start()
        yield running
        server.should_exit = True
        thread.join()


GET = b"GET /quick HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: x\r\n"
KERNEL_KEEPS: Final = 1 << 18
PIECE = b"8000\r\n" + bytes(0x8000) + b"\r\n"
