"""Types that build on types: what is inherited, what may be said anew, and chains that are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from credentials.encoding.strict_json import dump
from credentials.errors import HandstampError, Malformed
from credentials.type_metadata import (
    CircularType,
    Disclosable,
    LongTypeChain,
    LoosenedRule,
    OtherType,
    TypeDocument,
    TypeMetadataNeeded,
    WrongIntegrity,
    build_integrity,
    resolve_type,
)

# SD-JWT VC, appendix "Example Type Metadata", and the hash that its example credential names.
EDUCATION = (Path(__file__).parent / "education_credential.json").read_bytes()
EDUCATION_VCT = "https://betelgeuse.example.com/education_credential/v42"
EDUCATION_INTEGRITY = "sha256-vJKakJAQkDYkIhGrT1M3nxRuSj9udH0l1PXB06QHto8="


def documents(*each: dict[str, Any]) -> dict[str, bytes]:
    return {document["vct"]: json.dumps(document).encode() for document in each}


def claim(*path: Any, **says: Any) -> dict[str, Any]:
    labels = says.pop("label", None)
    display = {} if labels is None else {"display": [{"locale": "en", "label": labels}]}
    return {"path": list(path), **display, **says}


# The published documents.


def test_the_published_document_has_the_published_hash_and_names_what_it_extends() -> None:
    with pytest.raises(TypeMetadataNeeded) as needed:
        resolve_type(EDUCATION_VCT, integrity=EDUCATION_INTEGRITY, documents={EDUCATION_VCT: EDUCATION})
    assert needed.value.vct == "https://galaxy.example.com/galactic-education-credential/v2"
    read = TypeDocument.parse(EDUCATION)
    assert [display.name for display in read.displays or ()] == [
        "Betelgeuse Education Credential",
        "Betelgeuse-Bildungsnachweis",
    ]
    [english, _] = read.displays or ()
    assert english.background_color == "#12107c"
    assert english.logo is not None
    assert english.logo.alt_text == "Betelgeuse Ministry of Education logo"
    assert {claim.path: claim.sd for claim in read.claims}["degrees", None] is Disclosable.ALWAYS


def test_one_byte_more_in_the_published_document_is_refused() -> None:
    with pytest.raises(WrongIntegrity):
        resolve_type(EDUCATION_VCT, integrity=EDUCATION_INTEGRITY, documents={EDUCATION_VCT: EDUCATION + b"\n"})


def test_the_example_of_extending_comes_out() -> None:
    base, custom = "https://example.com/base-type-metadata", "https://example.com/custom-type-metadata"
    found = resolve_type(
        custom,
        documents=documents(
            {"vct": base, "claims": [claim("name", label="Full Name"), claim("address", "city", label="City")]},
            {
                "vct": custom,
                "extends": base,
                "claims": [claim("address", "city", label="Town"), claim("nationalities", label="Nationalities")],
            },
        ),
    )
    assert found.extended == (base,)
    assert [(each.path, each.labels[0].label) for each in found.claims] == [
        (("name",), "Full Name"),
        (("address", "city"), "Town"),
        (("nationalities",), "Nationalities"),
    ]


@pytest.mark.parametrize("kind", schemas.ALL, ids=lambda kind: kind.configuration_id)
def test_our_own_types_can_be_read(kind: schemas.CredentialType) -> None:
    document = dump(kind.type_metadata)
    found = resolve_type(kind.vct, integrity=build_integrity(document), documents={kind.vct: document})
    assert [display.locale for display in found.displays] == ["en", "de"]
    for display in found.displays:
        assert display.logo is not None
        assert display.background_color is not None
        assert display.description is not None
    assert [each.path[0] for each in found.claims if each.sd is Disclosable.ALWAYS] == list(kind.claim_names)


# Inheritance.


def test_display_is_taken_whole_from_the_nearest_that_has_any() -> None:
    shown = [{"locale": "en", "name": "Base"}]
    chain = documents(
        {"vct": "a", "extends": "b"}, {"vct": "b", "extends": "c", "display": shown}, {"vct": "c", "name": "c"}
    )
    assert [display.name for display in resolve_type("a", documents=chain).displays] == ["Base"]
    assert resolve_type("c", documents=chain).displays == ()
    assert resolve_type("a", documents=chain).extended == ("b", "c")


@pytest.mark.parametrize(
    ("inherited", "own", "sd", "mandatory"),
    [
        ({}, {"sd": "always", "mandatory": True}, "always", True),
        ({"sd": "allowed"}, {"sd": "never"}, "never", None),
        ({"sd": "always", "mandatory": True}, {}, "always", True),
        ({"sd": "never"}, {"sd": "never", "mandatory": False}, "never", False),
        ({"mandatory": False}, {"mandatory": True}, None, True),
    ],
)
def test_rules_may_be_tightened(inherited: Any, own: Any, sd: str | None, mandatory: bool | None) -> None:
    chain = documents(
        {"vct": "a", "extends": "b", "claims": [claim("x", **own)]}, {"vct": "b", "claims": [claim("x", **inherited)]}
    )
    [found] = resolve_type("a", documents=chain).claims
    assert (found.sd, found.mandatory) == (sd, mandatory)


@pytest.mark.parametrize(
    ("inherited", "own"),
    [
        ({"sd": "always"}, {"sd": "never"}),
        ({"sd": "always"}, {"sd": "allowed"}),
        ({"sd": "never"}, {"sd": "always"}),
        ({"mandatory": True}, {"mandatory": False}),
    ],
)
def test_rules_may_not_be_loosened(inherited: Any, own: Any) -> None:
    chain = documents(
        {"vct": "a", "extends": "b", "claims": [claim("x", **own)]}, {"vct": "b", "claims": [claim("x", **inherited)]}
    )
    with pytest.raises(LoosenedRule, match="'x'"):
        resolve_type("a", documents=chain)


# Chains that are refused.


def test_a_type_that_extends_itself_is_refused() -> None:
    for chain in (
        documents({"vct": "a", "extends": "a"}),
        documents({"vct": "a", "extends": "b"}, {"vct": "b", "extends": "c"}, {"vct": "c", "extends": "b"}),
    ):
        with pytest.raises(CircularType):
            resolve_type("a", documents=chain)


def test_a_chain_without_end_is_refused() -> None:
    endless = documents(*({"vct": f"t{number}", "extends": f"t{number + 1}"} for number in range(20)))
    with pytest.raises(LongTypeChain):
        resolve_type("t0", documents=endless)
    assert len(resolve_type("t0", documents=endless | documents({"vct": "t7"})).extended) == 7


def test_a_document_about_another_type_is_refused() -> None:
    with pytest.raises(OtherType):
        resolve_type("a", documents={"a": b'{"vct": "b"}'})


def test_an_extended_document_that_was_changed_is_refused() -> None:
    base = {"vct": "b", "name": "as it was"}
    extending = {"vct": "a", "extends": "b", "extends#integrity": build_integrity(json.dumps(base).encode())}
    assert resolve_type("a", documents=documents(extending, base)).extended == ("b",)
    with pytest.raises(WrongIntegrity):
        resolve_type("a", documents=documents(extending, base | {"name": "changed"}))


@pytest.mark.parametrize(
    "changes",
    [
        {"vct": 1},
        {"vct": ""},
        {"extends": ["b"]},
        {"claims": [{}]},
        {"claims": [claim()]},
        {"claims": [claim("x", 1.5)]},
        {"claims": [claim("x", sd="sometimes")]},
        {"claims": [claim("x", mandatory="yes")]},
        {"claims": [claim("x"), claim("x", sd="never")]},
        {"claims": [claim("x", svg_id="1x")]},
        {"claims": [claim("x", svg_id="x"), claim("y", svg_id="x")]},
        {"claims": [claim("x", label="y" * 300)]},
        {"claims": [claim("x", label="one\ntwo")]},
        {"claims": [claim("x")] * 300},
        {"display": [{"locale": "en"}]},
        {"display": [{"locale": "not a tag", "name": "x"}]},
        {"display": [{"locale": "en", "name": "x", "rendering": {"simple": {"logo": {"uri": "http://a.example/x"}}}}]},
        {"display": [{"locale": "en", "name": "x", "rendering": {"simple": {"logo": {"uri": "data:text/html,x"}}}}]},
    ],
    ids=lambda changes: str(changes)[-120:],
)
def test_what_is_no_type_metadata_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        TypeDocument.parse(json.dumps({"vct": "a"} | changes).encode())


def test_what_is_not_understood_is_ignored() -> None:
    read = TypeDocument.parse(
        json.dumps(
            {
                "vct": "a",
                "something": {"new": 1},
                "display": [{"locale": "en", "name": "x", "rendering": {"simple": {"text_color": "rgb(0 0 0)"}}}],
                "claims": [claim("x", colour="blue")],
            }
        ).encode()
    )
    assert read.displays is not None
    assert read.displays[0].text_color is None


ANY: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text(max_size=5) | st.sampled_from(["always", "en", "a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["path", "display", "sd", "mandatory", "locale", "name", "label", "rendering", "simple", "logo"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(
    st.fixed_dictionaries({"vct": st.just("a")}, optional={"extends": ANY, "display": ANY, "claims": ANY, "name": ANY})
)
def test_any_document_is_read_or_refused(document: dict[str, Any]) -> None:
    try:
        found = resolve_type("a", documents=documents(document))
    except HandstampError:
        return
    assert found.vct == "a"


@given(st.binary(max_size=40) | st.text(alphabet='{}[]":,vctax ', max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused(document: bytes) -> None:
    with pytest.raises(HandstampError):
        resolve_type("a", documents={"a": document})
