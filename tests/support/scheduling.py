"""Shares the tests out among the workers of `tests/run.py`: whole files, the longest first, all flows together."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override
from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer

_FLOWS = "tests/flows/"
_RARELY = 50_000
"""New objects between two looks for garbage, instead of 700."""
_AUDITS = "tests/flows/test_unlinkable"
"""They make worlds of their own, within one process."""
_LONGEST_FIRST = (
    _FLOWS,
    "tests/handstamp/test_demo.py",
    "tests/faults/",
    "tests/interop/",
    "tests/benchmarks/",
    "tests/browser/",
    "tests/wallet/test_vault_survives.py",
    "tests/hostile/test_openapi.py",
    "tests/plumbing/test_migrat",
    "tests/trackserver/",
)


class _WorldsTogether(LoadFileScheduling):
    """Gives all flows to one worker, so that their world of processes is started once."""

    @override
    def _split_scope(self, nodeid: str) -> str:
        return _FLOWS if nodeid.startswith(_FLOWS) and not nodeid.startswith(_AUDITS) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """Share the tests out in the order in which they stand."""
    config.option.loadscopereorder = False
    return _WorldsTogether(config, log)


gc.set_threshold(_RARELY, 50, 100)


def pytest_collection_finish() -> None:
    """Keep the garbage collector from going over thousands of tests and modules again and again."""
    gc.collect()
    gc.freeze()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what goes across services."""
    if item.nodeid.startswith(_FLOWS):
        item.add_marker(pytest.mark.flow)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first, so that no worker is left alone with it at the end."""

    def place(item: pytest.Item) -> int:
        return next((i for i, start in enumerate(_LONGEST_FIRST) if item.nodeid.startswith(start)), len(_LONGEST_FIRST))

    items.sort(key=place)
