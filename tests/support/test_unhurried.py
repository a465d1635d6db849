"""What tests start waits as long as they do: a bound that got another name would go unnoticed otherwise."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from tests.support.unhurried.sitecustomize import BOUNDS, PATIENCE_S


@pytest.mark.parametrize("module", BOUNDS)
def test_every_bound_is_set_here(module: str) -> None:
    loaded = importlib.import_module(module)
    assert {name: getattr(loaded, name) for name in BOUNDS[module]} == BOUNDS[module]


def test_a_process_of_its_own_is_as_patient() -> None:
    command = [sys.executable, "-c", "from plumbing import dids; print(dids.TIMEOUT_S)"]
    assert float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) == PATIENCE_S
