"""The short way for simple documents says exactly what the long way says, and what pyoxigraph says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from credentials.errors import HandstampError
from credentials.linked_data import CONTEXTS, canonicalize, canonicalize_nquads, canonicalize_quads, to_dataset
from credentials.linked_data.contexts import load_context
from credentials.linked_data.scopes import read_simple

if TYPE_CHECKING:
    from pathlib import Path

V2, OURS = "https://www.w3.org/ns/credentials/v2", "urn:handstamp:context:1"
TERMS = [name for name in load_context(OURS)["@context"] if name[0] != "@"]  # type: ignore[union-attr,call-overload,index]
MORE_TERMS = ["id", "type", "@id", "@type", "issuer", "validFrom", "credentialSubject", "credentialStatus", "proof"]
MORE_TERMS += [
    "proofPurpose",
    "verificationMethod",
    "created",
    "credentialSchema",
    "name",
    "evidence",
    "@value",
    "@context",
]
TEXTS = ["x", "", 'é\n"\\\u2028', "urn:x", "urn:y", "schema:x", "did:web:a", "_:b", "a b", "http://a/>", "Issuer"]
TYPES = ["VerifiableCredential", "TrackOwnershipCredential", "DataIntegrityProof", "JsonSchema", "Unknown", "urn:type"]
LEAVES: st.SearchStrategy[Any] = st.sampled_from([*TEXTS, "assertionMethod", "2026-11-01T00:00:00Z"]) | st.sampled_from(
    [1, 1.5, True, None]
)


def nodes(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    types = st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), max_size=3)
    members = st.dictionaries(st.sampled_from([*TERMS[:12], *MORE_TERMS]), inner, max_size=4)
    return st.builds(
        lambda members, kind: members | kind, members, st.just({}) | st.builds(lambda t: {"type": t}, types)
    )


VALUES = st.recursive(LEAVES, lambda inner: nodes(inner) | st.lists(inner, max_size=3), max_leaves=6)
CONTEXT_LISTS = st.sampled_from([[V2, OURS], [V2], [OURS], V2, [V2, "https://w3id.org/security/data-integrity/v2"]])


def canonical_or_error(document: dict[str, Any], *, simple: bool) -> str | type[HandstampError]:
    try:
        return canonicalize_quads(to_dataset(document, simple=simple)).text
    except HandstampError as refused:
        return type(refused)


def canonicalized_by_oxigraph(text: str) -> list[str]:
    dataset = ox.Dataset(ox.parse(text, format=ox.RdfFormat.N_QUADS))
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return sorted(line + "\n" for line in str(dataset).split("\n") if line)


@settings(max_examples=150)
@given(context=CONTEXT_LISTS, document=nodes(VALUES))
def test_the_short_way_leads_where_the_long_way_leads(context: Any, document: dict[str, Any]) -> None:
    document = {"@context": context} | {name: value for name, value in document.items() if name != "@context"}

    assert canonical_or_error(document, simple=True) == canonical_or_error(document, simple=False)


CLAIMS = st.dictionaries(
    st.sampled_from(TERMS), st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=8
)


@settings(max_examples=60)
@given(claims=CLAIMS, kind=st.sampled_from(schemas.ALL), graph=st.booleans())
def test_pyld_and_oxigraph_agree_with_us_byte_for_byte(claims: dict[str, str], kind: Any, *, graph: bool) -> None:
    document = {
        "@context": [V2, OURS],
        "type": ["VerifiableCredential", kind.configuration_id],
        "issuer": "did:web:coop.example",
        "validFrom": "2026-11-01T00:00:00Z",
        "credentialSubject": claims | {"track": "x"},
    } | ({"evidence": [{"type": "urn:e", "name": "a"}, {"type": "urn:e", "name": "b"}]} if graph else {})
    long_way = to_dataset(document, simple=False)
    ours = canonicalize(document)

    assert graph or read_simple(document) is not None
    assert ours.text == canonicalize_quads(long_way).text
    assert list(ours.statements) == canonicalized_by_oxigraph("".join(quad.line for quad in long_way))


@settings(max_examples=80)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["_:a", "_:b", "_:c", "_:d", "<urn:s>"]),
            st.sampled_from(["<urn:p>", "<urn:q>"]),
            st.sampled_from(["_:a", "_:b", "_:c", "_:d", "<urn:o>", '"x"', '"y"@en']),
            st.sampled_from(["", " _:a", " _:g", " <urn:g>"]),
        ),
        max_size=8,
    )
)
def test_oxigraph_names_blank_nodes_of_any_small_graph_as_we_do(quads: list[tuple[str, str, str, str]]) -> None:
    text = "".join(f"{subject} {predicate} {target}{graph} .\n" for subject, predicate, target, graph in quads)

    assert list(canonicalize_nquads(text).statements) == canonicalized_by_oxigraph(text)


def test_strange_types_and_long_ways_down_keep_nothing_back() -> None:
    document: dict[str, Any] = {"type": ["VerifiableCredential", "TrackOwnershipCredential"], "issuer": "did:web:a"}
    for number in range(300):
        strange = {"@context": [V2, OURS], "type": ["VerifiableCredential", f"Strange{number}"], "name": "x"}
        assert read_simple(strange) is None
    down: dict[str, Any] = {"name": "x"}
    for number in range(28):
        down = {TERMS[number]: down}

    assert read_simple({"@context": [V2, OURS], "type": "VerifiableCredential", "evidence": down}) is not None
    assert read_simple({"@context": [V2, OURS]} | document) is not None


@pytest.mark.usefixtures("trial")
def test_every_published_document_reads_the_same_either_way(vectors_dir: Path) -> None:
    read = 0
    for path in sorted(vectors_dir.glob("w3c-vc-di-*/**/*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(document, dict) and "@context" in document:
            assert canonical_or_error(document, simple=True) == canonical_or_error(document, simple=False)
            read += read_simple(document) is not None

    assert read > 10


@pytest.mark.parametrize("url", list(CONTEXTS))
def test_a_document_under_any_known_context_reads_the_same_either_way(url: str) -> None:
    terms = load_context(url)["@context"]
    for name in terms if isinstance(terms, dict) else ():
        for value in ("urn:x", "x", {"id": "urn:x", "type": name}, [{"type": name, name: "urn:y"}]):
            document = {"@context": url, "@id": "urn:s", name: value}
            assert canonical_or_error(document, simple=True) == canonical_or_error(document, simple=False), name
