"""The door: a pass is scanned, nobody is asked, and it is green, yellow with the time of first use, or red."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from credentials.door_pass import Limit, check_poster, show_door_pass, slot_of
from credentials.errors import HandstampError, Malformed
from credentials.keys.signer import LocalSigner
from schemas import CONTRIBUTION, COOP_MEMBERSHIP, RELEASE_OWNERSHIP, TRACK_OWNERSHIP, VERIFIED_ARTIST
from tests.support.refusing import refused
from tests.verifier.conftest import ARTIST, COOP, JSON, OTHER_RELEASE, RELEASE, TRACK, Site, make_gate
from tests.verifier.linked import LinkedCoop, NymHolder, answer_form, derive, trust
from tests.verifier.test_gates import read_code
from verifier.doors import Admitted, UsedBefore, Verdict, limit_of
from verifier.gates import Counting, Gate
from verifier.limits import Monthly, OnceEver
from verifier.proofs import AllOf, Contributed, MemberOf, OwnsRelease, OwnsTrack, Requirement, SpeaksFor
from verifier.service import admit_pass as judging
from verifier.service.admit_pass import admit_pass
from verifier.service.close_gate import close_gate
from verifier.service.distrust_issuer import distrust_issuer
from verifier.service.hang_poster import hang_poster
from verifier.service.meet_doors import Memory, meet, remember
from verifier.web.poster import build_door_poster

if TYPE_CHECKING:
    from credentials.door_pass import HeldDoorPass
    from verifier.limits import Limit as GateLimit

OWNER = OwnsRelease(release_id=RELEASE)


@pytest.fixture
def holder(site: Site) -> NymHolder:
    return NymHolder(trust(site, LinkedCoop()))


def door(site: Site, limit: GateLimit | None = None, requirement: Requirement = OWNER) -> Gate:
    counting = None if limit is None else Counting(limit=limit, key=secrets.token_bytes(32))
    return site.save_gate(make_gate(requirement, clock=site.clock, counting=counting))


def scanned(site: Site, gate: Gate, held: HeldDoorPass, /, **changes: Any) -> str:
    given: dict[str, Any] = {
        "gate": f"{ARTIST}/gates/{gate.gate_id}",
        "slot": slot_of(site.clock()),
        "limit": limit_of(gate),
        "random": secrets.token_bytes,
    }
    return show_door_pass(held, **{**given, **changes})


def scan(site: Site, gate: Gate, text: str, *, device: bytes | None = None) -> Verdict:
    keys = site.parts.door_keys
    assert keys is not None
    return admit_pass(
        site.parts.work, gate.gate_id, text, party=site.parts.party, keys=keys, now=site.clock(), device=device
    )


async def test_a_pass_opens_a_once_door_once_and_says_since_when(site: Site, holder: NymHolder) -> None:
    gate, held = door(site, OnceEver()), holder.door_pass(site.clock())
    first = site.clock()
    assert scan(site, gate, scanned(site, gate, held)) == Admitted()
    site.clock.pass_time(minutes=5)
    assert scan(site, gate, scanned(site, gate, held)) == UsedBefore(first_use=first)
    assert scan(site, gate, scanned(site, gate, NymHolder(holder.coop).door_pass(first))) == Admitted()
    with site.parts.work.read() as stores:
        assert stores.load_passages(gate.gate_id) == ((f"{first:%Y-%m}", 2),)


async def test_a_door_and_its_gate_online_count_as_one(site: Site, holder: NymHolder) -> None:
    gate = door(site, OnceEver())
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("same_device")
    shown = derive(holder.receive(site.clock()), request, "release-nym")
    reply = await visitor.send(request, answer_form(request, release_nym=shown))
    assert (await visitor.http.get(reply.json()["redirect_uri"], headers=JSON)).status_code == 200
    verdict = scan(site, gate, scanned(site, gate, holder.door_pass(site.clock())))
    assert verdict == UsedBefore(first_use=site.clock())


async def test_a_release_opens_the_door_of_its_track_and_both_count_once(site: Site, holder: NymHolder) -> None:
    gate = door(site, OnceEver(), OwnsTrack(track_id=TRACK, release_id=RELEASE))
    track = holder.door_pass(site.clock(), TRACK_OWNERSHIP, TRACK)
    assert scan(site, gate, scanned(site, gate, track)) == Admitted()
    assert isinstance(scan(site, gate, scanned(site, gate, holder.door_pass(site.clock()))), UsedBefore)


async def test_a_door_without_a_limit_opens_again_but_not_twice_for_one_code(site: Site, holder: NymHolder) -> None:
    gate, held = door(site), holder.door_pass(site.clock())
    text = scanned(site, gate, held)
    assert [type(scan(site, gate, each)) for each in (text, text, scanned(site, gate, held))] == [
        *(Admitted, UsedBefore, UsedBefore)
    ]
    site.clock.pass_time(seconds=30)
    assert scan(site, gate, scanned(site, gate, held)) == Admitted()
    site.clock.pass_time(hours=2, minutes=10)
    with site.parts.work.write() as stores:
        stores.sweep(now=site.clock())
        assert stores.load_marks(gate.gate_id) == ()


async def test_a_monthly_door_counts_by_the_month_and_takes_none_of_the_month_before(
    site: Site, holder: NymHolder
) -> None:
    site.clock.now = datetime(2026, 11, 30, 23, 59, 55, tzinfo=UTC)
    gate, held = door(site, Monthly(times=1)), holder.door_pass(site.clock())
    late = scanned(site, gate, held)
    assert scan(site, gate, late) == Admitted()
    site.clock.pass_time(seconds=10)
    refused("stale_pass", scan, site, gate, late)
    assert scan(site, gate, scanned(site, gate, held)) == Admitted()
    assert isinstance(scan(site, gate, scanned(site, gate, held)), UsedBefore)


async def test_fifty_scans_of_one_pass_at_once_let_one_in(site: Site, holder: NymHolder) -> None:
    gate = door(site, OnceEver())
    text = scanned(site, gate, holder.door_pass(site.clock()))
    with ThreadPoolExecutor(8) as pool:
        found = Counter(type(each).__name__ for each in pool.map(lambda _: scan(site, gate, text), range(50)))
    assert found == {"Admitted": 1, "UsedBefore": 49}


async def test_a_co_op_struck_out_while_its_pass_is_checked_opens_no_door(
    site: Site, holder: NymHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = door(site, OnceEver())
    text, check = scanned(site, gate, holder.door_pass(site.clock())), judging.check_door_pass

    def check_and_strike_out(*args: Any, **named: Any) -> object:
        shown = check(*args, **named)
        distrust_issuer(site.parts.work, COOP, party=site.parts.party, now=site.clock())
        return shown

    with monkeypatch.context() as patched:
        patched.setattr(judging, "check_door_pass", check_and_strike_out)
        refused("no_longer_trusted", scan, site, gate, text)
    with site.parts.work.read() as stores:
        assert stores.load_marks(gate.gate_id) == ()


async def test_a_pass_for_another_gate_time_or_device_is_red(site: Site, holder: NymHolder) -> None:
    gate, held, now = door(site, OnceEver()), holder.door_pass(site.clock()), slot_of(site.clock())
    cases: list[tuple[dict[str, Any], str]] = [
        ({"gate": f"{ARTIST}/gates/another"}, "bad_bbs_proof"),
        ({"limit": Limit.NONE}, "bad_bbs_proof"),
        ({"limit": Limit.MONTH}, "bad_bbs_proof"),
        ({"device": b"door-2"}, "bad_bbs_proof"),
        ({"slot": now - 2}, "stale_pass"),
        ({"slot": now + 2}, "early_pass"),
    ]
    for changes, code in cases:
        refused(code, scan, site, gate, scanned(site, gate, held, **changes))


async def test_a_pass_made_for_a_device_opens_at_that_device(site: Site, holder: NymHolder) -> None:
    gate = door(site, OnceEver())
    text = scanned(site, gate, holder.door_pass(site.clock()), device=b"door-2")
    refused("bad_bbs_proof", scan, site, gate, text, device=b"door-1")
    assert scan(site, gate, text, device=b"door-2") == Admitted()


async def test_a_pass_of_a_key_that_is_not_known_here_is_red(site: Site, holder: NymHolder) -> None:
    gate = door(site, OnceEver())
    text = scanned(site, gate, holder.door_pass(site.clock()))
    trust(site, LinkedCoop(), bbs_keys={})
    refused("unknown_pass_key", scan, site, gate, text)


async def test_each_proof_has_its_pass(site: Site, holder: NymHolder) -> None:
    at = site.clock()
    member = MemberOf(coop=COOP, name="Co-op", share_class="artist")
    cases: list[tuple[Requirement, HeldDoorPass, str | None]] = [
        (OWNER, holder.door_pass(at, subject=OTHER_RELEASE), "wrong_record"),
        (member, holder.door_pass(at, COOP_MEMBERSHIP, COOP, "artist"), None),
        (member, holder.door_pass(at, COOP_MEMBERSHIP, COOP, "listener"), "wrong_record"),
        (SpeaksFor(persona=OTHER_RELEASE, name="x"), holder.door_pass(at, VERIFIED_ARTIST, OTHER_RELEASE), None),
        (
            Contributed(coop=COOP, name="x", contribution="translation"),
            holder.door_pass(at, CONTRIBUTION, "translation"),
            None,
        ),
        (
            Contributed(coop="https://other.example", name="x", contribution="translation"),
            holder.door_pass(at, CONTRIBUTION, "translation"),
            "wrong_record",
        ),
    ]
    for requirement, held, code in cases:
        gate = door(site, OnceEver(), requirement)
        text = scanned(site, gate, held)
        if code is None:
            assert scan(site, gate, text) == Admitted()
        else:
            refused(code, scan, site, gate, text)


async def test_a_gate_that_asks_more_than_a_pass_says_is_no_door(site: Site) -> None:
    for requirement in (
        AllOf(proofs=(OWNER, MemberOf(coop=COOP, name="x"))),
        MemberOf(coop=COOP, name="x", over16=True),
    ):
        refused("not_a_door", scan, site, door(site, OnceEver(), requirement), "X")


async def test_a_closed_door_lets_nobody_in(site: Site, holder: NymHolder) -> None:
    gate = door(site, OnceEver())
    text = scanned(site, gate, holder.door_pass(site.clock()))
    close_gate(site.parts.work, gate, now=site.clock())
    refused("gate_closed", scan, site, gate, text)


# Over the network.


async def test_a_device_is_told_green_yellow_or_red_and_only_green_is_a_success(site: Site, holder: NymHolder) -> None:
    gate, keys = door(site, OnceEver()), site.parts.door_keys
    assert keys is not None
    http, url = site.visitor().http, f"/gates/{gate.gate_id}/passes"
    known = {"Authorization": f"Bearer {keys.key_of(gate.gate_id)}"}
    text = scanned(site, gate, holder.door_pass(site.clock()))
    replies = [await http.post(url, headers=known, json={"pass": each}) for each in (text, text, "NO PASS")]
    assert [(reply.status_code, reply.json()["verdict"]) for reply in replies] == [
        *((200, "green"), (409, "yellow"), (403, "red"))
    ]
    assert replies[1].json()["first_use"] == f"{site.clock():%Y-%m-%dT%H:%M:%SZ}"
    assert replies[2].json()["code"] == "malformed"
    named = scanned(site, gate, NymHolder(holder.coop).door_pass(site.clock()), device=b"door-2")
    reply = await http.post(url, headers=known, json={"pass": named, "device": "door-2"})
    assert reply.json() == {"verdict": "green"}


async def test_nobody_but_the_sites_devices_uses_a_pass_up(site: Site, holder: NymHolder) -> None:
    gate = door(site, OnceEver())
    text = scanned(site, gate, holder.door_pass(site.clock()))
    for sent in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer é"}):
        given = {name: value.encode() for name, value in sent.items()}
        reply = await site.visitor().http.post(f"/gates/{gate.gate_id}/passes", headers=given, json={"pass": text})
        assert (reply.status_code, reply.json()["code"]) == (401, "wrong_door_key")
    assert scan(site, gate, text) == Admitted()


async def test_the_key_of_one_door_opens_no_other(site: Site) -> None:
    one, two, keys = door(site), door(site), site.parts.door_keys
    assert keys is not None
    known = {"Authorization": f"Bearer {keys.key_of(one.gate_id)}"}
    reply = await site.visitor().http.post(f"/gates/{two.gate_id}/passes", headers=known, json={"pass": "X"})
    assert reply.status_code == 401


async def test_a_question_that_cannot_be_read_is_no_verdict(site: Site) -> None:
    gate, keys = door(site), site.parts.door_keys
    assert keys is not None
    known = {"Authorization": f"Bearer {keys.key_of(gate.gate_id)}"}
    for body in (b"", b"[]", b"{}", b'{"pass": ""}', b'{"pass": 1}', b'{"pass": "X", "device": ""}'):
        reply = await site.visitor().http.post(f"/gates/{gate.gate_id}/passes", headers=known, content=body)
        assert (reply.status_code, reply.json()["code"]) == (400, "malformed")
        assert "verdict" not in reply.json()


# Two devices meet.


async def test_what_was_used_at_two_doors_is_found_when_they_meet_and_once(site: Site, holder: NymHolder) -> None:
    gate, held = door(site, OnceEver()), holder.door_pass(site.clock())
    here = site.clock()
    other = NymHolder(holder.coop).door_pass(here)
    scan(site, gate, scanned(site, gate, held))
    written = json.dumps(remember(site.parts.work, gate).to_json())
    with site.database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM marks")
    site.clock.pass_time(minutes=7)
    assert scan(site, gate, scanned(site, gate, held)) == Admitted()
    scan(site, gate, scanned(site, gate, other))
    (twice,) = meet(site.parts.work, gate, Memory.parse(written.encode()))
    assert (twice.here, twice.there) == (site.clock(), here)
    assert meet(site.parts.work, gate, Memory.parse(written.encode())) == ()
    assert scan(site, gate, scanned(site, gate, held)) == UsedBefore(first_use=here)
    refused("malformed", meet, site.parts.work, door(site, OnceEver()), Memory.parse(written.encode()))


async def test_what_a_closed_gate_forgot_is_not_brought_back_by_another_device(site: Site, holder: NymHolder) -> None:
    gate = door(site, OnceEver())
    scan(site, gate, scanned(site, gate, holder.door_pass(site.clock())))
    memory = remember(site.parts.work, gate)
    close_gate(site.parts.work, gate, now=site.clock())
    refused("gate_closed", meet, site.parts.work, gate, memory)
    assert remember(site.parts.work, gate).marks == ()


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"{}",
        b'{"gate": "x", "marks": [{}]}',
        b'{"gate": "x", "marks": [{"period": "ever", "mark": "AA", "uses": 1, "first_use": 1}]}',
    ],
)
def test_a_memory_that_cannot_be_read_is_malformed(written: bytes) -> None:
    with pytest.raises(Malformed):
        Memory.parse(written)


# The poster.


async def test_the_poster_is_read_back_from_its_picture_and_checked_without_a_network(site: Site) -> None:
    signer = LocalSigner.generate()
    gate = door(site, OnceEver(), OwnsTrack(track_id=TRACK, release_id=RELEASE))
    signed = hang_poster(gate, party=site.parts.party, signer=signer, months=12, now=site.clock())
    url = f"{ARTIST}/gates/{gate.gate_id}"
    drawn = build_door_poster(gate, signed=signed, url=url, site_name="Kino")
    read = read_code(drawn)
    poster = check_poster(read, keys_of=lambda origin: [signer.public_key] if origin == ARTIST else [], at=site.clock())
    assert (poster.gate, poster.name, poster.limit) == (url, "Low Tide", Limit.EVER)
    assert dict(poster.accepts) == {TRACK_OWNERSHIP.vct: (TRACK,), RELEASE_OWNERSHIP.vct: (RELEASE,)}
    later = site.clock() + timedelta(days=400)
    with pytest.raises(HandstampError):
        check_poster(read, keys_of=lambda _: [signer.public_key], at=later)


async def test_a_site_that_signs_nothing_has_no_poster(site: Site) -> None:
    given = {"party": site.parts.party, "months": 1, "now": site.clock()}
    refused("nothing_to_sign_with", hang_poster, door(site), signer=None, **given)
