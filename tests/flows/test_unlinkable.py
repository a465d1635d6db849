"""The correlation audit for what is shown by proofs: forty holders, each type, each form, everything pooled.

Two redemptions each at one gate and at another. What the co-op knows and gave, and what both gates were shown, lies
side by side. Nothing may put holders into classes, nothing may come back, no guesser may do better than chance; at a
gate that counts, its own pseudonym comes back there, and nowhere else. The same audit must find what ordinary
credentials give away.

Here is the kernel alone; `test_unlinkable_services.py` does the same with the real services and the wallet.
"""

from __future__ import annotations

import secrets
from functools import cache
from typing import TYPE_CHECKING

import pytest

from credentials.door_pass import Limit
from schemas import ALL, COOP_MEMBERSHIP, TRACK_OWNERSHIP
from schemas.linked import CONTEXTS, CREDENTIAL_TYPE
from tests.support.crowd import (
    DID,
    GATES,
    HOLDERS,
    SHOWN,
    Recorded,
    ordinary,
    ordinary_claims,
    record_baseline,
    record_door_passes,
    record_pseudonyms,
)
from tests.support.guessing import FALSE_ALARM, Guesses, View, guess, least_surprising
from tests.support.leaves import leaves
from tests.support.linking import LEAST, Redemption, find_differences, find_repeats, known_to_all

if TYPE_CHECKING:
    from schemas import CredentialType

ACROSS = ((GATES[0], 1, GATES[1], 1), (GATES[0], 2, GATES[1], 2))
SAME = ((GATES[0], 1, GATES[0], 2), (GATES[1], 1, GATES[1], 2))
PSEUDONYM = ".shown.proof.proofValue|proof.parts[6]"
PSEUDONYM_BYTES = 48
AT_DOORS_THAT_COUNT = (TRACK_OWNERSHIP, COOP_MEMBERSHIP)


@cache
def baseline(kind: CredentialType) -> Recorded:
    return record_baseline(kind)


@cache
def pseudonyms(kind: CredentialType) -> Recorded:
    return record_pseudonyms(kind)


@cache
def door_passes(kind: CredentialType, limit: Limit) -> Recorded:
    return record_door_passes(kind, limit)


@cache
def elsewhere(*, optional: bool, labels: bool) -> Recorded:
    """Let the crowd show credentials that are made as is usual elsewhere."""
    all_facts = 15
    options = {} if labels else {"in_document_order": True}
    return record_baseline(
        TRACK_OWNERSHIP, ordinary(lambda holder: ordinary_claims(holder if optional else all_facts), **options)
    )


def unlimited() -> list[Recorded]:
    return [*map(baseline, ALL), *(door_passes(kind, Limit.NONE) for kind in ALL)]


def guesses(recorded: Recorded, view: View, piles: tuple[tuple[str, int, str, int], ...]) -> Guesses:
    made = [guess(recorded.pile(gate, visit), recorded.pile(other, again), view) for gate, visit, other, again in piles]
    return sum(made[1:], made[0])


def without_pseudonym(recorded: Recorded) -> Recorded:
    kept = [
        Redemption(
            holder=each.holder,
            gate=each.gate,
            visit=each.visit,
            leaves=tuple((place, value) for place, value in each.leaves if place != PSEUDONYM),
        )
        for each in recorded.redemptions
    ]
    return Recorded(redemptions=kept)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.scope)
def test_at_a_gate_without_a_limit_nothing_differs_and_nothing_comes_back(kind: CredentialType) -> None:
    for recorded in (baseline(kind), door_passes(kind, Limit.NONE)):
        assert len(recorded.redemptions) == 4 * HOLDERS
        assert find_differences(recorded.redemptions) == {}
        assert find_repeats(recorded.redemptions, recorded.issuance) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.scope)
