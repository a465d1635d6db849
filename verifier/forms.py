"""In which forms a gate takes what it asks for, the most private first, and what its pseudonyms belong to."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from credentials.protocols.openid4vp import build_gate_domain
from verifier.limits import Monthly

if TYPE_CHECKING:
    from datetime import datetime

    from credentials.trust import TrustPolicy
    from verifier.gates import Gate
    from verifier.party import Party


class Form(Enum):
    """How one and the same fact may be shown; the value is the ending of the query's id."""

    BASELINE = "-bbs"
    """A bbs-2023 proof: no two showings have anything in common."""
    PSEUDONYM = "-nym"
    """The same, with a number that is of use at this gate alone."""
    SIGNED = "-vp"
    """A linked credential in a presentation that its holder signed, as other wallets make them."""
    SD_JWT = ""
    """An SD-JWT VC, for every wallet."""


def forms_of(gate: Gate, party: Party, policy: TrustPolicy) -> tuple[Form, ...]:
    """Return the forms that a gate takes, the most private first.

    A gate with a limit takes pseudonyms, and numbers of copies only if its owner allows other wallets: a number is the
    same at every gate. A party that proves no host can ask for no pseudonym; it is for trials, and takes SD-JWT VCs.
    What no trusted co-op has a key for is not asked: a wallet would show it first, and be refused.
    """
    if takes_numbers(gate, party) and not (party.proves_host and any(each.bbs_keys for each in policy.issuers)):
        return (Form.SD_JWT,)
    if gate.counting is None:
        return Form.BASELINE, Form.SIGNED, Form.SD_JWT
    return (Form.PSEUDONYM, Form.SD_JWT) if gate.counting.takes_other_wallets else (Form.PSEUDONYM,)


def takes_numbers(gate: Gate, party: Party) -> bool:
    """Tell whether SD-JWT VCs are taken; at a gate with a limit they show the number of a copy."""
    return not party.proves_host or gate.counting is None or gate.counting.takes_other_wallets


def issuers_of_proofs(policy: TrustPolicy) -> tuple[str, ...]:
    """Return the co-ops whose proofs can be checked, by their DIDs, if there are others; else nothing.

    A wallet with a stamp of another co-op then shows its SD-JWT VC instead of a proof that would be refused.
    """
    known = [each.did for each in policy.issuers if each.bbs_keys and each.did is not None]
    return tuple(known) if len(known) < len(policy.issuers) else ()


def nym_domain(gate: Gate, party: Party, *, now: datetime) -> str:
    """Return what a pseudonym shown now at a gate with a limit belongs to: the gate, or one month of it."""
    counting = gate.counting
    monthly = counting is not None and isinstance(counting.limit, Monthly)
    month = counting.limit.period(now) if counting is not None and monthly else None
    return build_gate_domain(party.gate_url(gate.gate_id), month=month)
