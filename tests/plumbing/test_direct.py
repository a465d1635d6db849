import re
from collections.abc import Callable
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from plumbing.web.direct import DirectRoute, include_flat


async def of_the_app(request: Request) -> str:
    return str(request.app.state.word)


def in_a_thread(request: Request) -> str:
    return f"thread {request.app.state.word}"


async def of_the_query(word: str) -> str:
    return word


Word = Annotated[str, Depends(of_the_app)]


async def named(name: str, request: Request, word: Word) -> Response:
    return JSONResponse({"name": name, "method": request.method, "word": word})


async def numbered(number: int) -> Response:
    return JSONResponse({"number": number})


async def asked(word: Annotated[str, Query(max_length=3)]) -> Response:
    return JSONResponse({"word": word})


async def threaded(word: Annotated[str, Depends(in_a_thread)]) -> Response:
    return JSONResponse({"word": word})


async def through(word: Annotated[str, Depends(of_the_query)]) -> Response:
    return JSONResponse({"word": word})


def at_once() -> Response:
    return JSONResponse({})


async def no_response() -> Any:
    return {"a": "dictionary"}


ROUTES: dict[str, Callable[..., Any]] = {
    "/named/{name}": named,
    "/numbered/{number}": numbered,
    "/asked": asked,
    "/threaded": threaded,
    "/through": through,
    "/at-once": at_once,
    "/no-response": no_response,
}


def build(route_class: type[APIRoute]) -> FastAPI:
    app = FastAPI()
    app.state.word = "hello"
    router = APIRouter(route_class=route_class)
    for path, endpoint in ROUTES.items():
        router.get(path)(endpoint)
    include_flat(app, (router,))
    return app


async def get(path: str, route_class: type[APIRoute] = DirectRoute) -> tuple[int, object]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build(route_class)), base_url="http://here") as client:
        answer = await client.get(path)
    return answer.status_code, answer.json()


async def test_an_endpoint_gets_its_path_the_request_and_what_hangs_on_the_application() -> None:
    assert await get("/named/Ada%20L") == (200, {"name": "Ada L", "method": "GET", "word": "hello"})


@pytest.mark.parametrize(
    "path",
    [
        "/named/Ada",
        "/numbered/7",
        "/numbered/seven",
        "/asked?word=abc",
        "/asked?word=abcd",
        "/asked?word=",
        "/asked?word=a&word=b",
        "/asked?word=a%20b&other=c",
        "/asked",
        "/threaded",
        "/through?word=yes",
        "/through",
        "/at-once",
        "/nowhere",
        "/named/a/b",
    ],
)
async def test_a_direct_route_answers_as_fastapi_does(path: str) -> None:
    assert await get(path) == await get(path, APIRoute)


def test_what_is_asked_most_is_looked_at_first() -> None:
    paths = [getattr(route, "path", None) for route in build(DirectRoute).routes]
    assert paths[: len(ROUTES)] == list(ROUTES)


@pytest.mark.parametrize(("path", "found"), [("/named/Ada", Match.FULL), ("/other/Ada", Match.NONE), ("/", Match.NONE)])
def test_a_route_is_known_by_its_beginning_not_to_be_meant(path: str, found: Match) -> None:
    route, looked_at = DirectRoute("/named/{name}", named, methods=["GET"]), []

    class Noting:
        def match(self, text: str) -> object:
            looked_at.append(text)
            return re.match("/named/(?P<name>[^/]+)$", text)

    route.path_regex = Noting()  # type: ignore[assignment]
    assert route.matches({"type": "http", "method": "GET", "path": path, "root_path": ""})[0] is found
    assert looked_at == ([path] if found is Match.FULL else [])


async def test_an_application_below_another_path_is_found_there() -> None:
    transport = httpx.ASGITransport(build(DirectRoute), root_path="/below")
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        assert (await client.get("/below/at-once")).status_code == 200


def test_the_openapi_document_is_the_same() -> None:
    assert build(DirectRoute).openapi() == build(APIRoute).openapi()


async def test_an_endpoint_that_is_called_directly_must_return_a_response() -> None:
    with pytest.raises(TypeError, match="returns a response"):
        await get("/no-response")
