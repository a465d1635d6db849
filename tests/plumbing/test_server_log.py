"""The real server under our logging: whatever is thrown at it, no address, path, query or value is written down."""

import asyncio
import contextlib
import io
import json
import logging
import re
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
import uvicorn
from fastapi import FastAPI
from starlette.responses import Response, StreamingResponse

from handstamp.composition.serving import build_config
from handstamp.settings import IssuerSettings
from plumbing import logs
from plumbing.web.app import WebPolicy, create_app
from plumbing.web.pages import Pages
from tests.support.waiting import PATIENCE_S

CANARY = "canary-4711"
HEAD = f"Host: x\r\nX-Forwarded-For: 203.0.113.9\r\nCookie: {CANARY}\r\nX-Request-ID: {CANARY}\r\n"
THROWN = {
    "a query": f"GET /said/{CANARY}?token={CANARY} HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n",
    "no HTTP at all": f"{CANARY} \x00\x01 {CANARY}\r\n\r\n",
    "a method of its own": f"CANARY /said/x HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n",
    "a websocket": f"GET /said/{CANARY} HTTP/1.1\r\n{HEAD}Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "an error within": f"GET /fails/{CANARY} HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n",
    "an error in a stream": f"GET /half/{CANARY} HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n",
    "a line break in a header": f"GET /said/x HTTP/1.1\r\n{HEAD}X-A: a\rlevel: {CANARY}\r\nConnection: close\r\n\r\n",
    "a line break in a path": "GET /said/x%0d%0a%7b%22event%22:%22canary-4711%22%7d HTTP/1.1\r\n"
    "Host: x\r\nConnection: close\r\n\r\n",
}


def build(folder: Path) -> FastAPI:
    app = create_app(title="x", policy=WebPolicy(statuses={}), pages=Pages(folder, site_name="x"))

    @app.get("/said/{what}")
    async def said(what: str) -> Response:
        return Response(what[:1])

    @app.get("/fails/{what}")
    async def fails(what: str) -> Response:
        raise ValueError(what)

    @app.get("/half/{what}")
    async def half(what: str) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"half"
            raise ValueError(what)

        return StreamingResponse(pieces())

    return app


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    level, before, made = root.level, list(root.handlers), io.StringIO()
    logs.configure("debug", stream=made)
    yield made
    root.setLevel(level)
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
    structlog.reset_defaults()


async def throw(port: int, what: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(what.encode("latin-1"))
    answer = b""
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while piece := await reader.read(65_536):
                    answer += piece
                    if what.startswith(f"GET /said/{CANARY} HTTP"):
                        break  # a websocket is refused, and the connection stays
    finally:
        writer.close()
    return answer


async def test_whatever_is_thrown_at_the_server_its_log_is_our_json_without_a_value(
    tmp_path: Path, stream: io.StringIO
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(build_config(build(tmp_path), IssuerSettings()))
        running = asyncio.create_task(server._serve([listener]))  # noqa: SLF001  # `serve` takes over the signals
        while not server.started:  # noqa: ASYNC110  # the server tells nobody else
            await asyncio.sleep(0.01)
        answers = {name: await throw(listener.getsockname()[1], what) for name, what in THROWN.items()}
        server.should_exit = True
        await running
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert b"200 OK" in answers["a query"]
    assert answers["an error in a stream"].endswith(b"half\r\n")  # and no end of the chunks
    assert CANARY not in stream.getvalue()
    assert not re.search(r"127\.0\.0\.1|203\.0\.113|canary", stream.getvalue(), re.IGNORECASE)
    assert {line["route"] for line in lines if line["event"] == "request"} <= {
        "/said/{what}",
        "/fails/{what}",
        "/half/{what}",
        "none",
    }
    assert sum(line["event"] == "unexpected" for line in lines) == 2
    assert "Application startup complete." in {line["event"] for line in lines}
