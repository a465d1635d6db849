from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import Malformed
from credentials.protocols.dcql import ClaimQuery, CredentialQuery, CredentialSet, Query, TrustedAuthority
from credentials.protocols.dcql.query import Values

if TYPE_CHECKING:
    from pathlib import Path

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=8)
STEPS = TEXT | st.none() | st.integers(0, 9)
VALUES = (
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=8) | st.integers(-9, 9) | st.booleans()
)


@st.composite
def credential_queries(draw: st.DrawFn, query_id: str) -> CredentialQuery:
    claims = tuple(
        ClaimQuery(
            id=f"c{n}",
            path=tuple(draw(st.lists(STEPS, min_size=1, max_size=3))),
            values=tuple(draw(st.lists(VALUES, max_size=2))),
        )
        for n in range(draw(st.integers(0, 3)))
    )
    ids = [f"c{n}" for n in range(len(claims))]
    options = st.lists(st.sampled_from(ids), min_size=1, max_size=2).map(tuple) if ids else st.nothing()
    w3c = draw(st.booleans())
    return CredentialQuery(
        id=query_id,
        format="ldp_vc" if w3c else "dc+sd-jwt",
        vct_values=() if w3c else tuple(draw(st.lists(TEXT, min_size=1, max_size=2, unique=True))),
        type_values=(("IDCredential",),) if w3c else (),
        claims=claims,
        claim_sets=tuple(draw(st.lists(options, max_size=2))) if ids else (),
        multiple=draw(st.booleans()),
        trusted_authorities=draw(st.sampled_from([(), (TrustedAuthority(type="aki", values=("abc",)),)])),
        require_cryptographic_holder_binding=draw(st.booleans()),
    )


@st.composite
def queries(draw: st.DrawFn) -> Query:
    ids = [f"q{n}" for n in range(draw(st.integers(1, 3)))]
    options = st.lists(st.sampled_from(ids), min_size=1, max_size=2).map(tuple)
    sets = st.builds(
        CredentialSet, options=st.lists(options, min_size=1, max_size=2).map(tuple), required=st.booleans()
    )
    return Query(
        credentials=tuple(draw(credential_queries(query_id)) for query_id in ids),
        credential_sets=tuple(draw(st.lists(sets, max_size=2))),
    )


@given(queries())
def test_a_query_is_read_as_it_was_written(query: Query) -> None:
    assert Query.parse(json.loads(json.dumps(query.to_json()))) == query


