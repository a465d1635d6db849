"""Values of the proofs that can be shown in parts: `u`, base64url, three bytes that say the kind, then CBOR.

vc-di-ecdsa §3.5, vc-di-bbs §3.3. Each value has one writing and only that one is read.
"""

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Final

from credentials.data_integrity.selection import MAX_POINTERS
from credentials.encoding import base64url, cbor
from credentials.encoding.cbor import Cbor, Encodable
from credentials.errors import Malformed

WHAT: Final = "value of the proof"
MAX_INDEXES: Final = 4_096
MAX_LABELS: Final = 1_024
MAX_HEADER_BYTES: Final = 1_024
MAX_PROOF_BYTES: Final = 40_000
_PREFIX: Final = "u"
_MARK: Final = b"\xd9\x5d"
_MAX_CHARACTERS: Final = 65_536


def write_value(kind: int, components: Sequence[Encodable]) -> str:
    """Write a proof's value of one kind: the third byte of its header."""
    return _PREFIX + base64url.encode(_MARK + bytes([kind]) + cbor.encode(components))


def read_value(text: str, kinds: Collection[int], *, bignums: bool = False) -> tuple[int, list[Cbor]]:
    """Read a proof's value of one of these kinds, and return which, and its components.

    Raises:
        Malformed: it is of no such kind, or not written as it should be.
    """
    if not text.startswith(_PREFIX) or len(text) > _MAX_CHARACTERS:
        raise Malformed(WHAT, "it is not base64url text under the Multibase prefix u, or too long")
    data = base64url.decode(text[len(_PREFIX) :], what=WHAT)
    mark, kind, rest = data[:2], data[2:3], data[3:]
    if mark != _MARK or not kind or kind[0] not in kinds:
        raise Malformed(WHAT, "it is of another kind than is expected here")
    components = cbor.decode(rest, what=WHAT, bignums=bignums)
    if not isinstance(components, list):
        raise Malformed(WHAT, "it is not a list of components")
    return kind[0], components


def read_components(components: Sequence[Cbor], *lengths: int) -> Sequence[Cbor]:
    """Check how many components there are.

    Raises:
        Malformed: another number.
    """
    if len(components) not in lengths:
        raise Malformed(WHAT, "it has another number of components than its kind")
    return components


def read_bytes(component: Cbor, length: int | None = None, *, max_bytes: int = MAX_HEADER_BYTES) -> bytes:
    """Read bytes of exactly this length, or of at most `max_bytes`.

    Raises:
        Malformed: it is something else.
    """
    if not isinstance(component, bytes) or len(component) > max_bytes or length not in {None, len(component)}:
        raise Malformed(WHAT, "a component is not bytes of its length")
    return component


def read_text(component: Cbor, *, max_characters: int) -> str:
    """Read a text that is not empty.

    Raises:
        Malformed: it is something else.
    """
    if not isinstance(component, str) or not 0 < len(component) <= max_characters:
        raise Malformed(WHAT, f"a component is not text of at most {max_characters} characters")
    return component


def read_count(component: Cbor, *, most: int) -> int:
    """Read a number from 0.

    Raises:
        Malformed: it is something else, or more than `most`.
    """
    if not isinstance(component, int) or isinstance(component, bool) or not 0 <= component <= most:
        raise Malformed(WHAT, f"a component is not a number up to {most}")
    return component


def read_indexes(component: Cbor) -> tuple[int, ...]:
    """Read indexes: ascending numbers from 0, so that there is one way to write them.

    Raises:
        Malformed: they are something else.
    """
    if not isinstance(component, list) or len(component) > MAX_INDEXES:
        raise Malformed(WHAT, f"its indexes are not a list of at most {MAX_INDEXES}")
    indexes = tuple(read_count(index, most=MAX_INDEXES) for index in component)
    if any(later <= earlier for earlier, later in pairwise(indexes)):
        raise Malformed(WHAT, "its indexes do not ascend")
    return indexes


def read_pointers(component: Cbor) -> tuple[str, ...]:
    """Read the JSON Pointers of what is always shown, as texts.

    Raises:
        Malformed: they are no texts, or too many.
    """
    pointers = component if isinstance(component, list) and len(component) <= MAX_POINTERS else [None]
    texts = tuple(pointer for pointer in pointers if isinstance(pointer, str))
    if len(texts) != len(pointers):
        raise Malformed(WHAT, f"its JSON Pointers are not a list of at most {MAX_POINTERS} texts")
    return texts


def read_label_map(component: Cbor) -> dict[int, Cbor]:
    """Read a map from the numbers of canonical labels; what they lead to depends on the suite.

    Raises:
        Malformed: it is something else.
    """
    if not isinstance(component, dict) or len(component) > MAX_LABELS:
        raise Malformed(WHAT, f"its labels are not a map of at most {MAX_LABELS}")
    return {read_count(number, most=MAX_LABELS): label for number, label in component.items()}


def read_signatures(component: Cbor, length: int) -> tuple[bytes, ...]:
    """Read a list of signatures, each of this length.

    Raises:
        Malformed: it is something else.
    """
    if not isinstance(component, list) or len(component) > MAX_INDEXES:
        raise Malformed(WHAT, f"its signatures are not a list of at most {MAX_INDEXES}")
    return tuple(read_bytes(signature, length) for signature in component)
