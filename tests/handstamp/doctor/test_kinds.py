"""Every kind of misconfiguration is brought about for real: nothing is found before, and it is found after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handstamp.doctor.table import KINDS
from tests.handstamp.doctor import brought_at_servers, brought_here, brought_in_rows, brought_outside
from tests.handstamp.doctor.bringing import BROUGHT
from tests.handstamp.doctor.brought_at_servers import ON_A_SERVER
from tests.handstamp.doctor.conftest import PASSPHRASE

if TYPE_CHECKING:
    from tests.handstamp.doctor.conftest import Place

MODULES = (brought_at_servers, brought_here, brought_in_rows, brought_outside)
NOT_WELL_BEFORE = {"coops_none", "backup_old"}
"""Kinds of which a note is right even where all is well."""


@pytest.mark.parametrize(
    ("kind", "of"),
    [
        pytest.param(kind, BROUGHT[kind][0], marks=pytest.mark.slow if kind in ON_A_SERVER else ())
        for kind in sorted(BROUGHT)
    ],
)
def test_a_misconfiguration_is_found_and_nothing_where_all_is_well(
    kind: str, of: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    role, bring = of, BROUGHT[kind][1]
    before = place.find(kind, role)
    assert kind in NOT_WELL_BEFORE or before == [], before
    bring(place, monkeypatch)
    found = [each for each in place.find(kind, role) if each not in before]
    assert found, kind
    for each in found:
        assert each.wrong.endswith((".", "?"))
        assert each.do.strip()
        assert each.where
        assert "could not be looked at" not in each.wrong
        assert PASSPHRASE.replace(" ", "-") not in f"{each.wrong} {each.where} {each.do}"


def test_every_kind_is_brought_about_by_a_test() -> None:
    assert set(BROUGHT) == set(KINDS)
    assert len(KINDS) >= 25
    assert MODULES
