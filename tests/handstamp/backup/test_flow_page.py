"""The steps on the page about backup and restore happen in their order."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.flows.following import following, steps_of

if TYPE_CHECKING:
    from tests.handstamp.backup.conftest import Machine

pytestmark = pytest.mark.slow


def test_a_backup_and_its_restore_take_the_steps_of_their_page_and_no_other_order(
    machine: Machine, other: Machine
) -> None:
    machine.furnish("issuer", "verifier", "trackserver")
    steps = steps_of("backup-and-restore")
    with following(steps) as followed:
        machine.back_up()
        (other.folder / "handstamp.toml").unlink()
        other.restore(machine.folder / "backup", replace=True)
    assert followed.out_of_order(steps) == []
    for at, (one, another) in enumerate(pairwise(steps)):
        assert followed.out_of_order([*steps[:at], another, one, *steps[at + 2 :]]) != [], f"step {one.number}"
