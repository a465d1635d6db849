"""The steps on pages of `docs/flows` happen in their order: each flow runs, and what it calls and asks is compared."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.flows import listening, operating
from tests.flows.following import Followed, following, steps_of
from tests.support.town import town
from tests.verifier.test_gates import read_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.town import Town
    from wallet.ports import Tools

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


class Day:
    """Every flow, one after the other, in one town, and what happened in each."""

    def __init__(self, built: Town, followed: Followed, patch: pytest.MonkeyPatch) -> None:
        self._town, self._followed, self._patch = built, followed, patch
        self.told: dict[str, list[str]] = {}

    @contextmanager
    def flow(self, name: str) -> Iterator[None]:
        """Keep what happens in the block under a name."""
        before = len(self._followed.events)
        yield
        self.told[name] = self._followed.events[before:]

    def live(self) -> None:
        built = self._town
        with self.flow("issue"):
            wallet = listening.issue(built)
        with self.flow("take back"):
            operating.take_back(built)
            # No proofs yet, for the site knows no keys of them.
            listening.pass_alone(wallet, built.gate_url(built.gate()))
        with self.flow("trust"):
            operating.set_up_trust(built)
        with self.flow("present"):
            listening.present(built, wallet, built.gate_url(built.gate()))
        with self.flow("count"):
            listening.pass_alone(wallet, listening.limited_gate(built))
        with self.flow("download"):
            listening.download(built, wallet)
        with self.flow("across"):
            listening.present_across(built, wallet)
        self.stand_at_a_door(wallet)
        with self.flow("renew"):
            listening.renew_all(wallet)
        operating.trust_by_did(built)
        with self.flow("turn"):
            operating.turn_keys(built)

    def stand_at_a_door(self, wallet: Tools) -> None:
        gate = listening.limited_gate(self._town)
        with self.flow("prepare"):
            poster = read_code(operating.hang_poster(self._town, gate))
            known = listening.read_door(poster, wallet)
        with self.flow("enter"):
            drawn = listening.draw(listening.read_door(poster, wallet), wallet)
            assert listening.enter(self._town, gate, drawn) == "green"
        with self.flow("scan"):
            operating.scan(gate, listening.draw(known, wallet), self._patch)
            operating.meet(self._town, gate)


@pytest.fixture(scope="module")
def flows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Followed]:
    """Everything that happened in each flow, by the name of its page."""
    steps = [step for page in PAGES for step in steps_of(page)]
    with pytest.MonkeyPatch.context() as patch:
        operating.stand_still(patch)
        with following(steps) as followed, town(tmp_path_factory.mktemp("flows")) as built:
            operating.name_the_settings(built, patch)
            day = Day(built, followed, patch)
            day.live()
    told = day.told
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
        "door-offline": Followed(told["prepare"] + told["scan"]),
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
