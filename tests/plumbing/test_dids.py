"""The resolver asks only whom it may, as little as it can, and says in words why a DID leads nowhere."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from credentials.dids import DidResolver, build_did_document
from credentials.dids.did_jwk import build_did_jwk
from credentials.dids.did_key import build_did_key
from credentials.dids.errors import DidMethodUnsupported, DidNotResolved
from credentials.errors import Malformed
from credentials.keys.signer import LocalSigner
from plumbing.dids import MAX_DOCUMENTS, MethodResolver, build_resolver
from plumbing.fetch import HttpFetcher, Reach

if TYPE_CHECKING:
    from credentials.dids import Did, DidDocument

KEY = LocalSigner.generate().public_key
COOP = "did:web:coop.localhost%3A8701"
DOCUMENT = json.dumps(build_did_document(COOP, [KEY])).encode()


@dataclass
class Web:
    """Hosts that answer with what is set, and remember who asked."""

    answers: dict[str, httpx.Response] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    now: datetime = datetime(2026, 11, 21, tzinfo=UTC)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.headers['Host']}{request.url.path}")
        return self.answers.get(request.headers["Host"], httpx.Response(404))

    def resolver(self, reach: Reach = Reach.LOOPBACK) -> DidResolver:
        fetcher = HttpFetcher(reach, transport=httpx.MockTransport(self.handle))
        return build_resolver(fetcher, clock=lambda: self.now)


@pytest.fixture
def web() -> Web:
    return Web(answers={"coop.localhost:8701": httpx.Response(200, content=DOCUMENT)})


async def test_a_did_web_is_fetched_once_in_a_while(web: Web) -> None:
    resolver = web.resolver()
    for _ in range(3):
        assert KEY in (await resolver.resolve(COOP)).keys.values()
    assert web.asked == ["coop.localhost:8701/.well-known/did.json"]
    web.now += timedelta(seconds=300)
    await resolver.resolve(COOP)
    assert len(web.asked) == 2


async def test_a_did_that_is_its_key_asks_nobody(web: Web) -> None:
    for did in (build_did_key(KEY), build_did_jwk(KEY)):
        assert KEY in (await web.resolver().resolve(did)).keys.values()
    assert web.asked == []


async def test_a_method_that_is_not_in_the_table_is_refused_by_name(web: Web) -> None:
    with pytest.raises(DidMethodUnsupported, match=r"'ion'.*did:key, did:jwk, did:web are"):
        await web.resolver().resolve("did:ion:abc")
    with pytest.raises(Malformed):
        await web.resolver().resolve("https://coop.example")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (httpx.Response(404), "status 404"),
        (httpx.Response(302, headers={"Location": "http://coop.localhost:8701/elsewhere"}), "status 302"),
        (httpx.Response(200, content=b"<html>"), "not JSON"),
        (httpx.Response(200, content=b" " * 65_537), "longer than 65536 bytes"),
        (httpx.Response(200, content=DOCUMENT.replace(b"8701", b"8702")), "speaks for another DID"),
        (httpx.Response(200, content=b"", headers={"Content-Encoding": "gzip"}), "compressed"),
    ],
    ids=["nothing there", "a redirect", "a page", "too much", "another's document", "compressed"],
)
async def test_an_answer_that_is_no_document_is_said_in_words(web: Web, answer: httpx.Response, reason: str) -> None:
    web.answers["coop.localhost:8701"] = answer
    with pytest.raises(DidNotResolved, match=reason):
        await web.resolver().resolve(COOP)


async def test_a_failure_is_remembered_for_seconds_only(web: Web) -> None:
    resolver = web.resolver()
    good = web.answers.pop("coop.localhost:8701")
    for _ in range(3):
        with pytest.raises(DidNotResolved, match="status 404"):
            await resolver.resolve(COOP)
    assert len(web.asked) == 1
    web.answers["coop.localhost:8701"] = good
    web.now += timedelta(seconds=10)
    await resolver.resolve(COOP)


@pytest.mark.parametrize(
    ("did", "reach"),
    [
        ("did:web:coop.localhost", Reach.PUBLIC),
        ("did:web:127.0.0.1%3A8701", Reach.PUBLIC),
        ("did:web:10.0.0.1", Reach.PUBLIC),
        ("did:web:169.254.169.254:latest", Reach.PUBLIC),
        ("did:web:169.254.169.254", Reach.PRIVATE),
        ("did:web:coop.example", Reach.LOOPBACK),
    ],
)
async def test_a_did_leads_no_further_than_the_first_party_reaches(web: Web, did: str, reach: Reach) -> None:
    with pytest.raises(DidNotResolved, match="is not contacted"):
        await web.resolver(reach).resolve(did)
    assert web.asked == []


async def test_who_does_not_answer_is_waited_for_no_longer_than_allowed() -> None:
    async def never(_: Did) -> DidDocument:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(DidNotResolved, match="no answer within 0 seconds"):
        await MethodResolver({"web": never}, clock=lambda: Web.now, timeout_s=0).resolve(COOP)


async def test_strangers_cannot_fill_the_memory(web: Web) -> None:
    resolver = web.resolver()
    await resolver.resolve(COOP)
    for number in range(MAX_DOCUMENTS):
        with pytest.raises(DidNotResolved):
            await resolver.resolve(f"did:jwk:x{number}")
    await resolver.resolve(COOP)
    assert len(web.asked) == 2
