"""RDFC-1.0: the published suite, two figures of the specification, and graphs made to keep a machine busy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from credentials.linked_data import MAX_WORK, TooMuchWork, canonicalize_nquads

if TYPE_CHECKING:
    from pathlib import Path

# rdf-canon §4.4.2, "Unique hashes" and "Shared hashes".
UNIQUE = """
<http://example.com/#p> <http://example.com/#q> _:e0 .
<http://example.com/#p> <http://example.com/#r> _:e1 .
_:e0 <http://example.com/#s> <http://example.com/#u> .
_:e1 <http://example.com/#t> <http://example.com/#u> .
"""
SHARED = """
<http://example.com/#p> <http://example.com/#q> _:e0 .
<http://example.com/#p> <http://example.com/#q> _:e1 .
_:e0 <http://example.com/#p> _:e2 .
_:e1 <http://example.com/#p> _:e3 .
_:e2 <http://example.com/#r> _:e3 .
"""
P = "<http://example.com/#p>"


def clique(count: int) -> str:
    return "".join(f"_:n{one} {P} _:n{other} .\n" for one in range(count) for other in range(count) if one != other)


def star(count: int) -> str:
    return "".join(f"_:centre{side} {P} _:n{side}x{each} .\n" for side in range(2) for each in range(count))


def ring(count: int) -> str:
    return "".join(f"_:n{each} {P} _:n{(each + 1) % count} .\n" for each in range(count))


def test_nodes_of_whom_different_things_are_said_are_named_in_the_order_of_their_hashes() -> None:
    assert dict(canonicalize_nquads(UNIQUE).labels) == {"e0": "c14n0", "e1": "c14n1"}


def test_nodes_of_whom_the_same_is_said_are_told_apart_by_their_neighbours() -> None:
    assert dict(canonicalize_nquads(SHARED).labels) == {"e0": "c14n3", "e1": "c14n2", "e2": "c14n0", "e3": "c14n1"}


def test_the_canonical_form_does_not_depend_on_names_or_order() -> None:
    renamed = "\n".join(reversed(SHARED.replace("_:e0", "_:x").replace("_:e2", "_:e0").splitlines()))

    assert canonicalize_nquads(renamed).text == canonicalize_nquads(SHARED).text


def test_another_hash_gives_another_order() -> None:
    names = [canonicalize_nquads(UNIQUE, hash_name=name).labels["e0"] for name in ("sha256", "sha384")]

    assert names == ["c14n0", "c14n1"]


@pytest.mark.parametrize("poison", [clique(10), star(30), star(1_500), ring(300), ring(40) + star(9)])
def test_a_poisoned_graph_is_stopped_by_the_count_of_steps(poison: str) -> None:
    with pytest.raises(TooMuchWork) as refused:
        canonicalize_nquads(poison)

    assert refused.value.code == "too_much_work"
    assert str(MAX_WORK) in refused.value.detail


def test_the_cap_is_an_argument() -> None:
    assert canonicalize_nquads(clique(4))

    with pytest.raises(TooMuchWork):
        canonicalize_nquads(clique(4), max_work=10)


def test_every_case_of_the_published_suite(vectors_dir: Path) -> None:
    folder = vectors_dir / "rdf-canon" / "tests"
    cases = json.loads((folder / "manifest.jsonld").read_text())["entries"]
    failed: list[str] = []
    for case in cases:
        text = (folder / case["action"]).read_text(encoding="utf-8")
        hash_name = case.get("hashAlgorithm", "SHA256").lower()
        try:
            canonical = canonicalize_nquads(text, hash_name=hash_name)
        except TooMuchWork:
            passed = case["type"] == "rdfc:RDFC10NegativeEvalTest"
        else:
            passed = "result" in case and matches(case["type"], (folder / case["result"]).read_text(), canonical)
        failed += [] if passed else [case["id"]]

    assert not failed
    assert len(cases) > 80


def matches(kind: str, expected: str, canonical: object) -> bool:
    if kind == "rdfc:RDFC10MapTest":
        return bool(json.loads(expected) == dict(canonical.labels))  # type: ignore[attr-defined]
    return bool(expected == canonical.text)  # type: ignore[attr-defined]