def test_at_a_gate_with_a_limit_only_its_own_pseudonym_comes_back(kind: CredentialType) -> None:
    recorded = pseudonyms(kind)
    assert find_differences(recorded.redemptions) == {
        gate: [f"{PSEUDONYM}: {HOLDERS} of {2 * HOLDERS}"] for gate in sorted(GATES)
    }
    doors = [door_passes(kind, Limit.EVER)] if kind in AT_DOORS_THAT_COUNT else []
    for each in (recorded, *doors):
        repeats = find_repeats(each.redemptions, each.issuance)
        # In a door pass it ends a longer value, of which a byte or two before it may be the same by chance.
        lengths = {len(bytes.fromhex(repeat.value)) for repeat in repeats}
        assert lengths <= set(range(PSEUDONYM_BYTES, PSEUDONYM_BYTES + LEAST))
        visitors = {repeat.records for repeat in repeats}
        assert visitors == {
            frozenset(f"holder {holder} at {gate}, {visit}" for visit in (1, 2))
            for holder in range(HOLDERS)
            for gate in GATES
        }


@pytest.mark.slow
@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.scope)
def test_the_work_of_showing_is_the_same_for_every_holder(kind: CredentialType) -> None:
    """The time that a proof takes could tell holders apart: so the very same functions run equally often for all."""
    for recorded in (baseline(kind), pseudonyms(kind), door_passes(kind, Limit.NONE)):
        first, *others = recorded.operations
        assert len(others) == HOLDERS - 2
        assert sum(first.values()) > 500
        for other in others:
            assert first == other, {
                name: (first[name], other[name]) for name in first | other if first[name] != other[name]
            }


@pytest.mark.slow
@pytest.mark.parametrize("view", View, ids=lambda view: view.name.lower())
def test_guessing_whose_redemptions_belong_together_does_no_better_than_chance(view: View) -> None:
    everywhere = [guesses(each, view, (*ACROSS[:1], *SAME)) for each in unlimited()]
    counted = [guesses(pseudonyms(kind), view, ACROSS) for kind in ALL]
    counted += [guesses(without_pseudonym(pseudonyms(kind)), view, SAME) for kind in ALL]
    for made in (everywhere, counted):
        total = sum(made[1:], made[0])
        assert total.hits < total.beyond_chance, total


@pytest.mark.slow
def test_a_gate_that_counts_knows_its_own_visitors_again_and_the_guesser_sees_it() -> None:
    made = guesses(pseudonyms(TRACK_OWNERSHIP), View.RUNS, SAME)
    assert made.hits == made.made == 2 * HOLDERS


@pytest.mark.slow
def test_what_all_redemptions_have_in_common_is_the_short_public_list() -> None:
    """Issuer name and key, type, cohort, the claims that were asked for, and the words of the format."""
    for kind in ALL:
        common = known_to_all(baseline(kind).redemptions)
        everywhere = {value for value in set.intersection(*common.values()) if isinstance(value, str)}
        first = baseline(kind).redemptions[0]
        method = next(value for place, value in first.leaves if place == ".shown.proof.verificationMethod")
        public = {
            *("@context", "type", "issuer", "credentialSubject", "DataIntegrityProof", "bbs-2023", "assertionMethod"),
            *("2026-11-01T00:00:00Z", "2026-12-11T00:00:00Z", DID, str(method), *CONTEXTS, CREDENTIAL_TYPE),
            *(kind.configuration_id, *SHOWN[kind], *(str(kind.example[name]) for name in SHOWN[kind])),
        }
        words = {value for text in public for _, value in leaves(text)} | public
        structure = {str(value) for place, value in first.leaves if place.endswith(("{}", "/#"))}
        assert everywhere <= words | structure


# The audit can fail.


