from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from handstamp.conformance import statuses
from handstamp.conformance.problems import CredentialUnknown, NotOffered
from handstamp.conformance.statuses import StatusLists

if TYPE_CHECKING:
    from tests.handstamp.conformance.conftest import Bench


def test_there_is_an_end_to_what_is_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = bench.instance("eddsa-rdfc-2022-with-status")
    lists = StatusLists(base_url="https://localhost", random=bench.service.random)
    monkeypatch.setattr(statuses, "_MAX_LISTS", 0)
    with pytest.raises(NotOffered):
        lists.create(instance, purpose="revocation")
    monkeypatch.setattr(statuses, "_MAX_CREDENTIALS", 0)
    with pytest.raises(NotOffered):
        lists.assign(instance, "urn:x")


def test_no_two_credentials_share_an_entry(bench: Bench) -> None:
    # Every second draw is a repetition.
    draws = count()

    def repeat(size: int) -> bytes:
        return (next(draws) // 4).to_bytes(size)

    lists = StatusLists(base_url="https://localhost", random=repeat)
    instance = bench.instance("eddsa-rdfc-2022-with-status")
    entries = [
        tuple(map(str, entry.values()))
        for _ in range(4)
        for entry in lists.assign(instance, None)
        if isinstance(entry, dict)
    ]
    assert len(set(entries)) == 8


def test_a_list_that_was_not_made_is_not_published(bench: Bench) -> None:
    lists = StatusLists(base_url="https://localhost", random=bench.service.random)
    with pytest.raises(CredentialUnknown):
        lists.publish("https://localhost/lists/1", at=bench.service.clock())
