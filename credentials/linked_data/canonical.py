"""RDFC-1.0: names for blank nodes that depend on nothing but what is said of them (rdf-canon §4).

How much work a dataset makes is counted in steps and capped: with blank nodes that are all alike the algorithm tries
their permutations, and a few dozen statements would keep a machine busy for years (rdf-canon §7.1).
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from credentials.linked_data.errors import TooMuchWork
from credentials.linked_data.nquads import Quad, is_blank, parse_nquads, write_line

HashName: TypeAlias = Literal["sha256", "sha384"]
MAX_WORK: Final = 10_000
"""Steps of hashing and comparing. Our own credentials take none, the published examples under a hundred."""
_MAX_DEPTH: Final = 128

_PREFIX: Final = "_:c14n"
_HASHES: Final[Mapping[str, Callable[[bytes], "hashlib._Hash"]]] = MappingProxyType(
    {"sha256": hashlib.sha256, "sha384": hashlib.sha384}
)


@dataclass(frozen=True, slots=True)
class Canonical:
    """A dataset in canonical form."""

    statements: tuple[str, ...]
    """N-Quads lines in code point order, each with its line feed."""
    labels: Mapping[str, str]
    """The name of each blank node of the input, with the canonical one; both without `_:`."""

    @property
    def text(self) -> str:
        """The canonical N-Quads document."""
        return "".join(self.statements)


def canonicalize_nquads(text: str, *, hash_name: HashName = "sha256", max_work: int = MAX_WORK) -> Canonical:
    """Bring an N-Quads document to canonical form.

    Raises:
        Malformed: it is not N-Quads.
        OversizedLinkedData: it has too many statements.
        TooMuchWork: its blank nodes cannot be told apart within `max_work` steps.
    """
    return canonicalize_quads(parse_nquads(text), hash_name=hash_name, max_work=max_work)


def canonicalize_quads(quads: Iterable[Quad], *, hash_name: HashName = "sha256", max_work: int = MAX_WORK) -> Canonical:
    """Bring a dataset to canonical form (rdf-canon §4.4.3).

    Raises:
        TooMuchWork: its blank nodes cannot be told apart within `max_work` steps.
    """
    dataset = tuple(quads)
    names = _Canonicalization(dataset, _HASHES[hash_name], max_work).name_all()
    # (6) §4.4.3: the statements again, under the canonical names.
    name = names.get
    lines = {
        write_line(name(subject, subject), predicate, name(target, target), name(graph, graph))
        for subject, predicate, target, graph in dataset
    }
    return Canonical(tuple(sorted(lines)), MappingProxyType({old[2:]: new[2:] for old, new in names.items()}))


class _Names:
    """An identifier issuer (rdf-canon §4.5): numbers blank nodes in the order in which they are asked for."""

    __slots__ = ("issued", "prefix")

    def __init__(self, prefix: str, issued: Mapping[str, str] | None = None) -> None:
        self.prefix = prefix
        self.issued = dict(issued or {})

    def copy(self) -> "_Names":
        return _Names(self.prefix, self.issued)

    def issue(self, node: str) -> str:
        return self.issued.setdefault(node, f"{self.prefix}{len(self.issued)}")


class _Canonicalization:
    """The canonicalization state (rdf-canon §4.2)."""

    def __init__(self, quads: Sequence[Quad], algorithm: Callable[[bytes], "hashlib._Hash"], max_work: int) -> None:
        self._algorithm = algorithm
        self._max_work = max_work
        self._work = 0
        self._depth = 0
        self._canonical = _Names(_PREFIX)
        self._first_hashes: dict[str, str] = {}
        # (2) A quad that mentions a node twice is one mention.
        self._mentions: dict[str, list[Quad]] = defaultdict(list)
        for quad in quads:
            for node in dict.fromkeys(term for term in quad if is_blank(term)):
                self._mentions[node].append(quad)

    def name_all(self) -> Mapping[str, str]:
        """Return the canonical name of every blank node, both with `_:`."""
        # (3) What is said of each node by itself tells most of them apart.
        by_hash: dict[str, list[str]] = defaultdict(list)
        for node in self._mentions:
            digest = self._first_hashes[node] = self._hash_first_degree(node)
            by_hash[digest].append(node)
        # (4) Those are named first, in the order of their hashes.
        alike: list[list[str]] = []
        for _, nodes in sorted(by_hash.items()):
            if len(nodes) == 1:
                self._canonical.issue(nodes[0])
            else:
                alike.append(nodes)
        # (5) The others by what is said of their neighbours.
        for nodes in alike:
            self._name_alike(nodes)
        return self._canonical.issued

    def _name_alike(self, nodes: Sequence[str]) -> None:
        paths: list[tuple[str, _Names]] = []
        for node in nodes:
            if node not in self._canonical.issued:
                temporary = _Names("_:b")
                temporary.issue(node)
                paths.append(self._hash_n_degree(node, temporary))
        for _, temporary in sorted(paths, key=lambda path: path[0]):
            for node in temporary.issued:
                self._canonical.issue(node)

    def _hash(self, text: str) -> str:
        return self._algorithm(text.encode()).hexdigest()

    def _step(self, work: int = 1) -> None:
        self._work += work
        if self._work > self._max_work or self._depth > _MAX_DEPTH:
            raise TooMuchWork(self._max_work)

    def _hash_first_degree(self, node: str) -> str:
        """Hash what is said of a node by itself (rdf-canon §4.6.3)."""

        def mark(term: str) -> str:
            return ("_:a" if term == node else "_:z") if is_blank(term) else term

        lines = [
            write_line(mark(subject), predicate, mark(target), mark(graph))
            for subject, predicate, target, graph in self._mentions[node]
        ]
        return self._hash("".join(sorted(lines)))

    def _hash_related(self, related: str, quad: Quad, names: _Names, position: str) -> str:
        """Hash how a node stands to another (rdf-canon §4.7.3)."""
        self._step()
        predicate = "" if position == "g" else quad.predicate
        name = self._canonical.issued.get(related) or names.issued.get(related) or self._first_hashes[related]
        return self._hash(f"{position}{predicate}{name}")

    def _hash_n_degree(self, node: str, names: _Names) -> tuple[str, _Names]:
        """Hash what is said of a node and, further out, of its neighbours (rdf-canon §4.8.3)."""
        # (1) to (3) Neighbours, by how they stand to the node.
        related: dict[str, list[str]] = defaultdict(list)
        for quad in self._mentions[node]:
            for position, term in (("s", quad.subject), ("o", quad.object), ("g", quad.graph)):
                if is_blank(term) and term != node:
                    related[self._hash_related(term, quad, names, position)].append(term)
        # (4) and (5) Of neighbours that look the same, the least path decides.
        data: list[str] = []
        for digest, nodes in sorted(related.items()):
            path, names = self._choose_path(nodes, names)
            data += (digest, path)
        return self._hash("".join(data)), names

    def _choose_path(self, nodes: Sequence[str], names: _Names) -> tuple[str, _Names]:
        """Find the order of equal neighbours whose path is least (rdf-canon §4.8.3, steps 5.3 to 5.6)."""
        chosen, chosen_names = "", names
        for permutation in permutations(nodes):
            # A copy of names costs by their number, and would not be counted as one step by whoever wants to be slow.
            self._step(1 + (len(names.issued) + len(nodes)) // 8)
            walked = self._walk(permutation, names.copy(), chosen)
            if walked is not None and (not chosen or walked[0] < chosen):
                chosen, chosen_names = walked
        return chosen, chosen_names

    def _walk(self, permutation: Sequence[str], names: _Names, chosen: str) -> tuple[str, _Names] | None:
        """Return the path along one order of neighbours; None as soon as it cannot be less than the chosen one."""
        path = ""
        to_visit: list[str] = []
        for node in permutation:
            if (name := self._canonical.issued.get(node)) is None:
                if node not in names.issued:
                    to_visit.append(node)
                name = names.issue(node)
            path += name
            if _is_beaten(path, chosen):
                return None
        for node in to_visit:
            self._depth += 1
            digest, deeper = self._hash_n_degree(node, names)
            self._depth -= 1
            path += f"{names.issue(node)}<{digest}>"
            names = deeper
            if _is_beaten(path, chosen):
                return None
        return path, names


def _is_beaten(path: str, chosen: str) -> bool:
    return bool(chosen) and len(path) >= len(chosen) and path > chosen