TRACK: dict[str, Any] = {
    "id": "track",
    "format": "dc+sd-jwt",
    "meta": {"vct_values": ["urn:track"]},
    "claims": [{"id": "a", "path": ["track"], "values": ["x"]}, {"id": "b", "path": ["name"]}],
}
MANY: list[Any] = [{"path": [f"c{n}"]} for n in range(60)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "`id` is missing"),
        ({"id": "a b"}, "not allowed"),
        ({"id": ""}, "empty"),
        ({"format": None}, "format"),
        ({"meta": None}, "`meta` is missing"),
        ({"meta": {}}, "vct_values"),
        ({"meta": {"vct_values": []}}, "empty array"),
        ({"meta": {"vct_values": "urn:track"}}, "not an array"),
        ({"multiple": "yes"}, "neither true nor false"),
        ({"claims": []}, "empty array"),
        ({"claims": [{}]}, "path"),
        ({"claims": [{"path": []}]}, "path"),
        ({"claims": [{"path": ["a", -1]}]}, "between"),
        ({"claims": [{"path": ["a", 1.5]}]}, "not an integer"),
        ({"claims": [{"path": ["a"] * 17}]}, "path"),
        ({"claims": [{"path": ["a"], "values": []}]}, "empty array"),
        ({"claims": [{"path": ["a"], "values": [1.5]}]}, "neither a string"),
        ({"claims": [{"path": ["a"], "values": [None]}]}, "neither a string"),
        ({"claims": [{"id": "a", "path": ["a"]}, {"id": "a", "path": ["b"]}]}, "same id"),
        ({"claims": None, "claim_sets": [["a"]]}, "not in `claims`"),
        ({"claim_sets": [["z"]]}, "not in `claims`"),
        ({"claim_sets": [[]]}, "empty array"),
        ({"claims": [{"path": ["a"]}], "claim_sets": [["a"]]}, "needs an id"),
        ({"trusted_authorities": [{"type": "aki", "values": []}]}, "empty array"),
        ({"claims": [{"path": [str(n)]} for n in range(65)]}, "more than 64"),
    ],
)
def test_a_wrong_credential_query_is_refused_with_its_reason(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        Query.parse({"credentials": [TRACK | change]})


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ([], "not a JSON object"),
        ({}, "credentials"),
        ({"credentials": []}, "empty array"),
        ({"credentials": [TRACK, TRACK]}, "same id"),
        ({"credentials": [TRACK], "credential_sets": []}, "empty array"),
        ({"credentials": [TRACK], "credential_sets": [{}]}, "options"),
        ({"credentials": [TRACK], "credential_sets": [{"options": [["other"]]}]}, "not in `credentials`"),
        ({"credentials": [TRACK | {"id": f"q{n}"} for n in range(65)]}, "more than 64"),
        # Each claim is looked for in every copy of a wallet, which may hold thousands.
        ({"credentials": [TRACK | {"id": f"q{n}", "claims": MANY} for n in range(5)]}, "more than 256 claims in all"),
    ],
)
def test_a_wrong_query_is_refused_with_its_reason(query: Any, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        Query.parse(query)


def test_members_that_nobody_knows_are_ignored() -> None:
    query = Query.parse({"credentials": [TRACK | {"colour": "blue"}], "purpose": "x"})
    assert query.vct_values() == {"urn:track"}
    assert query.find("track") is query.credentials[0]
    assert query.find("other") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


@given(st.data())
def test_any_change_of_a_member_is_read_or_malformed(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*TRACK, "claim_sets", "trusted_authorities", "multiple"]))
    document = {"credentials": [TRACK | {name: data.draw(JSON)}]}
    try:
        query = Query.parse(document)
    except Malformed:
        return
    assert Query.parse(query.to_json()) == query


@pytest.mark.parametrize(
    ("actual", "values", "good"),
    [
        ("a", ("a", "b"), True),
        ("c", ("a", "b"), False),
        ("c", (), True),
        (1, (True,), False),
        (True, (1,), False),
        ("1", (1,), False),
        (1, (1,), True),
        (1.0, (1,), False),
        (["a"], ("a",), False),
    ],
)
def test_values_match_in_type_and_value(actual: Any, values: tuple[Any, ...], good: bool) -> None:
    assert Values.of(ClaimQuery(path=("a",), values=values)).match(actual) is good


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize(
    ("name", "credentials", "sets"),
    [
        ("query_lang/simple.json", 1, 0),
        ("query_lang/simple_mdoc.json", 1, 0),
        ("query_lang/value_matching_simple.json", 1, 0),
        ("query_lang/claims_alternatives.json", 1, 0),
        ("query_lang/credentials_alternatives.json", 5, 2),
        ("query_lang/complex_mdoc.json", 4, 2),
        ("query_lang/multi_credentials.json", 2, 0),
        ("request/dcql_jwt_vc.json", 1, 0),
        ("request/dcql_ldp_vc.json", 1, 0),
    ],
)
def test_the_standards_queries_are_read(
    vectors_dir: Path, version: str, name: str, credentials: int, sets: int
) -> None:
    text = (vectors_dir / "openid4vp" / version / "examples" / name).read_text(encoding="utf-8")
    query = Query.parse(json.loads(text))
    assert (len(query.credentials), len(query.credential_sets)) == (credentials, sets)
    assert Query.parse(query.to_json()) == query
