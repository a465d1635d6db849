"""Plain ASGI middleware, so that a streamed answer is never collected in memory."""

import re
import secrets
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plumbing.logs import get_logger
from plumbing.problems import problem_response

_MS: Final = 1000
_MAX_LENGTH_DIGITS: Final = 15
_DIGITS: Final = re.compile(r"[0-9]+")  # `isdigit` takes a superscript two for a digit, and `int` does not


class AnnouncedBodyLimit:
    """Refuse a request that announces more than `max_bytes`, in our words; Starlette's limiter counts the rest."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on unless its `Content-Length` is above the limit."""
        if scope["type"] == "http":
            announced = Headers(scope=scope).get("content-length", "0")
            if (
                not _DIGITS.fullmatch(announced)
                or len(announced) > _MAX_LENGTH_DIGITS
                or int(announced) > self._max_bytes
            ):
                detail = f"The request is longer than {self._max_bytes} bytes."
                response = problem_response(413, code="too_large", detail=detail, headers={"Connection": "close"})
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)


class Surprises:
    """Turn an exception that nobody expected into a calm answer and a log line that says where, never what.

    The message of a foreign exception may quote a claim, a key or a token, so neither the log nor the answer holds it;
    and it must not reach the server's own log, which would print it.
    """

    def __init__(self, app: ASGIApp, *, answer: Callable[[Request], Response]) -> None:
        self._app = app
        self._answer = answer
        self._log = get_logger("web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer in its place if it fails before it began to answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:  # noqa: BLE001  # the last edge before the server
            self._log.error("unexpected", error=type(error).__name__, where=_where(error))  # no message
            if started:
                raise ConnectionAbortedError from None  # cut the answer off: half a file must not look whole
            await self._answer(Request(scope))(scope, receive, send)


def _where(error: Exception) -> str:
    """Name the last frames in which an unexpected error arose."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return " > ".join(f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)


def content_security_policy(*, form_action: Sequence[str] = ()) -> str:
    """Build the policy of our pages; `form_action` names further origins that a form may end at after a redirect."""
    targets = " ".join(("'self'", *form_action))
    return (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        f"form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )


class SecurityHeaders:
    """The same strict headers on every answer; a route that sets one of them itself keeps its own."""

    def __init__(self, app: ASGIApp, *, form_action: Sequence[str], https: bool) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": content_security_policy(form_action=form_action),
            "X-Content-Type-Options": "nosniff",
            # With "no-referrer" browsers send `Origin: null` with our own forms, and no guard could tell them apart.
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "X-Frame-Options": "DENY",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
        }
        if https:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to the answer's start."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class RequestLog:
    """One line per request: an id of ours, method, route template, status, duration. Never a path, query or address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = get_logger("web")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give the request an id, pass it on, and log how it went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        status = 500

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_and_note)
            finally:
                duration_ms = round((time.perf_counter() - started) * _MS, 1)
                route = getattr(scope.get("route"), "path", "none")
                self._log.info("request", method=scope["method"], route=route, status=status, duration_ms=duration_ms)
