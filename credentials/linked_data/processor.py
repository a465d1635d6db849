"""pyld, wrapped: the one module that imports it, and refuses where it leaves something out."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from cachetools import LRUCache
from pyld.context_resolver import ContextResolver
from pyld.jsonld import JsonLdError, JsonLdProcessor

from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError
from credentials.linked_data.checking import RELATIVE_BASE, check_expanded, copy_document
from credentials.linked_data.contexts import is_trial, load_context
from credentials.linked_data.errors import DroppedTerm, InvalidLinkedData, ProtectedTermRedefined
from credentials.linked_data.nquads import Quad, write_literal

_PROTECTION: Final = ("protected term redefinition", "invalid context nullification")
# What pyld raises beside its own error when a document is of a form that it did not think of.
_STUMBLES: Final = (LookupError, TypeError, ValueError, AttributeError, RecursionError)
_DEFAULT_GRAPH: Final = "@default"
Untyped: TypeAlias = Any
"""What pyld hands about has no types."""
ActiveContext: TypeAlias = Any
"""What terms mean at one place of a document; pyld's, and frozen."""


class _SafeProcessor(JsonLdProcessor):  # type: ignore[misc]  # pyld has no types
    """pyld's processor, which refuses where the original leaves something out."""

    def __init__(self) -> None:
        super().__init__(on_property_dropped=_refuse_property)

    def expand(self, input_: Untyped, options: Untyped) -> Untyped:
        expanded = super().expand(input_, options)
        check_expanded(expanded)
        return expanded

    def _expand(
        self, active_ctx: Untyped, active_property: Untyped, element: Untyped, *rest: Untyped, **named: Untyped
    ) -> Untyped:
        expanded = super()._expand(active_ctx, active_property, element, *rest, **named)
        if expanded is None:
            raise DroppedTerm("a null, or a value outside of any node")
        if element == [] and not named.get("inside_list") and not _is_list_term(active_ctx, active_property):
            raise DroppedTerm("an empty array")
        return expanded

    def _expand_language_map(self, active_ctx: Untyped, language_map: Untyped, direction: Untyped) -> Untyped:
        for values in language_map.values():
            if values in (None, []) or (isinstance(values, list) and None in values):
                raise DroppedTerm("a text in a language that is null")
        return super()._expand_language_map(active_ctx, language_map, direction)


def expand_document(document: Mapping[str, Json]) -> list[Json]:
    """Expand a document (JSON-LD 1.1 API §5.1)."""
    expanded = run_processor(lambda processor, options: processor.expand(copy_document(document), options))
    return cast("list[Json]", expanded)


def read_dataset(document: Mapping[str, Json]) -> Iterator[Quad]:
    """Return the statements of a document (JSON-LD 1.1 API §8.1)."""
    dataset = run_processor(lambda processor, options: processor.to_rdf(copy_document(document), options))
    return _read_dataset(dataset)


def open_context(contexts: Sequence[str]) -> ActiveContext:
    """Return what the terms of a document with these contexts mean at its top."""

    def process(processor: _SafeProcessor, options: dict[str, Any]) -> ActiveContext:
        initial = processor._get_initial_context(options)  # noqa: SLF001
        return processor._process_context(initial, [*contexts], options)  # noqa: SLF001

    return run_processor(process)


def open_term(active: ActiveContext, term: str) -> tuple[ActiveContext, ActiveContext]:
    """Return what terms mean in the value of a term, and in a node there before its types are looked at (§5.1.2)."""

    def process(processor: _SafeProcessor, options: dict[str, Any]) -> tuple[ActiveContext, ActiveContext]:
        inside = _with_scoped(processor, active, active, term, options)
        reverted = processor._revert_to_previous_context(inside)  # noqa: SLF001
        return inside, _with_scoped(processor, reverted, inside, term, options)

    return cast("tuple[ActiveContext, ActiveContext]", run_processor(process))


def open_types(active: ActiveContext, types: Sequence[str]) -> ActiveContext:
    """Return what terms mean in a node of these types (§5.1.2, step 11)."""
    element = {"@type": [*types]}
    return run_processor(lambda processor, options: processor._prepare_nested_context(active, element, options)[0])  # noqa: SLF001


def look_up(active: ActiveContext, term: str | None, what: str) -> Untyped:
    """Return what an active context says of a term, or by default."""
    return JsonLdProcessor.get_context_value(active, term, what)


def _with_scoped(
    processor: _SafeProcessor, onto: ActiveContext, of: ActiveContext, term: str, options: dict[str, Any]
) -> ActiveContext:
    scoped = look_up(of, term, "@context")
    if scoped is None:
        return onto
    return processor._process_context(onto, scoped, options, override_protected=True)  # noqa: SLF001


# Contexts are processed once and kept, in a cache that is not made for several threads at once.
_lock: Final = threading.Lock()
_processed: Final[LRUCache[str, Any]] = LRUCache(maxsize=64)
_processed_in_trials: Final[LRUCache[str, Any]] = LRUCache(maxsize=64)
"""Apart, or a context that a trial has brought in would be known to whoever comes after it."""


def run_processor(action: Callable[[_SafeProcessor, dict[str, Any]], Any]) -> Untyped:
    """Let pyld do something, one thread at a time, and turn its errors into ours.

    Raises:
        UnsafeLinkedData: a class below it.
    """
    with _lock:
        resolver = ContextResolver(_processed_in_trials if is_trial() else _processed, _load)
        try:
            return action(_SafeProcessor(), _OPTIONS | {"contextResolver": resolver})
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
        # Without this pyld would resolve it anew each time.
        "tag": "static",
    }


_OPTIONS: Final = {"base": RELATIVE_BASE, "documentLoader": _load, "processingMode": "json-ld-1.1", "isFrame": False}


def _refuse_property(_: str | None) -> None:
    raise DroppedTerm("a member that no context defines")


def _is_list_term(active_ctx: Untyped, active_property: Untyped) -> bool:
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
