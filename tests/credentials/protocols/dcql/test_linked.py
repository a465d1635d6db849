"""Queries for linked credentials: types by their full IRIs, claims from the root, and which holding may answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from credentials.errors import HandstampError, Malformed
from credentials.protocols.dcql import (
    LDP_VC,
    ClaimQuery,
    CredentialQuery,
    CredentialSet,
    Holding,
    MissingClaim,
    NothingMatches,
    Query,
    UnaskedClaim,
    UnsupportedQuery,
    WrongAnswerType,
    WrongClaimValue,
    WrongPresentationForm,
    check_answer,
    check_shape,
    choose,
)
from schemas import RELEASE_OWNERSHIP, TRACK_OWNERSHIP

if TYPE_CHECKING:
    from pathlib import Path

TYPES = frozenset(TRACK_OWNERSHIP.type_iris)
CLAIM = ClaimQuery(path=("credentialSubject", "track"), values=("t1",))


def wants(query_id: str = "bbs", *claims: ClaimQuery, **change: Any) -> CredentialQuery:
    query = CredentialQuery(
        id=query_id,
        format=LDP_VC,
        type_values=(TRACK_OWNERSHIP.type_iris,),
        claims=claims or (CLAIM,),
        require_cryptographic_holder_binding=False,
    )
    return replace(query, **change)


def held(holding_id: str, **change: Any) -> Holding:
    subject = {"track": "t1", "name": "n", "a/b~c": "x"}
    claims = {"issuer": "did:web:coop.example", "validFrom": "2026-11-01T00:00:00Z", "credentialSubject": subject}
    holding = Holding(
        id=holding_id, format=LDP_VC, vct=TRACK_OWNERSHIP.vct, claims=claims, types=TYPES, holder_bound=False
    )
    return replace(holding, **change)


SD_JWT = Holding(id="sd", format="dc+sd-jwt", vct=TRACK_OWNERSHIP.vct, claims={"track": "t1", "copy": "c"}, rank=2)
PLAIN = CredentialQuery(
    id="sd", vct_values=(TRACK_OWNERSHIP.vct,), claims=(ClaimQuery(path=("track",), values=("t1",)),)
)


@dataclass(frozen=True)
class Said:
    disclosed: dict[str, Any]
    vct: str = TRACK_OWNERSHIP.vct
    issuer: str = "https://coop.example"


def one(query: CredentialQuery) -> Query:
    return Query(credentials=(query,))


def test_the_claim_is_found_from_the_root_and_named_as_in_every_format() -> None:
    asked = (CLAIM, ClaimQuery(path=("credentialSubject", "a/b~c")), ClaimQuery(path=("issuer",)))
    (selection,) = choose(one(wants("bbs", *asked)), [held("h")]).selections
    assert selection.pointers == ("/credentialSubject/track", "/credentialSubject/a~1b~0c")
    assert selection.disclose == ("track", "a/b~c")


def test_one_of_the_sets_of_types_must_be_there_whole() -> None:
    other = ("https://www.w3.org/2018/credentials#VerifiableCredential", "urn:other")
    assert choose(one(wants(type_values=(other, TRACK_OWNERSHIP.type_iris))), [held("h")])
    with pytest.raises(NothingMatches, match="urn:other"):
        choose(one(wants(type_values=(other,))), [held("h")])


def test_a_proof_that_is_bound_to_no_key_answers_no_query_that_wants_one() -> None:
    bound = one(wants(require_cryptographic_holder_binding=True))
    with pytest.raises(NothingMatches):
        choose(bound, [held("h")])
    assert choose(bound, [held("h", holder_bound=True)])


def test_a_wallet_may_keep_a_holding_for_certain_queries() -> None:
    query = Query(credentials=(wants("bbs"), wants("nym")))
    holdings = [held("b", queries=frozenset({"bbs"})), held("p", queries=frozenset({"nym"}))]
    chosen = {each.query_id: each.holding_id for each in choose(query, holdings).selections}
    assert chosen == {"bbs": "b", "nym": "p"}


@pytest.mark.parametrize("options", [(("sd",), ("bbs",)), (("bbs",), ("sd",))])
def test_what_is_joined_least_easily_is_shown_whatever_the_site_would_rather_have(
    options: tuple[tuple[str, ...], ...],
) -> None:
    query = Query(credentials=(PLAIN, wants("bbs")), credential_sets=(CredentialSet(options=options),))
    assert choose(query, [SD_JWT, held("h")]).holding_ids() == {"h"}
    assert choose(query, [SD_JWT]).holding_ids() == {"sd"}
    assert choose(one(wants("bbs")), [held("p", rank=1), held("b")]).holding_ids() == {"b"}


@pytest.mark.parametrize(
    "path", [("credentialSubject",), ("credentialSubject", None), ("credentialSubject", 0), ("proof",), ("track",)]
)
def test_a_whole_credential_is_not_shown(path: tuple[Any, ...]) -> None:
    query = one(wants("bbs", ClaimQuery(path=path)))
    with pytest.raises(UnsupportedQuery):
        choose(query, [held("h")])
    with pytest.raises(UnsupportedQuery):
        check_answer(query, {"bbs": Said({"track": "t1"})})


def test_what_was_asked_passes() -> None:
    check_answer(one(wants()), {"bbs": Said({"track": "t1"})})


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        (Said({"track": "t2"}), WrongClaimValue),
        (Said({}), MissingClaim),
        (Said({"track": "t1", "name": "n"}), UnaskedClaim),
        (Said({"track": "t1"}, vct=RELEASE_OWNERSHIP.vct), WrongAnswerType),
        (Said({"track": "t1"}, vct="urn:unknown"), WrongAnswerType),
    ],
)
def test_what_was_not_asked_is_refused(said: Said, refusal: type[HandstampError]) -> None:
    with pytest.raises(refusal, match="bbs"):
        check_answer(one(wants()), {"bbs": said})


def test_values_of_what_an_answer_does_not_tell_cannot_be_checked() -> None:
    query = one(wants("bbs", CLAIM, ClaimQuery(path=("validFrom",), values=("2026-11-01T00:00:00Z",))))
    with pytest.raises(UnsupportedQuery):
        check_answer(query, {"bbs": Said({"track": "t1"})})


def test_whom_a_query_names_the_wallet_chooses_by_and_the_policy_decides() -> None:
    query = one(wants("bbs", CLAIM, ClaimQuery(path=("issuer",), values=("did:web:coop.example",))))
    (selection,) = choose(query, [held("h")]).selections
    assert selection.pointers == ("/credentialSubject/track",)
    check_answer(query, {"bbs": Said({"track": "t1"})})
    other = one(wants("bbs", CLAIM, ClaimQuery(path=("issuer",), values=("did:web:other.example",))))
    with pytest.raises(NothingMatches, match="issuer"):
        choose(other, [held("h")])


def test_each_format_has_its_form() -> None:
    query = Query(credentials=(PLAIN, wants("bbs")))
    assert check_shape(query, {"sd": ("x~",), "bbs": ({"a": 1},)}) == {"sd": "x~", "bbs": {"a": 1}}
    for token in ({"sd": ("x~",), "bbs": ("x~",)}, {"sd": ({"a": 1},), "bbs": ({"a": 1},)}):
        with pytest.raises(WrongPresentationForm) as refusal:
            check_shape(query, token)
        assert refusal.value.code == "wrong_presentation_form"


def test_types_must_be_named() -> None:
    written = wants().to_json() | {"meta": {}}
    with pytest.raises(Malformed, match="type_values"):
        Query.parse({"credentials": [written]})


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_standards_query_is_read(vectors_dir: Path, version: str) -> None:
    path = vectors_dir / "openid4vp" / version / "examples" / "request" / "dcql_ldp_vc.json"
    (query,) = Query.parse(json.loads(path.read_text(encoding="utf-8"))).credentials
    assert query.format == LDP_VC
    assert query.type_values
