"""Resolution results: whoever asks for a DID gets a document, or the name of what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from credentials.bbs import BbsSecretKey
from credentials.dids import Did, DidDocument, Relation, build_did_document, parse_did, parse_did_document
from credentials.dids.did_jwk import build_did_jwk, read_did_jwk
from credentials.dids.did_key import build_did_key, read_did_key
from credentials.dids.errors import DidMethodUnsupported, DidNotResolved
from credentials.dids.resolution import Resolution, ResolutionError, resolve_did
from credentials.encoding import strict_json
from credentials.keys.signer import LocalSigner

COOP = "did:web:coop.example"
KEY = LocalSigner.generate().public_key
PUBLISHED = build_did_document(COOP, [KEY]) | {"alsoKnownAs": ["https://coop.example"]}


class Table:
    """A resolver that has one did:web, and the methods that need nobody."""

    async def resolve(self, did: str) -> DidDocument:
        parsed = parse_did(did, what="DID")
        match parsed:
            case Did(method="key"):
                return read_did_key(parsed)
            case Did(method="jwk"):
                return read_did_jwk(parsed)
            case Did(method="web", text=text) if text == COOP:
                return parse_did_document(strict_json.dump(PUBLISHED), did=COOP)
            case Did(method="web"):
                raise DidNotResolved(did, "there is none")
        raise DidMethodUnsupported(parsed.method, ("key", "jwk", "web"))


async def resolve(did: str, *accept: str) -> Resolution:
    return await resolve_did(did, resolver=Table(), accept=accept)


async def test_a_document_is_given_out_as_its_owner_wrote_it() -> None:
    found = await resolve(COOP)

    assert found.status == 200
    assert found.result == {
        "@context": "https://w3id.org/did-resolution/v1",
        "didDocument": PUBLISHED,
        "didResolutionMetadata": {"contentType": "application/did+ld+json"},
        "didDocumentMetadata": {},
    }


@pytest.mark.parametrize("build", [build_did_key, build_did_jwk])
async def test_a_document_that_follows_from_the_did_is_written_with_a_multikey(build: Any) -> None:
    did = build(KEY)
    document: Any = (await resolve(did)).document
    (method,) = document["verificationMethod"]

    assert method["publicKeyMultibase"] == KEY.multikey
    assert document["assertionMethod"] == document["authentication"] == [method["id"]]
    read_again = parse_did_document(strict_json.dump(document), did=did)
    assert list(read_again.keys_for(Relation.ASSERTION).values()) == [KEY]


async def test_a_bbs_key_is_listed_for_statements_only() -> None:
    key = BbsSecretKey.generate().public_key
    document: Any = (await resolve(build_did_key(key))).document

    assert document["assertionMethod"] == [f"{build_did_key(key)}#{key.multikey}"]
    assert "authentication" not in document
    assert "capabilityInvocation" not in document


@pytest.mark.parametrize(
    ("did", "accept", "error", "status"),
    [
        ("did:web:other.example", "", ResolutionError.NOT_FOUND, 404),
        ("did:key:zzz", "", ResolutionError.INVALID_DID, 400),
        ("did:jwk:e30", "", ResolutionError.INVALID_DID, 400),
        ("coop.example", "", ResolutionError.INVALID_DID, 400),
        ("did:ion:abc", "", ResolutionError.METHOD_NOT_SUPPORTED, 501),
        (COOP, "application/did+cbor", ResolutionError.REPRESENTATION_NOT_SUPPORTED, 406),
    ],
)
async def test_each_thing_that_is_wrong_has_its_name(
    did: str, accept: str, error: ResolutionError, status: int
) -> None:
    found = await resolve(did, *([accept] if accept else []))

    assert (found.error, found.status) == (error, status)
    assert found.result["didDocument"] is None
    assert found.result["didResolutionMetadata"] == {"error": error.value}


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/html, application/did+ld+json;q=0.9"])
async def test_whatever_reads_json_is_answered(accept: str) -> None:
    assert (await resolve(COOP, *accept.split(","))).status == 200
