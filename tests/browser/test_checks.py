"""What every page is checked by can fail: each check sees the fault that it is there for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.browser.conftest import Visitor

PAGE = (
    '<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:,">'
    "<main><h1>A page</h1>{}</main></html>"
)
FAULTS = {
    "none": "",
    "image-alt": '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">',
    "color-contrast": '<p style="color:#ccc;background:#fff">pale</p>',
    "sideways": '<p style="width:1400px">wide</p>',
    "elsewhere": '<link rel="stylesheet" href="https://elsewhere.example/x.css">',
    "complaint": '<script>throw new Error("a complaint")</script>',
}


@pytest.fixture(scope="module")
def faulty(serving: Callable[..., object]) -> Iterator[str]:
    app = FastAPI()

    @app.get("/{fault}")
    def page(fault: str) -> HTMLResponse:
        return HTMLResponse(PAGE.format(FAULTS[fault]))

    with serving(lambda _: app) as port:  # type: ignore[attr-defined]
        yield f"http://faulty.localhost:{port}"


def test_a_page_without_a_fault_passes(faulty: str, visitor: Visitor) -> None:
    visitor.page.goto(f"{faulty}/none")
    visitor.check_page()


@pytest.mark.parametrize("fault", ["image-alt", "color-contrast", "sideways", "elsewhere", "complaint"])
def test_each_fault_is_seen(faulty: str, visitor: Visitor, fault: str) -> None:
    visitor.page.goto(f"{faulty}/{fault}")
    visitor.looks = 2  # what is too wide stays so
    with pytest.raises((AssertionError, pytest.fail.Exception), match=fault):
        visitor.check_page()
