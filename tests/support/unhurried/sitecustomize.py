"""Lets the program wait as long as tests do: for a look, a connection, a lock, another party, whoever holds a database.

On a busy machine, or one that stood still for some seconds, everything takes longer, and nothing is wrong. Python reads
a module of this name at the beginning of a process: tests name its folder to each that they start. In the process of
the tests themselves `tests/support/waiting.py` imports it. A test that tries a bound sets it.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from functools import partial
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

PATIENCE_S: Final = 300.0
"""After this, what was waited for does not come any more; no test waits so long while it passes."""
BOUNDS: Final[dict[str, dict[str, Any]]] = {
    "handstamp.commands.wallet_renewing": {"LONGEST_WAIT_S": PATIENCE_S},
    # Whoever asks on a connection that was idle for long, and stands still meanwhile, would find it closed.
    "handstamp.composition.serving": {"_IDLE_S": int(PATIENCE_S)},
    "handstamp.demo.stage": {"_START_S": 4 * PATIENCE_S},  # of all services, which load at once
    "handstamp.doctor.case": {"PATIENCE_S": PATIENCE_S, "_LOOKING_MS": int(PATIENCE_S * 1000)},
    "handstamp.doctor.examining": {"CHECK_TIMEOUT_S": PATIENCE_S},
    "handstamp.doctor.web": {"TIMEOUT_S": PATIENCE_S},
    "plumbing.database_engine": {
        "_CONNECT_TIMEOUT_S": int(PATIENCE_S),
        "_POOL_TIMEOUT_S": int(PATIENCE_S),
        "BUSY_TIMEOUT_MS": int(PATIENCE_S * 1000),
    },
    "plumbing.database_pulse": {"_LOOK_FOR_S": int(PATIENCE_S)},
    "plumbing.dids": {"TIMEOUT_S": PATIENCE_S},
    "plumbing.fetch": {"TIMEOUT_S": PATIENCE_S},
    "plumbing.health": {"_PATIENCE_S": PATIENCE_S},
    "plumbing.keystore": {"_LOCK_WAIT_S": PATIENCE_S},
    "plumbing.web.middleware": {"_LINGER_S": PATIENCE_S},
    "verifier.statuses": {"_AT_THE_GATE": timedelta(seconds=PATIENCE_S)},
    "wallet.errors": {"LOCK_WAIT_S": PATIENCE_S},
}


class _Unhurried:
    """Finds the modules that have bounds, and sets these as soon as a module was run."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        found = PathFinder.find_spec(name, path, target) if name in BOUNDS else None
        if found is not None and found.loader is not None:
            found.loader.exec_module = partial(_run, found.loader.exec_module)  # type: ignore[method-assign]
        return found


def _run(run: Callable[[ModuleType], None], module: ModuleType) -> None:
    run(module)
    _set(module)


def _set(module: ModuleType) -> None:
    for bound, patience in BOUNDS[module.__name__].items():
        assert hasattr(module, bound), f"{module.__name__} has no {bound} any more"
        setattr(module, bound, patience)


for each in BOUNDS.keys() & sys.modules.keys():
    _set(sys.modules[each])
sys.meta_path.insert(0, _Unhurried)
