from __future__ import annotations

from typing import Any

import pytest

from credentials.data_integrity.selection import (
    NotSelectable,
    PointerMismatch,
    ValueSplit,
    name_blank_nodes,
    parse_pointer,
    select,
)
from credentials.errors import Malformed
from credentials.linked_data import BlankNodeNamed, OversizedLinkedData, canonicalize

CONTEXT: list[Any] = ["https://www.w3.org/ns/credentials/v2", {"@vocab": "https://town.example/"}]
DOCUMENT: dict[str, Any] = {
    "@context": CONTEXT,
    "id": "urn:example:1",
    "type": ["VerifiableCredential"],
    "issuer": {"id": "did:example:1", "name": "Co-op"},
    "credentialSubject": {
        "type": "Listener",
        "tracks": [{"name": "One", "plays": 1}, {"name": "Two", "plays": 2}, {"name": "Three"}],
        "a/b": {"c~d": "odd"},
    },
}


def test_what_says_what_a_node_is_comes_along() -> None:
    assert select(DOCUMENT, ["/credentialSubject/tracks/1/plays"]) == {
        "@context": CONTEXT,
        "id": "urn:example:1",
        "type": ["VerifiableCredential"],
        "credentialSubject": {"type": "Listener", "tracks": [{"plays": 2}]},
    }


def test_the_order_of_pointers_leaves_no_trace() -> None:
    pointers = ["/credentialSubject/tracks/2", "/credentialSubject/tracks/0/name", "/issuer"]
    one, other = select(DOCUMENT, pointers), select(DOCUMENT, pointers[::-1])
    assert str(one) == str(other)
    assert one["credentialSubject"]["tracks"] == [{"name": "One"}, {"name": "Three"}]  # type: ignore[call-overload,index]


@pytest.mark.parametrize("first", [True, False])
def test_a_pointer_to_a_whole_contains_pointers_into_it(first: bool) -> None:
    pointers = ["/credentialSubject/tracks/0", "/credentialSubject/tracks/0/name"]
    selected = select(DOCUMENT, pointers if first else pointers[::-1])
    assert selected["credentialSubject"] == {"type": "Listener", "tracks": [{"name": "One", "plays": 1}]}


def test_a_selection_is_a_copy() -> None:
    selected: Any = select(DOCUMENT, ["/issuer"])
    selected["issuer"]["name"] = "changed"
    assert DOCUMENT["issuer"]["name"] == "Co-op"


def test_escaped_steps_are_read_as_rfc_6901_section_4_says() -> None:
    assert parse_pointer("/a~1b/c~0d/~01") == ("a/b", "c~d", "~1")
    assert select(DOCUMENT, ["/credentialSubject/a~1b/c~0d"])["credentialSubject"] == {
        "type": "Listener",
        "a/b": {"c~d": "odd"},
    }


@pytest.mark.parametrize(
    "pointer",
    [
        "",
        "issuer",
        "/a~2",
        "/a~",
        "/proof",
        "/proof/created",
        "/@context",
        "/issuer/@context",
        "/" + "a" * 1_025,
        "/" * 33,
    ],
)
def test_what_is_no_pointer_to_a_part_is_malformed(pointer: str) -> None:
    with pytest.raises(Malformed, match="JSON Pointer"):
        select(DOCUMENT, [pointer])


def test_too_many_pointers_are_malformed() -> None:
    with pytest.raises(Malformed, match="256"):
        select(DOCUMENT, [f"/{number}" for number in range(257)])


@pytest.mark.parametrize(
    "pointer",
    [
        "/absent",
        "/issuer/name/first",
        "/credentialSubject/tracks/3",
        "/credentialSubject/tracks/-",
        "/credentialSubject/tracks/01",
        "/credentialSubject/tracks/name",
        "/credentialSubject/tracks/99999999999",
        "/",
    ],
)
def test_a_pointer_to_nothing_is_refused(pointer: str) -> None:
    with pytest.raises(PointerMismatch):
        select(DOCUMENT, [pointer])


def test_names_change_nothing_that_is_said() -> None:
    selectable = name_blank_nodes(DOCUMENT)
    assert selectable.canonical.statements == canonicalize(DOCUMENT).statements
    assert [f"_:{name}" for name in selectable.names] == sorted(
        {quad.subject for quad in selectable.quads if quad.subject[0] == "_"}
    )
    assert len(selectable.names) == 5


def test_a_pointer_into_an_array_of_one_element_works() -> None:
    document = {**DOCUMENT, "credentialSubject": {"tracks": [{"name": "One", "plays": 1}]}}
    statements = name_blank_nodes(document).statements_of(["/credentialSubject/tracks/0/name"])
    assert any(quad.object == '"One"' for quad in statements)
    assert not any("plays" in quad.predicate for quad in statements)


def test_an_empty_node_is_a_node() -> None:
    selectable = name_blank_nodes({**DOCUMENT, "credentialSubject": {"holds": {}}})
    assert len(selectable.names) == 2
    assert len(selectable.statements_of(["/credentialSubject/holds"])) == 3


def test_json_and_texts_with_language_are_values_and_shown_whole() -> None:
    context = [*CONTEXT, {"raw": {"@id": "https://town.example/raw", "@type": "@json"}}]
    name = {"@value": "Musik", "@language": "de"}
    document = {**DOCUMENT, "@context": context, "name": name, "credentialSubject": {"raw": {"a": [{"b": 1}], "c": 2}}}
    selectable = name_blank_nodes(document)
    assert selectable.canonical.statements == canonicalize(document).statements
    assert any("JSON>" in quad.object for quad in selectable.statements_of(["/credentialSubject/raw"]))
    with pytest.raises(ValueSplit):
        selectable.statements_of(["/credentialSubject/raw/a"])


@pytest.mark.parametrize(
    "subject",
    [
        {"steps": {"@list": ["a", {"name": "b"}]}},
        {"byLanguage": {"de": "Musik"}},
        {"inGraph": {"name": "a"}},
    ],
    ids=str,
)
def test_what_no_pointer_tells_apart_is_refused_or_said_unchanged(subject: dict[str, Any]) -> None:
    terms = {
        "byLanguage": {"@id": "https://town.example/l", "@container": "@language"},
        "inGraph": {"@id": "https://town.example/g", "@container": "@graph"},
    }
    document = {**DOCUMENT, "@context": [*CONTEXT, terms], "credentialSubject": subject}
    try:
        selectable = name_blank_nodes(document)
    except NotSelectable:
        return
    assert selectable.canonical.statements == canonicalize(document).statements


@pytest.mark.parametrize("text", ["_:b0", "urn:bnid:b0", "see <urn:bnid:b0>", "is _:c14n0 here"])
def test_a_text_that_could_be_taken_for_a_blank_node_is_refused(text: str) -> None:
    with pytest.raises(BlankNodeNamed):
        name_blank_nodes({**DOCUMENT, "credentialSubject": {"name": text}})


def test_a_document_of_too_many_levels_is_refused() -> None:
    deep: Any = {"name": "a"}
    for _ in range(2_000):
        deep = {"in": [deep]}
    with pytest.raises(OversizedLinkedData):
        name_blank_nodes({**DOCUMENT, "credentialSubject": deep})
