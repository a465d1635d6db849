"""What a document may hold, looked at before it is expanded and again after (JSON-LD 1.1 §4, API §5.1 and §8)."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from credentials.encoding.strict_json import Json
from credentials.linked_data.errors import (
    DroppedTerm,
    InvalidLinkedData,
    OversizedLinkedData,
    RelativeReference,
)

MAX_DEPTH: Final = 32
MAX_VALUES: Final = 2_000
RELATIVE_BASE: Final = "relative-reference://none/"
"""The base to process documents with: whatever begins so was relative. Told no base, pyld would take an example's."""

# From here on ECMAScript writes a number with an exponent, and JSON-LD takes it for a double (API §8.6).
_LEAST_DOUBLE: Final = 1e21
IRI: Final = re.compile(r'[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>"{}|^`\\]*')
_BLANK: Final = re.compile(r"_:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?")
_Untyped: TypeAlias = Any
_TAG: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")


class _Copier:
    """Copies a document, counting what it holds."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def copy(self, value: _Untyped, depth: int, *, inside_context: bool = False) -> _Untyped:
        self._left -= 1
        if self._left < 0:
            raise OversizedLinkedData("values", MAX_VALUES)
        if depth > MAX_DEPTH:
            raise OversizedLinkedData("levels", MAX_DEPTH)
        if isinstance(value, Mapping):
            if inside_context and "@base" in value:
                raise RelativeReference("a context with a base of its own, so something")
            return {
                name: self.copy(member, depth + 1, inside_context=inside_context or name == "@context")
                for name, member in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.copy(element, depth + 1, inside_context=inside_context) for element in value]
        return _as_number_of_json(value) if isinstance(value, float) else value


def copy_document(document: Mapping[str, Json]) -> dict[str, Json]:
    """Copy a document for pyld, which changes what it is given.

    Raises:
        OversizedLinkedData: it has more than 32 levels or 2,000 values.
        RelativeReference: a context in it sets a base.
    """
    copied: dict[str, Json] = _Copier().copy(document, 1)
    return copied


def _as_number_of_json(value: float) -> float:
    # To JSON 5.0 is 5, and JSON-LD calls it an integer; Python's reader remembers how it was written.
    return int(value) if value.is_integer() and abs(value) < _LEAST_DOUBLE else value


def check_expanded(expanded: Json) -> None:
    """Refuse in an expanded document what would not become a statement, or another one elsewhere.

    Raises:
        UnsafeLinkedData: a class below it.
    """
    match expanded:
        case list():
            for element in expanded:
                check_expanded(element)
        case dict() if "@value" in expanded:
            _check_value(expanded)
        case dict():
            for name, value in expanded.items():
                _check_member(name, value)
        case _:
            raise InvalidLinkedData("something in it is neither a node nor a value")


def _check_member(name: str, value: Json) -> None:
    match name:
        case "@id":
            _check_reference(value, "an identifier")
        case "@type":
            _check_types(value)
        case "@index":
            raise DroppedTerm("an index")
        case "@reverse" if isinstance(value, dict):
            for property_name, nodes in value.items():
                _check_member(property_name, nodes)
        case "@graph" | "@included" | "@list":
            check_expanded(value)
        case _:
            _check_iri(name, "a property")
            check_expanded(value)


def _check_types(types: Json) -> None:
    if not isinstance(types, list) or not types:
        raise DroppedTerm("an empty list of types")
    for each in types:
        _check_reference(each, "a type")


def _check_reference(name: object, what: str) -> None:
    if not (isinstance(name, str) and _BLANK.fullmatch(name)):
        _check_iri(name, what)


def _check_iri(name: object, what: str) -> None:
    if not isinstance(name, str) or name.startswith(RELATIVE_BASE) or IRI.fullmatch(name) is None:
        raise RelativeReference(what)


def _check_value(value: Mapping[str, Json]) -> None:
    if "@index" in value:
        raise DroppedTerm("an index")
    if "@direction" in value:
        raise DroppedTerm("a direction of writing")
    language = value.get("@language")
    if language is not None and not (isinstance(language, str) and _TAG.fullmatch(language)):
        raise DroppedTerm("a text in a language that has no such tag")
    datatype = value.get("@type")
    if datatype not in (None, "@json"):
        _check_iri(datatype, "a type of value")
