"""Parts of a document, by JSON Pointers, and the statements that they make (vc-di-ecdsa §3.4.9 to §3.4.18).

A part says something of the same blank nodes as the whole, so each gets a name first: a URN that JSON-LD carries along.
The names are written into the document as it stands, instead of expanding and compacting it, which would turn arrays
of one element into that element and let a pointer to it miss.
"""

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Final, TypeAlias

from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError, Malformed
from credentials.linked_data import (
    BlankNodeNamed,
    Canonical,
    OversizedLinkedData,
    Quad,
    UnsafeLinkedData,
    canonicalize,
    canonicalize_quads,
    is_blank,
    to_dataset,
)
from credentials.linked_data.checking import MAX_DEPTH

MAX_POINTERS: Final = 256
_MAX_POINTER_CHARACTERS: Final = 1_024
_MAX_POINTER_STEPS: Final = 32
_URN: Final = "urn:bnid:"
_TERM: Final = f"<{_URN}"
# What is said of a node on the way to a pointer comes along (§3.4.12), or its terms could mean something else.
_KEPT: Final = frozenset({"@context", "@id", "@type", "id", "type"})
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,4}")
_STRAY_TILDE: Final = re.compile(r"~(?![01])")

_Tree: TypeAlias = "dict[str, _Tree | None]"  # None: everything from here on.


class SelectionError(HandstampError):
    """Pointers, or a document, from which no part can be taken."""

    code = "selection_error"


class PointerMismatch(SelectionError):
    """A JSON Pointer to something that the document does not have."""

    code = "pointer_mismatch"

    def __init__(self) -> None:
        super().__init__("A JSON Pointer leads to a place that the document does not have.")


class NothingSelected(SelectionError):
    """A selection of nothing from a document that shows nothing by itself."""

    code = "nothing_selected"

    def __init__(self) -> None:
        super().__init__("Nothing is to be shown of the document; choose at least one part of it.")


class ValueSplit(SelectionError):
    """A pointer to a part of what is one value for JSON-LD, and so was signed as one."""

    code = "value_split"

    def __init__(self) -> None:
        super().__init__("A JSON Pointer leads into a value that can only be shown as a whole; point to all of it.")


class NotSelectable(SelectionError):
    """A document with blank nodes that no pointer tells apart: ordered lists, graphs, maps by index or language."""

    code = "not_selectable"

    def __init__(self) -> None:
        super().__init__("The document has lists, graphs or maps whose parts cannot be shown one by one.")


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """Read a JSON Pointer (RFC 6901) to something below the top of a document.

    Raises:
        Malformed: it is no pointer, leads to the whole document, its context or its proof, or is too long.
    """
    if len(pointer) > _MAX_POINTER_CHARACTERS or pointer.count("/") > _MAX_POINTER_STEPS:
        raise Malformed("JSON Pointer", "it is too long")
    if not pointer.startswith("/") or _STRAY_TILDE.search(pointer):
        raise Malformed("JSON Pointer", "it does not begin with / or holds a ~ that escapes nothing")
    path = tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/"))
    if path[0] == "proof" or "@context" in path:
        raise Malformed("JSON Pointer", "it leads to the context or the proof of the document")
    return path


def select(document: Mapping[str, Json], pointers: Collection[str]) -> dict[str, Json]:
    """Take the parts of a document that pointers lead to, in the order in which the document has them (§3.4.13).

    The order of the pointers leaves no trace. What says what a node on the way is (`id`, `type`) comes along.

    Raises:
        PointerMismatch: the document does not have such a place.
        Malformed: a pointer cannot be read, or there are too many.
    """
    return _take_members(document, _plant(pointers))


def _plant(pointers: Collection[str]) -> _Tree:
    if len(pointers) > MAX_POINTERS:
        raise Malformed("selection", f"it has more than {MAX_POINTERS} JSON Pointers")
    tree: _Tree = {}
    for pointer in pointers:
        *steps, last = parse_pointer(pointer)
        branch: _Tree | None = tree
        for step in steps:
            branch = branch.setdefault(step, {}) if branch is not None else None
        if branch is not None:
            branch[last] = None
    return tree


def _take(value: Json, tree: "_Tree | None") -> Json:
    if tree is None:
        return deepcopy(value)
    if isinstance(value, list):
        return _take_elements(value, tree)
    if not isinstance(value, dict):
        raise PointerMismatch
    return _take_members(value, tree)


def _take_members(node: Mapping[str, Json], tree: _Tree) -> dict[str, Json]:
    if not tree.keys() <= node.keys():
        raise PointerMismatch
    return {name: _take(member, tree.get(name)) for name, member in node.items() if name in tree or name in _KEPT}


