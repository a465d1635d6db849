"""Claims path pointers lead where the standard says, and to nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.sd_jwt.locating import Elements, describe, select

# OpenID4VP 1.0 §7.3, its example and its table.
ARTHUR: dict[str, Any] = {
    "name": "Arthur Dent",
    "address": {"street_address": "42 Market Street", "locality": "Milliways", "postal_code": "12345"},
    "degrees": [
        {"type": "Bachelor of Science", "university": "University of Betelgeuse"},
        {"type": "Master of Science", "university": "University of Betelgeuse"},
    ],
    "nationalities": ["British", "Betelgeusian"],
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (("name",), ["Arthur Dent"]),
        (("address",), [ARTHUR["address"]]),
        (("address", "street_address"), ["42 Market Street"]),
        (("degrees", None, "type"), ["Bachelor of Science", "Master of Science"]),
        (("nationalities", 1), ["Betelgeusian"]),
    ],
)
def test_the_examples_of_the_standard_come_out(path: Any, values: list[Any]) -> None:
    assert [value for _, value in select(ARTHUR, path)] == values


@pytest.mark.parametrize(
    "path",
    [
        ("age",),
        ("name", "first"),
        ("address", None),
        ("address", 0),
        ("nationalities", 2),
        ("degrees", "type"),
        (None,),
    ],
)
def test_a_path_that_leads_nowhere_finds_nothing(path: Any) -> None:
    assert select(ARTHUR, path) == ()


def test_an_element_without_the_key_is_left_out_and_one_of_the_wrong_kind_spoils_all() -> None:
    # §7.1.1 step 2.1: removed, and aborted.
    assert select({"a": [{"b": 1}, {"c": 2}]}, ("a", None, "b")) == ((("a", 0, "b"), 1),)
    assert select({"a": [{"b": 1}, "text"]}, ("a", None, "b")) == ()
    assert select({"a": [[1, 2], [3]]}, ("a", None, 1)) == ((("a", 0, 1), 2),)
    assert select({"a": [[1, 2], 3]}, ("a", None, 1)) == ()


def test_what_is_hidden_moves_nothing() -> None:
    some = {"n": Elements(["FR", "US"], [1, 3])}
    assert select(some, ("n", 1)) == ((("n", 1), "FR"),)
    assert select(some, ("n", 0)) == ()
    assert [location for location, _ in select(some, ("n", None))] == [("n", 1), ("n", 3)]
    assert some == {"n": ["FR", "US"]}


def test_a_path_is_written_for_people() -> None:
    assert describe(("degrees", None, "type")) == "degrees[].type"
    assert describe(("nationalities", 1)) == "nationalities[1]"
    assert describe((None, "a")) == "[].a"


VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers(0, 2) | st.sampled_from(["a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
)
PATH = st.lists(st.sampled_from(["a", "b", "c"]) | st.integers(0, 3) | st.none(), min_size=1, max_size=5).map(tuple)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUE), PATH)
def test_every_location_found_leads_to_what_was_found(claims: dict[str, Any], path: tuple[Any, ...]) -> None:
    for location, value in select(claims, path):
        assert len(location) == len(path)
        assert select(claims, location) == ((location, value),)
