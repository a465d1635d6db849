from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from credentials.protocols.dcql import (
    ClaimQuery,
    CredentialQuery,
    CredentialSet,
    NothingMatches,
    Query,
    Selection,
    UnsupportedQuery,
    choose,
)
from tests.credentials.protocols.dcql.holdings import EITHER, TRACK, release, track, wants

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


def test_only_what_was_asked_is_disclosed() -> None:
    choice = choose(
        Query(credentials=(wants("q", TRACK, track=("t1",)),)), [track("h", track="t1", name="n", copy="c")]
    )
    assert choice.selections == (Selection(query_id="q", holding_id="h", paths=(("track",),)),)
    assert choice.holding_ids() == {"h"}


def test_the_holding_with_the_wanted_value_is_chosen() -> None:
    held = [track("other", track="t9", name="n"), track("right", track="t2", name="n")]
    assert choose(EITHER, held).holding_ids() == {"right"}


def test_the_answer_with_the_fewest_claims_is_preferred() -> None:
    held = [track("t", track="t1", name="n"), release("r", release="r1")]
    assert choose(EITHER, held).selections == (Selection(query_id="release", holding_id="r", paths=(("release",),)),)


def test_of_equal_answers_the_first_is_taken() -> None:
    query = Query(credentials=(wants("q", TRACK, track=()),))
    assert choose(query, [track("a", track="1"), track("b", track="2")]).holding_ids() == {"a"}


def test_a_query_without_claims_discloses_nothing() -> None:
    query = Query(credentials=(CredentialQuery(id="q", vct_values=(TRACK,)),))
    assert choose(query, [track("h", track="t")]).selections[0].disclose == ()


def test_what_is_always_shown_is_matched_but_not_disclosed() -> None:
    query = Query(credentials=(wants("q", TRACK, iss=("http://coop.localhost:8701",), track=(), cnf=()),))
    assert choose(query, [track("h", track="t")]).selections[0].disclose == ("track",)
    foreign = Query(credentials=(wants("q", TRACK, iss=("https://other.example",)),))
    with pytest.raises(NothingMatches, match="'iss'"):
        choose(foreign, [track("h", track="t")])


def test_of_claim_sets_the_smallest_that_can_be_is_taken() -> None:
    query = CredentialQuery(
        id="q",
        vct_values=(TRACK,),
        claims=(
            ClaimQuery(id="a", path=("name",)),
            ClaimQuery(id="b", path=("byArtist",)),
            ClaimQuery(id="c", path=("track",), values=("t1",)),
        ),
        claim_sets=(("a", "b"), ("c",)),
    )
    full = track("h", name="n", byArtist="b", track="t1")
    assert choose(Query(credentials=(query,)), [full]).selections[0].disclose == ("track",)
    other = track("h", name="n", byArtist="b", track="t2")
    assert choose(Query(credentials=(query,)), [other]).selections[0].disclose == ("name", "byArtist")
    with pytest.raises(NothingMatches, match="'byArtist', 'track'"):
        choose(Query(credentials=(query,)), [track("h", name="n")])


def test_without_sets_every_query_must_be_answered() -> None:
    query = Query(credentials=EITHER.credentials)
    both = [track("t", track="t1", name="n"), release("r", release="r1")]
    assert choose(query, both).holding_ids() == {"t", "r"}
    with pytest.raises(NothingMatches, match="release"):
        choose(query, both[:1])


def test_what_is_optional_is_not_sent() -> None:
    query = Query(
        credentials=EITHER.credentials,
        credential_sets=(CredentialSet(options=(("track",),)), CredentialSet(options=(("release",),), required=False)),
    )
    both = [track("t", track="t1", name="n"), release("r", release="r1")]
    assert choose(query, both).holding_ids() == {"t"}


def test_when_all_is_optional_one_is_sent() -> None:
    query = Query(
        credentials=EITHER.credentials,
        credential_sets=(
            CredentialSet(options=(("track",),), required=False),
            CredentialSet(options=(("release",),), required=False),
        ),
    )
    assert choose(query, [release("r", release="r1")]).holding_ids() == {"r"}
    with pytest.raises(NothingMatches):
        choose(query, [])


def test_several_sets_are_answered_together_and_each_query_once() -> None:
    query = Query(
        credentials=EITHER.credentials,
        credential_sets=(CredentialSet(options=(("track",),)), CredentialSet(options=(("track", "release"),))),
    )
    choice = choose(query, [track("t", track="t1", name="n"), release("r", release="r1")])
    assert [selection.query_id for selection in choice.selections] == ["track", "release"]


def test_a_lack_is_told_in_words() -> None:
    with pytest.raises(NothingMatches) as nothing:
        choose(EITHER, [])
    assert "'track' wants a credential of type 'urn:handstamp:credential:track-ownership:1'" in nothing.value.detail
    with pytest.raises(NothingMatches) as wrong:
        choose(EITHER, [track("t", track="t9", name="n")])
    assert "'track' wants a certain 'track', and none" in wrong.value.detail
    assert len(wrong.value.lacks) == 2
    assert "t9" not in wrong.value.detail


def test_two_holdings_cannot_share_one_answer() -> None:
    query = Query(credentials=(wants("q", TRACK, track=("t1",), name=("n",)),))
    with pytest.raises(NothingMatches, match="no single credential"):
        choose(query, [track("a", track="t1", name="x"), track("b", track="t2", name="n")])


@pytest.mark.parametrize(
    ("credential", "reason"),
    [
        (CredentialQuery(id="q", format="mso_mdoc", doctype_value="x"), "format 'mso_mdoc'"),
    ],
)
def test_what_is_not_supported_is_refused_in_words(credential: CredentialQuery, reason: str) -> None:
    with pytest.raises(UnsupportedQuery, match=reason) as caught:
        choose(Query(credentials=(credential,)), [track("h", track="t")])
    assert len(caught.value.reasons) == 1


def test_an_unsupported_alternative_does_not_matter_when_another_can_be_answered() -> None:
    query = Query(
        credentials=(CredentialQuery(id="mdl", format="mso_mdoc"), wants("track", TRACK, track=("t1",))),
        credential_sets=(CredentialSet(options=(("mdl",), ("track",))),),
    )
    assert choose(query, [track("h", track="t1")]).holding_ids() == {"h"}


def test_several_are_allowed_and_one_is_sent() -> None:
    query = Query(credentials=(CredentialQuery(id="q", vct_values=(TRACK,), multiple=True),))
    assert len(choose(query, [track("a"), track("b")]).selections) == 1


def test_a_query_that_lists_the_same_choice_many_times_costs_no_more_work() -> None:
    """Measured before: 30 kB of `claim_sets` kept a wallet of 3,000 copies busy for nine seconds."""
    names = [f"c{index}" for index in range(8)]
    held = [track(str(number), **dict.fromkeys(names, "v")) for number in range(100)]

    def asked(times: int) -> Query:
        claims = tuple(ClaimQuery(path=(name,), id=name) for name in names)
        query = CredentialQuery(id="q", vct_values=(TRACK,), claims=claims, claim_sets=(tuple(names),) * times)
        return Query(credentials=tuple(replace(query, id=f"q{number}") for number in range(8)))

    bomb = asked(32)
    assert calls_of(lambda: choose(bomb, held)) < 2 * calls_of(lambda: choose(asked(1), held))
    choice = choose(bomb, held)
    assert choice.selections[0] == Selection(query_id="q0", holding_id="0", paths=tuple((name,) for name in names))


def calls_of(work: Callable[[], object]) -> int:
    """Count the functions that are called, however long a busy machine takes over them."""
    calls = 0

    def count(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls
