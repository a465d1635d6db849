"""JSON-LD is read whole or not at all: what a signature would not cover, or readers would not share, is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.errors import HandstampError
from credentials.linked_data import (
    DroppedTerm,
    InvalidLinkedData,
    OversizedLinkedData,
    ProtectedTermRedefined,
    RelativeReference,
    UnknownContext,
    canonicalize,
    expand,
    to_dataset,
)

CONTEXT = ["https://www.w3.org/ns/credentials/v2", "urn:handstamp:context:1"]
SUBJECT = {"track": "urn:uuid:0", "name": "Möbius Strip"}
CREDENTIAL: dict[str, Any] = {
    "@context": CONTEXT,
    "type": ["VerifiableCredential", "TrackOwnershipCredential"],
    "issuer": "did:web:coop.example",
    "validFrom": "2026-11-01T00:00:00Z",
    "credentialSubject": SUBJECT,
}
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XSD = "http://www.w3.org/2001/XMLSchema#"


def with_subject(**claims: Any) -> dict[str, Any]:
    return {**CREDENTIAL, "credentialSubject": claims}


def with_context(*more: Any) -> dict[str, Any]:
    return {**CREDENTIAL, "@context": [*CONTEXT, *more]}


def objects_of(value: Any, **definition: Any) -> list[str]:
    term = {"@id": "urn:p", **definition}
    dataset = to_dataset({"@context": {"p": term}, "@id": "urn:s", "p": value})
    return sorted(quad.object for quad in dataset if quad.predicate == "<urn:p>")


def test_a_credential_becomes_its_statements() -> None:
    assert canonicalize(CREDENTIAL).statements == (
        '_:c14n0 <https://schema.org/name> "Möbius Strip" .\n',
        '_:c14n0 <urn:handstamp:vocabulary:track> "urn:uuid:0" .\n',
        f"_:c14n1 <{RDF}type> <https://www.w3.org/2018/credentials#VerifiableCredential> .\n",
        f"_:c14n1 <{RDF}type> <urn:handstamp:vocabulary:TrackOwnershipCredential> .\n",
        "_:c14n1 <https://www.w3.org/2018/credentials#credentialSubject> _:c14n0 .\n",
        "_:c14n1 <https://www.w3.org/2018/credentials#issuer> <did:web:coop.example> .\n",
        '_:c14n1 <https://www.w3.org/2018/credentials#validFrom> "2026-11-01T00:00:00Z"^^<' + XSD + "dateTime> .\n",
    )


def test_the_document_is_left_as_it_was() -> None:
    document = with_subject(track=5.0, name=["a", "b"])
    canonicalize(document)

    assert document == with_subject(track=5.0, name=["a", "b"])
    assert isinstance(document["credentialSubject"]["track"], float)


def test_a_document_expands_to_what_its_terms_mean() -> None:
    assert expand({"@context": {"name": "urn:name"}, "name": "x"}) == [{"urn:name": [{"@value": "x"}]}]


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (5, f'"5"^^<{XSD}integer>'),
        (5.0, f'"5"^^<{XSD}integer>'),
        (1e20, f'"100000000000000000000"^^<{XSD}integer>'),
        (1e21, f'"1.0E21"^^<{XSD}double>'),
        (5.5, f'"5.5E0"^^<{XSD}double>'),
        (True, f'"true"^^<{XSD}boolean>'),
        ({"@value": "x", "@language": "EN-gb"}, '"x"@en-gb'),
        ({"@value": "x", "@type": "urn:t"}, '"x"^^<urn:t>'),
        ({"@id": "_:x"}, "_:b0"),
        ({"@list": []}, f"<{RDF}nil>"),
    ],
)
def test_a_value_is_written_as_every_reader_of_json_writes_it(value: Any, literal: str) -> None:
    assert objects_of(value) == [literal]


def test_json_inside_a_document_is_one_value_in_canonical_form() -> None:
    value = {"b": [None, []], "a": 1.0}

    assert objects_of(value, **{"@type": "@json"}) == [r'"{\"a\":1,\"b\":[null,[]]}"' + f"^^<{RDF}JSON>"]


def test_an_empty_list_is_a_statement() -> None:
    assert objects_of([], **{"@container": "@list"}) == [f"<{RDF}nil>"]


def test_texts_in_languages_are_statements() -> None:
    assert objects_of({"de": ["x"], "en": "y"}, **{"@container": "@language"}) == ['"x"@de', '"y"@en']


def test_statements_backwards_and_in_graphs_are_kept() -> None:
    backwards = {"@context": {"p": {"@reverse": "urn:p", "@type": "@id"}}, "@id": "urn:s", "p": "urn:o"}
    graph = {"@id": "urn:g", "@graph": [{"@id": "urn:s", "urn:p": {"@id": "urn:o"}}]}

    assert [quad.line for quad in to_dataset(backwards)] == ["<urn:o> <urn:p> <urn:s> .\n"]
    assert [quad.line for quad in to_dataset(graph)] == ["<urn:s> <urn:p> <urn:o> <urn:g> .\n"]


HOSTILE: list[tuple[str, dict[str, Any], type[HandstampError]]] = [
    ("a member without definition", {**CREDENTIAL, "colour": "red"}, DroppedTerm),
    ("a claim without definition", with_subject(track="x", colour="red"), DroppedTerm),
    ("a made-up keyword", {**CREDENTIAL, "@comment": "x"}, DroppedTerm),
    ("a term defined as nothing", {"@context": {"p": None}, "@id": "urn:s", "p": 1, "urn:p": 1}, DroppedTerm),
    ("a null", {**CREDENTIAL, "validUntil": None}, DroppedTerm),
    ("a null among values", with_subject(track=["x", None]), DroppedTerm),
    ("a null value", with_subject(track={"@value": None}), DroppedTerm),
    ("a null in a list", {"urn:p": {"@list": [None]}}, DroppedTerm),
    ("an empty array", {**CREDENTIAL, "credentialSubject": []}, DroppedTerm),
    ("no types", {**CREDENTIAL, "type": []}, DroppedTerm),
    ("an empty graph", {**CREDENTIAL, "@graph": []}, DroppedTerm),
    ("text outside of any node", {**CREDENTIAL, "@graph": ["x"]}, DroppedTerm),
    ("a node of which nothing is said", {"@id": "urn:s"}, DroppedTerm),
    ("nothing", {}, DroppedTerm),
    ("a language alone", {"urn:p": {"@language": "en"}}, DroppedTerm),
    ("a language that is none", {"urn:p": {"@value": "x", "@language": "en us"}}, DroppedTerm),
    ("a direction", {"urn:p": {"@value": "x", "@direction": "rtl"}}, DroppedTerm),
    ("an index", {"urn:p": {"@value": "x", "@index": "y"}}, DroppedTerm),
    ("an index of a node", {"urn:p": {"@id": "urn:o", "@index": "y"}}, DroppedTerm),
    (
        "a null among languages",
        {"@context": {"p": {"@id": "urn:p", "@container": "@language"}}, "p": {"en": None, "de": "x"}},
        DroppedTerm,
    ),
    ("a relative identifier", {**CREDENTIAL, "id": "1"}, RelativeReference),
    ("an empty identifier", {**CREDENTIAL, "issuer": ""}, RelativeReference),
    ("our own mark of what is relative", {**CREDENTIAL, "id": "relative-reference://none/x"}, RelativeReference),
    ("an identifier that ends its own term", {**CREDENTIAL, "id": "urn:a> <urn:b"}, RelativeReference),
    ("an identifier with a line feed", {**CREDENTIAL, "id": "urn:a\nurn:b"}, RelativeReference),
    ("a type without definition", {**CREDENTIAL, "type": ["VerifiableCredential", "Owner"]}, RelativeReference),
    ("a property that is a blank node", {**CREDENTIAL, "_:p": "x"}, RelativeReference),
    ("a type of value that is relative", {"urn:p": {"@value": "x", "@type": "date"}}, RelativeReference),
    ("a base in a context", with_context({"@base": "https://evil.example/"}), RelativeReference),
    ("a relative vocabulary", {**with_context({"@vocab": ""}), "colour": "red"}, RelativeReference),
    ("an unknown context", with_context("https://evil.example/context"), UnknownContext),
    ("an unknown context inside", with_subject(**{"@context": "https://evil.example/", "track": "x"}), UnknownContext),
    ("an import", with_context({"@import": "https://evil.example/context"}), UnknownContext),
    ("a term redefined", with_context({"track": "urn:other"}), ProtectedTermRedefined),
    ("contexts taken back", with_context(None), ProtectedTermRedefined),
    ("a context that is a number", {**CREDENTIAL, "@context": 5}, InvalidLinkedData),
    ("a term that is a number", with_context({"term": 5}), InvalidLinkedData),
    ("an identifier that is a number", {**CREDENTIAL, "id": 5}, InvalidLinkedData),
    ("a language map of numbers", {"urn:p": {"@value": 5, "@language": "en"}}, InvalidLinkedData),
    ("a value beside a property", {"urn:p": {"@value": 5, "urn:q": 1}}, InvalidLinkedData),
]


@pytest.mark.parametrize(("document", "error"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_a_document_that_would_not_be_read_whole_is_refused(
    document: dict[str, Any], error: type[HandstampError]
) -> None:
    with pytest.raises(HandstampError) as refused:
        to_dataset(document)

    assert type(refused.value) is error


def test_a_deep_document_is_refused_before_anybody_walks_down() -> None:
    value: Any = "x"
    for _ in range(5_000):
        value = [value]

    with pytest.raises(OversizedLinkedData, match="levels"):
        to_dataset({"urn:p": value})


def test_a_wide_document_is_refused() -> None:
    with pytest.raises(OversizedLinkedData, match="values"):
        to_dataset({"urn:p": ["x"] * 2_001})


KEYS = st.sampled_from(
    ["@id", "@type", "@value", "@list", "@set", "@graph", "@context", "@reverse", "id", "type", "track"]
)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, True, 0, 1.5, "", "x", "_:x", "urn:x", "@id", "@json", "urn:handstamp:context:1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=60)
@given(members=st.dictionaries(KEYS, ANYTHING, max_size=4))
def test_whatever_comes_is_read_or_refused_by_an_error_of_our_own(members: dict[str, Any]) -> None:
    try:
        to_dataset({"@context": CONTEXT} | members)
    except HandstampError as refused:
        assert refused.code != "handstamp_error"  # noqa: PT017
