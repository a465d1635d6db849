"""A site's disk that is full or may not be written: its gate says so to people and programs, and opens afterwards."""

from __future__ import annotations

import pytest

from tests.faults.trouble import READ_ONLY, trouble
from tests.verifier.conftest import JSON, PAGE, Site, database
from tests.verifier.counting import begun, came_back, limited
from verifier.limits import OnceEver

__all__ = ["database"]
pytestmark = pytest.mark.sqlite


async def test_a_gate_can_be_read_and_says_that_it_cannot_begin(site: Site) -> None:
    gate = limited(site, OnceEver())
    http = site.visitor().http
    with trouble(site.database, READ_ONLY):
        assert (await http.get(f"/gates/{gate.gate_id}", headers=PAGE)).status_code == 200
        program = await http.post(f"/gates/{gate.gate_id}/visits", headers=JSON)
        assert (program.status_code, program.json()["code"]) == (503, "database_unavailable")
        assert int(program.headers["retry-after"]) > 0
    assert await came_back(site, gate) == "open"


async def test_who_answers_or_returns_meanwhile_passes_afterwards_and_is_counted_once(site: Site) -> None:
    gate = limited(site, OnceEver())
    visitor, taken = await begun(site, gate)
    back = taken.json()["redirect_uri"]
    with trouble(site.database, READ_ONLY):
        program = await visitor.http.get(back, headers=JSON)
        person = await visitor.http.get(back, headers=PAGE)
        assert {program.status_code, person.status_code} == {503}
        assert "retry-after" in person.headers
        assert "Nothing was changed and nothing of yours is lost; try again in a minute." in person.text
        assert "database_unavailable" in person.text
    assert (await visitor.http.get(back, headers=JSON)).status_code == 200
    assert await came_back(site, gate) == "already_used"
    with site.parts.work.read() as stores:
        ((_, passages),) = stores.load_passages(gate.gate_id)
    assert passages == 1
