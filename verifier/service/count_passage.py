"""Remember a passage: which gate, which terms, which month. Nothing of the listener."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from verifier.ports import Gates, Redemptions
from verifier.service.start_visit import load_gate

if TYPE_CHECKING:
    from datetime import datetime

    from verifier.visits import Accepted


class _Stores(Gates, Redemptions, Protocol):
    """The two stores that a passage needs."""


def count_passage(stores: _Stores, visit: Accepted, *, now: datetime) -> None:
    """Count one passage through the visit's gate, in the month of `now`."""
    gate = load_gate(stores, visit.facts.gate_id)
    stores.count_passage(site=gate.site, gate_id=gate.gate_id, terms=gate.terms.digest, month=f"{now:%Y-%m}")
