from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import HandstampError, Malformed
from credentials.keys.errors import BadSignature, UnsupportedAlgorithm, WrongTyp
from credentials.keys.jws import sign_jws
from credentials.protocols import grants
from credentials.protocols.grants import Grant

if TYPE_CHECKING:
    from credentials.keys.signer import LocalSigner

GATE = "http://artist.localhost:8703"
TRACKS = "http://tracks.localhost:8702"


@pytest.fixture
def grant(now_s: int) -> Grant:
    return Grant(
        issuer=GATE,
        audience=TRACKS,
        jti="j" * 22,
        issued_at=now_s,
        expires_at=now_s + 300,
        release="b7a1c8f0-0000-4000-8000-000000000001",
        tracks=("one", "two"),
        formats=("original", "flac"),
        quality="lossless",
        holder_key="k" * 43,
    )


def verify(text: str, signer: LocalSigner, at: datetime, **change: Any) -> Grant:
    keys = {signer.public_key.thumbprint: signer.public_key}
    return grants.verify_grant(text, **{"keys": keys, "audience": TRACKS, "at": at, "issuer": GATE, **change})


def test_a_grant_is_read_as_it_was_signed(grant: Grant, signer: LocalSigner, at: datetime) -> None:
    text = grants.build_grant(grant, signer=signer)
    assert verify(text, signer, at) == grant
    assert grants.read_unverified_issuer(text) == GATE


def test_a_grant_for_a_browser_has_no_key_and_all_tracks(grant: Grant, signer: LocalSigner, at: datetime) -> None:
    pushed = replace(grant, holder_key=None, tracks=())
    assert "cnf" not in pushed.to_json()
    assert verify(grants.build_grant(pushed, signer=signer), signer, at) == pushed


def test_a_grant_says_nothing_of_the_holder(grant: Grant) -> None:
    assert set(grant.to_json()) == {
        "iss", "aud", "jti", "iat", "exp", "release", "tracks", "formats", "quality", "cnf"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"audience": "http://other.localhost:8702"}, grants.WrongGrantAudience),
        ({"audience": TRACKS + "/"}, grants.WrongGrantAudience),
        ({"issuer": "http://shop.localhost:8704"}, grants.WrongGrantIssuer),
        ({"keys": {}}, grants.UnknownGrantKey),
    ],
)
def test_a_grant_for_or_from_another_is_refused(
    grant: Grant, signer: LocalSigner, at: datetime, change: dict[str, Any], refusal: type[HandstampError]
) -> None:
    with pytest.raises(refusal):
        verify(grants.build_grant(grant, signer=signer), signer, at, **change)


def test_a_grant_is_refused_from_its_expiry_on(grant: Grant, signer: LocalSigner, at: datetime) -> None:
    text = grants.build_grant(grant, signer=signer)
    assert verify(text, signer, at + timedelta(seconds=299))
    with pytest.raises(grants.GrantExpired):
        verify(text, signer, at + timedelta(seconds=300))


@pytest.mark.parametrize("change", [{"issued_at": 61}, {"expires_at": 3601}])
def test_a_grant_from_the_future_or_for_too_long_is_refused(
    grant: Grant, signer: LocalSigner, at: datetime, now_s: int, change: dict[str, int]
) -> None:
    shifted = replace(grant, **{name: now_s + seconds for name, seconds in change.items()})
    with pytest.raises(grants.GrantTooLong):
        verify(grants.build_grant(shifted, signer=signer), signer, at)


def test_a_grant_signed_by_a_stranger_under_a_known_name_is_refused(
    grant: Grant, signer: LocalSigner, other_signer: LocalSigner, at: datetime
) -> None:
    forged = sign_jws({"typ": grants.TYP, "kid": signer.public_key.thumbprint}, grant.to_json(), other_signer)
    with pytest.raises(BadSignature):
        verify(forged, signer, at)


def test_another_message_is_no_grant(grant: Grant, signer: LocalSigner, at: datetime) -> None:
    with pytest.raises(WrongTyp):
        verify(sign_jws({"typ": "dpop+jwt", "kid": signer.public_key.thumbprint}, grant.to_json(), signer), signer, at)
    with pytest.raises(UnsupportedAlgorithm):
        verify(sign_jws({"typ": grants.TYP, "alg": "none"}, grant.to_json(), signer), signer, at)
    with pytest.raises(Malformed, match="kid"):
        verify(sign_jws({"typ": grants.TYP}, grant.to_json(), signer), signer, at)


@pytest.mark.parametrize(
    "change",
    [
        {"release": "../../etc/passwd"},
        {"release": ""},
        {"tracks": ("a/b",)},
        {"formats": ()},
        {"formats": ("FLAC",)},
        {"quality": "a b"},
        {"jti": "short"},
        {"holder_key": "short"},
        {"issuer": "http://evil.example"},
        {"audience": "nonsense"},
        {"expires_at": -1},
    ],
)
def test_no_grant_is_built_that_could_not_be_read(grant: Grant, signer: LocalSigner, change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        grants.build_grant(replace(grant, **change), signer=signer)


@given(st.text(max_size=60))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(HandstampError):
        grants.verify_grant(text, keys={}, audience=TRACKS, at=datetime(2026, 11, 21, tzinfo=UTC))


VALUE = (
    st.none() | st.integers() | st.text(max_size=9) | st.lists(st.text(max_size=3), max_size=2) | st.just({"jkt": 1})
)


@given(st.data())
def test_any_change_of_a_member_is_read_or_malformed(data: st.DataObject) -> None:
    claims: dict[str, Any] = Grant(
        issuer=GATE, audience=TRACKS, jti="j" * 22, issued_at=1, expires_at=2, release="r", holder_key="k" * 43
    ).to_json()
    claims[data.draw(st.sampled_from(sorted(claims)))] = data.draw(VALUE)
    try:
        read = Grant.parse(claims)
    except Malformed:
        return
    assert Grant.parse(read.to_json()) == read
