"""A co-op's DID document is one that a site can trust it by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import schemas
from credentials.bbs import BbsPublicKey
from credentials.dids import Relation, parse_did_document, type_key_url
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
    keys = (identity.signer.public_key, identity.linked.signer.public_key)
    assert tuple(document.keys_for(Relation.ASSERTION).values()) == keys


async def test_the_document_holds_one_bbs_key_for_each_type(coop: Coop, browser: httpx.AsyncClient) -> None:
    identity = coop.parts.identity
    document = (await browser.get("/.well-known/did.json")).json()
    methods = {each["id"]: each for each in document["verificationMethod"] if each["type"] == "Multikey"}
    assert set(methods) < set(document["assertionMethod"])
    for kind in schemas.ALL:
        multikey = identity.linked.of(kind).public_key.multikey
        method = methods[type_key_url(identity.did, kind.configuration_id, identity.linked.of(kind).public_key)]
        assert method["publicKeyMultibase"] == multikey
        assert BbsPublicKey.from_multikey(multikey, what="key") == identity.linked.of(kind).public_key
    assert len(methods) == len(schemas.ALL) + 1