def _take_elements(elements: list[Json], tree: _Tree) -> list[Json]:
    indexes = {int(step): branch for step, branch in tree.items() if _INDEX.fullmatch(step)}
    if len(indexes) != len(tree) or max(indexes) >= len(elements):
        raise PointerMismatch
    return [_take(elements[index], indexes[index]) for index in sorted(indexes)]


@dataclass(frozen=True, slots=True)
class Selectable:
    """A document whose blank nodes have names, with its statements under these names.

    Attributes:
        document: as it was given, without a proof.
        named: the same with a URN for each blank node.
        quads: its statements; blank nodes are called `_:b0`, `_:b1`, ... in the order of the document.
        names: those blank nodes, without `_:`, in the order of the document.
        canonical: its canonical form; the labels are for these names.
    """

    document: Mapping[str, Json]
    named: Mapping[str, Json]
    quads: frozenset[Quad]
    names: tuple[str, ...]
    canonical: Canonical

    def statements_of(self, pointers: Collection[str]) -> frozenset[Quad]:
        """Return the statements that a selection makes; none for no pointers.

        Raises:
            ValueSplit: it makes one that the whole document does not make.
            PointerMismatch, Malformed: as `select`.
        """
        if not pointers:
            return frozenset()
        quads = frozenset(_unname(to_dataset(select(self.named, pointers))))
        if not quads <= self.quads:
            raise ValueSplit
        return quads


def name_blank_nodes(document: Mapping[str, Json]) -> Selectable:
    """Give each blank node of a document a name (§3.4.7).

    Raises:
        BlankNodeNamed: the document names one itself, or holds a text that could be taken for a name.
        NotSelectable: it has blank nodes that are not written as objects of their own.
        UnsafeLinkedData and others: as `to_dataset`.
    """
    _check_texts(document)
    namer = _Namer()
    named = namer.name(document)
    try:
        quads = to_dataset(named)
    except UnsafeLinkedData:
        to_dataset(document)  # Raises if it is not the names that do not fit.
        raise NotSelectable from None
    # An object that is no node (JSON as a literal, a map) takes the name as part of its value.
    strays = namer.given - {quad.subject for quad in quads}
    if strays:
        # Nothing is said of an empty node either, but others speak of it.
        named = _Namer(strays - {quad.object for quad in quads}).name(document)
        quads = to_dataset(named)
    plain = frozenset(_unname(quads))
    if any(is_blank(term) for quad in quads for term in quad):
        raise NotSelectable
    canonical = canonicalize_quads(plain)
    if strays and canonical.statements != canonicalize(document).statements:
        raise NotSelectable
    names = sorted(canonical.labels, key=lambda name: int(name[1:]))
    return Selectable(document, named, plain, tuple(names), canonical)


class _Namer:
    """Writes a name into every object that may be a node, but for those whose name is among `withheld`."""

    def __init__(self, withheld: Collection[str] = ()) -> None:
        self.given: set[str] = set()
        self._withheld = withheld
        self._turn = itertools.count()

    def name(self, node: Mapping[str, Json]) -> dict[str, Json]:
        iri = f"{_URN}b{next(self._turn)}"
        named: dict[str, Json] = {key: value if key == "@context" else self._walk(value) for key, value in node.items()}
        if f"<{iri}>" not in self._withheld and not _is_told_apart(node):
            self.given.add(f"<{iri}>")
            named["@id"] = iri
        return named

    def _walk(self, value: Json) -> Json:
        if isinstance(value, list):
            return [self._walk(element) for element in value]
        return self.name(value) if isinstance(value, dict) else value


def _is_told_apart(node: Mapping[str, Json]) -> bool:
    """Whether an object has an identifier, or is a value or a list by its keywords."""
    return any(name in node for name in ("id", "@id", "@value", "@list", "@set"))


def _unname(quads: Sequence[Quad]) -> Iterator[Quad]:
    """Turn names back into blank nodes (§3.4.6): as terms, not in texts that literals hold."""
    for quad in quads:
        yield Quad(*(f"_:{term[len(_TERM) : -1]}" if term.startswith(_TERM) else term for term in quad))


def _check_texts(value: "Json | Mapping[str, Json]", levels: int = MAX_DEPTH) -> None:
    """Refuse texts that could be taken for a name; contexts are no part of what is said."""
    if not levels:
        raise OversizedLinkedData("levels", MAX_DEPTH)
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, Mapping):
        for name in value.keys() - {"@context"}:
            _check_text(name)
            _check_texts(value[name], levels - 1)
    elif isinstance(value, list):
        for element in value:
            _check_texts(element, levels - 1)


def could_name_blank_node(text: str) -> bool:
    """Tell whether a text could be taken for the name of a blank node: no document that holds it is signed."""
    return _URN in text or "_:" in text


def _check_text(text: str) -> None:
    if could_name_blank_node(text):
        raise BlankNodeNamed
