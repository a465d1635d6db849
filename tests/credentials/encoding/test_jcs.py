from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from credentials.encoding import jcs
from credentials.errors import Malformed

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_the_published_vectors_of_rfc_8785(vectors_dir: Path, name: str) -> None:
    folder = vectors_dir / "jcs-rfc8785" / "testdata"
    value = json.loads((folder / "input" / f"{name}.json").read_text(encoding="utf-8"))
    published = bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text(encoding="ascii"))
    assert jcs.canonicalize(value) == published


def test_the_example_of_rfc_8785_section_3_2_3_orders_names_by_their_utf_16_units() -> None:
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    written = json.loads(jcs.canonicalize(dict.fromkeys(names)))
    assert list(written) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize(
    ("number", "written"),
    # RFC 8785 Appendix B.
    [
        (0.0, b"0"),
        (-0.0, b"0"),
        (5e-324, b"5e-324"),
        (1e21, b"1e+21"),
        (9007199254740992.0, b"9007199254740992"),
        (295147905179352830000.0, b"295147905179352830000"),
        (0.000001, b"0.000001"),
        (1e-7, b"1e-7"),
        (-1.5, b"-1.5"),
    ],
)
def test_a_number_is_written_as_ecmascript_writes_it(number: float, written: bytes) -> None:
    assert jcs.canonicalize(number) == written


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**53, "\ud800", {"\ud800": 1}, {1: 2}, {"a": b"b"}, object(), _nested(100_000)],
    ids=["nan", "infinity", "integer", "surrogate", "surrogate name", "number as name", "bytes", "object", "depth"],
)
def test_what_json_does_not_know_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed, match="no canonical form"):
        jcs.canonicalize(value)
