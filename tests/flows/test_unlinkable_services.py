"""The correlation audit with the real services and the wallet: a co-op, two shops, a trackserver, forty listeners.

Each received what they own in every form, and opens a gate of one shop and a gate of another twice, and fetches the
files. Pooled is every byte that they sent and got there, every row and line that shops and trackserver wrote, and all
that the co-op knows and gave. And none of it but the co-op's own register may hold a person's name, address or birth
date.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.issuer.conftest import make_coop
from tests.support.crowd import HOLDERS, VISITS, person
from tests.support.crowded_street import ROLES, CrowdedStreet, crowded
from tests.support.guessing import View, guess
from tests.support.linking import find_differences, find_repeats, without_common
from tests.support.recording import disguises
from verifier.limits import Monthly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.leaves import Leaf
    from tests.support.linking import Redemption
    from tests.support.street import Shop
    from verifier.gates import Gate

pytestmark = pytest.mark.slow

COUNTED = 8
"""So many of them come to gates with a limit, and to doors with a pass, too."""


@dataclass
class Crowd:
    """What happened."""

    street: CrowdedStreet
    issuance: dict[str, list[Leaf]] = field(default_factory=dict)
    open: list[Redemption] = field(default_factory=list)
    counted: list[Redemption] = field(default_factory=list)
    doors: list[Redemption] = field(default_factory=list)
    planted: list[Redemption] = field(default_factory=list)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    folder = tmp_path_factory.mktemp("crowd")
    coop = make_coop(folder)
    with crowded(folder, coop) as street:
        made = Crowd(street=street)
        asyncio.run(live(made))
        yield made
    coop.parts.database.close()


async def live(crowd: Crowd) -> None:
    street = crowd.street
    await street.furnish()
    artist, venue = street.shops.values()
    for holder in range(HOLDERS):
        street.coop.wait(minutes=7)
        crowd.issuance[f"issuance of {holder}"] = await street.join(holder)
    gates = [(artist, street.put_up(artist)), (venue, street.put_up(venue))]
    crowd.open = await come(street, gates, HOLDERS)
    limited = [(shop, street.put_up(shop, limit=Monthly(times=2))) for shop in (artist, venue)]
    crowd.counted = await come(street, limited, COUNTED)
    doors = [(shop, street.put_up(shop)) for shop in (artist, venue)]
    crowd.doors = [
        await street.pass_door(holder, shop, gate, visit)
        for visit in VISITS
        for shop, gate in doors
        for holder in range(COUNTED)
    ]
    again = street.put_up(artist)
    for holder in range(4):
        street.user_agent = "handstamp-wallet" if holder else "handstamp-wallet build-7f3a9c21"
        crowd.planted += [await street.redeem(holder, artist, again, visit) for visit in VISITS]


async def come(street: CrowdedStreet, gates: list[tuple[Shop, Gate]], holders: int) -> list[Redemption]:
    return [
        await street.redeem(holder, shop, gate, visit)
        for visit in VISITS
        for shop, gate in gates
        for holder in range(holders)
    ]


def test_at_gates_without_a_limit_nothing_differs_and_nothing_comes_back(crowd: Crowd) -> None:
    assert len(crowd.open) == 4 * HOLDERS
    assert find_differences(crowd.open) == {}
    assert find_repeats(crowd.open, crowd.issuance) == []


def test_at_gates_with_a_limit_only_their_own_pseudonym_comes_back(crowd: Crowd) -> None:
    """The shop keeps the mark of it, and how often it came."""
    gates = {each.gate for each in crowd.counted}
    differences = find_differences(crowd.counted)
    assert differences.keys() == gates
    for listed in differences.values():
        places = {each.partition(":")[0].rpartition(".")[2] for each in listed}
        assert places == {"parts[6]", "mark", "uses"}
    repeats = find_repeats(crowd.counted, crowd.issuance)
    assert len(repeats) == 2 * 2 * COUNTED
    assert {each.records for each in repeats} == {
        frozenset(f"holder {holder} at {gate}, {visit}" for visit in VISITS)
        for holder in range(COUNTED)
        for gate in gates
    }


def test_at_doors_without_a_limit_passes_have_nothing_in_common(crowd: Crowd) -> None:
    assert len(crowd.doors) == 4 * COUNTED
    assert find_differences(crowd.doors) == {}
    assert find_repeats(crowd.doors, crowd.issuance) == []


@pytest.mark.parametrize("view", View, ids=lambda view: view.name.lower())
def test_guessing_does_no_better_than_chance(crowd: Crowd, view: View) -> None:
    telling = without_common(crowd.open)
    gates = list(dict.fromkeys(each.gate for each in telling))
    piles = {
        (gate, visit): [each for each in telling if (each.gate, each.visit) == (gate, visit)]
        for gate in gates
        for visit in VISITS
    }
    pairs = (((gates[0], 1), (gates[0], 2)), ((gates[0], 1), (gates[1], 1)), ((gates[1], 1), (gates[1], 2)))
    made = [guess(piles[one], piles[other], view) for one, other in pairs]
    total = sum(made[1:], made[0])
    assert total.hits < total.beyond_chance, total


def test_a_wallet_that_says_which_one_it_is_is_found(crowd: Crowd) -> None:
    (gate,) = {each.gate for each in crowd.planted}
    assert any("user-agent" in place for place in find_differences(crowd.planted)[gate])
    assert {name for each in find_repeats(crowd.planted) for name in each.records} == {
        f"holder 0 at {gate}, {visit}" for visit in VISITS
    }


def test_what_was_shown_was_proofs_and_the_co_op_was_asked_nothing(crowd: Crowd) -> None:
    lines = [each["request"]["line"] for each in crowd.street.heard]
    assert {line.split(" ")[1].partition(".")[0] for line in lines} == {"artist", "venue", "tracks"}
    for redemptions, wanted in ((crowd.open, "-bbs"), (crowd.counted, "-nym")):
        for each in redemptions:
            assert any(f"vp_token.track{wanted}[0].proof" in place for place, _ in each.leaves)


def test_no_canary_of_the_crowd_is_in_what_shops_and_trackserver_store_log_or_are_told(crowd: Crowd) -> None:
    # What all names and addresses have in common, and each birth date.
    facts = {"Canarybird", "@canary.example", *(person(holder)["birthDate"] for holder in range(HOLDERS))}
    assert all("Canarybird" in person(holder)["name"] for holder in range(HOLDERS))
    street = crowd.street
    kept = {
        party: b"".join(path.read_bytes() for path in street.folder.glob(f"{party}.sqlite*"))
        for party in (*ROLES, "issuer")
    }
    assert found_in(kept.pop("issuer"), facts) == facts
    told = {**kept, "messages": repr(street.heard).encode(), "logs": repr(street.logged).encode()}
    assert len(street.heard) > 1_000
    assert len(street.logged) > 1_000
    for where, data in told.items():
        assert len(data) > 10_000, where
        assert found_in(data, facts) == set(), where


def found_in(data: bytes, facts: set[str]) -> set[str]:
    return {text for text in facts if any(disguise in data for disguise in disguises(text))}
