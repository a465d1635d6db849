from __future__ import annotations

import math
from typing import Any

import pytest

from credentials.errors import Malformed
from credentials.protocols.members import Members, check_items, check_text, shown, without_absent


def test_foreign_text_is_shown_short_and_plain() -> None:
    assert shown("a'b\n\x1b[31mé") == "'a?b??[31m?'"
    assert shown("a" * 100, max_chars=3) == "'aaa...'"


@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_members_are_read_from_objects_only(value: Any) -> None:
    with pytest.raises(Malformed, match="not a JSON object"):
        Members(value, what="test")


@pytest.mark.parametrize(
    ("value", "reason"),
    [(1, "not a string"), ("", "empty"), ("abcd", "longer"), ("a\nb", "control"), ("a b", "not allowed")],
)
def test_text_is_bounded(value: Any, reason: str) -> None:
    import re  # noqa: PLC0415

    with pytest.raises(Malformed, match=reason):
        check_text(value, what="test", max_chars=3, pattern=re.compile("[a-z]+"))


def test_lines_are_allowed_where_said() -> None:
    assert check_text("a\nb", what="test", lines=True) == "a\nb"
    with pytest.raises(Malformed, match="control"):
        check_text("a\rb", what="test", lines=True)


@pytest.mark.parametrize(("value", "reason"), [({}, "not an array"), ([], "empty"), ([1, 2, 3], "more than 2")])
def test_arrays_are_bounded(value: Any, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        check_items(value, what="test", max_items=2)


@pytest.mark.parametrize("value", [True, 1.0, "1", -1, 2**60, []])
def test_integers_are_integers(value: Any) -> None:
    with pytest.raises(Malformed):
        Members({"n": value}, what="test").integer("n")


@pytest.mark.parametrize(("value", "seconds"), [(5, 5), (5.9, 5), (0, 0)])
def test_a_time_is_read_in_whole_seconds(value: Any, seconds: int) -> None:
    assert Members({"iat": value}, what="test").time("iat") == seconds


@pytest.mark.parametrize("value", [True, -1, -0.5, 1e300, math.inf, math.nan, "5", 10**15])
def test_an_impossible_time_is_refused(value: Any) -> None:
    with pytest.raises(Malformed):
        Members({"iat": value}, what="test").time("iat")


def test_null_counts_as_absent() -> None:
    members = Members({"a": None}, what="test")
    assert "a" not in members
    assert members.optional_text("a") is None
    assert members.optional_integer("a") is None
    assert members.optional_time("a") is None
    assert members.optional_object("a") is None
    assert members.optional_texts("a", max_items=1) == ()
    assert members.flag("a", default=True)
    with pytest.raises(Malformed, match="`a` is missing"):
        members.text("a")


def test_a_flag_is_a_boolean() -> None:
    assert not Members({"a": False}, what="test").flag("a", default=True)
    with pytest.raises(Malformed, match="neither true nor false"):
        Members({"a": 0}, what="test").flag("a", default=True)


def test_strings_of_an_array_differ() -> None:
    with pytest.raises(Malformed, match="repeats"):
        Members({"a": ["x", "x"]}, what="test").texts("a", max_items=3)


def test_an_object_with_too_many_members_is_refused() -> None:
    with pytest.raises(Malformed, match="more than 1 members"):
        Members({"a": 1, "b": 2}, what="test").entries(max_items=1)


def test_absent_members_are_not_written_but_false_and_nought_are() -> None:
    assert without_absent(a=None, b=[], c={}, d=False, e=0, f="") == {"d": False, "e": 0, "f": ""}
