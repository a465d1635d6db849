"""Clients that are slow on purpose, or send more than anybody asked for, are dropped: bounds of a connection.

uvicorn waits for a header, a body or a reader as long as they please, and its parser has no limit for a header. One
watcher a connection looks every few seconds how far it has come since; a request in time costs it nothing.
"""

from __future__ import annotations

import math
import socket
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from plumbing.logs import get_logger
from plumbing.web.arriving import Arriving
from plumbing.web.overload import TURN

if TYPE_CHECKING:
    import asyncio

    from starlette.responses import Response
    from uvicorn._types import ASGI3Application
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from plumbing.meter import Meter
    from plumbing.web.overload import Load

_NOT_SENT_LOWAT: Final[int | None] = getattr(socket, "TCP_NOTSENT_LOWAT", None)
_KERNEL_BYTES: Final = 128 * 1024
_BAD: Final = (400, "bad_request", "This is not HTTP as we read it.")
_LONG_TARGET: Final = (414, "target_too_long", "The address that was asked for is too long.")
_LONG_HEADER: Final = (431, "header_too_long", "The header of the request is too long, or has too many fields.")
_TOO_MANY_AT_ONCE: Final = (400, "too_many_at_once", "Too many requests wait on this connection.")
_LONG_BODY: Final = (413, "too_large", "The request is longer than is read here.")
_SLOW: Final = (408, "too_slow", "The request did not arrive in time. Nothing was changed; send it again.")
_FULL: Final = (503, "too_many_connections", "Too many connections are open. Try again in a moment.")
_CROWDED: Final = (503, "too_much_arriving", "Too much is on its way here. Nothing was changed; send it again soon.")

_FULL_WAIT_S: Final = 2
_LOG: Final = get_logger("web")
Refusal = tuple[int, str, str]
Fields = list[tuple[bytes, bytes]]


