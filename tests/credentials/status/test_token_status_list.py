"""Token Status List: the published vectors, what a list may say, and every way in which one is refused."""

from __future__ import annotations

import contextlib
import json
import secrets
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
from credentials.sd_jwt import build_sd_jwt_vc
from credentials.shape import check_shape
from credentials.status import (
    INVALID,
    SUSPENDED,
    PackedStatuses,
    StatusCheck,
    StatusList,
    StatusReference,
    build_status_list,
    verify_status_list,
)
from credentials.status.errors import StatusListNeeded
from credentials.status.reference import check_own_host
from credentials.status.token import parse_aggregation
from credentials.trust import TrustedIssuer
from tests.support.refusing import refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.credentials.conftest import World

URI = "http://coop.localhost:8701/statuslists/Ab0"
OTHER = "http://coop.localhost:8701/statuslists/Xy1"


def make(world: World, statuses: PackedStatuses | None = None, **changes: Any) -> str:
    arguments: dict[str, Any] = {
        "uri": URI,
        "issued_at": world.now_s,
        "expires_at": world.now_s + 86_400,
        "ttl_s": 300,
        "signer": world.issuer,
        "x5c": world.x5c,
    }
    return build_status_list(statuses or PackedStatuses.all_valid(1024), **(arguments | changes))


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


def check(world: World, token: str, **changes: Any) -> StatusList:
    arguments: dict[str, Any] = {"uri": URI, "issuer": world.policy.issuers[0], "at": world.now}
    return verify_status_list(token, **(arguments | changes))


def entry(index: int, uri: str = URI) -> StatusReference:
    return StatusReference(uri=uri, index=index)


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


@pytest.mark.parametrize(
    ("uri", "issuer"),
    [
        ("http://coop.localhost:8701/statuslists/1", "did:web:coop.localhost%3A8701"),
        ("https://coop.example/statuslists/1", "did:web:coop.example:branch"),
        ("https://coop.example:443/statuslists/1", "https://coop.example/branch"),
    ],
)
def test_a_list_at_the_issuers_own_host_may_be_asked_for(uri: str, issuer: str) -> None:
    check_own_host(uri, issuer=issuer)


@pytest.mark.parametrize(
    ("uri", "issuer"),
    [
        ("https://coop.example.evil/1", "https://coop.example"),
        ("https://coop.example:8443/1", "https://coop.example"),
        ("http://coop.localhost/1", "https://coop.localhost"),
        ("https://coop.example@evil.example/1", "https://coop.example"),
        ("https://coop.example/1", "did:web:other.example"),
        ("https://coop.example/1", "did:key:z6Mk"),
        ("https://coop.example/1", "did:web:"),
        ("https://coop.example/1", "did:web:a%2Fb"),
    ],
)
def test_a_list_elsewhere_is_never_asked_for(uri: str, issuer: str) -> None:
    refused("status_elsewhere", check_own_host, uri, issuer=issuer)


def test_the_list_of_lists_leaves_out_what_is_not_the_issuers_own() -> None:
    body = json.dumps({"status_lists": [URI, "https://elsewhere.example/1", "nonsense"]}).encode()
    assert parse_aggregation(body, issuer="http://coop.localhost:8701", max_lists=10) == (URI,)
    assert parse_aggregation(b'{"status_lists":[]}', issuer="http://coop.localhost:8701", max_lists=10) == ()
    for wrong in (b"[]", b"{}", b'{"status_lists":"x"}', json.dumps({"status_lists": [URI, OTHER]}).encode()):
        refused("malformed", parse_aggregation, wrong, issuer="http://coop.localhost:8701", max_lists=1)


# A credential and its list, through the pipeline.


@pytest.mark.parametrize(
    ("status", "code"), [(INVALID, "credential_revoked"), (SUSPENDED, "credential_suspended"), (3, "unknown_status")]
)
def test_what_was_taken_back_opens_nothing(world: World, status: int, code: str) -> None:
    listed = PackedStatuses.all_valid(1024, bits=2).replaced({7: status})
    lists = {URI: check(world, make(world, listed))}
    good, bad = (world.present(world.issue(status=entry(index))) for index in (6, 7))
    assert world.verify(good, statuses=lists).status is StatusCheck.CURRENT
    refused(code, world.verify, bad, statuses=lists)


