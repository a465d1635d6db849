"""What every message and every refusal of the package has in common."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil

import pytest

from credentials import protocols
from credentials.errors import HandstampError

MODULES = [
    importlib.import_module(info.name) for info in pkgutil.walk_packages(protocols.__path__, "credentials.protocols.")
]
CLASSES = [
    value
    for module in MODULES
    for value in vars(module).values()
    if inspect.isclass(value) and value.__module__ == module.__name__
]
MESSAGES = [value for value in CLASSES if dataclasses.is_dataclass(value) and not value.__name__.startswith("_")]
REFUSALS = [value for value in CLASSES if issubclass(value, HandstampError)]


@pytest.mark.parametrize("message", MESSAGES)
def test_every_message_is_frozen_and_slotted(message: type) -> None:
    assert message.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__slots__" in vars(message)


def test_every_refusal_has_a_code_of_its_own() -> None:
    codes = [refusal.code for refusal in REFUSALS]
    assert len(set(codes)) == len(codes)
    assert all(code.replace("_", "").isalnum() and code == code.lower() for code in codes)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_every_refusal_says_what_it_is(refusal: type[HandstampError]) -> None:
    assert refusal.__doc__
    assert "code" in vars(refusal)
