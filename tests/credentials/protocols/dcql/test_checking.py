from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from credentials.protocols.dcql import (
    AnswerRefused,
    ClaimQuery,
    CredentialQuery,
    CredentialSet,
    Holding,
    MissingAnswer,
    MissingClaim,
    NotOnePresentation,
    Query,
    TrustedAuthority,
    UnaskedAnswer,
    UnaskedClaim,
    UnsupportedQuery,
    WrongAnswerType,
    WrongClaimValue,
    check_answer,
    check_several,
    check_shape,
    choose,
)
from credentials.sd_jwt.locating import Elements

TRACK = "urn:track"
RELEASE = "urn:release"


@dataclass(frozen=True)
class Shown:
    vct: str
    disclosed: dict[str, Any]
    issuer: str = "https://coop.example"


def wants(query_id: str, vct: str, **claims: tuple[Any, ...]) -> CredentialQuery:
    asked = tuple(ClaimQuery(path=(name,), values=values) for name, values in claims.items())
    return CredentialQuery(id=query_id, vct_values=(vct,), claims=asked)


ONE = Query(credentials=(wants("track", TRACK, track=("t1", "t2"), name=()),))
GOOD = Shown(TRACK, {"track": "t2", "name": "n"})
SETS = Query(
    credentials=(wants("track", TRACK, track=("t1",)), wants("release", RELEASE), wants("member", "urn:member")),
    credential_sets=(
        CredentialSet(options=(("track",), ("release",))),
        CredentialSet(options=(("member",),), required=False),
    ),
)
ANSWERS = {"track": Shown(TRACK, {"track": "t1"}), "release": Shown(RELEASE, {}), "member": Shown("urn:member", {})}


def test_what_was_asked_passes() -> None:
    check_answer(ONE, {"track": GOOD})


@pytest.mark.parametrize(
    ("answers", "refusal", "words"),
    [
        ({}, MissingAnswer, "'track'"),
        ({"track": GOOD, "other": GOOD}, UnaskedAnswer, "'other'"),
        (
            {"track": Shown(RELEASE, {"track": "t1", "name": "n"})},
            WrongAnswerType,
            "'urn:track' is needed, not 'urn:release'",
        ),
        ({"track": Shown(TRACK, {"track": "t1"})}, MissingClaim, "'name'"),
        ({"track": Shown(TRACK, {"track": "t3", "name": "n"})}, WrongClaimValue, "'track' differs"),
        ({"track": Shown(TRACK, {"track": ["t1"], "name": "n"})}, WrongClaimValue, "'track' differs"),
        ({"track": Shown(TRACK, {"track": "t1", "name": "n", "copy": "c"})}, UnaskedClaim, "'copy'"),
    ],
)
def test_anything_else_is_refused_in_words(answers: dict[str, Shown], refusal: type[AnswerRefused], words: str) -> None:
    with pytest.raises(refusal) as caught:
        check_answer(ONE, answers)
    assert words in caught.value.detail


def test_a_refusal_never_repeats_a_value() -> None:
    with pytest.raises(WrongClaimValue) as caught:
        check_answer(ONE, {"track": Shown(TRACK, {"track": "secret", "name": "n"})})
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize("ids", [["track"], ["release"], ["track", "member"], ["track", "release"]])
def test_complete_combinations_pass(ids: list[str]) -> None:
    check_answer(SETS, {name: ANSWERS[name] for name in ids})


def test_incomplete_combinations_are_refused() -> None:
    with pytest.raises(MissingAnswer, match="'track', 'release'"):
        check_answer(SETS, {"member": ANSWERS["member"]})
    pair = Query(
        credentials=SETS.credentials, credential_sets=(CredentialSet(options=(("track", "member"), ("release",))),)
    )
    with pytest.raises(UnaskedAnswer, match="'track'"):
        check_answer(pair, {"release": ANSWERS["release"], "track": ANSWERS["track"]})


def test_an_answer_outside_every_set_is_unasked() -> None:
    query = Query(credentials=SETS.credentials, credential_sets=SETS.credential_sets[:1])
    with pytest.raises(UnaskedAnswer, match="'member'"):
        check_answer(query, ANSWERS)


def test_an_empty_answer_to_optional_sets_is_refused() -> None:
    query = Query(credentials=SETS.credentials, credential_sets=SETS.credential_sets[1:])
    with pytest.raises(MissingAnswer):
        check_answer(query, {})
    check_answer(query, {"member": ANSWERS["member"]})


def test_one_claim_set_must_fit_exactly() -> None:
    query = Query(
        credentials=(
            CredentialQuery(
                id="q",
                vct_values=(TRACK,),
                claims=(ClaimQuery(id="a", path=("track",), values=("t1",)), ClaimQuery(id="b", path=("name",))),
                claim_sets=(("a",), ("b",)),
            ),
        )
    )
    check_answer(query, {"q": Shown(TRACK, {"track": "t1"})})
    check_answer(query, {"q": Shown(TRACK, {"name": "n"})})
    with pytest.raises(UnaskedClaim):
        check_answer(query, {"q": Shown(TRACK, {"track": "t1", "name": "n"})})
    with pytest.raises(MissingClaim):
        check_answer(query, {"q": Shown(TRACK, {})})


def test_claims_of_the_protocol_need_not_be_disclosed() -> None:
    check_answer(Query(credentials=(wants("q", TRACK, iss=(), track=()),)), {"q": Shown(TRACK, {"track": "t"})})


