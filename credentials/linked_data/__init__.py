"""Linked data: a JSON-LD document in, its statements in canonical form (RDFC-1.0) out. Nothing is ever fetched."""

from collections.abc import Mapping

from credentials.encoding.strict_json import Json
from credentials.linked_data.canonical import (
    MAX_WORK,
    Canonical,
    HashName,
    canonicalize_nquads,
    canonicalize_quads,
)
from credentials.linked_data.contexts import CONTEXTS, load_context, trial_contexts
from credentials.linked_data.errors import (
    BlankNodeNamed,
    DroppedTerm,
    InvalidLinkedData,
    OversizedLinkedData,
    ProtectedTermRedefined,
    RelativeReference,
    TooMuchWork,
    UnknownContext,
    UnsafeLinkedData,
)
from credentials.linked_data.json_ld import check_unnamed, expand, to_dataset
from credentials.linked_data.nquads import Quad, is_blank, parse_nquads, write_nquads

__all__ = [
    "CONTEXTS",
    "MAX_WORK",
    "BlankNodeNamed",
    "Canonical",
    "DroppedTerm",
    "HashName",
    "InvalidLinkedData",
    "OversizedLinkedData",
    "ProtectedTermRedefined",
    "Quad",
    "RelativeReference",
    "TooMuchWork",
    "UnknownContext",
    "UnsafeLinkedData",
    "canonicalize",
    "canonicalize_nquads",
    "canonicalize_quads",
    "check_unnamed",
    "expand",
    "is_blank",
    "load_context",
    "parse_nquads",
    "to_dataset",
    "trial_contexts",
    "write_nquads",
]


def canonicalize(
    document: Mapping[str, Json], *, hash_name: HashName = "sha256", max_work: int = MAX_WORK
) -> Canonical:
    """Bring a JSON-LD document to canonical form.

    Raises:
        UnsafeLinkedData: something in it would be left out, or read in two ways; a class below it says what.
        TooMuchWork: its blank nodes cannot be told apart within `max_work` steps.
    """
    return canonicalize_quads(to_dataset(document), hash_name=hash_name, max_work=max_work)
