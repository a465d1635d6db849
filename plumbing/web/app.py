"""The application factory: every service gets the same limits, headers, request ids and error edges."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.staticfiles import StaticFiles
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from credentials.encoding import strict_json
from credentials.errors import HandstampError
from credentials.protocols.oauth import OAuthError, TemporarilyUnavailable
from plumbing.database_errors import DatabaseUnavailable
from plumbing.logs import current_request_id
from plumbing.meter import OVERLOADED
from plumbing.observing import Observing
from plumbing.problems import Refusal, note_refusal, problem_response, status_of
from plumbing.web.busy import BusyAnswers
from plumbing.web.middleware import STATIC, Edge, EdgeRules, security_headers
from plumbing.web.overload import Overload
from plumbing.web.pages import Pages
from plumbing.web.rates import Kind, RateLimit

STATIC_FOLDER: Final = Path(__file__).parent / "static"
_HTTP_CODES: Final = {400: "malformed", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}
_HTTP_DETAILS: Final = {
    404: "There is nothing at this address. Look whether it was copied whole.",
    405: "This address is not asked in this way. The header Allow names the methods that it takes.",
}
"""Where the framework says no more than the status does."""
# FastAPI's own spans and records would hold paths, queries and addresses; what may be seen is decided in
# plumbing/logs.py.
_NO_TELEMETRY: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class _WholeFiles(StaticFiles):
    """The files of our pages, never in parts: they are small, and Starlette refuses a bad range in words of its own."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [each for each in scope["headers"] if each[0] != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)


class _Application(FastAPI):
    """Without the layers around ours that would have nothing left to do, for each request passes them all."""

    @override
    def build_middleware_stack(self) -> ASGIApp:
        """Put our own layers around the routes; they let no exception pass but what ends a connection.

        Left out are an error page for what nobody caught (`Edge` catches it), records of exceptions for OpenTelemetry
        (off), and a limit of bodies that is shared with an application around this one (there is none).
        """
        app: ASGIApp = AsyncExitStackMiddleware(self.router)
        app = ExceptionMiddleware(app, handlers=self.exception_handlers)
        for layer, arguments, options in reversed(self.user_middleware):
            app = layer(app, *arguments, **options)
        return app


@contextlib.asynccontextmanager
async def _no_lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPolicy:
    """What differs between services at the edge.

    Attributes:
        statuses: the HTTP status of each error class; a parent serves for its children.
        max_body_bytes: a longer request body is cut off and refused with 413.
        form_action: further origins that a form of our pages may end at after a redirect (CSP `form-action`).
        https: whether the service is reached over https, so that browsers are told to insist on it.
        kinds: which routes try a secret or begin something, as `METHOD /path/{variable}`; see `plumbing.web.rates`.
        oauth_paths: what the paths of endpoints begin with whose refusals have OAuth's body, also when they are busy.
    """

    statuses: dict[type[HandstampError], int]
    max_body_bytes: int = 256 * 1024
    form_action: Sequence[str] = field(default=())
    https: bool = False
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    oauth_paths: tuple[str, ...] = ()


