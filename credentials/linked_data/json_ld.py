"""Safe JSON-LD 1.1: a document becomes statements, all of it, or it is refused.

JSON-LD leaves out what it cannot place: undefined terms, relative references, nulls, text outside of any node. What is
left out is not signed, and whoever reads the JSON takes it for signed. So here everything that would be left out is an
error, and so is what two processors would read differently.
"""

from collections.abc import Mapping
from typing import Final

from credentials.encoding.strict_json import Json
from credentials.linked_data.errors import BlankNodeNamed
from credentials.linked_data.nquads import Quad, check_statement_count
from credentials.linked_data.processor import expand_document, read_dataset
from credentials.linked_data.scopes import read_simple

_NAMES: Final = ("_:", "urn:bnid:")
"""How blank nodes are named, and how they are while parts of a document are chosen."""


def expand(document: Mapping[str, Json]) -> list[Json]:
    """Write a document without its contexts: every term as an IRI (JSON-LD 1.1 API §5.1).

    Raises:
        UnsafeLinkedData: a class below it, for each reason of its own.
    """
    return expand_document(document)


def to_dataset(document: Mapping[str, Json], *, simple: bool = True) -> tuple[Quad, ...]:
    """Return the statements of a document (JSON-LD 1.1 API §8.1). Blank nodes get new names: `_:b0` and so on.

    Args:
        document: the document.
        simple: go the short way where the document is simple enough for it; the statements are the same.

    Raises:
        UnsafeLinkedData: a class below it, for each reason of its own.
    """
    quads = read_simple(document) if simple else None
    dataset = tuple(dict.fromkeys(read_dataset(document) if quads is None else quads))
    check_statement_count(dataset)
    return dataset


def check_unnamed(document: Mapping[str, Json]) -> None:
    """Check that a document that is to be issued names no blank node: a name says nothing, and could tag.

    Raises:
        BlankNodeNamed: it does.
        UnsafeLinkedData: a class below it, for each reason of its own.
    """
    _check_names(expand(document))


def _check_names(expanded: Json) -> None:
    if isinstance(expanded, list):
        for element in expanded:
            _check_names(element)
    elif isinstance(expanded, dict) and "@value" not in expanded:
        types = expanded.get("@type", [])
        for name in (*expanded, expanded.get("@id"), *(types if isinstance(types, list) else [])):
            if isinstance(name, str) and name.startswith(_NAMES):
                raise BlankNodeNamed
        for member in expanded.values():
            _check_names(member)
