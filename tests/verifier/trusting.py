"""What the tests of a site's trust have in common."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
from typer.testing import CliRunner

from credentials.dids import build_did_document
from credentials.keys.signer import LocalSigner
from credentials.trust import CoopList, TrustedIssuer, build_coop_list
from handstamp.commands import verifier
from plumbing.dids import build_resolver
from plumbing.fetch import HttpFetcher, Reach
from schemas import ALL
from verifier.service.follow_list import ask_list, follow_list
from verifier.service.refresh_trust import Refreshed, refresh_trust
from verifier.service.trust_issuer import ask_did, trust_keys

if TYPE_CHECKING:
    from tests.verifier.conftest import Coop, Site
    from verifier.gates import Gate

LABEL = "http://label.localhost:8705"
LABEL_DID = "did:web:label.localhost%3A8705"
LIST = "http://federation.localhost:8706/coops"
TYPES = frozenset(each.vct for each in ALL)
PUBLISHER = LocalSigner.generate()


@dataclass
class Web:
    """What the neighbours publish; a host that publishes nothing answers 404."""

    pages: dict[str, bytes] = field(default_factory=dict)

    def handle(self, request: httpx.Request) -> httpx.Response:
        page = self.pages.get(f"http://{request.headers['Host']}{request.url.path}")
        return httpx.Response(404) if page is None else httpx.Response(200, content=page)

    def fetcher(self) -> HttpFetcher:
        return HttpFetcher(Reach.LOOPBACK, transport=httpx.MockTransport(self.handle))

    def publish_did(self, *signers: LocalSigner, did: str = LABEL_DID) -> None:
        document = build_did_document(did, [signer.public_key for signer in signers])
        self.pages[f"{LABEL}/.well-known/did.json"] = json.dumps(document).encode()

    def publish_list(self, coop_list: CoopList, signer: LocalSigner = PUBLISHER) -> None:
        self.pages[LIST] = build_coop_list(coop_list, signer).encode()


def a_list(site: Site, *members: Coop, version: int = 1, **changes: Any) -> CoopList:
    now = site.clock()
    listed = [
        TrustedIssuer(issuer=each.url, name="Label", public_keys={"1": each.signer.public_key}, types=TYPES, until=now)
        for each in members
    ]
    made = CoopList(
        url=LIST,
        name="Federation",
        version=version,
        issued_at=now,
        expires_at=now + timedelta(minutes=4),
        members=tuple(listed),
        publisher=PUBLISHER.public_key,
    )
    return replace(made, **changes)


async def trust_did(site: Site, web: Web, did: str) -> TrustedIssuer:
    statement = await ask_did(did, resolver=build_resolver(web.fetcher(), clock=site.clock))
    return trust_keys(site.parts.work, statement, name=None, party=site.parts.party, now=site.clock())


async def follow(site: Site, web: Web) -> CoopList:
    statement = await ask_list(LIST, fetcher=web.fetcher(), now=site.clock())
    return follow_list(site.parts.work, statement, party=site.parts.party, now=site.clock())


async def refresh(site: Site, web: Web) -> tuple[Refreshed, ...]:
    resolver = build_resolver(web.fetcher(), clock=site.clock)
    return await refresh_trust(
        site.parts.work, fetcher=web.fetcher(), resolver=resolver, party=site.parts.party, clock=site.clock
    )


async def answer(site: Site, gate: Gate, coop: Coop) -> str:
    """Send a credential of a co-op to a new visit, and return what it came to."""
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    reply = await visitor.send(request, visitor.answer(request, credential=coop.issue(visitor.holder)))
    return "taken" if reply.status_code == 200 else str(reply.json()["code"])


def run(*arguments: str, answer: str | None = None) -> Any:
    return CliRunner().invoke(verifier.app, list(arguments), input=answer)
