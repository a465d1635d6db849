"""Safe JSON-LD 1.1: a document becomes statements, all of it, or it is refused. The only importer of pyld.

JSON-LD leaves out what it cannot place: undefined terms, relative references, nulls, text outside of any node. What is
left out is not signed, and whoever reads the JSON takes it for signed. So here everything that would be left out is an
error, and so is what two processors would read differently.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias, cast

from cachetools import LRUCache
from pyld.context_resolver import ContextResolver
from pyld.jsonld import JsonLdError, JsonLdProcessor

from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError
from credentials.linked_data.checking import RELATIVE_BASE, check_expanded, copy_document
from credentials.linked_data.contexts import load_context
from credentials.linked_data.errors import DroppedTerm, InvalidLinkedData, ProtectedTermRedefined
from credentials.linked_data.nquads import Quad, check_statement_count, write_literal

_PROTECTION: Final = ("protected term redefinition", "invalid context nullification")
# What pyld raises beside its own error when a document is of a form that it did not think of.
_STUMBLES: Final = (LookupError, TypeError, ValueError, AttributeError, RecursionError)
_DEFAULT_GRAPH: Final = "@default"
# What pyld hands about has no types.
_Untyped: TypeAlias = Any


class _SafeProcessor(JsonLdProcessor):  # type: ignore[misc]  # pyld has no types
    """pyld's processor, which refuses where the original leaves something out."""

    def __init__(self) -> None:
        super().__init__(on_property_dropped=_refuse_property)

    def expand(self, input_: _Untyped, options: _Untyped) -> _Untyped:
        expanded = super().expand(input_, options)
        check_expanded(expanded)
        return expanded

    def _expand(
        self, active_ctx: _Untyped, active_property: _Untyped, element: _Untyped, *rest: _Untyped, **named: _Untyped
    ) -> _Untyped:
        expanded = super()._expand(active_ctx, active_property, element, *rest, **named)
        if expanded is None:
            raise DroppedTerm("a null, or a value outside of any node")
        if element == [] and not named.get("inside_list") and not _is_list_term(active_ctx, active_property):
            raise DroppedTerm("an empty array")
        return expanded

    def _expand_language_map(self, active_ctx: _Untyped, language_map: _Untyped, direction: _Untyped) -> _Untyped:
        for values in language_map.values():
            if values in (None, []) or (isinstance(values, list) and None in values):
                raise DroppedTerm("a text in a language that is null")
        return super()._expand_language_map(active_ctx, language_map, direction)


def expand(document: Mapping[str, Json]) -> list[Json]:
    """Write a document without its contexts: every term as an IRI (JSON-LD 1.1 API §5.1).

    Raises:
        UnsafeLinkedData: a class below it, for each reason of its own.
    """
    return cast("list[Json]", _process(lambda processor, options: processor.expand(copy_document(document), options)))


def to_dataset(document: Mapping[str, Json]) -> tuple[Quad, ...]:
    """Return the statements of a document (JSON-LD 1.1 API §8.1). Blank nodes get new names: `_:b0` and so on.

    Raises:
        UnsafeLinkedData: a class below it, for each reason of its own.
    """
    dataset = _process(lambda processor, options: processor.to_rdf(copy_document(document), options))
    quads = tuple(dict.fromkeys(_read_dataset(dataset)))
    check_statement_count(quads)
    return quads


# Contexts are processed once and kept, in a cache that is not made for several threads at once.
_lock: Final = threading.Lock()
_processed: Final[LRUCache[str, Any]] = LRUCache(maxsize=64)


def _process(action: Callable[[_SafeProcessor, dict[str, Any]], Any]) -> _Untyped:
    with _lock:
        try:
            resolver = ContextResolver(_processed, _load)
            return action(
                _SafeProcessor(), {"base": RELATIVE_BASE, "documentLoader": _load, "contextResolver": resolver}
            )
        except JsonLdError as error:
            raise _translate(error) from error
        except _STUMBLES as error:
            raise InvalidLinkedData("it is of no form that JSON-LD 1.1 knows") from error


def _translate(error: BaseException) -> HandstampError:
    """Find the reason in a chain of errors, the innermost first: ours, or the code of JSON-LD's own (API §9.6)."""
    causes = [error]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    codes = [code for each in causes if isinstance(code := getattr(each, "code", None), str)]
    for each in reversed(causes):
        if isinstance(each, HandstampError):
            return each
    if any(code in _PROTECTION for code in codes):
        return ProtectedTermRedefined()
    return InvalidLinkedData(codes[-1] if codes else "it cannot be read")


def _load(url: str, _: object) -> dict[str, Any]:
    return {
        "contentType": "application/ld+json",
        "contextUrl": None,
        "documentUrl": url,
        "document": copy_document(load_context(url)),
    }


def _refuse_property(_: str | None) -> None:
    raise DroppedTerm("a member that no context defines")


def _is_list_term(active_ctx: _Untyped, active_property: _Untyped) -> bool:
    container = JsonLdProcessor.get_context_value(active_ctx, active_property, "@container")
    return "@list" in JsonLdProcessor.arrayify(container)


def _read_dataset(dataset: Mapping[str, list[Any]]) -> Iterator[Quad]:
    for name, triples in dataset.items():
        graph = "" if name == _DEFAULT_GRAPH else _write_resource(name)
        for triple in triples:
            subject, predicate = (_write_resource(triple[part]["value"]) for part in ("subject", "predicate"))
            yield Quad(subject, predicate, _write_object(triple["object"]), graph)


def _write_resource(name: str) -> str:
    return name if name.startswith("_:") else f"<{name}>"


def _write_object(term: Mapping[str, str]) -> str:
    if term["type"] != "literal":
        return _write_resource(term["value"])
    return write_literal(term["value"], datatype=term["datatype"], language=term.get("language", ""))