@pytest.mark.parametrize(
    "credential",
    [
        wants("q", TRACK, iat=(1793491200,)),
        CredentialQuery(id="q", vct_values=(TRACK,), claims=(ClaimQuery(path=("cnf", "jwk", "x"), values=("x",)),)),
        CredentialQuery(id="q", format="mso_mdoc", vct_values=(TRACK,)),
    ],
)
def test_a_query_that_cannot_be_checked_never_passes(credential: CredentialQuery) -> None:
    with pytest.raises(UnsupportedQuery):
        check_answer(Query(credentials=(credential,)), {"q": Shown(TRACK, {"a": {"b": 1}, "iss": "x"})})


def test_authorities_are_left_to_the_trust_policy() -> None:
    credential = CredentialQuery(
        id="q", vct_values=(TRACK,), trusted_authorities=(TrustedAuthority(type="aki", values=("x",)),)
    )
    check_answer(Query(credentials=(credential,)), {"q": Shown(TRACK, {})})


def test_the_shape_is_checked_before_any_cryptography() -> None:
    assert check_shape(ONE, {"track": ("x~y",)}) == {"track": "x~y"}
    with pytest.raises(NotOnePresentation):
        check_shape(ONE, {"track": ("x~y", "z~")})
    with pytest.raises(UnaskedAnswer):
        check_shape(ONE, {"track": ("x~y",), "other": ("z~",)})
    with pytest.raises(MissingAnswer):
        check_shape(ONE, {})


def test_what_a_wallet_chooses_a_verifier_accepts() -> None:
    holdings = [
        Holding(id="t", format="dc+sd-jwt", vct=TRACK, claims={"track": "t1", "name": "n", "copy": "c"}),
        Holding(id="r", format="dc+sd-jwt", vct=RELEASE, claims={"release": "r"}),
    ]
    by_id = {holding.id: holding for holding in holdings}
    for query in (ONE, SETS):
        check_answer(
            query,
            {
                selection.query_id: Shown(
                    by_id[selection.holding_id].vct,
                    {name: by_id[selection.holding_id].claims[name] for name in selection.disclose},
                )
                for selection in choose(query, holdings).selections
            },
        )


def test_who_issued_it_can_be_asked_for() -> None:
    query = Query(credentials=(wants("q", TRACK, iss=("https://coop.example", "https://other.example")),))
    check_answer(query, {"q": Shown(TRACK, {})})
    with pytest.raises(WrongClaimValue, match="iss"):
        check_answer(query, {"q": Shown(TRACK, {}, issuer="https://third.example")})


def nested(path: tuple[Any, ...], *values: Any) -> Query:
    return Query(
        credentials=(CredentialQuery(id="q", vct_values=(TRACK,), claims=(ClaimQuery(path=path, values=values),)),)
    )


def test_a_nested_claim_is_compared_where_it_stands() -> None:
    query = nested(("address", "locality"), "Leipzig", "Halle")
    check_answer(query, {"q": Shown(TRACK, {"address": {"locality": "Halle", "country": "DE"}})})
    with pytest.raises(WrongClaimValue, match=r"'address\.locality' differs"):
        check_answer(query, {"q": Shown(TRACK, {"address": {"locality": "Bonn"}})})
    for disclosed in ({}, {"address": {}}, {"address": "Halle"}, {"locality": "Halle"}, {"address": [{}]}):
        with pytest.raises(MissingClaim, match=r"address\.locality"):
            check_answer(query, {"q": Shown(TRACK, disclosed)})
    with pytest.raises(UnaskedClaim, match="'name'"):
        check_answer(query, {"q": Shown(TRACK, {"address": {"locality": "Halle"}, "name": "n"})})


def test_an_index_means_the_place_that_the_issuer_signed() -> None:
    """Else a second nationality would pass for the first, once the first is hidden."""
    first = nested(("nationalities", 0), "DE")
    check_answer(first, {"q": Shown(TRACK, {"nationalities": Elements(["DE"], [0])})})
    with pytest.raises(MissingClaim):
        check_answer(first, {"q": Shown(TRACK, {"nationalities": Elements(["DE"], [1])})})
    check_answer(nested(("nationalities", None), "DE"), {"q": Shown(TRACK, {"nationalities": Elements(["DE"], [1])})})


def test_several_answers_pass_only_where_several_are_asked_for() -> None:
    one = wants("q", TRACK, track=("t1", "t2"))
    several = Query(credentials=(replace(one, multiple=True),))
    both = [Shown(TRACK, {"track": "t1"}), Shown(TRACK, {"track": "t2"})]
    check_answer(several, {"q": both})
    check_answer(several, {"q": both[0]})
    with pytest.raises(WrongClaimValue):
        check_answer(several, {"q": [*both, Shown(TRACK, {"track": "t3"})]})
    for answers in ([], both):
        with pytest.raises(NotOnePresentation):
            check_answer(Query(credentials=(one,)), {"q": answers})
    with pytest.raises(NotOnePresentation):
        check_answer(several, {"q": []})


def test_the_same_presentation_twice_is_not_several() -> None:
    several = Query(credentials=(replace(wants("q", TRACK), multiple=True),))
    assert check_several(several, {"q": ("x~", "y~")}) == {"q": ("x~", "y~")}
    with pytest.raises(NotOnePresentation):
        check_shape(several, {"q": ("x~", "y~")})
    for token in ({"q": ("x~", "x~")}, {"q": ()}):
        with pytest.raises(NotOnePresentation):
            check_several(several, token)
    with pytest.raises(NotOnePresentation):
        check_several(ONE, {"track": ("x~", "y~")})
