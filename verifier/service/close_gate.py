"""Close a gate for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from verifier.gates import Gate
    from verifier.ports import Work


def close_gate(work: Work, gate: Gate, *, now: datetime) -> bool:
    """Close a gate for good: nobody enters any more, and it forgets every copy that it counted.

    Doors that are open stay open for their minutes, so that a download is not cut off.

    Returns:
        False if it was closed already.
    """
    with work.write() as stores:
        if not stores.close_gate(gate.gate_id, now=now):
            return False
        stores.forget_marks(gate.gate_id)
        return True
