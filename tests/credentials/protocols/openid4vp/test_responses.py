from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import HandstampError, Malformed
from credentials.protocols.openid4vp import (
    AuthorizationResponse,
    DirectPostResult,
    EncryptedResponse,
    ErrorResponse,
    VpTokenNotArrays,
    parse_response_form,
)

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20)
STATE = st.none() | st.from_regex(r"[A-Za-z0-9._~-]{1,30}", fullmatch=True)
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,10}", fullmatch=True)


@given(
    st.builds(
        AuthorizationResponse,
        vp_token=st.dictionaries(IDS, st.lists(TEXT, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3),
        state=STATE,
    )
)
def test_an_answer_is_read_as_it_was_written(response: AuthorizationResponse) -> None:
    assert parse_response_form(response.to_form()) == response
    assert AuthorizationResponse.parse_form(response.to_form()) == response


@given(
    st.builds(
        ErrorResponse,
        error=st.sampled_from(["access_denied", "invalid_request", "x y"]),
        description=st.none() | TEXT,
        state=STATE,
    )
)
def test_a_refusal_is_read_as_it_was_written(response: ErrorResponse) -> None:
    assert parse_response_form(response.to_form()) == response
    assert ErrorResponse.parse_form(response.to_form()) == response


def test_a_clumsy_reason_does_not_hide_a_refusal() -> None:
    data = urlencode({"error": "access_denied", "error_description": "no\nthanks" + "!" * 5000}).encode()
    response = parse_response_form(data)
    assert isinstance(response, ErrorResponse)
    assert response.description
    assert response.description.startswith("no thanks!")
    assert len(response.description) == 500


def form(token: Any, **fields: str) -> bytes:
    return urlencode({"vp_token": token if isinstance(token, str) else json.dumps(token), **fields}).encode()


def test_an_answer_cannot_be_changed() -> None:
    token = {"q": ("x~",)}
    response = AuthorizationResponse(vp_token=token, state="s")
    token["q"] = ("y~",)
    assert response.vp_token["q"] == ("x~",)
    with pytest.raises(TypeError):
        response.vp_token["q"] = ("z~",)  # type: ignore[index]


@pytest.mark.parametrize(
    ("data", "refusal", "reason"),
    [
        (b"", Malformed, "vp_token"),
        (b"state=s", Malformed, "vp_token"),
        (form({"q": "eyJ~"}), VpTokenNotArrays, "'q'"),
        (form({"q": {"@context": []}}), VpTokenNotArrays, "'q'"),
        (form({"q": [{"@context": "x" * 70_000}]}), Malformed, "longer"),
        (form({"q": [[{"@context": []}]]}), Malformed, "not a string"),
        (form("eyJhbGciOiJFUzI1NiJ9.e30.x~"), Malformed, "not JSON"),
        (form('"eyJ~"'), Malformed, "not a JSON object"),
        (form(["eyJ~"]), Malformed, "not a JSON object"),
        (form({}), Malformed, "no presentation"),
        (form({"q": []}), Malformed, "empty array"),
        (form({"q": [""]}), Malformed, "empty"),
        (form({"q": [1]}), Malformed, "not a string"),
        (form({"q": None}), Malformed, "missing"),
        (form({"a b": ["x"]}), Malformed, "id in the vp_token"),
        (form('{"q":["a"],"q":["b"]}'), Malformed, "twice"),
        (form({"q": ["x"] * 17}), Malformed, "more than 16"),
        (form({f"q{n}": ["x"] for n in range(33)}), Malformed, "more than 32"),
        (form({"q": ["x" * 70_000]}), Malformed, "longer"),
        (form({"q": ["x" * 300_000]}), Malformed, "larger"),
        (form({"q": ["x"]}, state="a b"), Malformed, "state"),
        (form({"q": ["x"]}, error="access_denied"), Malformed, "at once"),
        (form({"q": ["x"]}) + b"&vp_token=x", Malformed, "twice"),
        (b"response=eyJ", EncryptedResponse, "encrypted"),
        (urlencode({"error": 'a"b'}).encode(), Malformed, "error"),
    ],
)
def test_a_wrong_answer_is_refused_in_words(data: bytes, refusal: type[HandstampError], reason: str) -> None:
    with pytest.raises(refusal, match=reason):
        parse_response_form(data)


def test_parameters_that_nobody_knows_are_ignored() -> None:
    assert parse_response_form(form({"q": ["x"]}, state="s", iss="y")) == AuthorizationResponse(
        vp_token={"q": ("x",)}, state="s"
    )


@given(
    st.binary(max_size=80)
    | st.text(max_size=40).map(form)
    | st.from_regex(r'\{"q":.{0,20}\}', fullmatch=True).map(form)
)
def test_any_body_is_read_or_refused(data: bytes) -> None:
    try:
        parse_response_form(data)
    except HandstampError:
        return


@pytest.mark.parametrize("url", [None, "http://artist.localhost:8703/return?response_code=x", "https://a.example/#c=x"])
def test_the_verifiers_word_is_read_as_it_was_written(url: str | None) -> None:
    result = DirectPostResult(redirect_uri=url)
    assert DirectPostResult.parse(json.dumps(result.to_json()).encode()) == result


@pytest.mark.parametrize("data", [b"", b"[]", b'{"redirect_uri":1}', b'{"redirect_uri":"javascript:alert(1)"}'])
def test_a_wrong_word_of_the_verifier_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        DirectPostResult.parse(data)
