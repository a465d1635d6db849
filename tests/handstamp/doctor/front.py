"""What stands in front of services, as nginx does: it speaks TLS, passes on by host, and can be set up wrongly."""

from __future__ import annotations

import http.client
import ssl
import tempfile
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import trustme

from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime


@dataclass
class Exchange:
    """A request and its answer, on its way back."""

    method: str
    path: str
    sent: bytes
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    stream: Iterator[bytes] | None = None
    """What is passed on as it comes."""

    def sent_headers(self) -> Iterator[tuple[str, str]]:
        yield from (each for each in self.headers if each[0].lower() not in {"content-length", "connection"})
        if self.stream is None:
            yield "Content-Length", str(len(self.body))
        yield "Connection", "close"

    def pieces(self) -> Iterator[bytes]:
        yield self.body
        yield from self.stream or ()


@dataclass
class Front:
    """A front that listens; `tamper` is how it is set up wrongly."""

    ports: dict[str, int]
    port: int = 0
    tamper: Callable[[Exchange], None] | None = None
    before: Callable[[Exchange], bool] | None = None
    """Answers in the service's stead, if it returns True."""
    holds_back: bool = False

    def answer(self, exchange: Exchange, host: str, accept: str) -> None:
        if self.before is not None and self.before(exchange):
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[host], timeout=PATIENCE_S)
        connection.request(exchange.method, exchange.path, exchange.sent, {"Host": host, "Accept": accept})
        answer = connection.getresponse()
        exchange.headers = [each for each in answer.getheaders() if each[0].lower() != "transfer-encoding"]
        if not self.holds_back and answer.getheader("Content-Type", "").startswith("text/event-stream"):
            exchange.stream = _as_it_comes(connection, answer)
            return
        exchange.status, exchange.body = answer.status, answer.read()
        connection.close()
        if self.tamper is not None:
            self.tamper(exchange)


def _as_it_comes(connection: http.client.HTTPConnection, answer: http.client.HTTPResponse) -> Iterator[bytes]:
    with closing(connection):
        yield from iter(answer.read1, b"")


def context_of(leaf: trustme.LeafCert, *, with_chain: bool = True, also: bytes = b"") -> ssl.SSLContext:
    """What a server shows: its certificate, the chain to the authority unless it is left out, and perhaps more."""
    shown = leaf.cert_chain_pems if with_chain else leaf.cert_chain_pems[:1]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(leaf.private_key_pem.bytes() + b"".join(part.bytes() for part in shown) + also)
        file.flush()
        context.load_cert_chain(file.name)
    return context


def leaf_of(authority: trustme.CA, *hosts: str, **dates: datetime) -> trustme.LeafCert:
    return authority.issue_cert(*hosts, key_type=trustme.KeyType.ECDSA, **dates)


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """A handshake that was broken off is what some tests are about."""


@contextmanager
def listening(context: ssl.SSLContext | None, ports: dict[str, int]) -> Iterator[Front]:
    """Let a front listen on a free port while the block lasts."""
    front = Front(ports)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def send_response(self, code: int, message: str | None = None) -> None:
            self.send_response_only(code, message)  # the service's own Date and Server pass through

        def handle_one(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            exchange = Exchange(self.command, self.path, self.rfile.read(length))
            front.answer(exchange, self.headers["Host"].partition(":")[0], self.headers.get("Accept", "*/*"))
            self.send_response(exchange.status)
            for name, value in exchange.sent_headers():
                self.send_header(name, value)
            self.end_headers()
            for piece in exchange.pieces():
                self.wfile.write(piece)

        do_GET = do_POST = do_HEAD = handle_one  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = _Quiet(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    front.port = server.server_address[1]
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    try:
        yield front
    finally:
        server.shutdown()
        thread.join(PATIENCE_S)
        server.server_close()


def header(exchange: Exchange, name: str) -> str:
    return next(value for key, value in exchange.headers if key.lower() == name.lower())


def without(exchange: Exchange, name: str) -> None:
    exchange.headers = [each for each in exchange.headers if each[0].lower() != name.lower()]
