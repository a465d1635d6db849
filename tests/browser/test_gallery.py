"""Every component in every state, on a page that only the tests see."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI, Request, Response
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from plumbing.qr import qr_svg
from plumbing.web.app import STATIC_FOLDER, WebPolicy, create_app
from plumbing.web.pages import Pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.browser.conftest import Visitor

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parent / "gallery"
_SEND_TOO_MUCH = """() => {
  const form = Object.assign(document.createElement("form"), { method: "post" });
  form.append(Object.assign(document.createElement("textarea"), { name: "a", value: "a".repeat(900000) }));
  document.body.append(form);
  form.submit();
}"""
EXPIRES_AT = datetime(2026, 11, 21, 20, 5, tzinfo=UTC)


def _cover() -> bytes:
    image = Image.new("RGB", (480, 480), "#1d3b53")
    draw = ImageDraw.Draw(image)
    for row in range(9):
        draw.arc((-80, 180 + 34 * row, 560, 420 + 34 * row), 190, 350, fill="#e9c46a", width=5)
    draw.ellipse((300, 70, 400, 170), fill="#f4a261")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _gallery(_port: int) -> FastAPI:
    pages = Pages(FOLDER, site_name="The Gallery")
    app = create_app(title="gallery", policy=WebPolicy(statuses={}), pages=pages)

    @app.get("/gallery")
    def gallery(request: Request, wide: bool = True, direction: str = "ltr") -> Response:  # noqa: FBT002
        values = {"expires_at": EXPIRES_AT, "direction": direction, "body_class": "wide" if wide else ""}
        return pages.render(request, "gallery.html", values)

    @app.get("/cover.png")
    def cover() -> Response:
        return Response(_cover(), media_type="image/png")

    @app.get("/qr.svg")
    def qr() -> Response:
        return Response(
            qr_svg("openid4vp://?client_id=x509_san_dns:artist.localhost" + "x" * 90), media_type="image/svg+xml"
        )

    return app


@pytest.fixture(scope="module")
def gallery(serving: Callable[..., object]) -> Iterator[str]:
    with serving(_gallery) as port:
        yield f"http://gallery.localhost:{port}"


def test_every_component_is_accessible_in_both_schemes_and_sizes(gallery: str, visitor: Visitor) -> None:
    visitor.page.goto(f"{gallery}/gallery")
    visitor.check_page()
    visitor.pictures("gallery")


def test_the_components_mirror_themselves_for_scripts_from_right_to_left(gallery: str, visitor: Visitor) -> None:
    visitor.page.goto(f"{gallery}/gallery?direction=rtl")
    visitor.check_page()
    visitor.pictures("gallery-rtl")


def test_nothing_is_cut_off_at_twice_the_text_size(gallery: str, new_visitor: Callable[..., Visitor]) -> None:
    # 200 % zoom of a 1280 px window leaves 640 CSS px, of a phone's 390 px 195.
    for width in (640, 195):
        visitor = new_visitor(size={"width": width, "height": 422})
        visitor.page.goto(f"{gallery}/gallery")
        visitor.check_width(width)
        visitor.picture(f"gallery-zoom-{width}")


def test_whoever_asks_for_less_motion_sees_none(gallery: str, new_visitor: Callable[..., Visitor]) -> None:
    visitor = new_visitor(reduced_motion="reduce")
    visitor.page.goto(f"{gallery}/gallery")
    running = "document.getAnimations().filter(a => a.playState === 'running').length"
    expect(visitor.page.get_by_text("Accepted").last).to_be_visible()
    assert visitor.page.evaluate(running) == 0


def test_the_selection_is_counted_and_an_empty_one_cannot_be_sent(gallery: str, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{gallery}/gallery")
    button = page.get_by_role("button", name="Take them to my wallet")
    expect(button).to_be_disabled()
    page.get_by_label("Select all").check()
    expect(page.locator("[data-select-count]")).to_have_text("2 selected")
    expect(button).to_be_enabled()
    page.locator("input[value=a]").uncheck()
    expect(page.locator("[data-select-count]")).to_have_text("1 selected")


def test_a_text_is_copied_and_the_copying_is_announced(gallery: str, new_visitor: Callable[..., Visitor]) -> None:
    visitor = new_visitor(permissions=["clipboard-read", "clipboard-write"])
    page = visitor.page
    page.clock.install(time=EXPIRES_AT)
    page.goto(f"{gallery}/gallery")
    page.clock.pause_at(EXPIRES_AT + timedelta(hours=1))  # or the button says its own word again before anybody looked
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith("handstamp wallet answer 'openid4vp://")
    page.clock.run_for(1000)
    assert page.locator("#announcer").inner_text() == "Copied"
    assert page.get_by_role("button", name="Copied").is_visible()
    page.clock.run_for(2000)
    assert page.get_by_role("button", name="Copy", exact=True).is_visible()


def test_without_script_the_page_is_whole(gallery: str, new_visitor: Callable[..., Visitor]) -> None:
    visitor = new_visitor(java_script_enabled=False)
    page = visitor.page
    page.goto(f"{gallery}/gallery")
    assert page.get_by_role("button", name="Take them to my wallet").is_enabled()
    assert page.get_by_label("Select all").is_hidden()
    assert page.get_by_role("button", name="Copy").count() == 0
    visitor.picture("gallery-no-script")


def test_the_first_page_weighs_less_than_60_kb_apart_from_covers() -> None:
    assert sum(path.stat().st_size for path in STATIC_FOLDER.iterdir() if path.is_file()) < 50_000


def test_a_stranger_address_is_explained_on_a_page(gallery: str, visitor: Visitor) -> None:
    visitor.page.goto(f"{gallery}/nowhere")
    assert visitor.page.get_by_role("heading", level=1).inner_text() == "There is nothing at this address"
    visitor.check_page()
    visitor.pictures("error-404")


def test_whoever_sends_too_much_reads_so_on_a_page(gallery: str, visitor: Visitor) -> None:
    visitor.page.goto(f"{gallery}/gallery")
    visitor.page.evaluate(_SEND_TOO_MUCH)
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("That was too much at once")
    visitor.pictures("error-413")


def test_a_printed_page_leaves_the_buttons_out(gallery: str, visitor: Visitor) -> None:
    visitor.page.goto(f"{gallery}/gallery")
    visitor.page.emulate_media(media="print")
    assert visitor.page.locator(".button:visible").count() == 0
    assert visitor.page.locator(".qr img").is_visible()


def test_a_moment_is_shown_in_the_readers_own_zone_and_as_much_of_its_day_as_is_needed(
    gallery: str, new_visitor: Callable[..., Visitor]
) -> None:
    page = new_visitor(timezone_id="Asia/Tokyo", language="en-GB").page
    for days, day in ((0, ""), (2, r"Sunday\W+(at )?"), (-2, r"Sunday\W+(at )?"), (7, r"November 22\W+(at )?")):
        page.clock.set_fixed_time(EXPIRES_AT + timedelta(days=days))
        page.goto(f"{gallery}/gallery")
        expect(page.get_by_text("Used here at")).to_have_text(re.compile(rf"Used here at {day}5:05\sAM\."))