@pytest.mark.slow
def test_ordinary_credentials_are_found_out() -> None:
    """Fields left out, or labels in any order, each alone: proof length, label map and indexes tell holders apart."""
    left_out = find_differences(elsewhere(optional=True, labels=False).redemptions)
    shuffled = find_differences(elsewhere(optional=False, labels=True).redemptions)
    for gate in GATES:
        found = " ".join(left_out[gate])
        assert ".parts[0]#: 5 of 80" in found  # The proof's length says how many facts there are.
        assert ".parts[3][1]" in found  # An index says how many stand before what is shown.
        found = " ".join(shuffled[gate])
        assert ".parts[1].0" in found  # The label map.
        assert ".parts[2][" in found  # Which statements are mandatory.


@pytest.mark.slow
def test_of_ordinary_credentials_the_guesser_knows_most() -> None:
    recorded = elsewhere(optional=True, labels=True)
    made = guesses(recorded, View.SHAPE, (*ACROSS, *SAME))
    assert made.hits > made.made // 2 > made.beyond_chance, made


def visit_of(holder: int, gate: str, visit: int, **said: object) -> Redemption:
    fresh = {"nonce": secrets.token_urlsafe(16), "proof": secrets.token_bytes(200)}
    return Redemption(holder=holder, gate=gate, visit=visit, leaves=tuple(leaves({**fresh, **said})))


MARK = bytes.fromhex("a1b2c3d4e5f60718")


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda holder: MARK + secrets.token_bytes(40) if holder == 3 else secrets.token_bytes(48),
        lambda holder: secrets.token_bytes(30) + (MARK if holder == 3 else secrets.token_bytes(8)),
        lambda holder: {"deep": [{"er": (MARK if holder == 3 else secrets.token_bytes(8)).hex()}]},
        lambda holder: "a word and " + (MARK if holder == 3 else secrets.token_bytes(8)).hex(),
    ],
    ids=["at the beginning", "at the end", "in hexadecimal", "in a sentence"],
)
def test_eight_bytes_that_come_back_are_found_wherever_they_hide(wrapped: object) -> None:
    assert callable(wrapped)
    visits = [
        visit_of(holder, gate, visit, random=wrapped(holder))
        for gate in GATES
        for holder in range(6)
        for visit in (1, 2)
    ]
    repeats = find_repeats(visits)
    assert {name for each in repeats for name in each.records} == {each.name for each in visits if each.holder == 3}
    assert all(MARK.hex() in each.value for each in repeats)


def test_what_the_co_op_kept_and_a_gate_was_shown_is_found() -> None:
    entropy = secrets.token_bytes(32)
    visits = [visit_of(0, "gate", 1, header=entropy[4:]), visit_of(1, "gate", 1, header=secrets.token_bytes(28))]
    (found,) = find_repeats(visits, {"issuance of 0": list(leaves({"kept": entropy}))})
    assert found.value == entropy[4:].hex()
    assert found.records == {"holder 0 at gate, 1"}


def test_a_length_an_order_a_number_or_a_word_of_some_is_found() -> None:
    usual = {"a": 1, "b": [1, 2], "c": "word"}
    odd = ({"b": [1, 2], "a": 1, "c": "word"}, {**usual, "a": 2}, {**usual, "b": [1]}, {**usual, "c": "ward"})
    for other in odd:
        visits = [visit_of(holder, "gate", 1, said=usual if holder % 2 else other) for holder in range(6)]
        assert find_differences(visits)
    assert find_differences([visit_of(holder, "gate", 1, said=usual) for holder in range(6)]) == {}


def test_chance_is_computed_with_care() -> None:
    assert least_surprising(1) == 10  # 1/10! is about 3 in ten million
    assert least_surprising(30) < 2.5 * 30
    assert FALSE_ALARM == 1e-6
    one, two = ([visit_of(holder, "gate", visit) for holder in range(HOLDERS)] for visit in (1, 2))
    assert all(guess(one, two, view).hits < least_surprising(1) for view in View)
    one, two = ([visit_of(each, "gate", visit, own=f"{each:05}") for each in range(HOLDERS)] for visit in (1, 2))
    assert guess(one, two, View.SHAPE).hits == HOLDERS
