"""The steps on the page about the import happen in their order."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.flows.following import following, steps_of
from tests.issuer.test_import import dump, prepared, terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.issuer.test_command import Terminal

pytestmark = pytest.mark.slow

__all__ = ["prepared", "terminal"]


def test_an_import_takes_the_steps_of_its_page_and_no_other_order(terminal: Terminal, tmp_path: Path) -> None:
    file, steps = tmp_path / "coop.json", steps_of("import-of-plays")
    file.write_text(json.dumps(dump()))
    with following(steps) as followed:
        terminal.say("import", str(file))
    assert followed.out_of_order(steps) == []
    for at, (one, another) in enumerate(pairwise(steps)):
        assert followed.out_of_order([*steps[:at], another, one, *steps[at + 2 :]]) != [], f"step {one.number}"
