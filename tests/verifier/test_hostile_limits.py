"""Who tries to pass a gate that counts more often than allowed, or on a word that does not count any more."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vp import AuthorizationResponse
from credentials.trust import CoopList, TrustedIssuer, build_coop_list
from credentials.verify import verify
from schemas import ALL, COOP_MEMBERSHIP, RELEASE_OWNERSHIP, TRACK_OWNERSHIP
from tests.support.waiting import until
from tests.verifier.conftest import COOP, JSON, RELEASE, TRACK, Site, make_gate
from verifier.answer_rows import answer_from_json
from verifier.gates import Counting, Gate
from verifier.limits import Monthly, OnceEver, build_mark
from verifier.proofs import AllOf, AnyOf, MemberOf, OwnsRelease, OwnsTrack, Requirement
from verifier.service import judge_answer
from verifier.service.close_gate import close_gate
from verifier.service.distrust_issuer import distrust_issuer
from verifier.service.follow_list import leave_list
from verifier.store import SqlStores
from verifier.subscriptions import Subscription
from verifier.visits import Refused

if TYPE_CHECKING:
    from credentials.evidence import Verified
    from verifier.limits import Limit

LIST = "http://list.localhost:8799/coops"
KINDS = {"release": RELEASE_OWNERSHIP, "track": TRACK_OWNERSHIP, "membership": COOP_MEMBERSHIP}
PROVEN = {"release": {"release": RELEASE}, "track": {"track": TRACK}, "membership": {"coop": COOP, "standing": "good"}}
OWNER = OwnsRelease(release_id=RELEASE)
OWNER_OF_TRACK = OwnsTrack(track_id=TRACK, release_id=RELEASE)
MEMBER = MemberOf(coop=COOP, name="Sound Commons")


def counting(site: Site, requirement: Requirement, limit: Limit) -> Gate:
    counts = Counting(limit=limit, key=secrets.token_bytes(32), takes_other_wallets=True)
    return site.save_gate(make_gate(requirement, clock=site.clock, counting=counts))


async def show(site: Site, gate: Gate, **numbers: str) -> str:
    """Show one credential for each query, with its number; return the word for what came of it."""
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    token = {}
    for name, number in numbers.items():
        holder, kind = LocalSigner.generate(), KINDS[name]
        claims = PROVEN[name] | {kind.countable_claim: number.ljust(22, "x")}
        credential = visitor.coop.issue(holder, kind.vct, **claims)
        query = request.dcql.find(name)
        asked = [] if query is None else [str(claim.path[0]) for claim in query.claims]
        token[name] = (visitor.present(request, credential=credential, signer=holder, disclose=asked),)
    answer = AuthorizationResponse(vp_token=token, state=request.state)
    reply = await visitor.send(request, answer.to_form())
    if reply.status_code == 200:
        reply = await visitor.http.get(reply.json()["redirect_uri"], headers=JSON)
    return "open" if reply.status_code == 200 else str(reply.json()["code"])


async def test_a_membership_that_is_lent_to_many_owners_opens_a_gate_that_needs_both_once(site: Site) -> None:
    gate = counting(site, AllOf(proofs=(OWNER, MEMBER)), OnceEver())
    assert await show(site, gate, release="first", membership="lent") == "open"
    assert await show(site, gate, release="second", membership="lent") == "already_used"
    assert await show(site, gate, release="first", membership="own") == "already_used"
    # What was refused used nothing up: both numbers that were fresh still pass together.
    assert await show(site, gate, release="second", membership="own") == "open"


async def test_where_all_is_needed_a_refusal_in_the_last_moment_uses_up_nothing_else(site: Site) -> None:
    gate = counting(site, AllOf(proofs=(OWNER, MEMBER)), Monthly(times=1))
    assert await show(site, gate, release="a", membership="b") == "open"
    assert await show(site, gate, release="c", membership="b") == "already_used"
    with site.database.read() as session:
        rows = session.connection().exec_driver_sql("SELECT uses FROM marks").fetchall()
    assert [tuple(row) for row in rows] == [(1,), (1,)]


@pytest.mark.parametrize(("is_last", "told"), [(False, "already_used"), (True, "visit_too_busy")])
async def test_whoever_was_faster_leaves_nothing_of_the_slower_counted(
    site: Site, monkeypatch: pytest.MonkeyPatch, *, is_last: bool, told: str
) -> None:
    gate = counting(site, AllOf(proofs=(OWNER, MEMBER)), OnceEver())

    def mark(name: str, number: str) -> bytes:
        claim = KINDS[name].countable_claim
        return build_mark(gate.counting.key, issuer=COOP, claim=claim, value=number.ljust(22, "x"))

    # The key is drawn, and with it the order in which marks are counted: in one pair of two it is the wanted one.
    pairs = ((f"fresh{number}", f"lent{number}") for number in count())
    fresh, lent = next(pair for pair in pairs if (mark("release", pair[0]) < mark("membership", pair[1])) == is_last)
    assert await show(site, gate, release="first", membership=lent) == "open"
    with monkeypatch.context() as slower:
        slower.setattr(SqlStores, "load_spent", lambda *_, **__: None)  # looked before the faster one had counted
        assert await show(site, gate, release=fresh, membership=lent) == told
    assert await show(site, gate, release=fresh, membership="own") == "open"


async def test_who_owns_a_release_and_so_its_track_passes_a_gate_for_either_once(site: Site) -> None:
    gate = counting(site, AnyOf(proofs=(OWNER, OWNER_OF_TRACK)), OnceEver())
    assert await show(site, gate, track="track") == "open"
    assert await show(site, gate, release="release") == "unasked_answer"
    assert await show(site, gate, track="track") == "already_used"


async def test_a_word_that_is_distrusted_while_an_answer_is_judged_opens_nothing(
    site: Site, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*given: Any, **named: Any) -> Verified:
        found = verify(*given, **named)
        distrust_issuer(site.parts.work, COOP, party=site.parts.party, now=site.clock())
        return found

    monkeypatch.setattr(judge_answer, "verify", meanwhile)
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    reply = await visitor.send(request, visitor.answer(request))
    assert (reply.status_code, reply.json()["code"]) == (409, "no_longer_trusted")
    with site.parts.work.read() as stores:
        visit = stores.load_visit(visitor.visit.rpartition("/")[2])
        assert stores.load_passages(gate.gate_id) == ()
    assert isinstance(visit, Refused)
    assert visit.last_failure == "no_longer_trusted"
    assert f"/gates/{gate.gate_id}" in (await visitor.http.get(visitor.visit)).text


async def test_a_wallet_whose_gate_was_closed_while_its_answer_was_judged_hears_that_and_no_passage_counts(
    site: Site, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*given: Any, **named: Any) -> Verified:
        found = verify(*given, **named)
        assert close_gate(site.parts.work, gate, now=site.clock())
        return found

    monkeypatch.setattr(judge_answer, "verify", meanwhile)
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    reply = await visitor.send(request, visitor.answer(request))
    assert (reply.status_code, reply.json()["code"]) == (410, "gate_closed")
    with site.parts.work.read() as stores:
        visit = stores.load_visit(visitor.visit.rpartition("/")[2])
        assert stores.load_passages(gate.gate_id) == ()
    assert isinstance(visit, Refused)
    assert visit.last_failure == "gate_closed"


@pytest.mark.parametrize("ended", ["left", "over"])
async def test_a_door_gives_no_grant_on_the_word_of_a_list_that_is_left_or_over(
    site: Site, gate: Gate, ended: str
) -> None:
    follow(site, until=site.clock() + timedelta(minutes=2))
    visitor = await site.visitor().pass_gate(gate)
    if ended == "left":
        leave_list(site.parts.work, LIST, party=site.parts.party)
    else:
        site.clock.pass_time(minutes=3)
    page = await visitor.http.get(visitor.visit)
    csrf = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    reply = await visitor.http.post(f"{visitor.visit}/grant", data={"csrf": csrf}, headers=JSON)
    assert reply.json()["code"] == "not_accepted"
    with site.parts.work.read() as stores:
        visit = stores.load_visit(visitor.visit.rpartition("/")[2])
    assert isinstance(visit, Refused)
    assert visit.last_failure == "no_longer_trusted"


def follow(site: Site, *, until: datetime) -> None:
    """Know the co-op by a list only."""
    publisher = LocalSigner.generate()
    member = TrustedIssuer(
        issuer=COOP, name="Sound Commons", anchors=(site.authority.pem,), types=frozenset(each.vct for each in ALL)
    )
    coop_list = CoopList(
        url=LIST,
        name="Co-ops",
        version=1,
        issued_at=site.clock(),
        expires_at=until,
        members=(member,),
        publisher=publisher.public_key,
    )
    text = build_coop_list(coop_list, publisher)
    with site.parts.work.write() as stores:
        stores.remove_issuer("main", COOP)
        thumbprint = publisher.public_key.thumbprint
        stores.save_subscription(
            "main", Subscription(url=LIST, publisher=thumbprint, text=text, fetched_at=site.clock())
        )


async def test_an_answer_held_back_over_midnight_counts_in_the_month_in_which_its_door_opens(site: Site) -> None:
    gate = counting(site, OWNER, Monthly(times=1))
    site.clock.now = datetime(2026, 11, 30, 23, 59, 58, tzinfo=UTC)
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    credential = visitor.coop.issue(visitor.holder, release=RELEASE, copy="a" * 22)
    reply = await visitor.send(request, visitor.answer(request, credential=credential, disclose=("release", "copy")))
    site.clock.pass_time(seconds=4)
    back = await visitor.http.get(reply.json()["redirect_uri"], headers=JSON)
    assert back.status_code == 200
    assert await show(site, gate, release="a" * 22) == "already_used"


async def test_two_instances_of_a_copy_or_two_ways_in_count_for_no_more_than_one_passage(site: Site) -> None:
    gate = counting(site, AnyOf(proofs=(OWNER, MEMBER)), OnceEver())
    assert await show(site, gate, release="r", membership="m") == "open"
    assert await show(site, gate, release="r") == "already_used"
    assert await show(site, gate, membership="m") == "already_used"
    with site.parts.work.read() as stores:
        assert [count for _, count in stores.load_passages(gate.gate_id)] == [1]


def test_an_answer_that_was_taken_before_several_were_counted_is_counted_still() -> None:
    assert answer_from_json({"met": "release", "vouched_by": [COOP], "mark": "AAAA"}).marks == (b"\0\0\0",)


async def test_what_a_limited_gate_forgot_is_in_no_file_for_whoever_takes_the_disk(site: Site) -> None:
    gate = counting(site, OWNER, Monthly(times=1))
    assert await show(site, gate, release="a") == "open"
    with site.parts.work.read() as stores:
        (receipt,) = stores.load_receipts(gate.gate_id)
    signature = receipt.signed.binding[-60:].encode()
    assert signature in site.dump()
    site.clock.now = receipt.erase_at
    async with site.app.router.lifespan_context(site.app):
        await until(lambda: signature not in site.dump())
