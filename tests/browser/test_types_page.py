"""The pages of the types, as people see them: readable on a phone and at a desk, by eye and by ear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import schemas
from tests.issuer.conftest import make_coop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.browser.conftest import Visitor


@pytest.fixture(scope="module")
def coop_url(serving: Callable[..., object], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    def build(port: int) -> object:
        return make_coop(tmp_path_factory.mktemp("coop"), url=f"http://coop.localhost:{port}").app

    with serving(build) as port:  # type: ignore[attr-defined]
        yield f"http://coop.localhost:{port}"


def test_the_page_of_all_types_leads_to_each_of_them(coop_url: str, visitor: Visitor) -> None:
    visitor.page.goto(f"{coop_url}/types")
    visitor.check_page()
    visitor.pictures("types")
    for kind in schemas.ALL:
        visitor.page.get_by_role("link", name=kind.type_metadata["display"][0]["name"]).click()
        assert visitor.page.get_by_role("heading", level=1).inner_text() == kind.type_metadata["display"][0]["name"]
        visitor.pictures(f"type-{kind.scope}")
        visitor.page.go_back()


def test_a_type_with_its_fold_open_is_accessible(coop_url: str, visitor: Visitor) -> None:
    visitor.page.goto(f"{coop_url}/types/VerifiedArtistCredential")
    visitor.page.get_by_text("For those who build wallets and sites").click()
    assert visitor.page.get_by_text(schemas.VERIFIED_ARTIST.vct).is_visible()
    visitor.check_page()
