"""The catalogue stands in public, in the very words of the credentials, and names no listener."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credentials.protocols.catalogue import CatalogueEntry, catalogue_path
from issuer.service.claims import claims_for
from issuer.store import Store
from tests.issuer.conftest import RELEASE, URL

if TYPE_CHECKING:
    import httpx

    from tests.issuer.conftest import Coop


async def test_everybody_finds_in_it_what_every_copy_says(coop: Coop, browser: httpx.AsyncClient) -> None:
    copies = coop.copies(coop.owner())
    answer = await browser.get(catalogue_path(RELEASE))
    assert answer.headers["cache-control"].startswith("public")
    entry = CatalogueEntry.parse(answer.content)
    with coop.parts.database.read() as session:
        for copy in copies:
            kind = copy.kind.credential_type
            said = claims_for(Store(session), copy, coop=URL, now=coop.now)
            listed = entry.find(kind, said[kind.subject_claim])
            assert listed is not None
            assert listed.items() <= said.items()


async def test_what_is_not_in_it_is_not_there(browser: httpx.AsyncClient) -> None:
    answer = await browser.get(catalogue_path("00000000-0000-4000-8000-000000000000"))
    assert answer.status_code == 404
