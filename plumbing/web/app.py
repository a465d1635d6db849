"""The application factory: every service gets the same limits, headers, request ids and error edges."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.responses import Response

from credentials.encoding import strict_json
from credentials.errors import HandstampError
from credentials.protocols.oauth import OAuthError
from plumbing.problems import problem_response, status_of
from plumbing.web.middleware import AnnouncedBodyLimit, RequestLog, SecurityHeaders, Surprises
from plumbing.web.pages import Pages

STATIC_FOLDER: Final = Path(__file__).parent / "static"
_HTTP_CODES: Final = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
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
    """

    statuses: dict[type[HandstampError], int]
    max_body_bytes: int = 256 * 1024
    form_action: Sequence[str] = field(default=())
    https: bool = False


def create_app(*, title: str, policy: WebPolicy, pages: Pages, lifespan: Lifespan = _no_lifespan) -> FastAPI:
    """Build a FastAPI application with the shared edge; the caller adds its routers.

    An error is shown as a page to whoever asks for HTML, as the exact OAuth body if it is an `OAuthError`, and else as
    an RFC 9457 problem document. No other exception leaves as more than "something went wrong here".
    """
    app = FastAPI(
        title=title,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # It would send whoever adds a slash to whatever host their Host header names, and to plain http behind a proxy.
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    app.mount("/static", StaticFiles(directory=STATIC_FOLDER), name="static")
    app.add_middleware(Surprises, answer=_surprise_answer(pages))
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=policy.max_body_bytes)
    app.add_middleware(AnnouncedBodyLimit, max_bytes=policy.max_body_bytes)
    app.add_middleware(SecurityHeaders, form_action=tuple(policy.form_action), https=policy.https)
    app.add_middleware(RequestLog)
    _add_error_handlers(app, policy, pages)
    return app


def _surprise_answer(pages: Pages) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        detail = "Something went wrong here. Nothing of yours is lost; try again in a minute."
        return _answer(request, pages, status=500, code="internal_error", detail=detail)

    return answer


def wants_page(request: Request) -> bool:
    """Tell whether a person's browser asks (it prefers HTML), and not a program."""
    return "text/html" in request.headers.get("accept", "")


def _add_error_handlers(app: FastAPI, policy: WebPolicy, pages: Pages) -> None:
    async def on_handstamp_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HandstampError)  # noqa: S101  # registered for this class below
        if isinstance(error, OAuthError) and not wants_page(request):
            return oauth_response(error)
        status = status_of(error, policy.statuses)
        return _answer(request, pages, status=status, code=error.code, detail=error.detail)

    async def on_validation_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class below
        return _answer(request, pages, status=400, code="malformed", detail=_validation_words(error))

    async def on_http_exception(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class below
        code = _HTTP_CODES.get(error.status_code, "http_error")
        return _answer(request, pages, status=error.status_code, code=code, detail=str(error.detail))

    app.add_exception_handler(HandstampError, on_handstamp_error)
    app.add_exception_handler(RequestValidationError, on_validation_error)
    app.add_exception_handler(HTTPException, on_http_exception)


def oauth_response(error: OAuthError) -> Response:
    """Build the exact body that OAuth names (RFC 6749 §5.2), never cached; a 401 has its challenge (RFC 9449 §7.1)."""
    body = strict_json.dump(error.body())
    headers = {"Cache-Control": "no-store"}
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = error.challenge()
    return Response(body, status_code=error.status, media_type="application/json", headers=headers)


def dpop_header(request: Request) -> str | None:
    """Join repeated DPoP headers with commas, so that two proofs are seen to be two (RFC 9449 §4.3, check 1)."""
    return ",".join(request.headers.getlist("dpop")) or None


def _answer(request: Request, pages: Pages, *, status: int, code: str, detail: str) -> Response:
    if wants_page(request):
        return pages.render(request, "error.html", {"code": code, "detail": detail, "status": status}, status=status)
    return problem_response(status, code=code, detail=detail)


def _validation_words(error: RequestValidationError) -> str:
    where = sorted({".".join(str(part) for part in item["loc"]) for item in error.errors()})
    return f"The request cannot be read; look at: {', '.join(where)}."
