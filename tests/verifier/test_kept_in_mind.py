"""What a worker made of gates and trust is good for the very same rows only: another worker's change counts at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from credentials.keys.signer import LocalSigner
from credentials.trust import TrustedIssuer
from tests.support.rush import two_workers
from tests.verifier.conftest import TestClock, make_gate
from verifier.proofs import OwnsRelease
from verifier.store import SqlWork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.database

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
COOP = TrustedIssuer(issuer="https://coop.example", name="Co-op", types=frozenset({"urn:one"}))


@pytest.fixture
def works(new_database: Callable[[str], str]) -> Iterator[tuple[SqlWork, SqlWork]]:
    with two_workers(new_database("verifier")) as workers:
        here, there = (SqlWork(worker, site="main") for worker in workers)
        yield here, there


def trusted(work: SqlWork) -> list[tuple[str, frozenset[str], frozenset[str]]]:
    with work.read() as stores:
        return [(each.name, each.types, each.keys) for each in stores.load_policy("main").issuers]


def test_a_coop_that_one_worker_distrusts_is_trusted_by_none(works: tuple[SqlWork, SqlWork]) -> None:
    here, there = works
    with here.write() as stores:
        stores.save_issuer("main", COOP, now=NOW)
    assert [name for name, *_ in trusted(here)] == [name for name, *_ in trusted(there)] == ["Co-op"]
    with there.write() as stores:
        assert stores.remove_issuer("main", COOP.issuer)
    assert trusted(here) == trusted(there) == []


def test_a_coop_that_keeps_its_name_and_loses_a_type_or_a_key_is_read_anew(works: tuple[SqlWork, SqlWork]) -> None:
    here, there = works
    old, new = (LocalSigner.generate().public_key for _ in range(2))
    for key in (old, new):
        with there.write() as stores:
            stores.save_issuer("main", replace(COOP, public_keys={"k": key}), now=NOW)
        assert trusted(here) == [("Co-op", COOP.types, frozenset({key.thumbprint}))]
    with there.write() as stores:
        stores.save_issuer("main", replace(COOP, types=frozenset()), now=NOW)
    assert trusted(here) == []


def test_a_gate_that_one_worker_closes_is_closed_for_all(works: tuple[SqlWork, SqlWork]) -> None:
    here, there = works
    gate = make_gate(OwnsRelease(release_id="r"), clock=TestClock())
    with here.write() as stores:
        stores.save_gate(gate, now=NOW)
    with here.read() as stores:
        assert stores.load_gate(gate.gate_id) == gate
        assert stores.load_gates("main") == (gate,)
    with there.write() as stores:
        assert stores.close_gate(gate.gate_id, now=NOW)
        assert not stores.close_gate(gate.gate_id, now=NOW)
    with here.read() as stores:
        assert stores.load_gate(gate.gate_id) == replace(gate, closed_at=NOW)


def test_the_rows_of_one_site_are_not_those_of_another(works: tuple[SqlWork, SqlWork]) -> None:
    here, _ = works
    with here.write() as stores:
        stores.save_issuer("other", COOP, now=NOW)
    assert trusted(here) == []
