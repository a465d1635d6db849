"""A door pass from the co-op to the wallet to the door, and everything that does not open it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.bbs import BadBbsProof
from credentials.bbs.nym_vectors import keep_statement
from credentials.dids import type_key_url
from credentials.door_pass import (
    Door,
    EarlyPass,
    Limit,
    StalePass,
    UnknownPassKey,
    WrongRecord,
    WrongVoice,
    check_door_pass,
    parse_door_pass,
    slot_of,
)
from credentials.encoding import base45
from credentials.encoding.cbor import decode, encode
from credentials.errors import HandstampError, Malformed
from credentials.protocols.openid4vp.linked import build_gate_domain
from credentials.refusals import Expired, NotYetValid, UnknownType
from credentials.trust import TrustedIssuer, TrustPolicy
from credentials.trust.errors import TrustExpired, TypeNotAllowed
from schemas import COOP_MEMBERSHIP, RELEASE_OWNERSHIP, TRACK_OWNERSHIP
from tests.credentials.door_pass.passes import HELD, TOWN
from tests.support.doors import COOP, GATE, METHOD, NOW, TRACK, DoorTown, content, door

if TYPE_CHECKING:
    from credentials.evidence import Verified

DOOR = door()
SHOWN = TOWN.show(HELD, DOOR)


def check(
    text: str = SHOWN, at_door: Door = DOOR, *, policy: TrustPolicy | None = None, at: datetime = NOW
) -> Verified:
    return check_door_pass(text, policy=policy or TOWN.policy(), door=at_door, at=at)


def changed(text: str, place: int, value: Any) -> str:
    members = decode(base45.decode(text, what="pass", max_characters=1_200), what="pass")
    assert isinstance(members, list)
    members[place] = value
    return base45.encode(encode(members))


def test_a_pass_opens_its_door_and_says_what_it_says() -> None:
    verified = check()
    assert (verified.issuer, verified.vct, verified.issuer_key) == (COOP, TRACK_OWNERSHIP.vct, TOWN.method_of())
    assert verified.disclosed == {"track": TRACK}
    assert verified.issued_at == datetime(2026, 11, 1, tzinfo=UTC).timestamp()
    assert len(verified.pseudonym or b"") == 48
    assert verified.holder_key is None
    assert [step[0] for step in verified.steps] == list("123456")


def test_a_usual_pass_fits_into_a_code_that_every_camera_reads() -> None:
    member = TOWN.hold(vct=COOP_MEMBERSHIP.vct, subject=COOP, share_class="listener")
    for held in (HELD, member):
        text = TOWN.show(held, door(device=b"front door, left"))
        assert len(text) <= 750  # 500 bytes: version 15 at level L.
    with pytest.raises(Malformed, match="fit"):
        TOWN.show(TOWN.hold(subject="ü" * 200), DOOR)


def test_a_members_pass_tells_the_share_class_and_nothing_else() -> None:
    member = TOWN.hold(vct=COOP_MEMBERSHIP.vct, subject=COOP, share_class="artist")
    at_door = door(accepts={COOP_MEMBERSHIP.vct: frozenset({COOP})})
    verified = check(TOWN.show(member, at_door), at_door)
    assert verified.disclosed == {"coop": COOP, "shareClass": "artist"}


def test_the_pseudonym_at_a_door_is_that_of_its_gate_online() -> None:
    assert Limit.EVER.nym_domain(GATE, slot_of(NOW)) == build_gate_domain(GATE)
    assert Limit.MONTH.nym_domain(GATE, slot_of(NOW)) == build_gate_domain(GATE, month="2026-11")


def test_a_holder_is_known_again_as_far_as_the_door_counts_and_no_further() -> None:
    def pseudonym(limit: Limit, at: datetime, gate: str = GATE) -> bytes | None:
        at_door = door(limit=limit, gate=gate)
        return check(TOWN.show(HELD, at_door, at=at), at_door, at=at).pseudonym

    later, next_month = NOW + timedelta(minutes=1), datetime(2026, 12, 2, tzinfo=UTC)
    assert pseudonym(Limit.EVER, NOW) == pseudonym(Limit.EVER, next_month)
    assert pseudonym(Limit.EVER, NOW) != pseudonym(Limit.EVER, NOW, "https://venue.example/gates/8")
    assert pseudonym(Limit.MONTH, NOW) == pseudonym(Limit.MONTH, later) != pseudonym(Limit.MONTH, next_month)
    assert pseudonym(Limit.NONE, NOW) == pseudonym(Limit.NONE, NOW) != pseudonym(Limit.NONE, later)


def test_a_release_and_its_track_have_one_pseudonym_at_one_door() -> None:
    release = TOWN.hold(vct=RELEASE_OWNERSHIP.vct, subject="a release")
    at_door = door(accepts={RELEASE_OWNERSHIP.vct: None})
    assert check(TOWN.show(release, at_door), at_door).pseudonym == check().pseudonym


def test_a_pass_made_as_the_month_turns_counts_in_the_month_that_it_was_made_in() -> None:
    made, scanned = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), datetime(2026, 12, 1, 0, 0, 20, tzinfo=UTC)
    at_door = door(limit=Limit.MONTH)
    before = check(TOWN.show(HELD, at_door, at=made), at_door, at=made)
    assert check(TOWN.show(HELD, at_door, at=made), at_door, at=scanned).pseudonym == before.pseudonym


@pytest.mark.parametrize("seconds", [-40, -15, 0, 15, 40])
def test_clocks_may_differ_by_a_slot(seconds: int) -> None:
    check(at=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(("seconds", "error"), [(50, StalePass), (3_600, StalePass), (-41, EarlyPass)])
def test_a_photographed_pass_is_worth_nothing_a_minute_later(seconds: int, error: type[HandstampError]) -> None:
    with pytest.raises(error):
        check(at=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "at_door",
    [
        door(gate="https://venue.example/gates/8"),
        door(gate="https://other.example/gates/7"),
        door(limit=Limit.MONTH),
        door(limit=Limit.NONE),
        door(device=b"left"),
    ],
)
def test_a_pass_for_another_door_limit_or_device_opens_nothing(at_door: Door) -> None:
    with pytest.raises(BadBbsProof):
        check(at_door=at_door)


def test_a_pass_for_one_scanning_device_is_worth_nothing_at_the_next() -> None:
    text = TOWN.show(HELD, door(device=b"left"))
    check(text, door(device=b"left"))
    for device in (b"right", None):
        with pytest.raises(BadBbsProof):
            check(text, door(device=device))


def test_another_type_or_record_than_the_door_asks_for_is_refused() -> None:
    with pytest.raises(UnknownType):
        check(at_door=door(accepts={RELEASE_OWNERSHIP.vct: None}))
    with pytest.raises(WrongRecord):
        check(at_door=door(accepts={TRACK_OWNERSHIP.vct: frozenset({"another"})}))
    check(at_door=door(accepts={TRACK_OWNERSHIP.vct: frozenset({TRACK})}))


def test_only_keys_that_were_known_beforehand_open_a_door() -> None:
    other = DoorTown()
    with pytest.raises(UnknownPassKey):
        check(other.show(other.hold(), DOOR))
    with pytest.raises(UnknownPassKey):
        check(policy=TrustPolicy())
    with pytest.raises(TypeNotAllowed):
        check(policy=TOWN.policy(types=frozenset({RELEASE_OWNERSHIP.vct})))
    with pytest.raises(TrustExpired):
        check(policy=TOWN.policy(until=NOW))


def test_a_co_op_speaks_for_its_own_members_only() -> None:
    stranger = TOWN.hold(vct=COOP_MEMBERSHIP.vct, subject="https://other.example", share_class="artist")
    at_door = door(accepts={COOP_MEMBERSHIP.vct: None})
    with pytest.raises(WrongVoice):
        check(TOWN.show(stranger, at_door), at_door)


def test_a_pass_of_a_key_for_another_type_is_refused() -> None:
    kept = {TOWN.method_of(RELEASE_OWNERSHIP.vct): TOWN.key.public_key, METHOD: TOWN.key.public_key}
    with pytest.raises(UnknownPassKey):
        check(policy=TOWN.policy(bbs_keys=kept))


def test_a_co_op_that_lists_anothers_key_does_not_get_in_its_way() -> None:
    thief = "did:web:thief.example"
    stolen = {type_key_url(thief, TRACK_OWNERSHIP.configuration_id, TOWN.key.public_key): TOWN.key.public_key}
    first = TrustedIssuer(issuer=thief, name="Thief", did=thief, bbs_keys=stolen)
    expired = replace(first, issuer="did:web:late.example", did=None, types=frozenset({TRACK_OWNERSHIP.vct}), until=NOW)

    assert check(policy=TrustPolicy((first, expired, TOWN.coop))).issuer == COOP
    with pytest.raises(TypeNotAllowed):
        check(policy=TrustPolicy((first,)))


@pytest.mark.parametrize(
    ("at", "error"),
    [
        (datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC), NotYetValid),
        (datetime(2026, 11, 1, tzinfo=UTC), None),
        (datetime(2026, 12, 10, 23, 59, 59, tzinfo=UTC), None),
        (datetime(2026, 12, 11, tzinfo=UTC), Expired),
    ],
)
def test_a_pass_lives_for_its_month_and_ten_days(at: datetime, error: type[HandstampError] | None) -> None:
    text = TOWN.show(HELD, DOOR, at=at)
    if error is None:
        check(text, at=at)
    else:
        with pytest.raises(error):
            check(text, at=at)


def test_an_expired_pass_is_not_made_younger() -> None:
    at = datetime(2026, 12, 12, tzinfo=UTC)
    text = TOWN.show(HELD, DOOR, at=at)
    with pytest.raises(BadBbsProof):
        check(changed(text, 4, content().month + 1), at=at)


@pytest.mark.parametrize(
    ("place", "value", "error"),
    [
        (0, 2, Malformed),
        (1, bytes(8), UnknownPassKey),
        (1, bytes(7), Malformed),
        (1, "12345678", Malformed),
        (2, "release-ownership:1", UnknownType),
        (2, "made-up:1", Malformed),
        (2, 7, Malformed),
        (3, "another track", BadBbsProof),
        (3, "", Malformed),
        (3, "x" * 201, Malformed),
        (3, "a\u0000b", Malformed),
        (3, None, Malformed),
        (4, 2026 * 12 + 9, Expired),
        (4, 2026 * 12 + 11, NotYetValid),
        (4, 1970 * 12 - 1, Malformed),
        (4, 2**63, Malformed),
        (4, True, Malformed),
        (4, "2026-11", Malformed),
        (5, "artist", Malformed),
        (5, 0, Malformed),
        (6, slot_of(NOW) - 1, BadBbsProof),
        (6, slot_of(NOW) + 2, EarlyPass),
        (6, 0, StalePass),
        (6, -1, Malformed),
        (6, 2**40, Malformed),
        (6, None, Malformed),
        (7, bytes(384), Malformed),
        (7, b"", Malformed),
        (7, "text", Malformed),
    ],
)
def test_each_change_of_a_pass_is_refused_for_its_own_reason(
    place: int, value: Any, error: type[HandstampError]
) -> None:
    accepts = {TRACK_OWNERSHIP.vct: None}
    with pytest.raises(error):
        check(changed(SHOWN, place, value), door(accepts=accepts))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "HELLO",
        "https://venue.example",
        SHOWN.lower(),
        SHOWN[:-3],
        SHOWN + "000",
        SHOWN + "\n",
        SHOWN * 2,
        base45.encode(encode([1])),
        base45.encode(encode({"v": 1})),
        base45.encode(encode([1, 2, 3, 4, 5, 6, 7, 8, 9])),
        base45.encode(encode([1, [[]], 3, 4, 5, 6, 7, 8])),
        base45.encode(b"\x98\x08" + base45.decode(SHOWN, what="pass", max_characters=1_200)[1:]),
        base45.encode(b"\xc2\x41\x01"),
        "0" * 5_000,
    ],
)
def test_a_scan_of_anything_else_is_refused_in_words(text: str) -> None:
    with pytest.raises(Malformed, match="door pass"):
        check(text)


@settings(max_examples=25)
@given(st.integers(0, 8 * 400))
def test_any_bit_of_a_pass_that_is_turned_closes_the_door(bit: int) -> None:
    data = base45.decode(SHOWN, what="pass", max_characters=1_200)
    at = bit % (len(data) * 8)
    with pytest.raises(HandstampError):
        check(base45.encode((int.from_bytes(data) ^ 1 << at).to_bytes(len(data))))


@settings(max_examples=25)
@given(st.binary(max_size=60))
def test_no_bytes_make_a_door_stumble(data: bytes) -> None:
    for text in (base45.encode(data), base45.encode(encode([1, data, "x", data.hex(), 1, "none", 1, data]))):
        with pytest.raises(HandstampError):
            check(text)


def test_what_is_scanned_is_not_proven_by_being_read() -> None:
    read = parse_door_pass(SHOWN)
    assert read.content == content()
    assert read.slot == slot_of(NOW)


def test_a_door_keeps_what_it_asks_for_and_nothing_that_it_did_not_know_before() -> None:
    keep_statement.cache_clear()
    check(at_door=door(accepts={TRACK_OWNERSHIP.vct: None}))
    assert keep_statement.cache_info().currsize == 0
    named = door(accepts={TRACK_OWNERSHIP.vct: frozenset({TRACK})})
    assert check(at_door=named) == check(at_door=named)
    assert keep_statement.cache_info()[:2] == (1, 1)
