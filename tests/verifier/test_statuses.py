"""Status lists at a site: fetched ahead of need, asked for once when they are not there, and never taken on trust."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI, Request  # noqa: TC002 - FastAPI reads the annotations
from starlette.responses import JSONResponse, Response

from credentials.keys.signer import LocalSigner
from credentials.sd_jwt.issuing import build_sd_jwt_vc
from credentials.status import (
    INVALID,
    SUSPENDED,
    PackedStatuses,
    StatusCheck,
    StatusPolicy,
    StatusReference,
    build_status_list,
)
from schemas import RELEASE_OWNERSHIP
from tests.verifier.conftest import COOP, RELEASE, Gate, Site, Visitor
from verifier import statuses
from verifier.evidence import Evidence, build_evidence
from verifier.service.take_answer import AnswerTaken, take_answer
from verifier.statuses import KnownStatuses, StatusKeeper

if TYPE_CHECKING:
    import httpx

LISTS = [f"{COOP}/statuslists/{name}" for name in ("first", "second", "third")]
MONTH_S = 1_793_491_200  # the first of November 2026


@dataclass
class Host:
    """The co-op's host, as the site's network reaches it; every request to it is noted."""

    clock: Any
    signer: LocalSigner
    x5c: list[str]
    app: FastAPI
    statuses: dict[str, PackedStatuses] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    down: bool = False
    conditional: int = 0
    changes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.statuses |= {uri: PackedStatuses.all_valid(4096, bits=2) for uri in LISTS}
        self.signed_at = self.clock()
        self.app.add_api_route("/{path:path}", self.answer, response_class=Response)

    def revoke(self, index: int, uri: str = LISTS[0], status: int = INVALID) -> None:
        self.statuses[uri] = self.statuses[uri].replaced({index: status})
        self.signed_at = self.clock()

    def token(self, listed: str, **changes: Any) -> str:
        arguments: dict[str, Any] = {
            "uri": listed,
            "issued_at": int(self.signed_at.timestamp()),
            "expires_at": int(self.signed_at.timestamp()) + 86_400,
            "ttl_s": 300,
            "signer": self.signer,
            "x5c": self.x5c,
        }
        return build_status_list(self.statuses[listed], **(arguments | changes))

    async def answer(self, path: str, request: Request) -> Response:
        self.asked.append(path)
        if self.down:
            return Response(status_code=503)
        if path == ".well-known/oauth-authorization-server":
            return JSONResponse({"status_list_aggregation_endpoint": f"{COOP}/statuslists"})
        if path == "statuslists":
            return JSONResponse({"status_lists": LISTS})
        uri = f"{COOP}/{path}"
        if uri not in self.statuses:
            return Response(status_code=404)
        tag = f'"{hash(self.statuses[uri].packed)}-{self.signed_at}"'
        if request.headers.get("if-none-match") == tag:
            self.conditional += 1
            return Response(status_code=304)
        return Response(self.token(uri, **self.changes), headers={"ETag": tag})

    def lists_asked(self) -> list[str]:
        return [path for path in self.asked if path.startswith("statuslists/")]


@pytest.fixture
def host(trackserver: FastAPI, site: Site) -> Host:
    return Host(clock=site.clock, signer=site.coop.signer, x5c=site.coop.x5c, app=trackserver)


def issue(visitor: Visitor, index: int, uri: str = LISTS[0]) -> str:
    return build_sd_jwt_vc(
        vct=RELEASE_OWNERSHIP.vct,
        issuer=COOP,
        holder_key=visitor.holder.public_key,
        issued_at=MONTH_S,
        disclosable=dict.fromkeys(RELEASE_OWNERSHIP.claim_names, "none") | {"release": RELEASE},
        digest_count=RELEASE_OWNERSHIP.digest_count,
        signer=visitor.coop.signer,
        x5c=visitor.coop.x5c,
        random=secrets.token_bytes,
        status=StatusReference(uri=uri, index=index),
    )


async def show(site: Site, gate: Gate, index: int, uri: str = LISTS[0]) -> httpx.Response:
    """Start a visit and show a credential whose status is kept at an index of a list."""
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    return await visitor.send(request, visitor.answer(request, credential=issue(visitor, index, uri)))


def code_of(answer: httpx.Response) -> str:
    return str(answer.json().get("code"))


async def test_every_list_is_fetched_ahead_so_that_a_visit_asks_nobody(site: Site, gate: Gate, host: Host) -> None:
    assert await site.parts.statuses.refresh(now=site.clock()) == {"fetched": 3, "failed": 0}
    before = list(host.asked)
    for uri in LISTS:
        assert (await show(site, gate, 7, uri)).status_code == 200
    assert host.asked == before


async def test_the_schedule_of_fetching_knows_nothing_of_visits(site: Site, gate: Gate, host: Host) -> None:
    keeper = site.parts.statuses
    await keeper.refresh(now=site.clock())
    host.asked.clear()
    site.clock.pass_time(seconds=60)
    await show(site, gate, 7)
    assert await keeper.refresh(now=site.clock()) == {"fetched": 0, "failed": 0}
    assert host.asked == []
    site.clock.pass_time(seconds=61)
    assert await keeper.refresh(now=site.clock()) == {"fetched": 3, "failed": 0}
    assert host.conditional == 3  # they had not changed, so nothing was sent again


async def test_an_unknown_list_is_fetched_once_however_many_ask(site: Site, gate: Gate, host: Host) -> None:
    answers = await asyncio.gather(*(show(site, gate, index) for index in range(1, 9)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert host.lists_asked() == ["statuslists/first"]


async def test_what_was_taken_back_or_suspended_opens_nothing(site: Site, gate: Gate, host: Host) -> None:
    host.revoke(7)
    host.revoke(8, status=SUSPENDED)
    assert code_of(await show(site, gate, 7)) == "credential_revoked"
    assert code_of(await show(site, gate, 8)) == "credential_suspended"
    assert (await show(site, gate, 9)).status_code == 200


async def test_a_list_that_cannot_be_had_refuses_in_words_and_is_not_asked_for_at_each_visit(
    site: Site, gate: Gate, host: Host
) -> None:
    host.down = True
    refused = await show(site, gate, 7)
    assert (refused.status_code, code_of(refused)) == (503, "status_list_needed")
    assert "try again" in refused.json()["error_description"]
    assert code_of(await show(site, gate, 8)) == "status_list_needed"
    assert host.lists_asked() == ["statuslists/first"]
    host.down = False
    site.clock.pass_time(seconds=11)
    assert (await show(site, gate, 9)).status_code == 200


async def test_a_host_that_does_not_answer_is_waited_for_two_seconds_at_most(
    site: Site, gate: Gate, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verifier.statuses._AT_THE_GATE", timedelta(milliseconds=1))

    async def silence(*_: Any) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(host.app.router.routes[-1], "app", silence)
    assert code_of(await show(site, gate, 7)) == "status_list_needed"


async def test_a_stale_list_is_fetched_anew_before_anybody_is_admitted(site: Site, gate: Gate, host: Host) -> None:
    assert (await show(site, gate, 7)).status_code == 200
    site.clock.pass_time(seconds=290)
    host.revoke(7)
    assert (await show(site, gate, 7)).status_code == 200  # within the list's own ttl
    site.clock.pass_time(seconds=11)
    assert code_of(await show(site, gate, 7)) == "credential_revoked"


@pytest.mark.parametrize(
    ("wait", "index", "outcome"),
    [(100, 7, StatusCheck.CURRENT), (400, 7, StatusCheck.STALE), (90_000, 7, StatusCheck.UNKNOWN), (400, 9, None)],
)
async def test_a_gate_that_admits_says_in_the_evidence_what_it_knew(
    site: Site,
    gate: Gate,
    host: Host,
    wait: int,
    index: int,
    outcome: StatusCheck | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host.revoke(9)
    keeper = StatusKeeper(site.parts.work, site.parts.fetcher, party=site.parts.party, policy=StatusPolicy.ADMIT)
    await keeper.refresh(now=site.clock())
    host.down = True
    site.clock.pass_time(seconds=wait)
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    form = visitor.answer(request, credential=issue(visitor, index))
    request_id = request.response_uri.rpartition("/")[2]
    evidence: list[Evidence] = []

    def build(*arguments: Any, **named: Any) -> Evidence:
        evidence.append(build_evidence(*arguments, **named))
        return evidence[-1]

    def take(known: KnownStatuses) -> Any:
        return take_answer(site.parts.work, request_id, form, party=site.parts.party, now=site.clock(), known=known)

    monkeypatch.setattr("verifier.service.judge_answer.build_evidence", build)
    taken = await keeper.judge(take, now=site.clock())
    assert isinstance(taken, AnswerTaken) == (outcome is not None)
    assert [each.status for each in evidence] == ([] if outcome is None else [outcome])


@pytest.mark.parametrize(
    "changes",
    [
        {"signer": LocalSigner.generate()},
        {"uri": LISTS[1]},
        {"issued_at": 4_000_000_000},
        {"expires_at": 1_000_000_000},
    ],
    ids=["another's signature", "another list", "from the future", "expired"],
)
async def test_a_list_that_is_not_what_it_should_be_is_never_kept(
    site: Site, gate: Gate, host: Host, changes: dict[str, Any]
) -> None:
    host.changes = changes
    assert code_of(await show(site, gate, 7)) == "status_list_needed"
    with site.parts.work.read() as stores:
        assert stores.load_status_list(LISTS[0]) is None


async def test_an_older_list_played_back_does_not_undo_what_was_taken_back(site: Site, gate: Gate, host: Host) -> None:
    old, signed_at = dict(host.statuses), host.signed_at
    site.clock.pass_time(seconds=10)
    host.revoke(7)
    assert code_of(await show(site, gate, 7)) == "credential_revoked"
    host.statuses, host.signed_at = old, signed_at
    site.clock.pass_time(seconds=301)
    assert code_of(await show(site, gate, 7)) == "status_list_needed"


async def test_what_a_list_was_before_it_could_not_be_fetched_is_kept(site: Site, host: Host) -> None:
    keeper = site.parts.statuses
    await keeper.refresh(now=site.clock())
    host.down = True
    site.clock.pass_time(seconds=200)
    assert await keeper.refresh(now=site.clock()) == {"fetched": 0, "failed": 3}
    with site.parts.work.read() as stores:
        assert stores.load_list_uris(COOP) == set(LISTS)


async def test_new_lists_are_found_without_anybody_showing_one(site: Site, host: Host) -> None:
    keeper = site.parts.statuses
    await keeper.refresh(now=site.clock())
    new = f"{COOP}/statuslists/new"
    host.statuses[new] = PackedStatuses.all_valid(4096)
    LISTS.append(new)
    try:
        site.clock.pass_time(minutes=31)
        await keeper.refresh(now=site.clock())
        with site.parts.work.read() as stores:
            assert new in stores.load_list_uris(COOP)
    finally:
        LISTS.remove(new)


async def test_a_co_op_without_a_list_of_lists_is_no_failure_and_asked_again_soon(site: Site, host: Host) -> None:
    host.down = True
    assert await site.parts.statuses.refresh(now=site.clock()) == {"fetched": 0, "failed": 0}
    host.down = False
    site.clock.pass_time(seconds=30)
    assert await site.parts.statuses.refresh(now=site.clock()) == {"fetched": 0, "failed": 0}
    site.clock.pass_time(minutes=2)
    assert await site.parts.statuses.refresh(now=site.clock()) == {"fetched": 3, "failed": 0}


@pytest.mark.usefixtures("host")
async def test_the_lists_of_a_co_op_that_is_no_longer_trusted_are_forgotten(site: Site) -> None:
    await site.parts.statuses.refresh(now=site.clock())
    with site.parts.work.write() as stores:
        assert stores.remove_issuer("main", COOP)
    site.clock.pass_time(minutes=31)
    await site.parts.statuses.refresh(now=site.clock())
    with site.parts.work.read() as stores:
        assert stores.load_list_uris(COOP) == frozenset()


@pytest.mark.usefixtures("host")
async def test_what_the_site_keeps_of_lists_says_nothing_of_visits(site: Site, gate: Gate) -> None:
    await site.parts.statuses.refresh(now=site.clock())
    with site.parts.work.read() as stores:
        before = stores.load_status_list(LISTS[0])
    await show(site, gate, 7)
    with site.parts.work.read() as stores:
        assert stores.load_status_list(LISTS[0]) == before


async def test_a_list_at_another_host_is_never_asked_for(site: Site, gate: Gate, host: Host) -> None:
    assert code_of(await show(site, gate, 7, "http://tracks.localhost:8702/statuslists/first")) == "status_elsewhere"
    assert host.asked == []


def test_lists_are_kept_for_each_site_apart(site: Site) -> None:
    from verifier.statuses import KeptList  # noqa: PLC0415
    from verifier.store import SqlWork  # noqa: PLC0415

    now = datetime.fromtimestamp(int(site.clock().timestamp()), site.clock().tzinfo)
    newer, older = (
        KeptList(uri=LISTS[0], issuer=COOP, token=f"t{n}", etag=None, issued_at=n, fetched_at=now, fetch_after=now)
        for n in (2, 1)
    )
    for kept in (newer, older):
        with site.parts.work.write() as stores:
            stores.save_status_list(kept)
    with site.parts.work.read() as stores:
        assert stores.load_status_list(LISTS[0]) == newer  # whoever is late does not bring the past back
        assert stores.load_due_lists(COOP, now=now) == (newer,)
    with SqlWork(site.database, site="other").read() as others:
        assert others.load_status_list(LISTS[0]) is None


async def test_an_answer_that_is_judged_without_lists_counts_as_failed(site: Site, gate: Gate, host: Host) -> None:
    host.down = True
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    for _ in range(5):
        reply = await visitor.send(request, visitor.answer(request, credential=issue(visitor, 7)))
        assert code_of(reply) == "status_list_needed"
    reply = await visitor.send(request, visitor.answer(request, credential=issue(visitor, 7)))
    assert code_of(reply) == "too_many_failed_answers"


async def test_what_is_no_text_is_no_list(site: Site, gate: Gate, trackserver: FastAPI) -> None:
    trackserver.add_api_route("/{path:path}", lambda: Response("é".encode("latin-1")), response_class=Response)
    assert code_of(await show(site, gate, 7)) == "status_list_needed"


async def test_a_co_op_that_names_a_list_of_its_own_for_each_visit_does_not_fill_the_disk(
    site: Site, gate: Gate, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statuses, "_MAX_LISTS", 2)
    assert [code_of(await show(site, gate, 7, uri)) for uri in LISTS] == ["None", "None", "status_list_needed"]
    assert host.lists_asked() == ["statuslists/first", "statuslists/second"]
    site.clock.pass_time(minutes=1)
    assert (await show(site, gate, 7, LISTS[1])).status_code == 200
    keeper = site.parts.statuses
    assert keeper._failed  # noqa: SLF001 - what grows unseen
    await keeper.refresh(now=site.clock())
    assert not keeper._failed  # noqa: SLF001
    assert not keeper._one_at_a_time  # noqa: SLF001