def test_a_credential_without_a_status_needs_no_list(world: World) -> None:
    assert world.verify(world.present(world.issue())).status is StatusCheck.NONE


def test_the_list_is_asked_for_last_and_by_its_very_address(world: World) -> None:
    presentation = world.present(world.issue(status=entry(3)))
    for lists in (None, {}, {OTHER: check(world, make(world))}):
        refusal = refused("status_list_needed", world.verify, presentation, statuses=lists)
        assert isinstance(refusal, StatusListNeeded)
        assert (refusal.uri, refusal.issuer) == (URI, world.issuer_url)
    # Who does not hold the credential's key, or answers another request, makes nobody fetch anything.
    refused("wrong_nonce", world.verify, presentation, nonce="another")


def test_a_list_under_a_wrong_address_or_of_another_issuer_says_nothing(world: World) -> None:
    presentation = world.present(world.issue(status=entry(3)))
    elsewhere = check(world, make(world, uri=OTHER), uri=OTHER)
    refused("wrong_status_list", world.verify, presentation, statuses={URI: elsewhere})
    twin = TrustedIssuer(
        issuer=f"{world.issuer_url}/twin", name="x", keys=frozenset({world.issuer.public_key.thumbprint})
    )
    refused("wrong_status_list", world.verify, presentation, statuses={URI: check(world, make(world), issuer=twin)})


def test_an_index_beyond_the_list_is_refused_at_the_gate(world: World) -> None:
    lists = {URI: check(world, make(world))}
    refused("status_out_of_range", world.verify, world.present(world.issue(status=entry(1024))), statuses=lists)


def test_a_list_that_expired_since_it_was_checked_is_not_relied_on(world: World) -> None:
    kept = check(world, make(world, expires_at=world.now_s + 10))
    later = world.now + timedelta(seconds=11)
    refused("expired", world.verify, world.present(world.issue(status=entry(1))), statuses={URI: kept}, at=later)


def test_a_stale_list_is_asked_for_again_unless_the_gate_admits(world: World) -> None:
    fetched = world.now - timedelta(seconds=301)
    listed = PackedStatuses.all_valid(1024).replaced({7: INVALID})
    lists = {URI: check(world, make(world, listed, issued_at=int(fetched.timestamp())), fetched_at=fetched)}
    good, bad = (world.present(world.issue(status=entry(index))) for index in (6, 7))
    refused("status_list_needed", world.verify, good, statuses=lists)
    admitting: dict[str, Any] = {"lenient": {URI}}
    assert world.verify(good, statuses=lists, **admitting).status is StatusCheck.STALE
    assert world.verify(good, **admitting).status is StatusCheck.UNKNOWN
    refused("credential_revoked", world.verify, bad, statuses=lists, **admitting)
    refused("status_list_needed", world.verify, good, lenient={OTHER})


def test_a_credential_with_a_status_has_the_shape_of_its_kind(world: World) -> None:
    from credentials.sd_jwt import parse_sd_jwt  # noqa: PLC0415

    issued = parse_sd_jwt(
        build_sd_jwt_vc(
            vct=world.vct,
            issuer=world.issuer_url,
            holder_key=world.holder.public_key,
            issued_at=world.month_s,
            disclosable=dict(world.claims),
            digest_count=12,
            signer=world.issuer,
            x5c=world.x5c,
            random=secrets.token_bytes,
            status=entry(5),
        )
    )
    assert StatusReference.parse(issued.claims["status"], issuer=world.issuer_url) == entry(5)
    check_shape(
        issued,
        issuer_key=world.issuer.public_key.thumbprint,
        at=world.now,
        digest_count=12,
        claim_names=frozenset(world.claims),
        clock_skew_s=0,
        has_status=True,
    )
