"""Bitstring Status Lists: many entries, read by position; whatever is not as it should be is refused."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.data_integrity import eddsa_rdfc_2022
from credentials.data_integrity.keys import find_key_in
from credentials.dids import DidDocument, Relation
from credentials.dids.did import parse_did
from credentials.dids.did_key import build_did_key, read_did_key
from credentials.encoding import base64url
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.status import StatusCheck, build_status_list, verify_status_list
from credentials.status.bitstring import (
    MIN_ENTRIES,
    Bitstring,
    BitstringEntry,
    build_bitstring_credential,
    read_entries,
)
from credentials.status.bitstring_checking import (
    BitstringList,
    TokenRevocations,
    check_bitstring_status,
    verify_bitstring_list,
)
from credentials.status.packed import PackedStatuses
from credentials.vcdm import check_credential
from tests.support.refusing import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.credentials.conftest import World

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SIGNER = LocalSigner.generate(KeyKind.ED25519)
DID = build_did_key(SIGNER.public_key)
METHOD = f"{DID}#{SIGNER.public_key.multikey}"
FIND_KEY = find_key_in({DID: read_did_key(parse_did(DID, what="DID"))})
WEB = "did:web:coop.example"
URI = "https://coop.example/bitstrings/1"
# Bitstring Status List 1.0 §2.2, "Example BitstringStatusListCredential": 131,072 zeros.
PUBLISHED = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"


def entry(**members: Any) -> dict[str, Any]:
    return {**BitstringEntry(uri=URI, index=7).to_json(), **members}


# Entries.


def test_an_entry_is_read_as_it_was_written() -> None:
    for written in (
        BitstringEntry(uri=URI, index=7),
        BitstringEntry(uri=URI, index=0, purpose="suspension"),
        BitstringEntry(
            uri=URI,
            index=94567,
            purpose="message",
            size=2,
            messages=tuple((hex(number), f"message {number}") for number in range(4)),
        ),
        BitstringEntry(uri=URI, index=1, messages=(("0x0", "good"), ("0x1", "revoked"))),
    ):
        assert BitstringEntry.parse(written.to_json()) == written


def test_one_entry_stands_alone_and_several_in_an_array() -> None:
    assert read_entries(entry()) == (BitstringEntry(uri=URI, index=7),)
    assert len(read_entries([entry(), entry(statusPurpose="suspension")])) == 2
    refused("malformed", read_entries, [])
    refused("malformed", read_entries, [entry()] * 9)


@pytest.mark.parametrize(
    ("code", "members"),
    [
        ("status_not_supported", {"type": "StatusList2021Entry"}),
        ("malformed", {"statusListIndex": 7}),
        ("malformed", {"statusListIndex": "-1"}),
        ("malformed", {"statusListIndex": "007"}),
        ("malformed", {"statusListIndex": "9" * 12}),
        ("malformed", {"statusListCredential": "list"}),
        ("malformed", {"statusListCredential": None}),
        ("malformed", {"statusPurpose": 1}),
        ("malformed", {"statusSize": 0}),
        ("malformed", {"statusSize": 9}),
        ("malformed", {"statusSize": True}),
        ("malformed", {"statusSize": 2}),
        ("malformed", {"statusMessage": [{"status": "0x0", "message": "a"}]}),
        ("malformed", {"statusMessage": [{"status": "0x0"}, {"status": "0x1"}]}),
    ],
)
def test_an_entry_that_is_none_is_refused(code: str, members: dict[str, Any]) -> None:
    refused(code, BitstringEntry.parse, entry(**members))


# Lists.


def test_the_published_list_is_read() -> None:
    statuses = Bitstring.parse(PUBLISHED)
    assert len(statuses) == MIN_ENTRIES
    assert not any(statuses.packed)


def test_the_first_entry_is_the_left_most_bit() -> None:
    assert Bitstring.all_valid().replaced({0: 1, 9: 1}).packed[:2] == bytes([0b1000_0000, 0b0100_0000])
    assert Bitstring.all_valid(size=2).replaced({1: 2}).packed[0] == 0b0010_0000
    assert Bitstring.all_valid(size=3).replaced({2: 0b101}).packed[:2] == bytes([0b0000_0010, 0b1000_0000])


@settings(max_examples=20)
@given(size=st.integers(1, 8), chosen=st.dictionaries(st.integers(0, MIN_ENTRIES - 1), st.integers(1, 255), max_size=9))
def test_what_is_set_is_read_and_nothing_beside_it(size: int, chosen: dict[int, int]) -> None:
    chosen = {index: status % (1 << size) for index, status in chosen.items()}
    statuses = Bitstring.parse(Bitstring.all_valid(size=size).replaced(chosen).write(), size=size)
    near = {place for index in chosen for place in (index - 1, index, index + 1) if 0 <= place < MIN_ENTRIES}
    assert {place: statuses[place] for place in near} == {place: chosen.get(place, 0) for place in near}


def test_a_list_is_written_in_one_way_and_never_shorter_than_a_crowd_needs() -> None:
    assert Bitstring.all_valid(5).write() == Bitstring.all_valid().write()
    assert len(Bitstring.all_valid(MIN_ENTRIES + 1)) >= MIN_ENTRIES + 1


def test_what_does_not_fit_is_refused() -> None:
    statuses = Bitstring.all_valid()
    for index in (-1, len(statuses)):
        refused("status_out_of_range", statuses.__getitem__, index)
        refused("status_out_of_range", statuses.replaced, {index: 1})
    refused("malformed", statuses.replaced, {0: 2})
    refused("malformed", Bitstring, 9, b"")


def pack(data: bytes) -> str:
    return "u" + base64url.encode(data)


@pytest.mark.parametrize(
    ("code", "encoded"),
    [
        ("malformed", None),
        ("malformed", ""),
        ("malformed", "z6Mk"),
        ("malformed", "u=="),
        ("malformed", pack(b"not gzip")),
        ("malformed", pack(gzip.compress(bytes(16_384))[:-4])),
        ("malformed", pack(gzip.compress(bytes(16_384)) + b"more")),
        ("malformed", pack(gzip.compress(bytes(3 * 1024 * 1024)))),
        ("status_list_too_short", pack(gzip.compress(bytes(16_383)))),
    ],
    ids=["absent", "empty", "another base", "padded", "not packed", "cut off", "followed", "a bomb", "too short"],
)
def test_a_list_that_is_none_is_refused(code: str, encoded: Any) -> None:
    refused(code, Bitstring.parse, encoded)


# Credentials that hold a list.


def build(statuses: Bitstring | None = None, **changes: Any) -> dict[str, Any]:
    document = build_bitstring_credential(
        statuses or Bitstring.all_valid(),
        uri=URI,
        issuer_did=DID,
        purpose="revocation",
        valid_from=NOW,
        valid_until=NOW + timedelta(hours=1),
        ttl=timedelta(minutes=5),
    )
    return document | changes


def sign(document: dict[str, Any]) -> dict[str, Any]:
    return eddsa_rdfc_2022.add_proof(document, signer=SIGNER, verification_method=METHOD)


def verify(document: dict[str, Any], **options: Any) -> BitstringList:
    return verify_bitstring_list(document, **{"uri": URI, "issuer": DID, "find_key": FIND_KEY, "at": NOW} | options)


def with_subject(**members: Any) -> dict[str, Any]:
    return build(credentialSubject={**build()["credentialSubject"], **members})


def test_a_list_is_a_credential_that_says_what_was_taken_back() -> None:
    check_credential(build(), at=NOW)
    assert build()["credentialSubject"]["ttl"] == 300_000
    found = verify(sign(build(Bitstring.all_valid().replaced({7: 1}))))
    assert found.look_up(BitstringEntry(uri=URI, index=7)) == 1
    assert found.look_up(BitstringEntry(uri=URI, index=8)) == 0
    assert found.valid_until == NOW + timedelta(hours=1)
    with pytest.raises(TypeError, match="status list comes from"):
        BitstringList(object(), uri=URI, issuer=DID, purposes=frozenset(), encoded="", valid_until=None)


def test_several_purposes_may_share_a_list() -> None:
    found = verify(sign(with_subject(statusPurpose=["revocation", "suspension"])))
    assert found.look_up(BitstringEntry(uri=URI, index=7, purpose="suspension")) == 0
    refused("wrong_status_list", found.look_up, BitstringEntry(uri=URI, index=7, purpose="refresh"))
    refused("status_out_of_range", found.look_up, BitstringEntry(uri=URI, index=MIN_ENTRIES))


REFUSED: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "no proof": ("proof_missing", build),
    "not begun": ("not_yet_valid", lambda: sign(build(validFrom="2026-11-21T13:00:00Z"))),
    "ended": ("expired", lambda: sign(build(validFrom="2026-11-20T12:00:00Z", validUntil="2026-11-21T11:00:00Z"))),
    "another type": ("wrong_status_list", lambda: sign(build(type=["VerifiableCredential"]))),
    "another issuer": ("wrong_status_list", lambda: sign(build(issuer="did:web:other.example"))),
    "another address": ("wrong_status_list", lambda: sign(build(id="https://coop.example/bitstrings/2"))),
    "about something else": (
        "wrong_status_list",
        lambda: sign(build(credentialSubject={"name": "a"})),
    ),
    "too many purposes": (
        "wrong_status_list",
        lambda: sign(with_subject(statusPurpose=[f"purpose {number}" for number in range(9)])),
    ),
    "changed": ("bad_proof", lambda: sign(build()) | {"validUntil": "2026-11-22T12:00:00Z"}),
    "a key that is not the issuer's": (
        "did_key_unknown",
        lambda: eddsa_rdfc_2022.add_proof(build(), signer=SIGNER, verification_method="did:web:other.example#1"),
    ),
}


@pytest.mark.parametrize(("code", "make"), REFUSED.values(), ids=REFUSED)
def test_a_credential_that_holds_no_such_list_is_refused(code: str, make: Callable[[], dict[str, Any]]) -> None:
    refused(code, verify, make())


def test_a_list_need_not_name_its_address_or_an_end() -> None:
    bare = {name: value for name, value in build().items() if name not in ("id", "validUntil")}
    assert verify(sign(bare)).valid_until is None


# What a list says of a credential.


def lists(purpose: str = "revocation", **statuses: int) -> dict[str, BitstringList]:
    packed = Bitstring.all_valid().replaced({int(index[1:]): status for index, status in statuses.items()})
    document = build(issuer=WEB)
    document["credentialSubject"] |= {"statusPurpose": purpose, "encodedList": packed.write()}
    method = f"{WEB}#1"
    known = DidDocument(did=WEB, keys={method: SIGNER.public_key}, relations={Relation.ASSERTION: frozenset({method})})
    signed = eddsa_rdfc_2022.add_proof(document, signer=SIGNER, verification_method=method)
    return {URI: verify(signed, issuer=WEB, find_key=find_key_in({WEB: known}))}


def check(entries: list[BitstringEntry], found: dict[str, BitstringList], *, issuer: str = WEB) -> StatusCheck:
    return check_bitstring_status(entries, issuer=issuer, lists=found, at=NOW)


def test_a_status_is_kept_at_the_issuers_own_host() -> None:
    entry_at_home = BitstringEntry(uri=URI, index=7)
    refused("status_elsewhere", check, [BitstringEntry(uri="https://other.example/1", index=7)], {})
    refused("status_elsewhere", check, [entry_at_home], lists(), issuer=DID)
    refused("status_list_needed", check, [entry_at_home], {})
    # Of the same host, but said by another name.
    refused("status_list_needed", check, [entry_at_home], lists(), issuer="https://coop.example")


def test_no_entry_is_no_status() -> None:
    assert check([], {}) is StatusCheck.NONE


@pytest.mark.parametrize(
    ("purpose", "code"),
    [
        ("revocation", "credential_revoked"),
        ("suspension", "credential_suspended"),
        ("message", "unknown_status"),
        ("refresh", None),
    ],
)
def test_what_a_status_means_depends_on_its_purpose(purpose: str, code: str | None) -> None:
    found = lists(purpose, _7=1)
    assert check([BitstringEntry(uri=URI, index=8, purpose=purpose)], found) is StatusCheck.CURRENT
    chosen = [BitstringEntry(uri=URI, index=7, purpose=purpose)]
    if code is None:
        assert check(chosen, found) is StatusCheck.CURRENT
    else:
        refused(code, check, chosen, found)


# The same list as a token.


def test_a_token_list_says_the_same_from_the_other_end_of_each_byte() -> None:
    told = PackedStatuses.all_valid(MIN_ENTRIES).replaced({0: 1, 9: 1, 4711: 1})
    bits = Bitstring.from_token(told)
    assert [index for index in (0, 1, 9, 10, 4711, 4712) if bits[index]] == [0, 9, 4711]
    refused("malformed", Bitstring.from_token, PackedStatuses.all_valid(8, bits=2))


def test_a_token_list_answers_for_revocation_by_one_bit_only(world: World) -> None:
    uri, now = f"{world.issuer_url}/statuslists/1", int(NOW.timestamp())
    token = build_status_list(
        PackedStatuses.all_valid(MIN_ENTRIES).replaced({7: 1}),
        uri=uri,
        issued_at=now,
        expires_at=now + 600,
        ttl_s=300,
        signer=world.issuer,
        x5c=world.x5c,
    )
    trusted = world.policy.issuer_for(world.issuer_url)
    listed = TokenRevocations(listed=verify_status_list(token, uri=uri, issuer=trusted, at=NOW))

    def look(index: int, *, at: datetime = NOW, issuer: str = world.issuer_url) -> StatusCheck:
        entries = [BitstringEntry(uri=uri, index=index)]
        return check_bitstring_status(entries, issuer=issuer, known_as=world.issuer_url, lists={uri: listed}, at=at)

    assert look(8) is look(8, issuer="did:web:coop.localhost%3A8701") is StatusCheck.CURRENT
    refused("credential_revoked", look, 7)
    refused("expired", look, 8, at=NOW + timedelta(hours=1))
    refused("wrong_status_list", listed.look_up, BitstringEntry(uri=uri, index=7, purpose="suspension"))
    refused("status_out_of_range", listed.look_up, BitstringEntry(uri=uri, index=MIN_ENTRIES))
