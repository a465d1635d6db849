"""A co-op's DID document is one that a site can trust it by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credentials.dids import Relation, parse_did_document
from credentials.dids.did_web import build_did_web
from tests.issuer.conftest import URL

if TYPE_CHECKING:
    import httpx

    from tests.issuer.conftest import Coop


async def test_the_document_that_a_co_op_publishes_says_with_what_it_signs(
    coop: Coop, browser: httpx.AsyncClient
) -> None:
    identity = coop.parts.identity
    answer = await browser.get("/.well-known/did.json")
    document = parse_did_document(answer.content, did=build_did_web(URL))
    assert document.did == identity.did
    assert list(document.keys_for(Relation.ASSERTION).values()) == [identity.signer.public_key]
