"""What a wallet chooses of a claim, by authority, and by what makes least recognisable; and any query at all."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.protocols.dcql import (
    ClaimQuery,
    CredentialQuery,
    CredentialSet,
    Holding,
    NothingMatches,
    Query,
    TrustedAuthority,
    UnsupportedQuery,
    choose,
)
from credentials.sd_jwt.locating import select
from tests.credentials.protocols.dcql.holdings import EITHER, RELEASE, TRACK, release, track, wants

if TYPE_CHECKING:
    from pathlib import Path

# Parts of claims.

PERSON = track(
    "person",
    address={"locality": "Leipzig", "country": "DE"},
    degrees=[{"type": "BSc", "year": 2011}, {"type": "MSc", "year": 2013}],
    nationalities=["DE", "FR"],
    copy="c",
)


def asks(*claims: ClaimQuery, **more: Any) -> Query:
    return Query(credentials=(CredentialQuery(id="q", vct_values=(TRACK,), claims=claims, **more),))


@pytest.mark.parametrize(
    ("claim", "paths"),
    [
        (ClaimQuery(path=("address",)), [("address",)]),
        (ClaimQuery(path=("address", "locality")), [("address", "locality")]),
        (ClaimQuery(path=("address", "locality"), values=("Leipzig",)), [("address", "locality")]),
        (ClaimQuery(path=("nationalities", 1)), [("nationalities", 1)]),
        (ClaimQuery(path=("nationalities", None)), [("nationalities", 0), ("nationalities", 1)]),
        (ClaimQuery(path=("nationalities", None), values=("FR", "US")), [("nationalities", 1)]),
        (ClaimQuery(path=("degrees", None, "type")), [("degrees", 0, "type"), ("degrees", 1, "type")]),
        (ClaimQuery(path=("degrees", None, "year"), values=(2013,)), [("degrees", 1, "year")]),
    ],
)
def test_a_part_of_a_claim_is_found_and_nothing_beside_it(claim: ClaimQuery, paths: list[Any]) -> None:
    assert list(choose(asks(claim), [PERSON]).selections[0].paths) == paths


@pytest.mark.parametrize(
    "claim",
    [
        ClaimQuery(path=("address", "street")),
        ClaimQuery(path=("address", 0)),
        ClaimQuery(path=("address", None)),
        ClaimQuery(path=("nationalities", "DE")),
        ClaimQuery(path=("nationalities", 2)),
        ClaimQuery(path=("degrees", None, "year"), values=("2013",)),
        ClaimQuery(path=("copy", "x")),
        ClaimQuery(path=(None,)),
        ClaimQuery(path=(0,)),
    ],
)
def test_a_part_that_is_not_there_is_not_shown(claim: ClaimQuery) -> None:
    with pytest.raises(NothingMatches):
        choose(asks(claim), [PERSON])


def test_the_same_claim_asked_for_twice_is_shown_once() -> None:
    twice = asks(ClaimQuery(path=("copy",)), ClaimQuery(path=("copy",)), ClaimQuery(path=("nationalities", 0)))
    [selection] = choose(twice, [PERSON]).selections
    assert selection.paths == (("copy",), ("nationalities", 0))
    assert selection.disclose == ("copy", "nationalities")


# Authorities.


@pytest.mark.parametrize(
    ("authorities", "found"),
    [
        ([("aki", "s9tIpPmhxdiuNkHMEWNpYim8S8Y")], True),
        ([("aki", "other", "s9tIpPmhxdiuNkHMEWNpYim8S8Y")], True),
        ([("etsi_tl", "https://lotl.example"), ("aki", "s9tIpPmhxdiuNkHMEWNpYim8S8Y")], True),
        ([("aki", "other")], False),
        ([("etsi_tl", "s9tIpPmhxdiuNkHMEWNpYim8S8Y")], False),
        ([("openid_federation", "https://coop.localhost")], False),
        ([("something else", "s9tIpPmhxdiuNkHMEWNpYim8S8Y")], False),
    ],
)
def test_only_what_a_named_authority_certified_is_shown(authorities: list[tuple[str, ...]], found: bool) -> None:
    listed = tuple(TrustedAuthority(type=type_, values=tuple(values)) for type_, *values in authorities)
    query = asks(trusted_authorities=listed)
    plain = track("plain")
    certified = replace(track("certified"), authority_key_ids=frozenset({"s9tIpPmhxdiuNkHMEWNpYim8S8Y"}))
    if found:
        assert choose(query, [plain, certified]).holding_ids() == {"certified"}
    else:
        with pytest.raises(NothingMatches, match="accepts only certain authorities"):
            choose(query, [plain, certified])


# What makes recognisable.


def test_an_answer_that_makes_less_recognisable_wins_though_it_says_more() -> None:
    sets = asks(
        ClaimQuery(id="a", path=("copy",)),
        ClaimQuery(id="b", path=("address",)),
        ClaimQuery(id="c", path=("nationalities",)),
        claim_sets=(("a",), ("b", "c")),
    )
    assert choose(sets, [PERSON]).selections[0].disclose == ("copy",)
    assert choose(sets, [PERSON], avoid=frozenset({"copy"})).selections[0].disclose == ("address", "nationalities")
    either = Query(
        credentials=(wants("track", TRACK, copy=()), wants("release", RELEASE, release=(), name=())),
        credential_sets=(CredentialSet(options=(("track",), ("release",))),),
    )
    held = [PERSON, release("r", release="r1", name="n")]
    assert choose(either, held).holding_ids() == {"person"}
    assert choose(either, held, avoid=frozenset({"copy"})).holding_ids() == {"r"}


def test_a_set_is_answered_with_what_another_shows_already() -> None:
    query = Query(
        credentials=(*EITHER.credentials, wants("one", TRACK, track=())),
        credential_sets=(CredentialSet(options=(("track",),)), CredentialSet(options=(("one",), ("track",)))),
    )
    choice = choose(query, [track("t", track="t1", name="n")])
    assert [selection.query_id for selection in choice.selections] == ["track"]


# The published queries, and any query at all.


def test_the_queries_of_the_standard_are_answered(vectors_dir: Path) -> None:
    folder = vectors_dir / "openid4vp/1.0/examples/query_lang"
    person = Holding(
        id="pid",
        format="dc+sd-jwt",
        vct="https://credentials.example.com/identity_credential",
        claims={
            "given_name": "John",
            "family_name": "Doe",
            "postal_code": "90210",
            "date_of_birth": "1952-03-11",
            "address": {"street_address": "42 Market Street", "locality": "Milliways"},
        },
    )
    answered: dict[str, Any] = {}
    for file in sorted(folder.glob("*.json")):
        query = Query.parse(json.loads(file.read_text()))
        try:
            choice = choose(query, [person])
        except (NothingMatches, UnsupportedQuery) as refusal:
            answered[file.stem] = refusal.code
        else:
            answered[file.stem] = {each.query_id: each.paths for each in choice.selections}
    street = ("address", "street_address")
    assert answered == {
        "claims_alternatives": {"pid": (("family_name",), ("postal_code",), ("date_of_birth",))},
        "complex_mdoc": "unsupported_query",
        "credentials_alternatives": {"pid": (("given_name",), ("family_name",), street)},
        "multi_credentials": "unsupported_query",
        "simple": {"my_credential": (("family_name",), ("given_name",), street)},
        "simple_mdoc": "unsupported_query",
        "value_matching_simple": {"my_credential": (("family_name",), ("given_name",), street, ("postal_code",))},
    }


STEPS = st.sampled_from(["a", "b", "iss", "copy"]) | st.integers(0, 3) | st.none()
CLAIM = st.builds(
    lambda path, values: ClaimQuery(path=tuple(path), values=tuple(values)),
    st.lists(STEPS, min_size=1, max_size=4),
    st.lists(st.sampled_from(["x", 1, True, "1"]), max_size=2),
)
VALUE: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(["x", "y", 1, True, "1", None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=8,
)


@given(
    st.lists(st.lists(CLAIM, max_size=3), min_size=1, max_size=2),
    st.lists(st.dictionaries(st.sampled_from(["a", "b", "copy"]), VALUE), max_size=3),
)
def test_whatever_is_asked_what_is_chosen_is_there_and_opens(asked: list[list[ClaimQuery]], held: list[Any]) -> None:
    query = Query(
        credentials=tuple(
            CredentialQuery(id=f"q{index}", vct_values=(TRACK,), claims=tuple(claims))
            for index, claims in enumerate(asked)
        )
    )
    holdings = [track(str(index), **claims) for index, claims in enumerate(held)]
    try:
        choice = choose(query, holdings, avoid=frozenset({"copy"}))
    except NothingMatches:
        return
    by_id = {holding.id: holding for holding in holdings}
    for selection in choice.selections:
        claims = by_id[selection.holding_id].claims
        assert all(len(select(claims, path)) == 1 for path in selection.paths)
        assert not {"iss", "vct", "iat", "cnf"}.intersection(selection.disclose)
