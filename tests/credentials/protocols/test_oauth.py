from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import Malformed
from credentials.protocols import oauth

ALLOWED = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")
SUBCLASSES = [
    kind
    for kind in oauth.OAuthError.__subclasses__()
    if kind.__module__ == oauth.__name__ and kind not in {oauth.UnknownOAuthError, oauth.TemporarilyUnavailable}
]


@pytest.mark.parametrize("kind", SUBCLASSES)
def test_every_error_carries_its_code_a_status_and_comes_back_from_the_wire(kind: type[oauth.OAuthError]) -> None:
    error = kind("what is wrong")
    assert error.code == error.error
    assert error.status in {400, 401, 403, 500}
    back = oauth.parse_error(json.dumps(error.body()).encode(), status=error.status)
    assert type(back) is kind
    assert "what is wrong" in back.detail


def test_a_refusal_of_the_moment_says_when_to_ask_again() -> None:
    error = oauth.TemporarilyUnavailable("what is wrong", retry_after_s=10)
    assert (error.code, error.error, error.status) == ("temporarily_unavailable", "temporarily_unavailable", 429)
    assert error.retry_after_s == 10


def test_a_status_can_differ_where_a_standard_says_so() -> None:
    assert oauth.InvalidDpopProof("x").status == 400
    assert oauth.InvalidDpopProof("x", status=401).status == 401


@given(st.text())
def test_a_description_holds_only_the_characters_that_it_may(detail: str) -> None:
    error = oauth.InvalidRequest(detail)
    assert ALLOWED.fullmatch(error.description)
    assert '"' not in error.challenge().replace('="', "").replace('", ', "").removesuffix('"')


def test_a_protected_resource_challenges_with_dpop() -> None:
    assert oauth.InvalidToken("Gone.").challenge() == (
        'DPoP error="invalid_token", error_description="Gone.", algs="ES256 ES384 EdDSA"'
    )


def test_an_unknown_error_keeps_its_code() -> None:
    error = oauth.parse_error(b'{"error":"teapot","error_description":"short\\u001b and stout"}', status=418)
    assert isinstance(error, oauth.UnknownOAuthError)
    assert (error.error, error.status, error.code) == ("teapot", 418, "unknown_oauth_error")
    assert "\x1b" not in error.detail


@given(st.binary(max_size=80) | st.from_regex(rb'\{"error":.{0,30}\}', fullmatch=True))
def test_any_error_body_is_an_error_or_malformed(data: bytes) -> None:
    try:
        error = oauth.parse_error(data, status=400)
    except Malformed:
        return
    assert isinstance(error, oauth.OAuthError)


def test_what_the_kernel_refuses_becomes_the_error_that_the_protocol_names() -> None:
    with pytest.raises(oauth.InvalidProof) as caught, oauth.refuse_as(oauth.InvalidProof, status=401):
        raise Malformed("key proof", "it is odd")
    assert caught.value.status == 401
    assert caught.value.detail == "The key proof cannot be read: it is odd."
    with pytest.raises(oauth.InvalidNonce), oauth.refuse_as(oauth.InvalidProof):
        raise oauth.InvalidNonce("used")


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=20), max_size=6))
def test_a_form_is_read_as_it_was_written(fields: dict[str, str]) -> None:
    clean = {k.replace("\x00", "0"): v.replace("\x00", "0") for k, v in fields.items()}
    assert oauth.parse_form(oauth.build_form(clean)) == clean


@given(st.binary(max_size=80) | st.from_regex(rb"[a-c=&%0-9+]{0,30}", fullmatch=True))
def test_any_bytes_are_a_form_or_malformed(data: bytes) -> None:
    try:
        fields = oauth.parse_form(data)
    except Malformed:
        return
    assert all(fields)
    assert all(fields.values())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a=1&a=1", "twice"),
        (b"a=1&%61=2", "twice"),
        (b"a=&a=1", "twice"),
        (b"a=%", "percent"),
        (b"a=%4", "percent"),
        (b"a=%zz", "percent"),
        (b"a=%ff", "UTF-8"),
        (b"a=%00", "null"),
        (b"&".join(b"a%d=1" % n for n in range(33)), "more than 32"),
        (b"a=" + b"x" * 65536, "larger"),
    ],
)
def test_a_doubtful_form_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        oauth.parse_form(data)


def test_a_parameter_without_value_counts_as_absent() -> None:
    assert oauth.parse_form(b"a=&b&c=1&=x") == {"c": "1"}
