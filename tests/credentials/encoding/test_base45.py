"""base45: the examples of RFC 9285, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.encoding import base45
from credentials.errors import Malformed


@pytest.mark.parametrize(
    ("data", "text"), [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0")]
)
def test_the_examples_of_the_rfc_come_out(data: bytes, text: str) -> None:
    assert base45.encode(data) == text
    assert base45.decode(text, what="code", max_characters=20) == data


@pytest.mark.parametrize("text", ["GGW", ":::", "A", "ABCD", "::", "bb8", "BB8\n", "BB8 \n", "é00", "BB_", "BB8" * 7])
def test_what_is_no_base45_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        base45.decode(text, what="code", max_characters=20)


@settings(max_examples=30)
@given(st.binary(max_size=40))
def test_bytes_round_trip(data: bytes) -> None:
    assert base45.decode(base45.encode(data), what="code", max_characters=60) == data


@settings(max_examples=30)
@given(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", max_size=12))
def test_no_two_texts_are_the_same_bytes(text: str) -> None:
    try:
        data = base45.decode(text, what="code", max_characters=12)
    except Malformed:
        return
    assert base45.encode(data) == text
