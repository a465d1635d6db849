"""The conformance service in this process, and a client that speaks to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from handstamp.conformance.api import build_conformance_app
from handstamp.conformance.service import ConformanceService
from plumbing.fetch import FetchFailed, Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

    from handstamp.conformance.instances import Instance

BASE = "https://localhost:8790"
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


class Elsewhere:
    """The rest of the network: what a test put there."""

    def __init__(self) -> None:
        self.pages: dict[str, Reply] = {}

    async def request(self, _method: str, url: str, **_: Any) -> Reply:
        if url not in self.pages:
            raise FetchFailed("elsewhere.example", "nobody answers there")
        return self.pages[url]

    def put(self, url: str, body: bytes, status: int = 200) -> None:
        self.pages[url] = Reply(status=status, headers=httpx.Headers(), body=body)


@dataclass(frozen=True)
class Bench:
    """A client, and the service behind it."""

    client: httpx.AsyncClient
    service: ConformanceService
    elsewhere: Elsewhere

    def instance(self, name: str) -> Instance:
        return self.service.instances[name]

    def credential(self, instance: str, /, **changes: Any) -> dict[str, Any]:
        usual = {
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "id": "urn:uuid:86294362-4254-4f36-854f-3952fe42555d",
            "type": ["VerifiableCredential"],
            "issuer": self.instance(instance).did,
            "name": "Proof of attendance",
            "credentialSubject": {"id": "did:example:listener", "description": "Was there"},
        }
        return {member: value for member, value in (usual | changes).items() if value is not ...}

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.client.post(path, json=body)

    async def issue(self, name: str, credential: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        sent = self.credential(name) if credential is None else credential
        answer = await self.post(f"/{name}/credentials/issue", credential=sent, options=options)
        assert answer.status_code == 201, answer.text
        issued: dict[str, Any] = answer.json()["verifiableCredential"]
        return issued

    async def verify(self, credential: dict[str, Any], **options: Any) -> httpx.Response:
        return await self.post("/credentials/verify", verifiableCredential=credential, options=options)


@pytest.fixture(scope="session")
def started() -> tuple[ConformanceService, Elsewhere, FastAPI]:
    elsewhere = Elsewhere()
    service = ConformanceService.make(base_url=BASE, fetcher=elsewhere, clock=lambda: NOW)
    return service, elsewhere, build_conformance_app(service)


@pytest.fixture
async def bench(started: tuple[ConformanceService, Elsewhere, FastAPI]) -> AsyncIterator[Bench]:
    service, elsewhere, app = started
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE) as client:
        yield Bench(client, service, elsewhere)
