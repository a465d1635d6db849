"""The steps on pages of `docs/flows` happen in their order: each flow runs, and what it calls and asks is compared."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.flows import listening, operating
from tests.flows.following import Followed, following, steps_of
from tests.support.town import town
from tests.verifier.test_gates import read_code

if TYPE_CHECKING:
    from tests.support.town import Town

pytestmark = [pytest.mark.flow, pytest.mark.slow]
PAGES = (
    "issue-by-code-beside-a-qr",
    "present-on-one-device",
    "present-across-devices",
    "download-by-browser",
    "linked-and-pseudonym",
    "download-by-wallet",
    "door-online",
    "door-offline",
    "status-lists-and-taking-back",
    "trust-setup",
    "renewal",
    "turning-keys",
)
"""Import, backup and the authorization code are followed beside their own tests."""


def run_all(built: Town, followed: Followed, patch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Run every flow in one town; return what happened in each."""
    told: dict[str, list[str]] = {}
    seen = 0

    def was(name: str) -> None:
        nonlocal seen
        told[name], seen = followed.events[seen:], len(followed.events)

    wallet = listening.issue(built)
    was("issue")
    operating.take_back(built)
    listening.present(built, wallet, built.gate_url(built.gate()))  # no proofs yet: the site knows no keys of them
    was("take back")
    operating.set_up_trust(built)
    was("trust")
    listening.present(built, wallet, built.gate_url(built.gate()))
    was("present")
    listening.pass_alone(wallet, listening.limited_gate(built))
    was("count")
    listening.download(built, wallet)
    was("download")
    listening.present_across(built, wallet)
    was("across")
    door = listening.limited_gate(built)
    poster = read_code(operating.hang_poster(built, door))
    known = listening.read_door(poster, wallet)
    was("door")
    assert listening.enter(built, door, listening.draw(listening.read_door(poster, wallet), wallet)) == "green"
    was("enter")
    operating.scan(door, listening.draw(known, wallet), patch)
    operating.meet(built, door)
    was("scan")
    listening.renew_all(wallet)
    was("renew")
    operating.trust_by_did(built)
    was("trust by did")
    operating.turn_keys(built)
    was("turn")
    return told


@pytest.fixture(scope="module")
def flows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Followed]:
    """Everything that happened in each flow, by the name of its page."""
    steps = [step for page in PAGES for step in steps_of(page)]
    with pytest.MonkeyPatch.context() as patch:
        operating.stand_still(patch)
        with following(steps) as followed, town(tmp_path_factory.mktemp("flows")) as built:
            operating.name_the_settings(built, patch)
            told = run_all(built, followed, patch)
    return {
        "issue-by-code-beside-a-qr": Followed(told["issue"]),
        "status-lists-and-taking-back": Followed(told["take back"]),
        "trust-setup": Followed(told["trust"]),
        "present-on-one-device": Followed(told["present"]),
        "download-by-browser": Followed(told["present"]),
        "linked-and-pseudonym": Followed(told["issue"] + told["count"]),
        "download-by-wallet": Followed(told["count"] + told["download"]),
        "present-across-devices": Followed(told["across"]),
        "door-online": Followed(told["enter"]),
        "door-offline": Followed(told["door"] + told["scan"]),
        "renewal": Followed(told["renew"]),
        "turning-keys": Followed(told["turn"]),
    }


@pytest.mark.parametrize("page", PAGES)
def test_the_steps_of_a_page_happen_in_their_order_and_in_no_other(page: str, flows: dict[str, Followed]) -> None:
    steps = steps_of(page)
    assert flows[page].out_of_order(steps) == []
    for at, (one, other) in enumerate(pairwise(steps)):
        if (one.request, one.code) != (other.request, other.code):
            swapped = [*steps[:at], other, one, *steps[at + 2 :]]
            assert flows[page].out_of_order(swapped) != [], f"steps {one.number} and {other.number} may change places"