class Say(Protocol):
    """Says a refusal to whoever sent these fields of a header, as many as came: as a page to a person's browser."""

    def __call__(self, fields: Fields, *, status: int, code: str, detail: str) -> Response:
        """Build the answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a connection may take.

    Attributes:
        look_s: how often each connection is looked at.
        head_s: how long a header may take, from the first byte (of a new connection: from its beginning).
        stall_s: how long a body, or a reader, may bring or take next to nothing before it is dropped.
        least_bytes_per_s: what is more than next to nothing.
        head_bytes: how long a header may be; `target_bytes` the address in it, `fields` how many fields it may have.
        unread_bytes: how much of a body is still read when its answer has been sent.
        arriving_bytes: how much of all bodies that are not whole yet is held; who began first gives way.
        framed_bytes: how much one body may take on its way, however small the pieces are in which it comes.
        pipelined: how many requests may wait behind another on one connection.
        connections: how many may be open at once.
    """

    look_s: float = 5.0
    head_s: float = 10.0
    stall_s: float = 20.0
    least_bytes_per_s: int = 512
    head_bytes: int = 32 * 1024
    target_bytes: int = 8 * 1024
    fields: int = 100
    unread_bytes: int = 256 * 1024
    arriving_bytes: int = 32 * 1024 * 1024
    framed_bytes: int = 4 * 1024 * 1024
    pipelined: int = 16
    connections: int = 2000


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol under `Bounds`, which takes a place of a `Load` for each request as soon as it is read."""

    bounds: ClassVar[Bounds] = Bounds()
    load: ClassVar[Load | None] = None
    meter: ClassVar[Meter]
    say: ClassVar[Say]
    arriving: ClassVar[Arriving[BoundedHttp]]

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._refusal: Refusal = _BAD
        self._head_since: float | None = self.loop.time()
        self._head_bytes = 0
        self._in_body = False
        self._unread = 0
        self._framed = 0
        self._moved = 0
        self._moved_at = self.loop.time()
        self._left: int | None = None
        self._answering: RequestResponseCycle | None = None
        if len(self.connections) > self.bounds.connections:
            self._refuse(_FULL)
            return
        _keep_little_in_the_kernel(transport)
        self._watcher = self.loop.call_later(self.bounds.look_s, self._look)

    @override
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.arriving.end(self)
        # uvicorn tells the newest request alone. An answer with another request behind it would go on for nobody, and
        # no bound would count it: a page that waits for news until there is some, a file to its end.
        if (cycle := self._answering) is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        if (watcher := getattr(self, "_watcher", None)) is not None:
            watcher.cancel()

    @override
    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return  # refused already: what still comes is not looked at
        self._moved += len(data)
        if self._head_since is not None:
            self._head_bytes += len(data)
        else:
            self._framed += len(data)
        super().data_received(data)
        while (first := self.arriving.to_give_way()) is not None:
            self.arriving.end(first)
            first._refuse(_CROWDED)  # noqa: SLF001  # another connection of this class
        if self.transport.is_closing():
            return
        if self._in_body and self._framed > self.bounds.framed_bytes:
            self._refuse(_LONG_BODY)
            return
        if self._head_since is not None and self._head_bytes > self.bounds.head_bytes:
            self._refuse(_LONG_HEADER)
        elif self._head_since is None and not self._in_body and self._is_idle():
            self._head_since = self.loop.time()  # something came that begins nothing, such as empty lines

    def _is_idle(self) -> bool:
        return self._is_answered() and self.timeout_keep_alive_task is None

    def _is_answered(self) -> bool:
        return bool(getattr(self.cycle, "response_complete", True))  # before the first request there is no cycle

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_since is None:
            self._head_since, self._head_bytes = self.loop.time(), 1  # at least
        if len(self.pipeline) >= self.bounds.pipelined:
            self._stop_with(_TOO_MANY_AT_ONCE)

    @override
    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self.bounds.target_bytes:
            self._stop_with(_LONG_TARGET)

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_body:
            self._stop_with(_BAD)  # after a body in pieces: it would pass for a field that was there from the start
        super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        headers = self.headers
        changes = self.parser.should_upgrade()
        if not _is_framed_well(self.parser.get_http_version(), headers, changes=changes):
            self._stop_with(_BAD)
        if len(headers) > self.bounds.fields or (
            self._head_bytes > self.bounds.head_bytes
            and sum(len(name) + len(value) for name, value in headers) > self.bounds.head_bytes
        ):
            self._stop_with(_LONG_HEADER)
        queued = len(self.pipeline)
        super().on_headers_complete()
        if changes:
            self.cycle.keep_alive = False  # what comes next would be said in the other protocol
        self._head_since, self._in_body, self._unread, self._framed = None, True, 0, 0
        self._moved, self._moved_at = 0, self.loop.time()
        # Who waits behind another on this connection may never be called, so it takes its place when it is.
        if self.load is not None and len(self.pipeline) == queued:
            self.scope[TURN] = self.load.enter(self.scope["path"])  # type: ignore[typeddict-unknown-key]

    @override
    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if not self.cycle.response_complete:
            self.arriving.add(self, len(body))
        else:
            self._unread += len(body)
            if self._unread > self.bounds.unread_bytes:
                self.transport.close()

    @override
    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()
        self._end_if_worked_on()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._end_if_worked_on()

    def _end_if_worked_on(self) -> None:
        """Count no body that is being worked on, for that ends; one behind another request may wait for ever."""
        if not self.pipeline and (not self._in_body or self._is_answered()):
            self.arriving.end(self)

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._left, self._moved_at = self.transport.get_write_buffer_size(), self.loop.time()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._left = None

    @override
    def send_400_response(self, msg: str) -> None:
        """Refuse in our words what the parser, or a bound, did not let through."""
        self._refuse(self._refusal)

    def _stop_with(self, refusal: Refusal) -> None:
        """Stop the parser; uvicorn then calls `send_400_response`."""
        self._refusal = refusal
        raise ValueError(refusal[1])

    def _refuse(self, refusal: Refusal) -> None:
        status, code, detail = refusal
        self.meter.refused(code)
        _LOG.info("refused", status=status, code=code)
        cycle = self._answering
        if cycle is None or cycle.response_complete or not cycle.response_started:  # else it would be in the middle
            answer = self.say(self.headers or [], status=status, code=code, detail=detail)
            self.transport.write(_build_refusal(answer))
            self.transport.close()
        else:
            self.transport.abort()  # what it did not take is let go of, and so is whoever makes more of it

    def _look(self) -> None:
        now = self.loop.time()
        if self.transport.is_closing():  # and not yet closed: the end of an answer waits for its reader
            self._look_at_reader(now, self._left or math.inf)
        elif self._head_since is not None:
            if now - self._head_since >= self.bounds.head_s:
                self._drop_head()
        elif self._left is not None:
            self._look_at_reader(now, self._left)
        elif self._in_body:
            self._look_at_body(now)
        self._watcher = self.loop.call_later(self.bounds.look_s, self._look)

    def _drop_head(self) -> None:
        if self._head_bytes:
            self._refuse(_SLOW)
        else:
            self.transport.close()  # browsers open connections that they may never need: nothing to tell them

    def _look_at_body(self, now: float) -> None:
        passed_s = now - self._moved_at
        if passed_s < self.bounds.stall_s and not self.flow.read_paused:
            return
        if not self.flow.read_paused and self._moved < self.bounds.least_bytes_per_s * passed_s:
            self._refuse(_SLOW)
        self._moved, self._moved_at = 0, now

    def _look_at_reader(self, now: float, left: float) -> None:
        passed_s = now - self._moved_at
        if passed_s < self.bounds.stall_s:
            return
        still = self.transport.get_write_buffer_size()
        if left - still < self.bounds.least_bytes_per_s * passed_s:
            self.transport.abort()  # what it did not take is let go of, too
        self._left, self._moved_at = still, now


def bounded(bounds: Bounds, load: Load | None, *, meter: Meter, say: Say) -> type[BoundedHttp]:
    """Return the protocol under these bounds: uvicorn makes one of it for each connection."""
    arriving: Arriving[BoundedHttp] = Arriving(bounds.arriving_bytes)
    members = {"bounds": bounds, "load": load, "meter": meter, "say": staticmethod(say), "arriving": arriving}
    return type("BoundedHttp", (BoundedHttp,), members)


def _is_framed_well(version: str, fields: Fields, *, changes: bool) -> bool:
    """Tell whether nobody could take this for another request: one host, and one way to say how long it is (RFC 9112).

    The parser takes HTTP/0.9, two hosts or none (§3.2), and codings that nobody here undoes (§6.1). If the request
    wants to change to another protocol, it takes the body for what is said in that one.
    """
    hosts, coding, length = 0, b"", b""
    for name, value in fields:
        if name == b"host":
            hosts += 1
        elif name == b"transfer-encoding":
            coding += value.lower()
        elif name == b"content-length":
            length = value
    if changes and (coding or length.strip(b"0")):
        return False
    if version == "1.1":
        return hosts == 1 and coding in {b"", b"chunked"}
    return version == "1.0" and hosts <= 1 and not coding


def _keep_little_in_the_kernel(transport: asyncio.Transport) -> None:
    """Let the kernel hold little that is not on its way, so that a reader's pace can be seen here."""
    taken: Any = transport.get_extra_info("socket")
    if _NOT_SENT_LOWAT is not None and taken is not None and taken.family in {socket.AF_INET, socket.AF_INET6}:
        taken.setsockopt(socket.IPPROTO_TCP, _NOT_SENT_LOWAT, _KERNEL_BYTES)


def _build_refusal(answer: Response) -> bytes:
    if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = str(_FULL_WAIT_S)
    answer.headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {answer.status_code} {HTTPStatus(answer.status_code).phrase}".encode()]
    lines += [name + b": " + value for name, value in answer.raw_headers]
    return b"\r\n".join([*lines, b"", bytes(answer.body)])
