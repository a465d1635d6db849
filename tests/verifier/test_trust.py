"""Co-ops known by their DID, and lists of co-ops: who may change what, and what changes nothing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.responses import Response
from typer.testing import CliRunner

from credentials.dids import build_did_document
from credentials.dids.did_key import build_did_key
from credentials.dids.did_web import build_did_web
from credentials.errors import HandstampError
from credentials.keys.signer import LocalSigner
from credentials.trust import CoopList, TrustedIssuer, build_coop_list
from credentials.trust.errors import CoopListRefused, CoopListRolledBack, UntrustedIssuer
from handstamp.commands import verifier, verifier_trust
from plumbing.clock import system_clock
from plumbing.dids import build_resolver
from plumbing.fetch import HttpFetcher, Reach
from schemas import ALL
from tests.verifier.conftest import COOP, Coop, Site
from verifier.errors import ListNotFollowed, UntrustworthyIssuer
from verifier.service.distrust_issuer import IssuerNotTrusted, distrust_issuer
from verifier.service.follow_list import ask_list, follow_list, leave_list
from verifier.service.refresh_trust import Refreshed, refresh_trust
from verifier.service.trust_issuer import ask_did, trust_keys

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI

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


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def label(site: Site) -> Coop:
    signer, chain = site.authority.certify("label.localhost")
    return Coop(signer=signer, x5c=chain.x5c(), clock=site.clock, url=LABEL)


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


async def test_a_co_op_known_by_its_did_opens_a_gate_under_either_name(
    site: Site, web: Web, gate: Gate, label: Coop
) -> None:
    assert await answer(site, gate, label) == "untrusted_issuer"
    web.publish_did(label.signer)
    known = await trust_did(site, web, LABEL_DID)
    assert (known.issuer, known.did, known.name) == (LABEL, LABEL_DID, "label.localhost")
    assert await answer(site, gate, label) == "taken"
    assert await answer(site, gate, replace(label, url=LABEL_DID)) == "taken"
    assert await answer(site, gate, replace(label, url=build_did_web("http://label.localhost:8705/a"))) == (
        "untrusted_issuer"
    )


async def test_a_key_that_is_struck_out_of_the_document_opens_nothing_more(
    site: Site, web: Web, gate: Gate, label: Coop
) -> None:
    web.publish_did(label.signer)
    await trust_did(site, web, LABEL_DID)
    signer, chain = site.authority.certify("label.localhost")
    renewed = replace(label, signer=signer, x5c=chain.x5c())
    web.publish_did(signer)
    assert await refresh(site, web) == (Refreshed(name=LABEL_DID),)
    assert await answer(site, gate, label) == "wrong_issuer_key"
    assert await answer(site, gate, renewed) == "taken"


@pytest.mark.parametrize("page", [None, b"<html>", b'{"id": "did:web:evil.example"}'], ids=["gone", "page", "another"])
async def test_a_document_that_cannot_be_read_changes_nothing(
    site: Site, web: Web, gate: Gate, label: Coop, page: bytes | None
) -> None:
    web.publish_did(label.signer)
    await trust_did(site, web, LABEL_DID)
    web.pages = {} if page is None else {f"{LABEL}/.well-known/did.json": page}
    (result,) = await refresh(site, web)
    assert result.error is not None
    assert result.error.code == "did_not_resolved"
    assert await answer(site, gate, label) == "taken"


async def test_a_did_that_is_its_key_is_trusted_as_it_stands(site: Site, web: Web, gate: Gate, label: Coop) -> None:
    did = build_did_key(label.signer.public_key)
    known = await trust_did(site, web, did)
    assert known.name == did[:60]
    assert await answer(site, gate, replace(label, url=did)) == "taken"
    assert await answer(site, gate, replace(label, url=did, signer=LocalSigner.generate())) == "bad_signature"
    assert await refresh(site, web) == ()


async def test_a_document_without_a_key_that_makes_statements_is_not_trusted(site: Site, web: Web) -> None:
    web.publish_did()
    with pytest.raises(UntrustworthyIssuer, match="no key for making statements"):
        await trust_did(site, web, LABEL_DID)


async def test_trusting_by_address_replaces_the_did_and_the_other_way_round(site: Site, web: Web, label: Coop) -> None:
    web.publish_did(label.signer)
    await trust_did(site, web, LABEL_DID)
    plain = TrustedIssuer(issuer=LABEL, name="By address", types=TYPES)
    with site.parts.work.write() as stores:
        stores.save_issuer("main", plain, now=site.clock())
    await trust_did(site, web, LABEL_DID)
    with site.parts.work.read() as stores:
        assert [each.did for each in stores.load_stated("main")] == [None, LABEL_DID]


async def test_a_list_opens_a_gate_to_its_members_until_it_ends(site: Site, web: Web, gate: Gate, label: Coop) -> None:
    web.publish_list(a_list(site, label))
    assert (await follow(site, web)).name == "Federation"
    assert await answer(site, gate, label) == "taken"
    assert await answer(site, gate, replace(label, signer=LocalSigner.generate())) == "bad_signature"
    site.clock.pass_time(minutes=4)
    assert await answer(site, gate, label) == "trust_expired"
    assert await answer(site, gate, site.coop) == "taken"


async def test_a_member_that_is_struck_out_opens_nothing_more_and_nobody_brings_it_back(
    site: Site, web: Web, gate: Gate, label: Coop
) -> None:
    web.publish_list(a_list(site, label))
    await follow(site, web)
    old = web.pages[LIST]
    web.publish_list(a_list(site, site.coop, version=2))
    assert await refresh(site, web) == (Refreshed(name=LIST),)
    assert await answer(site, gate, label) == "untrusted_issuer"
    web.pages[LIST] = old
    (result,) = await refresh(site, web)
    assert isinstance(result.error, CoopListRolledBack)
    with pytest.raises(CoopListRolledBack):
        await follow(site, web)
    assert await answer(site, gate, label) == "untrusted_issuer"


@pytest.mark.parametrize("page", [None, b"x.y.z", b"\xff\xfe", b"<html>"], ids=["gone", "dots", "bytes", "page"])
async def test_a_list_that_cannot_be_read_changes_nothing(
    site: Site, web: Web, gate: Gate, label: Coop, page: bytes | None
) -> None:
    web.publish_list(a_list(site, label))
    await follow(site, web)
    web.pages = {} if page is None else {LIST: page}
    (result,) = await refresh(site, web)
    assert isinstance(result.error, HandstampError)
    assert await answer(site, gate, label) == "taken"


async def test_a_list_by_another_publisher_takes_nothing_over(site: Site, web: Web, gate: Gate, label: Coop) -> None:
    web.publish_list(a_list(site, label))
    await follow(site, web)
    thief = Coop(signer=LocalSigner.generate(), x5c=label.x5c, clock=site.clock, url=LABEL)
    web.publish_list(a_list(site, thief, version=9), LocalSigner.generate())
    (result,) = await refresh(site, web)
    assert isinstance(result.error, CoopListRefused)
    assert await answer(site, gate, label) == "taken"


async def test_what_the_site_says_itself_counts_before_any_list(site: Site, web: Web, gate: Gate) -> None:
    thief = Coop(signer=LocalSigner.generate(), x5c=site.coop.x5c, clock=site.clock, url=COOP)
    web.publish_list(a_list(site, thief))
    await follow(site, web)
    with site.parts.work.read() as stores:
        assert stores.load_policy("main").issuer_for(COOP).anchors == (site.authority.pem,)
    assert await answer(site, gate, site.coop) == "taken"


async def test_a_member_that_the_site_distrusts_stays_out_whatever_the_list_says(
    site: Site, web: Web, gate: Gate, label: Coop
) -> None:
    web.publish_list(a_list(site, label))
    await follow(site, web)
    distrust_issuer(site.parts.work, LABEL, party=site.parts.party, now=site.clock())
    assert await answer(site, gate, label) == "untrusted_issuer"
    web.publish_list(a_list(site, label, version=2))
    await refresh(site, web)
    assert await answer(site, gate, label) == "untrusted_issuer"
    with pytest.raises(IssuerNotTrusted):
        distrust_issuer(site.parts.work, LABEL, party=site.parts.party, now=site.clock())


async def test_a_list_that_is_left_takes_its_members_with_it(site: Site, web: Web, gate: Gate, label: Coop) -> None:
    web.publish_list(a_list(site, label))
    await follow(site, web)
    await follow(site, web)
    leave_list(site.parts.work, LIST, party=site.parts.party)
    assert await answer(site, gate, label) == "untrusted_issuer"
    with pytest.raises(ListNotFollowed):
        leave_list(site.parts.work, LIST, party=site.parts.party)


async def test_what_changed_while_an_answer_travelled_stays_changed(site: Site, web: Web, label: Coop) -> None:
    web.publish_list(a_list(site, label))
    web.publish_did(label.signer)
    await follow(site, web)
    await trust_did(site, web, LABEL_DID)
    web.publish_list(a_list(site, label, version=2))
    web.publish_did(LocalSigner.generate())
    handle = web.handle

    def leave_meanwhile(request: httpx.Request) -> httpx.Response:
        with site.parts.work.write() as stores:
            stores.remove_subscription("main", LIST)
            stores.remove_issuer("main", LABEL_DID)
        return handle(request)

    web.handle = leave_meanwhile  # type: ignore[method-assign]
    await refresh(site, web)
    with site.parts.work.read() as stores:
        assert stores.load_subscriptions("main") == ()
        with pytest.raises(UntrustedIssuer):
            stores.load_policy("main").issuer_for(LABEL)


def run(*arguments: str, answer: str | None = None) -> Any:
    return CliRunner().invoke(verifier.app, list(arguments), input=answer)


@pytest.fixture
def home(tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANDSTAMP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verifier_trust, "HttpFetcher", lambda _: web.fetcher())
    return tmp_path


def test_the_command_trusts_a_did_after_its_fingerprint_was_shown(home: Path, web: Web) -> None:
    signer = LocalSigner.generate()
    web.publish_did(signer)
    declined = run("trust", LABEL_DID, answer="n\n")
    assert (declined.exit_code, home.is_dir()) == (1, True)
    assert signer.public_key.thumbprint in declined.output
    assert "label.localhost is trusted" in run("trust", LABEL_DID, answer="y\n").output
    assert f"known by {LABEL_DID}" in run("trusted").output
    assert f"{LABEL_DID}: read" in run("refresh").output
    web.pages = {}
    failed = run("refresh")
    assert failed.exit_code == 1
    assert "not read: The DID document" in failed.output
    assert "not trusted any more" in run("distrust", LABEL_DID).output
    assert "Nothing to read" in run("refresh").output


def test_the_command_follows_a_list_after_its_publisher_was_shown(home: Path, web: Web) -> None:
    now = system_clock().replace(microsecond=0)
    member = TrustedIssuer(issuer=LABEL, name="Label", public_keys={"1": PUBLISHER.public_key}, types=TYPES, until=now)
    made = CoopList(
        url=LIST,
        name="Federation",
        version=3,
        issued_at=now,
        expires_at=now + timedelta(days=30),
        members=(member,),
        publisher=PUBLISHER.public_key,
    )
    web.publish_list(made)
    declined = run("trust", "--list", LIST, answer="n\n")
    assert (declined.exit_code, home.is_dir()) == (1, True)
    for words in ("Federation, version 3", f"Label {LABEL}", PUBLISHER.public_key.thumbprint):
        assert words in declined.output
    assert "Federation is followed" in run("trust", "--list", LIST, "--yes").output
    assert f"Label {LABEL}" in run("trusted").output
    assert "not trusted any more" in run("distrust", LABEL).output
    shown = run("trusted").output
    assert "struck out here" in shown
    assert "what this site says itself counts instead" in shown
    assert "is not followed any more" in run("distrust", "--list", LIST).output


@pytest.mark.parametrize("command", ["trust", "distrust"])
@pytest.mark.parametrize("arguments", [[], [LABEL, "--list", LIST]])
def test_a_command_that_names_nobody_or_both_is_not_understood(command: str, arguments: list[str]) -> None:
    assert run(command, *arguments).exit_code == 2


async def test_a_running_service_reads_its_lists_anew_by_itself(
    site: Site, web: Web, trackserver: FastAPI, label: Coop
) -> None:
    web.publish_list(a_list(site, label))
    await follow(site, web)
    text = build_coop_list(a_list(site, label, version=2), PUBLISHER)

    @trackserver.get("/coops")
    async def coops() -> Response:
        return Response(text, media_type="application/jwt")

    async with site.app.router.lifespan_context(site.app):
        for _ in range(1000):
            await asyncio.sleep(0)
        with site.parts.work.read() as stores:
            (kept,) = stores.load_subscriptions("main")
    assert kept.coop_list.version == 2
