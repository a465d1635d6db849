"""Too much at once: whoever gets no place is told so at once, and health always gets one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from plumbing.web.app import WebPolicy, create_app
from plumbing.web.overload import TURN, Load, Overload
from plumbing.web.pages import Pages

if TYPE_CHECKING:
    from fastapi import FastAPI


class Held:
    """An application with two places, one route that waits until it is let go, and one whose answer goes on."""

    def __init__(self, folder: Path) -> None:
        policy = WebPolicy(statuses={}, oauth_paths=("/token",), https=True)
        self.app: FastAPI = create_app(title="test", policy=policy, pages=Pages(folder, site_name="Test site"))
        self.load = self.app.state.load = Load(2)
        self.go_on = asyncio.Event()
        self.begun: asyncio.Queue[None] = asyncio.Queue()

        @self.app.get("/held")
        async def held() -> Response:
            self.begun.put_nowait(None)
            await self.go_on.wait()
            return Response("done")

        @self.app.get("/stream")
        async def stream() -> Response:
            async def pieces() -> AsyncIterator[bytes]:
                yield b"begun"
                await self.go_on.wait()

            return StreamingResponse(pieces())

        @self.app.get("/broken")
        async def broken() -> Response:
            raise ValueError

        @self.app.post("/body")
        async def body(request: Request) -> Response:
            return Response(await request.body())

        @self.app.get("/quick")
        @self.app.post("/token")
        async def quick() -> Response:
            return Response("quick")

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app), base_url="http://test")


@pytest.fixture
def held(tmp_path: Path) -> Held:
    return Held(tmp_path)


async def test_who_gets_no_place_is_told_at_once_when_to_come_back(held: Held) -> None:
    async with held.client() as client, asyncio.TaskGroup() as group:
        begun = [group.create_task(client.get("/held")) for _ in range(2)]
        await held.begun.get()
        await held.begun.get()
        answer = await client.get("/quick")
        held.go_on.set()
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["code"] == "overloaded"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert answer.headers["x-frame-options"] == "DENY"
    assert [task.result().status_code for task in begun] == [200, 200]
    assert held.load.waiting == 0


async def test_each_is_told_in_their_own_format(held: Held) -> None:
    held.load.waiting = 2
    async with held.client() as client:
        page = await client.get("/quick", headers={"Accept": "text/html", "Accept-Language": "de"})
        english = await client.get("/quick", headers={"Accept": "text/html"})
        wallet = await client.post("/token", headers={"Accept": "text/html"})
        again = await client.post("/token")
    assert ('lang="de"' in page.text, 'lang="en"' in english.text) == (True, True)
    assert {page.status_code, english.status_code, wallet.status_code} == {503}
    assert wallet.json()["error"] == "temporarily_unavailable"
    assert (wallet.content, wallet.headers) == (again.content, again.headers)


async def test_health_gets_a_place_when_there_is_none(held: Held) -> None:
    held.load.waiting = 2
    held.go_on.set()
    async with held.client() as client:
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.get("/health/ready")).status_code == 200
        assert (await client.get("/held")).status_code == 503


async def test_an_answer_that_has_begun_holds_no_place(held: Held) -> None:
    begun = asyncio.Event()

    async def send(message: Any) -> None:
        if message.get("body"):
            begun.set()

    async def receive() -> Any:
        await asyncio.sleep(60)

    scope = {"type": "http", "method": "GET", "path": "/stream", "raw_path": b"/stream", "query_string": b""}
    scope |= {"headers": [], "client": None, "root_path": "", "scheme": "http", "server": ("test", 80)}
    task = asyncio.create_task(held.app(scope, receive, send))
    await begun.wait()
    assert held.load.waiting == 0
    held.go_on.set()
    await task


async def test_who_sends_a_body_slowly_shuts_nobody_out(held: Held) -> None:
    let_go, waits = asyncio.Event(), asyncio.Semaphore(0)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"one "
        waits.release()
        await let_go.wait()
        yield b"two"

    async with held.client() as client, asyncio.TaskGroup() as group:
        slow = [group.create_task(client.post("/body", content=slowly())) for _ in range(5)]
        for _ in slow:
            await waits.acquire()
        assert (await client.get("/quick")).status_code == 200
        let_go.set()
    assert [(task.result().status_code, task.result().content) for task in slow] == [(200, b"one two")] * 5
    assert held.load.waiting == 0


async def test_an_answer_that_begins_while_its_body_still_comes_gives_one_place_back(held: Held) -> None:
    heard: list[int] = []

    async def receive() -> Any:
        heard.append(held.load.waiting)
        await held.go_on.wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Any) -> None:
        heard.append(held.load.waiting)

    async def talks_while_it_listens(_: Any, receive: Any, send: Any) -> None:
        listening = asyncio.create_task(receive())
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        held.go_on.set()
        await listening

    edge = Overload(talks_while_it_listens, refuse=lambda _: Response(status_code=503))
    await edge({"type": "http", "app": held.app, "path": "/", "headers": []}, receive, send)
    assert (heard, held.load.waiting) == ([0, 0], 0)


async def test_a_request_that_fails_or_is_given_up_gives_its_place_back(held: Held) -> None:
    async with held.client() as client:
        assert (await client.get("/broken")).status_code == 500
        task = asyncio.create_task(client.get("/held"))
        await held.begun.get()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert held.load.waiting == 0


@pytest.mark.parametrize(("turn", "status"), [(True, 200), (False, 503)])
async def test_who_took_a_place_while_the_request_was_read_decided_already(held: Held, turn: bool, status: int) -> None:
    async def read_first(scope: Any, receive: Any, send: Any) -> None:
        await held.app({**scope, TURN: turn}, receive, send)

    held.load.waiting = 1 if turn else 0
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=read_first), base_url="http://test") as client:
        assert (await client.get("/quick")).status_code == status
    assert held.load.waiting == 0


async def test_without_a_limit_everybody_gets_a_place() -> None:
    load = Load(0)
    assert all(load.enter("/") for _ in range(1000))
