from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.encoding import strict_json
from credentials.errors import Malformed

SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=10) | st.floats(-1e9, 1e9)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@given(VALUES)
def test_what_is_written_is_read_as_it_was(value: Any) -> None:
    assert strict_json.parse(strict_json.dump(value), what="test", max_depth=64) == value


@given(st.binary(max_size=60) | st.text(max_size=60) | st.text(alphabet='{}[]",:0\\udE-', max_size=30))
def test_any_input_is_read_or_is_malformed(data: bytes | str) -> None:
    try:
        value = strict_json.parse(data, what="test")
    except Malformed:
        return
    strict_json.dump(value)
    assert value == json.loads(data)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a":1,"a":1}', "twice"),
        ('{"b":{"a":1,"\\u0061":2}}', "twice"),
        ("NaN", "not JSON"),
        ("[Infinity]", "not JSON"),
        ("-Infinity", "not JSON"),
        ("1e999", "too large"),
        ("9007199254740992", "53 bits"),
        ("-9007199254740992", "53 bits"),
        ("1" * 5000, "53 bits"),
        ("[" * 17 + "]" * 17, "deeper than 16"),
        ('{"a":' * 17 + "1" + "}" * 17, "deeper than 16"),
        ("[" * 60000, "deeper than 16|not JSON"),
        ('"\\ud800"', "surrogate"),
        ('{"\\udc00":1}', "surrogate"),
        ('"\ud800"', "UTF-8"),
        (b'"\xff"', "UTF-8"),
        (b"\xef\xbb\xbf1", "not JSON"),
        (" " * 65537, "larger than 65536"),
        ("", "not JSON"),
        ("1 2", "not JSON"),
        ("'a'", "not JSON"),
        ("[1,]", "not JSON"),
        ('"a\nb"', "not JSON"),
    ],
)
def test_json_that_readers_could_take_differently_is_malformed(text: str | bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        strict_json.parse(text, what="message")


def test_the_limits_themselves_are_allowed() -> None:
    assert strict_json.parse("9007199254740991", what="test") == 2**53 - 1
    assert strict_json.parse("[" * 16 + "]" * 16, what="test") is not None
    assert strict_json.parse('["\\ud83d\\ude00","é"]', what="test") == ["😀", "é"]
    assert strict_json.parse('{"a":[' * 8 + "1" + "]}" * 8, what="test") is not None
    # Brackets inside of text are not depth.
    assert strict_json.parse(json.dumps("[" * 99), what="test") == "[" * 99


def test_only_an_object_is_an_object() -> None:
    assert strict_json.parse_object(b'{"a":[]}', what="test") == {"a": []}
    for text in ("[]", '"{}"', "null", "1"):
        with pytest.raises(Malformed, match="not a JSON object"):
            strict_json.parse_object(text, what="test")


def test_json_is_written_compactly_in_utf8() -> None:
    assert strict_json.dump({"b": 1, "a": ["é", None]}) == '{"b":1,"a":["é",null]}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", b"bytes", {1, 2}])
def test_what_json_cannot_say_is_not_written(value: Any) -> None:
    with pytest.raises(Malformed, match="cannot express"):
        strict_json.dump(value)


def test_an_error_does_not_repeat_the_input() -> None:
    with pytest.raises(Malformed) as refusal:
        strict_json.parse('{"password":"hunter2', what="form")
    assert "hunter2" not in refusal.value.detail