def create_app(
    *,
    title: str,
    policy: WebPolicy,
    pages: Pages,
    lifespan: Lifespan = _no_lifespan,
    observing: Observing | None = None,
) -> FastAPI:
    """Build a FastAPI application with the shared edge; the caller adds its routers.

    An error is shown as a page to whoever asks for HTML, as the exact OAuth body if it is an `OAuthError`, and else as
    an RFC 9457 problem document. No other exception leaves as more than "something went wrong here".
    """
    observing = observing or Observing()
    app = _Application(
        title=title,
        lifespan=_observed(lifespan, observing),
        docs_url=None,
        redoc_url=None,
        # It would send whoever adds a slash to whatever host their Host header names, and to plain http behind a proxy.
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    # For the server's own refusals, which come before any request.
    app.state.meter, app.state.say = observing.meter, _early_answer(policy, pages)
    app.mount(STATIC, _WholeFiles(directory=STATIC_FOLDER), name="static")
    observing.health().add_to(app)
    busy = _busy_answers(policy, pages)
    app.add_middleware(RateLimit, kinds=policy.kinds, refuse=busy.too_often)
    if observing.tracing is not None:
        app.add_middleware(observing.tracing.middleware)
    app.add_middleware(Edge, rules=_edge_rules(policy, pages, busy, observing))
    app.add_middleware(Overload, refuse=_counted(busy.overloaded, observing))
    _add_error_handlers(app, policy, pages, busy)
    return app


def _edge_rules(policy: WebPolicy, pages: Pages, busy: BusyAnswers, observing: Observing) -> EdgeRules:
    too_large = _too_large_answer(pages, policy.max_body_bytes)
    return EdgeRules(
        headers=security_headers(form_action=policy.form_action, https=policy.https),
        max_bytes=policy.max_body_bytes,
        # Counted as any request is: who is told at the edge could ask without end.
        too_large=RateLimit(too_large, kinds=policy.kinds, refuse=busy.too_often),
        surprise=_surprise_answer(pages),
        meter=observing.meter,
    )


def _observed(lifespan: Lifespan, observing: Observing) -> Lifespan:
    @contextlib.asynccontextmanager
    async def observed(app: FastAPI) -> AsyncIterator[None]:
        async with observing.running(), lifespan(app):
            yield

    return observed


def _counted(refuse: Callable[[Request], Response], observing: Observing) -> Callable[[Request], Response]:
    """Count what is refused outside of the edge, which counts all the rest."""

    def answer(request: Request) -> Response:
        observing.meter.refused(OVERLOADED)
        return refuse(request)

    return answer


def _early_answer(policy: WebPolicy, pages: Pages) -> Callable[..., Response]:
    headers = security_headers(form_action=policy.form_action, https=policy.https)

    def answer(fields: list[tuple[bytes, bytes]], *, status: int, code: str, detail: str) -> Response:
        request = Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": fields})
        response = _answer(request, pages, status=status, code=code, detail=detail)
        response.headers.update(headers)
        return response

    return answer


def _too_large_answer(pages: Pages, max_bytes: int) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        detail = f"The request is longer than {max_bytes} bytes."
        response = _answer(Request(scope), pages, status=413, code="too_large", detail=detail)
        response.headers["Connection"] = "close"
        await response(scope, receive, send)

    return answer


def _surprise_answer(pages: Pages) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        detail = "Something went wrong here. Nothing of yours is lost; try again in a minute."
        return _answer(request, pages, status=500, code="internal_error", detail=detail)

    return answer


def _busy_answers(policy: WebPolicy, pages: Pages) -> BusyAnswers:
    def say(request: Request, *, status: int, code: str, detail: str) -> Response:
        return _answer(request, pages, status=status, code=code, detail=detail)

    return BusyAnswers(
        say=say,
        say_oauth=oauth_response,
        oauth_paths=policy.oauth_paths,
        variant=lambda request: pages.language_of(request) if wants_page(request) else "",
        headers=security_headers(form_action=policy.form_action, https=policy.https),
    )


def wants_page(request: Request) -> bool:
    """Tell whether a person's browser asks (it prefers HTML), and not a program."""
    return "text/html" in request.headers.get("accept", "")


def _add_error_handlers(app: FastAPI, policy: WebPolicy, pages: Pages, busy: BusyAnswers) -> None:
    async def on_handstamp_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HandstampError)  # noqa: S101  # registered for this class below
        if isinstance(error, OAuthError) and not wants_page(request):
            return oauth_response(error)
        if isinstance(error, DatabaseUnavailable):
            return busy.without_database(request, error)
        status = status_of(error, policy.statuses)
        return _answer(request, pages, status=status, code=error.code, detail=error.detail)

    async def on_validation_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class below
        return _answer(request, pages, status=400, code="malformed", detail=_validation_words(error))

    async def on_http_exception(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class below
        code = _HTTP_CODES.get(error.status_code, "http_error")
        detail = _HTTP_DETAILS.get(error.status_code, str(error.detail))
        response = _answer(request, pages, status=error.status_code, code=code, detail=detail)
        response.headers.update(_kept_headers(error))
        return response

    app.add_exception_handler(HandstampError, on_handstamp_error)
    app.add_exception_handler(RequestValidationError, on_validation_error)
    app.add_exception_handler(HTTPException, on_http_exception)


def _kept_headers(error: HTTPException) -> dict[str, str]:
    """Return what must go with the status: `Allow` with 405; and nobody reads on what was too long already."""
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return {"Connection": "close"}
    return dict(error.headers or {})


def oauth_response(error: OAuthError) -> Refusal:
    """Build the exact body that OAuth names (RFC 6749 §5.2), never cached; a 401 has its challenge (RFC 9449 §7.1)."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, TemporarilyUnavailable):
        headers["Retry-After"] = str(error.retry_after_s)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = error.challenge()
    body = strict_json.dump(error.body())
    return Refusal(body, code=error.code, status_code=error.status, media_type="application/json", headers=headers)


def dpop_header(request: Request) -> str | None:
    """Join repeated DPoP headers with commas, so that two proofs are seen to be two (RFC 9449 §4.3, check 1)."""
    return ",".join(request.headers.getlist("dpop")) or None


def _answer(request: Request, pages: Pages, *, status: int, code: str, detail: str) -> Response:
    if wants_page(request):
        note_refusal(request.scope, code)
        values = {"code": code, "detail": detail, "status": status, "request_id": current_request_id()}
        return pages.render(request, "error.html", values, status=status)
    return problem_response(status, code=code, detail=detail)


def _validation_words(error: RequestValidationError) -> str:
    where = sorted({".".join(str(part) for part in item["loc"]) for item in error.errors()})
    return f"The request cannot be read; look at: {', '.join(where)}."
