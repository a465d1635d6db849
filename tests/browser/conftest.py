"""A real browser for the tests of pages: Debian's chromium, driven by playwright, allowed to reach loopback only."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from tests.run import BROWSERS
from tests.support.town import Town, serving
from tests.support.town import town as start_town
from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Nothing but loopback has an address; what asks for anything else is noted below, and finds nobody.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE *.localhost",
)
PHONE = {"width": 390, "height": 844}
JARGON = (
    *("credential", "verifiable", "presentation", "holder", "issuer", "json", "token"),
    *("did:", "pseudonym", "nonce", "hash"),
)
DESK = {"width": 1280, "height": 800}
# Pictures for a look by eye are taken when a folder for them is named.
PICTURES = os.environ.get("HANDSTAMP_PICTURES")
# Only what is wrong comes back, in words: the whole of what is right takes three times as long to put together.
_RUN_AXE = r"""
options => axe.run({...options, resultTypes: ["violations"]}).then(({violations}) => violations.map(each =>
  `${each.id}: ${each.help}\n` + each.nodes.map(node => `  ${node.html}\n  ${node.failureSummary}`).join("\n")))
"""
# A stamp that is being pressed is half transparent for a moment: what has an end is waited for, what runs on is not.
_COME_TO_REST = """
() => Promise.allSettled(document.getAnimations()
  .filter(animation => animation.effect.getComputedTiming().endTime !== Infinity)
  .map(animation => animation.finished)).then(() => null)
"""
PATIENCE_MS = 1000 * PATIENCE_S
expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="there is no chromium"))


@dataclass
class Shared:
    """What all tests of this folder use together: one browser and one town, started when first needed."""

    stack: ExitStack = field(default_factory=ExitStack)
    browser: Browser | None = None
    town: Town | None = None

    def close(self) -> None:
        """Stop what was started; the next that asks starts anew."""
        self.browser = self.town = None
        self.stack.close()


_SHARED = Shared()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    """Close browser and town behind the last test here: while playwright runs, no asynchronous test can."""
    try:
        yield
    finally:
        if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
            _SHARED.close()


@pytest.fixture
def chromium() -> Browser:
    if _SHARED.browser is None:
        playwright = _SHARED.stack.enter_context(sync_playwright())
        _SHARED.browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(FLAGS), headless=True, timeout=PATIENCE_MS
        )
        _SHARED.stack.callback(_SHARED.browser.close)
    return _SHARED.browser


@dataclass
class Visitor:
    """One browser window of one person, which notes whatever a page must never do."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    looks: int = 1200
    """How often it looks, twenty times a second, whether a new size is laid out."""

    def picture(self, name: str) -> None:
        """Take a picture of the whole page as it stands."""
        if PICTURES:
            self.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)

    def pictures(self, name: str) -> None:
        """Take the four pictures that every page is looked at by: phone and desk, light and dark."""
        if not PICTURES:
            return
        before = self.page.viewport_size
        for size_name, size in (("phone", PHONE), ("desk", DESK)):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            for scheme in ("light", "dark"):
                self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                self.picture(f"{name}-{size_name}-{scheme}")
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(before)  # type: ignore[arg-type]

    def other_pictures(self, name: str) -> None:
        """Take pictures of the page on paper, in the colours that a reader forces upon it, and from right to left."""
        self.page.emulate_media(media="print")
        self.picture(f"{name}-paper")
        self.page.emulate_media(media="screen", forced_colors="active")
        self.picture(f"{name}-forced")
        self.page.emulate_media(forced_colors="none")
        self.page.evaluate("document.documentElement.dir = 'rtl'")
        self.check_width(PHONE["width"])
        self.picture(f"{name}-rtl")
        self.page.evaluate("document.documentElement.dir = 'ltr'")

    def check_page(self) -> None:
        """Check what holds for every page in every state: on a phone in the light and at a desk in the dark."""
        self.page.wait_for_load_state("load")  # whoever pressed a button may be here before the stylesheet is
        before = self.page.viewport_size
        for size, scheme in ((PHONE, "light"), (DESK, "dark")):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            self.check_width(size["width"])
            # In the dark and wide only the colours are others; the rules for everything else would say the same again.
            self.check_accessible({"runOnly": ["color-contrast"]} if scheme == "dark" else {})
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(before)  # type: ignore[arg-type]
        assert self.foreign == []
        assert self.complaints == []

    def check_words(self) -> None:
        """See that no jargon stands in front of a listener."""
        words = self.page.locator("main").inner_text().lower()
        assert [word for word in JARGON if word in words] == []

    def check_width(self, width: int) -> None:
        """See that nothing sticks out sideways, once the new size is laid out."""
        measure = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        for _ in range(self.looks):
            overflow = self.page.evaluate(measure)
            if overflow <= 0:
                return
            self.page.wait_for_timeout(50)
        pytest.fail(f"scrolls sideways by {overflow} px at {width} px")

    def check_accessible(self, options: dict[str, Any]) -> None:
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        self.page.evaluate(_COME_TO_REST)
        violations = self.page.evaluate(_RUN_AXE, options)
        assert violations == [], "\n".join(violations)

    def tab_to(self, name: str, *, at_most: int = 40) -> None:
        """Reach the control called `name` by the keyboard alone, and see that its focus shows."""
        for _ in range(at_most):
            self.page.keyboard.press("Tab")
            focused = self.page.evaluate_handle("document.activeElement").as_element()
            assert focused is not None
            if name in (focused.get_attribute("aria-label") or focused.inner_text()):
                style = focused.evaluate("e => getComputedStyle(e).outlineStyle + getComputedStyle(e).outlineWidth")
                assert style == "solid3px"
                return
        pytest.fail(f"{name!r} cannot be reached by the keyboard")


@pytest.fixture
def new_visitor(chromium: Browser) -> Iterator[Callable[..., Visitor]]:
    contexts = []

    def build(*, size: dict[str, int] = PHONE, language: str = "en", **options: Any) -> Visitor:
        context = chromium.new_context(viewport=size, locale=language, **options)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        visitor = Visitor(context=context, page=context.new_page())
        _watch(visitor)
        return visitor

    yield build
    for context in contexts:
        context.close()


@pytest.fixture
def visitor(new_visitor: Callable[..., Visitor]) -> Visitor:
    return new_visitor()


def _watch(visitor: Visitor) -> None:
    def on_request(request: Request) -> None:
        address = urlsplit(request.url)
        host = address.hostname or ""
        if address.scheme in {"data", "blob", "about"}:
            return
        outside = host != "127.0.0.1" and not host.endswith("localhost")
        page = None if request.is_navigation_request() else urlsplit(request.frame.url).hostname
        if outside or page not in {None, host}:
            visitor.foreign.append(request.url)

    visitor.context.on("request", on_request)
    visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    visitor.page.on(
        "console",
        lambda message: (
            visitor.complaints.append(message.text)
            if message.type == "error" and "the server responded with a status of 4" not in message.text
            else None
        ),
    )


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """The three services, with one release."""
    if _SHARED.town is None:
        _SHARED.town = _SHARED.stack.enter_context(start_town(tmp_path_factory.mktemp("town")))
    return _SHARED.town


@pytest.fixture(scope="session", name="serving")
def _serving_fixture() -> Callable[..., Any]:
    return serving
