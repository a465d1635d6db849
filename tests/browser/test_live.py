"""The module that lets a page wait: news arrive without a reload, and a lost connection is said and mended."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI, Request, Response
from playwright.sync_api import expect
from sse_starlette import EventSourceResponse

from plumbing.web.app import WebPolicy, create_app
from plumbing.web.pages import Pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.browser.conftest import Visitor

FOLDER = Path(__file__).parent / "gallery"


class Happening:
    """What the page waits for, and how its event stream behaves meanwhile."""

    def __init__(self) -> None:
        self.state = "waiting"
        self.refuses = False
        self.refused = 0
        self.connections = 0

    def app(self, _port: int) -> FastAPI:
        pages = Pages(FOLDER, site_name="The Gallery")
        app = create_app(title="wait", policy=WebPolicy(statuses={}), pages=pages)

        @app.get("/wait")
        def wait(request: Request) -> Response:
            return pages.render(request, "wait.html", {"state": self.state})

        @app.get("/events")
        async def events() -> Response:
            self.connections += 1
            if self.refuses:
                self.refused += 1
                return Response(status_code=503)
            return EventSourceResponse(self._states())

        return app

    async def _states(self) -> AsyncIterator[dict[str, str]]:
        said = None
        for _ in range(3000):
            if self.state != said:
                said = self.state
                yield {"event": "state", "data": said}
            await asyncio.sleep(0.02)


@pytest.fixture
def happening() -> Happening:
    return Happening()


@pytest.fixture
def address(happening: Happening, serving: Callable[..., object]) -> Iterator[str]:
    with serving(happening.app) as port:
        yield f"http://gallery.localhost:{port}/wait"


def test_the_news_arrives_without_a_reload_and_takes_the_focus(
    address: str, happening: Happening, visitor: Visitor
) -> None:
    page = visitor.page
    page.goto(address)
    page.evaluate("window.same = true")
    expect(page.get_by_text("Waiting for your wallet")).to_be_visible()
    happening.state = "accepted"
    expect(page.get_by_role("heading", name="You own this")).to_be_focused()
    expect(page.locator("#announcer")).to_have_text("You own this")
    assert page.title().startswith("Accepted")
    assert page.evaluate("window.same") is True
    visitor.check_page()


def test_a_lost_connection_is_said_and_mended(address: str, happening: Happening, visitor: Visitor) -> None:
    happening.refuses = True
    page = visitor.page
    page.goto(address)
    lost = page.get_by_text("The connection is gone for the moment")
    expect(lost).to_be_visible()
    happening.refuses = False
    expect(lost).to_be_hidden()
    assert happening.connections == happening.refused + 1
    happening.state = "accepted"
    expect(page.get_by_role("heading", name="You own this")).to_be_focused()


def test_without_script_the_page_asks_again_by_itself(
    address: str, happening: Happening, new_visitor: Callable[..., Visitor]
) -> None:
    page = new_visitor(java_script_enabled=False).page
    page.goto(address)
    expect(page.get_by_text("Waiting for your wallet")).to_be_visible()
    happening.state = "accepted"
    expect(page.get_by_role("heading", name="You own this")).to_be_visible()
