"""What a gate asks, in the shape that its pages put into words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verifier.forms import takes_numbers
from verifier.limits import Monthly
from verifier.proof_rows import proof_to_json
from verifier.proofs import AllOf
from verifier.requirements import ways_in

if TYPE_CHECKING:
    from verifier.gates import Gate
    from verifier.party import Party


def describe_gate(gate: Gate, party: Party) -> dict[str, Any]:
    """Return what the templates need beside the gate itself.

    `proofs` are mappings with a `kind` and its particulars; `need_all` tells whether all of them are to be shown;
    `limit` is None, or has `times`, `monthly`, and `numbers` if numbers of copies count beside pseudonyms.
    """
    counting = gate.counting
    return {
        "proofs": [proof_to_json(proof) for proof in ways_in(gate.requirement, counting=counting is not None)],
        "need_all": isinstance(gate.requirement, AllOf),
        "limit": counting
        and {
            "times": counting.limit.times,
            "monthly": isinstance(counting.limit, Monthly),
            "numbers": takes_numbers(gate, party),
        },
    }
