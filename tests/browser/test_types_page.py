"""The pages of the types, as people see them: readable on a phone and at a desk, by eye and by ear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import schemas
from tests.issuer.conftest import make_coop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.browser.conftest import Visitor

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def coop_url(serving: Callable[..., object], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    def build(port: int) -> object:
        return make_coop(tmp_path_factory.mktemp("coop"), url=f"http://coop.localhost:{port}").app

    with serving(build) as port:  # type: ignore[attr-defined]
        yield f"http://coop.localhost:{port}"


def test_the_pages_of_the_types_are_readable_on_a_phone_and_at_a_desk(coop_url: str, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{coop_url}/types")
    visitor.check_page()
    visitor.pictures("types")
    page.get_by_role("link", name="Your artist name, verified").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Your artist name, verified"
    page.get_by_text("For those who build wallets and sites").click()
    assert page.get_by_text(schemas.VERIFIED_ARTIST.vct).is_visible()
    visitor.check_page()
    visitor.pictures("type")
    page.get_by_role("link", name="What the words mean").click()
    assert page.get_by_role("heading", level=1).inner_text() == "What the words in a stamp mean"
    page.get_by_text("For those who build wallets and sites").click()
    visitor.check_page()
    visitor.pictures("vocabulary")
