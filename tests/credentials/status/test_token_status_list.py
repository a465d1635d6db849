"""Token Status List: the published vectors, what a list may say, and every way in which one is refused."""

from __future__ import annotations

import contextlib
import json
import zlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.encoding import base64url
from credentials.errors import HandstampError, Malformed
from credentials.keys.jws import sign_jws
from credentials.keys.signer import LocalSigner
from credentials.status import (
    PackedStatuses,
    StatusList,
    StatusReference,
)
from credentials.trust import TrustedIssuer
from tests.credentials.status.lists import OTHER, URI, check, make
from tests.support.refusing import refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.credentials.conftest import World


def sign(world: World, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Sign whatever an issuer could sign as a list."""
    usual = {
        "sub": URI,
        "iat": world.now_s,
        "exp": world.now_s + 60,
        "ttl": 300,
        "status_list": PackedStatuses.all_valid(1024).to_json(),
    }
    members: dict[str, Any] = {name: value for name, value in (usual | claims).items() if value is not ...}
    return sign_jws({"typ": "statuslist+jwt", "x5c": world.x5c} | (header or {}), members, world.issuer)


# The published vectors (appendix "Test vectors for Status List encoding", and the examples of §4 and §5).


def test_every_published_list_unpacks_to_the_published_statuses(vectors_dir: Path) -> None:
    vectors = json.loads((vectors_dir / "token-status-list" / "vectors.json").read_text())
    assert [vector["bits"] for vector in vectors] == [1, 2, 4, 8]
    for vector in vectors:
        found = PackedStatuses.parse({"bits": vector["bits"], "lst": vector["list"]})
        assert len(found) == vector["entries"]
        named = {int(index): status for index, status in vector["values"].items()}
        assert {index: found[index] for index in named} == named
        made = PackedStatuses.all_valid(vector["entries"], bits=vector["bits"]).replaced(named)
        assert made == found
        assert PackedStatuses.parse(made.to_json()) == made


@pytest.mark.parametrize(
    ("bits", "packed", "statuses", "lst"),
    [
        (1, "b9a3", [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1], "eNrbuRgAAhcBXQ"),
        (2, "c944f9", [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3], "eNo76fITAAPfAgc"),
    ],
)
def test_the_examples_of_the_text_come_out_to_the_byte(bits: int, packed: str, statuses: list[int], lst: str) -> None:
    made = PackedStatuses.all_valid(len(statuses), bits=bits).replaced(dict(enumerate(statuses)))
    assert made.packed.hex() == packed
    assert made.to_json() == {"bits": bits, "lst": lst}


def test_the_example_of_a_token_has_the_members_that_ours_has(world: World, vectors_dir: Path) -> None:
    example = (vectors_dir / "token-status-list" / "examples" / "status_list_jwt.md").read_text()
    header, claims = (json.loads(part) for part in example.split("\n.\n"))
    ours_header, ours_claims = (json.loads(base64url.decode(p, what="x")) for p in make(world).split(".")[:2])
    assert set(ours_claims) == set(claims)
    assert ours_header["typ"] == header["typ"] == "statuslist+jwt"


# The examples of §5.1 in draft -14, which HAIP 1.0 §9.4 pins, and in -20, the newest: the older names the issuer, too.
DRAFT_14 = (
    "eyJleHAiOjIyOTE3MjAxNzAsImlhdCI6MTY4NjkyMDE3MCwiaXNzIjoiaHR0cHM6Ly9leGFtcGxlLmNvbSIsInN0YXR1c19saXN0Ijp7ImJpdHMiOj"
    "EsImxzdCI6ImVOcmJ1UmdBQWhjQlhRIn0sInN1YiI6Imh0dHBzOi8vZXhhbXBsZS5jb20vc3RhdHVzbGlzdHMvMSIsInR0bCI6NDMyMDB9"
)


def test_a_list_by_the_draft_that_haip_pins_says_the_same_as_by_the_newest(world: World, vectors_dir: Path) -> None:
    older = json.loads(base64url.decode(DRAFT_14, what="x"))
    example = (vectors_dir / "token-status-list" / "examples" / "status_list_jwt.md").read_text()
    newest = json.loads(example.split("\n.\n")[1])
    assert set(older) - set(newest) <= {"iss"}
    for claims in (older, newest):
        ours = {name: value for name, value in claims.items() if name not in {"sub", "iat", "exp"}}
        if "iss" in ours:
            ours["iss"] = world.issuer_url
        found = check(world, sign(world, **ours))
        assert [found.statuses[index] for index in range(16)] == [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]


@given(st.data())
@settings(max_examples=60)
def test_whatever_is_put_in_is_read_out_and_nothing_else_changes(data: st.DataObject) -> None:
    bits = data.draw(st.sampled_from([1, 2, 4, 8]))
    entries = data.draw(st.integers(1, 300))
    changes = data.draw(st.dictionaries(st.integers(0, entries - 1), st.integers(0, 2**bits - 1), max_size=20))
    found = PackedStatuses.parse(PackedStatuses.all_valid(entries, bits=bits).replaced(changes).to_json())
    assert [found[index] for index in range(entries)] == [changes.get(index, 0) for index in range(entries)]


@given(st.one_of(st.text(max_size=40), st.binary(max_size=60).map(base64url.encode)))
def test_no_foreign_error_leaves_the_reader_of_lists(lst: str) -> None:
    with pytest.raises(Malformed):
        PackedStatuses.parse({"bits": 1, "lst": lst})


@given(st.recursive(st.none() | st.booleans() | st.integers(-5, 300) | st.text(max_size=5), st.lists, max_leaves=4))
def test_whatever_stands_for_a_status_is_read_or_refused_in_words(value: Any) -> None:
    for claim in (value, {"status_list": value}, {"status_list": {"idx": value, "uri": URI}}):
        with contextlib.suppress(HandstampError):
            assert StatusReference.parse(claim, issuer="http://coop.localhost:8701").index == value


# What a list must not be.


@pytest.mark.parametrize("bits", [0, 3, 16, -1, "1", True, None, 1.0], ids=repr)
def test_a_status_takes_one_two_four_or_eight_bits(bits: Any) -> None:
    refused("malformed", PackedStatuses.parse, {"bits": bits, "lst": "eNrbuRgAAhcBXQ"})


def test_a_list_that_unpacks_beyond_all_measure_is_cut_off() -> None:
    bomb = base64url.encode(zlib.compress(bytes(64 * 1024 * 1024), level=9))
    assert "more than" in refused("malformed", PackedStatuses.parse, {"bits": 1, "lst": bomb}).detail


@pytest.mark.parametrize(
    "change", [lambda z: z[:-3], lambda z: z + b"more", lambda z: z[2:], lambda _: b"\x00"], ids=range(4)
)
def test_a_list_that_is_cut_off_or_followed_or_not_zlib_is_refused(change: Callable[[bytes], bytes]) -> None:
    lst = base64url.encode(change(zlib.compress(bytes(100))))
    refused("malformed", PackedStatuses.parse, {"bits": 1, "lst": lst})


def test_an_index_beyond_the_list_says_nothing_so_it_is_refused() -> None:
    listed = PackedStatuses.all_valid(16)
    for index in (-1, 16, 2**31):
        refused("status_out_of_range", listed.__getitem__, index)
    refused("status_out_of_range", listed.replaced, {16: 1})
    refused("malformed", listed.replaced, {0: 2})


# The signed list.


def test_a_good_list_is_evidence_of_what_its_issuer_said(world: World) -> None:
    found = check(world, make(world, aggregation_uri="http://coop.localhost:8701/statuslists"))
    assert (found.uri, found.issuer, found.ttl_s, found.stale) == (URI, world.issuer_url, 300, False)
    assert found.expires_at == world.now_s + 86_400
    with pytest.raises(TypeError, match="comes from"):
        StatusList(
            object(),
            uri=URI,
            issuer=world.issuer_url,
            statuses=found.statuses,
            issued_at=0,
            ttl_s=1,
            expires_at=None,
            stale=False,
        )


@pytest.mark.parametrize(
    ("code", "claims"),
    [
        ("wrong_status_list", {"sub": OTHER}),
        ("malformed", {"sub": ...}),
        ("malformed", {"iat": ...}),
        ("malformed", {"iat": "now"}),
        ("not_yet_valid", {"iat": 4_000_000_000}),
        ("expired", {"exp": 1_000_000_000}),
        ("malformed", {"exp": "never"}),
        ("malformed", {"ttl": 0}),
        ("malformed", {"ttl": -1}),
        ("malformed", {"ttl": True}),
        ("malformed", {"ttl": "300"}),
        ("malformed", {"status_list": ...}),
        ("malformed", {"status_list": []}),
        ("malformed", {"status_list": {"bits": 1}}),
        ("wrong_status_list", {"iss": "https://other.example"}),
    ],
    ids=repr,
)
def test_a_list_with_a_wrong_claim_is_refused(world: World, code: str, claims: dict[str, Any]) -> None:
    refused(code, check, world, sign(world, **claims))


def test_a_list_needs_neither_ttl_nor_end_and_may_name_its_issuer(world: World) -> None:
    found = check(world, sign(world, ttl=..., exp=..., iss=world.issuer_url))
    named = replace(world.policy.issuers[0], did="did:web:coop.example")
    assert check(world, sign(world, iss="did:web:coop.example"), issuer=named).uri == found.uri
    assert (found.ttl_s, found.expires_at) == (300, None)
    found.check_not_expired(world.now + timedelta(days=9999))
    assert check(world, sign(world, ttl=12.5)).ttl_s == 13
    # A list that nobody need ever fetch again would undo every refund: a day is the longest.
    assert check(world, sign(world, ttl=1e300)).ttl_s == check(world, sign(world, ttl=2**53 - 1)).ttl_s == 86_400


@given(
    st.dictionaries(
        st.sampled_from(["sub", "iat", "exp", "ttl", "status_list", "iss"]),
        st.none()
        | st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.floats(allow_nan=False)
        | st.text(max_size=5),
        max_size=4,
    )
)
@settings(max_examples=60)
def test_whatever_an_issuer_signs_is_read_as_a_list_or_refused_in_words(world: World, claims: dict[str, Any]) -> None:
    with contextlib.suppress(HandstampError):
        assert check(world, sign(world, **claims)).uri == URI


@pytest.mark.parametrize("typ", ["JWT", "dc+sd-jwt", "statuslist+cwt", None], ids=repr)
def test_what_was_signed_for_another_purpose_is_no_list(world: World, typ: Any) -> None:
    refused("wrong_typ", check, world, sign(world, header={"typ": typ}))


def test_a_list_that_another_signed_is_refused(world: World) -> None:
    stranger = LocalSigner.generate()
    refused("bad_signature", check, world, make(world, signer=stranger))
    unknown = TrustedIssuer(issuer=world.issuer_url, name="x", keys=frozenset({stranger.public_key.thumbprint}))
    refused("wrong_issuer_key", check, world, make(world), issuer=unknown)


def test_a_list_longer_than_any_sensible_one_is_not_read(world: World) -> None:
    refused("malformed", check, world, "a" * (1024 * 1024 + 1))


def test_a_long_list_is_read_though_other_messages_may_not_be_so_long(world: World) -> None:
    noise = b"".join(bytes([index * 7919 % 251, index * 104_729 % 241]) for index in range(40_000))
    long = make(world, PackedStatuses(1, noise))
    assert len(long) > 65_536
    assert check(world, long).statuses.packed == noise
