"""The download page at the trackserver: reached through the gate, with sizes before the click."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.browser.conftest import Visitor
    from tests.support.town import Town


@pytest.fixture
def at_the_files(town: Town, visitor: Visitor) -> Visitor:
    """A visitor who passed the gate and pressed its button."""
    page = visitor.page
    page.goto(town.gate_url(town.gate()))
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Show that I own it").click()
    expect(page.get_by_text("Waiting for your wallet")).to_be_visible()
    # The answer itself is the business of test_visit_page.py.
    town.change("verifier", "UPDATE visits SET state = 'accepted', answer = '{}'")
    expect(page.get_by_role("heading", name="You are in")).to_be_visible()
    page.get_by_role("button", name="Get the files").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Night Bus Songs")
    return visitor


def test_the_files_are_named_with_format_and_size(at_the_files: Visitor) -> None:
    page = at_the_files.page
    expect(page.get_by_role("link", name="Get everything")).to_be_visible()
    assert page.get_by_role("link", name="FLAC").count() == 3
    at_the_files.check_page()
    at_the_files.pictures("download")


def test_everything_comes_as_one_zip_that_opens(at_the_files: Visitor, tmp_path: Path) -> None:
    at_the_files.tab_to("Get everything")
    with at_the_files.page.expect_download() as waiting:
        at_the_files.page.keyboard.press("Enter")
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert path.suffix == ".zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert sum(name.endswith(".flac") for name in archive.namelist()) == 3


def test_one_track_comes_as_a_file(at_the_files: Visitor) -> None:
    with at_the_files.page.expect_download() as waiting:
        at_the_files.page.get_by_role("link", name="Last Bus: FLAC").click()
    assert waiting.value.suggested_filename.endswith("Last Bus.flac")


def test_the_page_is_for_the_browser_that_passed_the_gate(
    at_the_files: Visitor, new_visitor: Callable[..., Visitor]
) -> None:
    stranger = new_visitor()
    stranger.page.goto(at_the_files.page.url)
    expect(stranger.page.get_by_role("heading", level=1)).to_have_text("This page is not for this browser")
    assert stranger.page.get_by_role("link", name="Get everything").count() == 0
    stranger.check_page()
    stranger.pictures("download-foreign")


def test_a_page_that_ran_out_says_that_nothing_is_lost(town: Town, at_the_files: Visitor) -> None:
    town.change("trackserver", "UPDATE download SET expires_at = 1")
    at_the_files.page.reload()
    assert "lost" in at_the_files.page.locator(".lead").inner_text()
    at_the_files.check_page()
    at_the_files.pictures("download-expired")


def test_a_link_that_leads_nowhere_says_that_nothing_is_lost(town: Town, visitor: Visitor) -> None:
    visitor.page.goto(f"{town.settings.trackserver.base_url}/open?ticket=used-long-ago")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("This link is not complete")
    assert "lost" in visitor.page.locator(".lead").inner_text()
    visitor.check_page()
    visitor.pictures("download-link-unknown")
