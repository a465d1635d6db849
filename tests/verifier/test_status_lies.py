"""Status lists that are not what they should be, old, too many or elsewhere: none is kept and nobody is admitted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from fastapi import FastAPI  # noqa: TC002 - FastAPI reads the annotations
from starlette.responses import Response

from credentials.keys.signer import LocalSigner
from tests.verifier.conftest import COOP, Gate, Site
from tests.verifier.lists import LISTS, Host, code_of, issue, show
from verifier import statuses


@pytest.fixture
def host(trackserver: FastAPI, site: Site) -> Host:
    return Host(clock=site.clock, signer=site.coop.signer, x5c=site.coop.x5c, app=trackserver)


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
