"""The short way for simple documents: what each term means is worked out once by pyld, and kept.

Ours, and most credentials, are simple: known contexts at the top alone, defined terms, texts and nodes as values. What
a term means then depends only on the contexts, and on the terms and types on the way down; a scope is one such place.
Anything else, and anything that would be refused, goes the long way (`processor.py`): here nothing is ever decided that
the long way would decide otherwise, which a property test shows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from credentials.encoding.strict_json import Json
from credentials.linked_data.checking import IRI, MAX_DEPTH, RELATIVE_BASE
from credentials.linked_data.contexts import CONTEXTS
from credentials.linked_data.nquads import Quad, write_literal
from credentials.linked_data.processor import ActiveContext, look_up, open_context, open_term, open_types

_MAX_TYPES: Final = 4
_MAX_KEPT: Final = 256
_MAX_STATEMENTS: Final = 1_000
_RDF_TYPE: Final = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
# The long way rewrites these texts, or none can be written.
_REWRITTEN: Final = frozenset({"http://www.w3.org/2001/XMLSchema#double", "@json", "@none"})


class _NotSimple(Exception):
    """The document goes the long way."""


class _Coercion(Enum):
    """What a text becomes."""

    LITERAL = "literal"
    IRI = "iri"
    TERM = "term"


@dataclass(frozen=True, slots=True)
class _Member:
    """What a term means in one scope."""

    predicate: str
    coercion: _Coercion
    datatype: str
    inside: ActiveContext
    node: "Scope"
    """The scope of a node that is its value, before its types are looked at."""


class Scope:
    """One place in documents of one shape. Places where the same context counts are one."""

    __slots__ = ("_active", "_family", "_members", "_typed", "_types")

    def __init__(self, active: ActiveContext, family: dict[int, "Scope"]) -> None:
        self._active = active
        self._family = family
        self._members: dict[str, _Member | str] = {}
        self._types: dict[str, str] = {}
        self._typed: dict[tuple[str, ...], Scope] = {}

    def member(self, term: str) -> _Member | str:
        """Return what a term means; `@id` and `@type` stand for themselves."""
        found = self._members.get(term)
        if found is None:
            found = self._members[term] = self._define(term)
        return found

    def is_type(self, name: str) -> bool:
        """Whether a member says of which types a node is."""
        mapping = self._active["mappings"].get(name)
        return name == "@type" or (mapping is not None and mapping["@id"] == "@type")

    def type_iri(self, name: str) -> str:
        """Return the IRI of a type, as a term of N-Quads."""
        found = self._types.get(name)
        if found is None:
            found = self._types[name] = f"<{_defined(self._active, name)}>"
        return found

    def typed(self, types: tuple[str, ...]) -> "Scope":
        """Return the scope of a node here of these types."""
        found = self._typed.get(types)
        if found is None:
            if len(types) > _MAX_TYPES or len(self._typed) >= _MAX_KEPT:
                raise _NotSimple
            for each in types:
                self.type_iri(each)
            found = self._typed[types] = self._at(open_types(self._active, types))
        return found

    def reference(self, text: str, active: ActiveContext | None = None) -> str:
        """Return an identifier as a term of N-Quads, if it means itself."""
        mappings = (self._active if active is None else active)["mappings"]
        if IRI.fullmatch(text) is None or text.startswith(RELATIVE_BASE) or text.partition(":")[0] in mappings:
            raise _NotSimple
        return f"<{text}>"

    def _at(self, active: ActiveContext) -> "Scope":
        # A stranger's documents may lead down any path, and must not fill the memory. The scope holds its context, so
        # that no other object gets the same id.
        found = self._family.get(id(active))
        if found is None:
            if len(self._family) >= _MAX_KEPT:
                raise _NotSimple
            found = self._family[id(active)] = Scope(active, self._family)
        return found

    def _define(self, term: str) -> _Member | str:
        mapping = self._active["mappings"].get(term)
        if term in ("@id", "@type"):
            return term
        if mapping is None:
            raise _NotSimple
        if mapping["@id"] in ("@id", "@type"):
            return str(mapping["@id"])
        predicate = _defined(self._active, term)
        inside, node = open_term(self._active, term)
        plain = mapping.get("@container") in (None, [], ["@set"]) and "@index" not in mapping and "@nest" not in mapping
        if not plain or mapping["reverse"] or _defined(inside, term) != predicate or look_up(inside, term, "reverse"):
            raise _NotSimple
        coercion, datatype = _read_coercion(inside, term)
        return _Member(f"<{predicate}>", coercion, datatype, inside, self._at(node))


def _defined(active: ActiveContext, term: str) -> str:
    """Return the absolute IRI that a term stands for."""
    mapping = active["mappings"].get(term)
    iri = None if mapping is None else mapping["@id"]
    if not isinstance(iri, str) or IRI.fullmatch(iri) is None or iri.startswith(RELATIVE_BASE):
        raise _NotSimple
    return iri


def _read_coercion(inside: ActiveContext, term: str) -> tuple[_Coercion, str]:
    kind = look_up(inside, term, "@type")
    if kind == "@id":
        return _Coercion.IRI, ""
    if kind == "@vocab":
        return _Coercion.TERM, ""
    if look_up(inside, term, "@language") is not None or look_up(inside, term, "@direction") is not None:
        raise _NotSimple
    if kind is None:
        return _Coercion.LITERAL, ""
    if kind in _REWRITTEN or IRI.fullmatch(kind) is None:
        raise _NotSimple
    return _Coercion.LITERAL, kind


@lru_cache(maxsize=32)
def _open_root(contexts: tuple[str, ...]) -> Scope:
    active = open_context(contexts)
    family: dict[int, Scope] = {}
    return family.setdefault(id(active), Scope(active, family))


def read_simple(document: Mapping[str, Json]) -> list[Quad] | None:
    """Return the statements of a document; None if it must go the long way."""
    try:
        reader = _Reader()
        reader.read_node(document, _open_root(_read_contexts(document)), 1)
    except _NotSimple:
        return None
    return reader.quads


def _read_contexts(document: Mapping[str, Json]) -> tuple[str, ...]:
    value = document.get("@context")
    listed = value if isinstance(value, list) else [value]
    contexts = tuple(each for each in listed if isinstance(each, str) and each in CONTEXTS)
    if not contexts or len(contexts) != len(listed):
        raise _NotSimple
    return contexts


class _Reader:
    """Reads one document; its blank nodes are numbered as they come."""

    __slots__ = ("_blank", "quads")

    def __init__(self) -> None:
        self._blank = 0
        self.quads: list[Quad] = []

    def read_node(self, node: Mapping[str, Json], outer: Scope, depth: int) -> str:
        """Add what is said of a node, and return its name."""
        if depth > MAX_DEPTH or len(self.quads) > _MAX_STATEMENTS:
            raise _NotSimple
        types = _read_types(node, outer)
        scope = outer.typed(types) if types else outer
        named = [(scope.member(name), value) for name, value in node.items() if name != "@context" or depth > 1]
        members = [(member, value) for member, value in named if isinstance(member, _Member)]
        if not members and not types:
            raise _NotSimple
        subject = self._name([value for member, value in named if member == "@id"], scope)
        self.quads += [Quad(subject, _RDF_TYPE, outer.type_iri(each)) for each in types]
        for member, value in members:
            for each in self._read_values(member, value, depth):
                self.quads.append(Quad(subject, member.predicate, each))
        return subject

    def _name(self, ids: list[Json], scope: Scope) -> str:
        match ids:
            case []:
                self._blank += 1
                return f"_:b{self._blank - 1}"
            case [str() as text]:
                return scope.reference(text)
            case _:
                raise _NotSimple

    def _read_values(self, member: _Member, value: Json, depth: int) -> Iterator[str]:
        if not isinstance(value, list):
            yield self._read_value(member, value, depth)
            return
        if not value:
            raise _NotSimple
        for each in value:
            yield self._read_value(member, each, depth)

    def _read_value(self, member: _Member, value: Json, depth: int) -> str:
        match value:
            case str() if member.coercion is _Coercion.LITERAL:
                return write_literal(value, datatype=member.datatype) if member.datatype else write_literal(value)
            case str() if member.coercion is _Coercion.IRI:
                return member.node.reference(value, member.inside)
            case str():
                return f"<{_defined(member.inside, value)}>"
            case dict():
                return self.read_node(value, member.node, depth + 1)
            case _:
                raise _NotSimple


def _read_types(node: Mapping[str, Json], outer: Scope) -> tuple[str, ...]:
    """Return the types of a node, in the order of the document; they are found before anything else is (§5.1.2)."""
    found = [value for name, value in node.items() if outer.is_type(name)]
    if not found:
        return ()
    types = tuple(found[0]) if isinstance(found[0], list) else (found[0],)
    if len(found) > 1 or not types or not all(isinstance(each, str) for each in types):
        raise _NotSimple
    return tuple(str(each) for each in types)
