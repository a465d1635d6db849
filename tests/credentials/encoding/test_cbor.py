from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.encoding import cbor
from credentials.errors import Malformed

_LEAVES = st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=40) | st.text(max_size=40)
_KEYS = st.integers(-(2**64), 2**64 - 1) | st.text(max_size=8) | st.binary(max_size=8)
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=12
)


@settings(max_examples=60)
@given(_VALUES)
def test_a_value_comes_back_as_it_went_and_as_other_code_writes_it(value: Any) -> None:
    data = cbor.encode(value)
    assert cbor.decode(data, what="test", max_depth=16) == value
    assert cbor2.loads(data) == value


@settings(max_examples=60)
@given(st.binary(max_size=24))
def test_bytes_are_refused_or_are_the_only_bytes_of_their_value(data: bytes) -> None:
    try:
        value = cbor.decode(data, what="test")
    except Malformed:
        return
    assert cbor.encode(value) == data


def test_map_keys_stand_in_the_order_of_their_encodings_as_rfc_8949_section_4_2_1_shows() -> None:
    keys: list[cbor.CborKey] = [10, 100, -1, "z", "aa"]
    assert cbor.encode(dict.fromkeys(reversed(keys), 0)).hex() == "a50a001864002000617a0062616100"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "ends in the middle"),
        ("1817", "longer than it needs"),
        ("1900ff", "longer than it needs"),
        ("1a0000ffff", "longer than it needs"),
        ("1b00000000ffffffff", "longer than it needs"),
        ("5801", "longer than it needs"),
        ("0000", "bytes follow"),
        ("42ff", "ends in the middle"),
        ("9bffffffffffffffff", "ends in the middle"),
        ("9a000fffff" + "00" * 20, "too many"),
        ("9fff", "length or kind"),
        ("5f4100ff", "length or kind"),
        ("1c", "length or kind"),
        ("f90000", "length or kind"),
        ("fb3ff8000000000000", "length or kind"),
        ("f814", "length or kind"),
        ("f7", "kind of CBOR value"),
        ("e0", "kind of CBOR value"),
        ("c101", "tag"),
        ("d9d9f700", "tag"),
        ("c2490100000000000000ff", "tag"),
        ("61ff", "not UTF-8"),
        ("a2010001", "key twice"),
        ("a201000100", "key twice"),
        ("a202000100", "out of order"),
        ("a1f500", "odd kind"),
        ("a18000", "nested too deep"),
        ("81" * 9 + "00", "nested too deep"),
        ("5901f4" + "00" * 500, "larger than 400 bytes"),
    ],
)
def test_what_is_not_deterministic_cbor_is_malformed(data: str, reason: str) -> None:
    with pytest.raises(Malformed, match=f"The pass cannot be read: .*{reason}"):
        cbor.decode(bytes.fromhex(data), what="pass", max_bytes=400, max_items=12)


def test_a_bignum_is_read_where_it_is_asked_for() -> None:
    assert cbor.decode(bytes.fromhex("c249010000000000000000"), what="proof", bignums=True) == 2**64


@pytest.mark.parametrize("data", ["c201", "c240", "c24101", "c2490000000000000000ff", "c349010000000000000000"])
def test_a_bignum_in_any_other_form_is_malformed(data: str) -> None:
    with pytest.raises(Malformed, match=r"bignum|tag"):
        cbor.decode(bytes.fromhex(data), what="proof", bignums=True)


@pytest.mark.parametrize("value", [2**64, -(2**64) - 1, 1.5, {"a": object()}, "\ud800"])
def test_what_has_no_form_is_not_written(value: Any) -> None:
    with pytest.raises(Malformed, match="value to write"):
        cbor.encode(value)
