"""Routes that are called as they are written, where FastAPI's way of finding arguments would cost more than the work.

FastAPI reads the signature of every endpoint anew for every request: it walks its dependencies, validates each part of
the path as a model would, and keeps lists of what went wrong. An endpoint that takes text from path and query, the
request and what hangs on the application needs none of that. `DirectRoute` calls such an endpoint straight away, and
leaves to FastAPI any other, and every query that it might refuse; what the OpenAPI document says is the same.
"""

import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import asdict, is_dataclass
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeAlias

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, request_response
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

if TYPE_CHECKING:
    from fastapi._compat import ModelField  # it has no public name, so nothing here needs it while it runs

_Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]
_Found: TypeAlias = Mapping[str, Callable[[Request], Awaitable[object]]]


class DirectRoute(APIRoute):
    """A route for `APIRouter(route_class=DirectRoute)`."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401  # FastAPI's own
        super().__init__(path, endpoint, **options)
        self._beginning = path.partition("{")[0]
        handler = self._direct_handler()
        if handler is not None:
            self.app = _answering(handler)
        if handler is not None and self.dependant.query_params:
            by_fastapi = request_response(super().get_route_handler())
            self.app = _choosing(self.app, by_fastapi, self.dependant.query_params)

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether this route takes a request; most are known by their beginning not to be for it."""
        if not scope["path"].startswith(self._beginning) and not scope.get("root_path"):
            return Match.NONE, {}
        return super().matches(scope)

    @override
    def get_route_handler(self) -> _Handler:
        """Return what answers a request: the endpoint itself, if nothing else has to be found out for it."""
        handler = None if self.dependant.query_params else self._direct_handler()
        return handler or super().get_route_handler()

    def _direct_handler(self) -> _Handler | None:
        found = _find_dependencies(self.dependant)
        if found is None or self.body_field is not None or not iscoroutinefunction(self.endpoint):
            return None
        endpoint, request_name = self.endpoint, self.dependant.request_param_name
        asked = [(field.name, field.alias) for field in self.dependant.query_params]

        async def handle(request: Request) -> Response:
            values: dict[str, object] = dict(request.path_params)
            for name, alias in asked:
                values[name] = request.query_params[alias]
            if request_name is not None:
                values[request_name] = request
            for name, find in found.items():
                values[name] = await find(request)
            response = await endpoint(**values)
            if not isinstance(response, Response):
                raise TypeError("An endpoint that is called directly returns a response.")
            return response

        return handle


def _answering(handler: _Handler) -> ASGIApp:
    """Answer without what FastAPI keeps for dependencies that clean up; errors are turned into answers further out."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await handler(Request(scope, receive, send))
        await response(scope, receive, send)

    return app


def _choosing(direct: ASGIApp, by_fastapi: ASGIApp, asked: Iterable["ModelField"]) -> ASGIApp:
    """Leave to FastAPI every request whose query it might refuse: it knows the words."""
    most = {field.alias: _most_characters(field) or 0 for field in asked}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        query = QueryParams(scope["query_string"])
        given = {name: query.getlist(name) for name in most}
        fits = all(len(texts) == 1 and len(texts[0]) <= most[name] for name, texts in given.items())
        await (direct if fits else by_fastapi)(scope, receive, send)

    return app


def include_flat(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Put the routes of routers before the application's own: inside a router each would be looked for twice.

    The routers have no prefix and no dependencies of their own; what stands first is looked at first.
    """
    app.router.routes[:0] = [route for router in routers for route in router.routes]


def _find_dependencies(dependant: Dependant) -> _Found | None:
    """Return what gives each dependency from the request alone; None if anything needs FastAPI's care."""
    texts = (*dependant.path_params, *dependant.query_params)
    if not _is_plain(dependant) or any(field.field_info.annotation is not str for field in texts):
        return None
    if any(field.field_info.metadata for field in dependant.path_params):
        return None
    if any(_most_characters(field) is None for field in dependant.query_params):
        return None
    found: dict[str, Callable[[Request], Awaitable[object]]] = {}
    for each in dependant.dependencies:
        call, name = each.call, each.name
        if name is None or not iscoroutinefunction(call) or not _takes_request_only(each):
            return None
        found[name] = call
    return found


def _takes_request_only(dependant: Dependant) -> bool:
    return (
        _is_plain(dependant)
        and not dependant.path_params
        and not dependant.query_params
        and not dependant.dependencies
        and dependant.request_param_name == "request"
    )


def _most_characters(field: "ModelField") -> int | None:
    """Return how long a text of the query may be; None if anything else is asked of it."""
    limits: dict[str, int] = {}
    for rule in field.field_info.metadata:
        limits |= asdict(rule) if is_dataclass(rule) and not isinstance(rule, type) else {"something": 0}
    most = limits.pop("max_length", sys.maxsize)
    return None if limits else most


def _is_plain(dependant: Dependant) -> bool:
    """Tell whether nothing is asked of a request but its path, its query and itself."""
    others = (
        dependant.header_params,
        dependant.cookie_params,
        dependant.body_params,
        dependant.websocket_param_name,
        dependant.http_connection_param_name,
        dependant.response_param_name,
        dependant.background_tasks_param_name,
        dependant.security_scopes_param_name,
    )
    return not any(others)
