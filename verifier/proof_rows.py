"""What a gate wants to be shown, as JSON and back; our own column, so nothing is refused here."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from verifier.proofs import Contributed, MemberOf, OwnsRelease, OwnsTrack, Proof, SpeaksFor

if TYPE_CHECKING:
    from collections.abc import Mapping

_KINDS: Final[dict[str, type[Proof]]] = {
    "release": OwnsRelease,
    "track": OwnsTrack,
    "member": MemberOf,
    "artist": SpeaksFor,
    "contribution": Contributed,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


def kind_of(proof: Proof) -> str:
    """Return the word for what a proof is about, as rows, pages and scripts have it."""
    return _NAMES[type(proof)]


def proof_to_json(proof: Proof) -> dict[str, Any]:
    """Write one proof."""
    return {"kind": kind_of(proof), **asdict(proof)}


def proof_from_json(members: Mapping[str, Any]) -> Proof:
    """Read what `proof_to_json` wrote."""
    return _KINDS[members["kind"]](**{name: value for name, value in members.items() if name != "kind"})
