"""The edge of every service, as plain ASGI, so that a streamed answer is never collected in memory.

One pass for all of it: every layer that wraps `send` costs each request as much as a good part of a signature.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plumbing.foreign_logs import frames_of
from plumbing.logs import begin_request, end_request, get_logger
from plumbing.meter import CLIENT_GONE, INTERNAL_ERROR, METHODS, NO_METER, NO_ROUTE, OTHER, Asked, Meter
from plumbing.problems import note_refusal, refusal_of

STATIC: Final = "/static"
"""Where stylesheet and scripts are."""
_NOBODY_WAITS: Final = 499  # as nginx writes it down; it is never sent
_MS: Final = 1000
_MAX_LENGTH_DIGITS: Final = 15
_DIGITS: Final = re.compile(rb"[0-9]+")  # `isdigit` takes a superscript two for a digit, and `int` does not
_LENGTH: Final = b"content-length"
_CHUNKED: Final = b"transfer-encoding"
_REQUEST_ID: Final = b"x-request-id"
_ODD: Final = str.maketrans("\0\n", "\ufffd\ufffd")
_NO_BODY: Final = frozenset({"GET", "HEAD"})
_TOO_LARGE: Final = 413
_WAITING: Final = frozenset({429, 503})
_RETRY: Final = b"retry-after"
_WAIT_S: Final = b"5"
_LINGER_BYTES: Final = 1024 * 1024
_LINGER_S: Final = 5.0
Field = tuple[bytes, bytes]


def content_security_policy(*, form_action: Sequence[str] = ()) -> str:
    """Build the policy of our pages; `form_action` names further origins that a form may end at after a redirect."""
    targets = " ".join(("'self'", *form_action))
    return (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        f"form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )


def security_headers(*, form_action: Sequence[str], https: bool) -> dict[str, str]:
    """Build the strict headers of every answer; a route that sets one of them itself keeps its own."""
    headers = {
        "Content-Security-Policy": content_security_policy(form_action=form_action),
        "X-Content-Type-Options": "nosniff",
        # With "no-referrer" browsers send `Origin: null` with our own forms, and no guard could tell them apart.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }
    if https:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeRules:
    """What the edge does with each request.

    Attributes:
        headers: of every answer that has no such header of its own.
        max_bytes: a longer body is refused.
        too_large: answers a longer body.
        surprise: the answer where nobody expected an error.
        meter: counts.
    """

    headers: Mapping[str, str]
    max_bytes: int
    too_large: ASGIApp
    surprise: Callable[[Request], Response]
    meter: Meter = NO_METER


class Edge:
    """Gives each request an id, limits its body, completes its answer, catches what nobody expected, and logs one line.

    The line holds an id of ours, method, route template, status, duration and the code of a refusal. Never a path,
    query or address. The message of a foreign exception may quote a claim, a key or a token, so neither the log nor
    the answer holds it; and it must not reach the server's own log, which would print it.
    """

    def __init__(self, app: ASGIApp, *, rules: EdgeRules) -> None:
        self._app = app
        self._counted = RequestBodyLimitMiddleware(app, max_body_size=rules.max_bytes)
        self._rules = rules
        # Encoded once, and not for each answer.
        self._headers = tuple((name.lower().encode(), text.encode("latin-1")) for name, text in rules.headers.items())
        self._names = frozenset(name for name, _ in self._headers)
        self._log = get_logger("web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what is none passes untouched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if "\x00" in scope["path"] or "\n" in scope["path"]:
            # Nothing is called so. Not every database can be asked for a NUL; and with a line break behind it a route
            # is found, but not what is said of that route. So it is looked for under another odd name.
            scope["path"] = scope["path"].translate(_ODD)
        request_id, token = begin_request()
        answer = _Answer(send, self._headers, self._names, request_id.encode())
        self._rules.meter.begin()
        started = time.perf_counter()
        body = _Body(receive)
        try:
            await self._answer(scope, body, answer)
        finally:
            self._note(scope, answer, time.perf_counter() - started)
            end_request(token)
        if answer.lingers:
            await body.swallow()
            await answer.end()

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        app = self._app
        length, chunked = _announced(scope["headers"])
        if length is not None and not _is_within(length, self._rules.max_bytes):
            app = self._rules.too_large
        elif chunked or (length is None and scope["method"] not in _NO_BODY):
            app = self._counted  # nobody said how long it is, so it is counted as it comes
        try:
            await app(scope, receive, answer)
        except ClientDisconnect:
            note_refusal(scope, CLIENT_GONE)  # who left in the middle of the own request is no fault of ours
        except Exception as error:  # noqa: BLE001  # the last edge before the server
            self._log.error("unexpected", error=type(error).__name__, where=frames_of(error))  # no message
            if answer.status:
                note_refusal(scope, INTERNAL_ERROR)  # what the alert looks for, though the status was sent before
                raise ConnectionAbortedError from None  # cut the answer off: half a file must not look whole
            await self._rules.surprise(Request(scope))(scope, receive, answer)

    def _note(self, scope: Scope, answer: "_Answer", seconds: float) -> None:
        method = scope["method"]
        method = method if method in METHODS else OTHER
        route = _template(scope)
        code = refusal_of(scope)
        status = answer.status or (_NOBODY_WAITS if code == CLIENT_GONE else 500)
        self._rules.meter.end(
            Asked(
                method=method,
                route=route,
                status=status,
                seconds=seconds,
                sent_bytes=answer.sent_bytes,
                refusal=code,
            )
        )
        more = {} if code is None else {"code": code}
        duration_ms = round(seconds * _MS, 1)
        self._log.info("request", method=method, route=route, status=status, duration_ms=duration_ms, **more)


class _Answer:
    """Sends one answer: completes its headers, and counts its bytes."""

    __slots__ = ("_headers", "_names", "_request_id", "_send", "lingers", "sent_bytes", "status")

    def __init__(self, send: Send, headers: tuple[Field, ...], names: frozenset[bytes], request_id: bytes) -> None:
        self._send = send
        self._headers = headers
        self._names = names
        self._request_id = request_id
        self.status = 0
        self.sent_bytes = 0
        self.lingers = False

    async def __call__(self, message: Message) -> None:
        """Send one message of the answer; one that says that the body is too long ends with `end`."""
        if message["type"] == "http.response.start":
            self.status = int(message["status"])  # not the name of an enumeration, in a log
            self.lingers = self.status == _TOO_LARGE
            own = list(message.get("headers", ()))
            if self.status in _WAITING and not any(name == _RETRY for name, _ in own):
                own.append((_RETRY, _WAIT_S))  # whoever has nothing better to say
            given = self._names.intersection([name for name, _ in own])
            added = [each for each in self._headers if each[0] not in given] if given else self._headers
            message["headers"] = [*own, *added, (_REQUEST_ID, self._request_id)]
        else:
            self.sent_bytes += len(message.get("body", b""))
            if self.lingers:
                message["more_body"] = True
        await self._send(message)

    async def end(self) -> None:
        """Let the server close the connection."""
        await self._send({"type": "http.response.body"})


class _Body:
    """Receives the body of one request, and remembers whether it is over."""

    __slots__ = ("_receive", "is_over")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.is_over = False

    async def __call__(self) -> Message:
        """Receive the next piece."""
        message = await self._receive()
        self.is_over = not message.get("more_body")  # so it is when the sender has left, too
        return message

    async def swallow(self) -> None:
        """Read some of what is too long, when the answer is on its way already.

        A connection that is closed while something unread lies in it is reset, and a browser may then show nothing of
        the answer. Who still sends after that gets no more patience.
        """
        swallowed = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                while not self.is_over and swallowed < _LINGER_BYTES:
                    swallowed += len((await self()).get("body", b""))


def _template(scope: Scope) -> str:
    route = scope.get("route")
    if route is None:
        return STATIC if isinstance(scope.get("endpoint"), StaticFiles) else NO_ROUTE
    return getattr(route, "path", NO_ROUTE)


def _announced(headers: Iterable[Field]) -> tuple[bytes | None, bool]:
    """Return the announced length of a body, and whether it comes in pieces of which nobody knows how many."""
    length, chunked = None, False
    for name, value in headers:
        if name == _LENGTH:
            length = value
        elif name == _CHUNKED:
            chunked = True
    return length, chunked


def _is_within(length: bytes, max_bytes: int) -> bool:
    return bool(_DIGITS.fullmatch(length)) and len(length) <= _MAX_LENGTH_DIGITS and int(length) <= max_bytes
