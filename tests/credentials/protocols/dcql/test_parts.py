"""From query to evidence, over the wire, for claims that are hidden in parts: both sides mean the same."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.protocols.dcql import (
    AnswerRefused,
    ClaimQuery,
    CredentialQuery,
    Holding,
    MissingClaim,
    NothingMatches,
    Query,
    WrongClaimValue,
    check_answer,
    choose,
)
from credentials.sd_jwt import build_nested_sd_jwt_vc, parse_sd_jwt

if TYPE_CHECKING:
    from tests.credentials.conftest import World

CLAIMS: dict[str, Any] = {
    "address": {"locality": "Leipzig", "country": "DE"},
    "nationalities": ["DE", "FR", "US"],
    "degrees": [{"type": "BSc", "year": 2011}, {"type": "MSc", "year": 2013}],
}
HIDDEN: list[Any] = [
    ("address",),
    ("address", "locality"),
    ("address", "country"),
    ("nationalities",),
    ("nationalities", None),
    ("degrees",),
    ("degrees", None),
    ("degrees", None, "year"),
]


def issue(world: World) -> str:
    return build_nested_sd_jwt_vc(
        vct=world.vct,
        issuer=world.issuer_url,
        holder_key=world.holder.public_key,
        issued_at=world.month_s,
        claims=CLAIMS,
        hidden=HIDDEN,
        digest_counts={(): 12, ("nationalities",): 6, ("degrees",): 4, ("address",): 4, ("degrees", None): 2},
        signer=world.issuer,
        x5c=world.x5c,
        random=secrets.token_bytes,
    )


def asking(world: World, *claims: ClaimQuery) -> Query:
    return Query(credentials=(CredentialQuery(id="q", vct_values=(world.vct,), claims=claims),))


def answer(world: World, query: Query, credential: str) -> dict[str, Any]:
    """Choose, present and verify; return what the verifier learned."""
    held = Holding(id="h", format="dc+sd-jwt", vct=world.vct, claims=parse_sd_jwt(credential).claims)
    [selection] = choose(query, [held]).selections
    verified = world.verify(world.present(credential, selection.paths))
    check_answer(query, {"q": verified})
    return dict(verified.disclosed)


@pytest.mark.parametrize(
    ("claims", "learned"),
    [
        ([ClaimQuery(path=("address", "locality"))], {"address": {"locality": "Leipzig"}}),
        ([ClaimQuery(path=("nationalities", 1), values=("FR",))], {"nationalities": ["FR"]}),
        ([ClaimQuery(path=("nationalities", None), values=("US", "CA"))], {"nationalities": ["US"]}),
        ([ClaimQuery(path=("degrees", 1, "year"))], {"degrees": [{"type": "MSc", "year": 2013}]}),
        ([ClaimQuery(path=("degrees", None, "type"))], {"degrees": [{"type": "BSc"}, {"type": "MSc"}]}),
        (
            [ClaimQuery(path=("address", "country"), values=("DE",)), ClaimQuery(path=("nationalities", 0))],
            {"address": {"country": "DE"}, "nationalities": ["DE"]},
        ),
    ],
)
def test_a_verifier_learns_the_part_that_it_asked_for(world: World, claims: list[ClaimQuery], learned: Any) -> None:
    assert answer(world, asking(world, *claims), issue(world)) == learned


def test_a_holder_cannot_pass_the_second_element_for_the_first(world: World) -> None:
    query = asking(world, ClaimQuery(path=("nationalities", 0), values=("FR",)))
    second = world.verify(world.present(issue(world), [("nationalities", 1)]))
    assert second.disclosed == {"nationalities": ["FR"]}
    with pytest.raises(MissingClaim):
        check_answer(query, {"q": second})
    first = world.verify(world.present(issue(world), [("nationalities", 0)]))
    with pytest.raises(WrongClaimValue):
        check_answer(query, {"q": first})


STEPS = (
    st.sampled_from(["address", "locality", "nationalities", "degrees", "year", "type"]) | st.integers(0, 3) | st.none()
)
QUERIES = st.lists(
    st.builds(
        lambda path, values: ClaimQuery(path=tuple(path), values=tuple(values)),
        st.lists(STEPS, min_size=1, max_size=3),
        st.lists(st.sampled_from(["FR", "Leipzig", 2013, "BSc"]), max_size=2),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=60)
@given(claims=QUERIES)
def test_whatever_a_wallet_answers_the_verifier_accepts(world: World, claims: list[ClaimQuery]) -> None:
    query = asking(world, *claims)
    try:
        learned = answer(world, query, issue(world))
    except NothingMatches:
        return
    except AnswerRefused as refusal:
        pytest.fail(f"refused what was asked for: {refusal.detail}")
    assert learned.keys() == {claim.path[0] for claim in claims}
