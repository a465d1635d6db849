"""A document's statements in the order in which they are signed, and which of them a holder shows.

vc-di-ecdsa §3.4 and vc-di-bbs §3.2: blank nodes get labels that an HMAC key draws, so that their canonical names, which
depend on what is hidden, tell nothing.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from credentials.data_integrity.adding import ProofOptions, build_proof_members
from credentials.data_integrity.errors import BadProof, ProofImpossible, WrongSuite
from credentials.data_integrity.proofs import Proof, build_configuration, read_proofs
from credentials.data_integrity.selection import NothingSelected, Selectable, select
from credentials.encoding import base64url
from credentials.encoding.strict_json import Json, dump, parse_object
from credentials.linked_data import Canonical, Quad, canonicalize, canonicalize_quads, to_dataset

HMAC_KEY_BYTES: Final = 32
_WHAT: Final = "proof"


def label_by_digest(canonical: Canonical, hmac_key: bytes) -> dict[str, str]:
    """Give each blank node the HMAC of its canonical name as a label (vc-di-ecdsa §3.4.4, `u` and base64url)."""
    return {
        name: "u" + base64url.encode(hmac.digest(hmac_key, label.encode(), "sha256"))
        for name, label in canonical.labels.items()
    }


def label_by_rank(canonical: Canonical, hmac_key: bytes) -> dict[str, str]:
    """Give each blank node the rank of its HMAC among all as a label: `b0`, `b1`, ... (vc-di-bbs §3.2.1)."""
    digests = label_by_digest(canonical, hmac_key)
    return {name: f"b{rank}" for rank, name in enumerate(sorted(digests, key=digests.__getitem__))}


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What a holder shows of a document, and how that maps to what was signed.

    Attributes:
        document: the part that is shown.
        label_map: the label that was signed, for each canonical label that a verifier will find; both without `_:`.
        mandatory_indexes: which of the statements shown are mandatory.
        selective_indexes: which of the statements that are not mandatory are shown.
    """

    document: dict[str, Json]
    label_map: Mapping[str, str]
    mandatory_indexes: tuple[int, ...]
    selective_indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of a document under the labels that are signed.

    Attributes:
        selectable: the document.
        labels: the label of each blank node, by the names that `selectable` gave.
        lines: all statements, in the order of their lines.
        pointers: what is always shown.
        mandatory: the statements that this makes, under the names of `selectable`.
        optional_lines: the other statements: what each signature or message is about.
        mandatory_hash: SHA-256 of the lines that are always shown.
    """

    selectable: Selectable
    labels: Mapping[str, str]
    lines: Mapping[Quad, str]
    pointers: tuple[str, ...]
    mandatory: frozenset[Quad]
    optional_lines: tuple[str, ...]
    mandatory_hash: bytes

    @classmethod
    def group(cls, selectable: Selectable, labels: Mapping[str, str], mandatory: Sequence[str]) -> "Statements":
        """Tell what is always shown from what may be hidden (vc-di-ecdsa §3.4.17).

        Raises:
            SelectionError, Malformed: the pointers do not fit the document.
        """
        relabelled = _relabel(selectable.quads, labels)
        shown = selectable.statements_of(mandatory)
        lines = {quad: quad_line for quad_line, quad in sorted((line, quad) for quad, line in relabelled.items())}
        return cls(
            selectable=selectable,
            labels=labels,
            lines=lines,
            pointers=tuple(mandatory),
            mandatory=shown,
            optional_lines=tuple(line for quad, line in lines.items() if quad not in shown),
            mandatory_hash=hash_lines(line for quad, line in lines.items() if quad in shown),
        )

    def disclose(self, selective: Sequence[str]) -> Disclosure:
        """Choose what is shown beside the mandatory parts.

        Raises:
            NothingSelected: that would be nothing at all.
            SelectionError, Malformed: the pointers do not fit the document.
        """
        chosen = self.selectable.statements_of(selective)
        # What both selections make together is what each makes: only lists could tell, and they are not selectable.
        shown = self.mandatory | chosen
        if not shown:
            raise NothingSelected
        # A verifier will find these canonical labels when it reads the part alone.
        canonical = canonicalize_quads(shown)
        in_order = [quad for quad in self.lines if quad in shown]
        optional = [quad for quad in self.lines if quad not in self.mandatory]
        return Disclosure(
            document=select(self.selectable.document, (*self.pointers, *selective)),
            label_map={found: self.labels[name] for name, found in canonical.labels.items()},
            mandatory_indexes=tuple(index for index, quad in enumerate(in_order) if quad in self.mandatory),
            selective_indexes=tuple(index for index, quad in enumerate(optional) if quad in chosen),
        )


@dataclass(frozen=True, slots=True)
class ShownStatements:
    """The statements of a part of a document, as its verifier finds them under the labels that were signed.

    Attributes:
        optional_lines: those that are not mandatory.
        mandatory_hash: SHA-256 of the lines that are.
    """

    optional_lines: tuple[str, ...]
    mandatory_hash: bytes


def read_shown(
    document: Mapping[str, Json], label_map: Mapping[str, str], mandatory_indexes: Sequence[int]
) -> ShownStatements:
    """Find the statements that a derived proof is about (vc-di-ecdsa §3.5.8, vc-di-bbs §3.3.8).

    Raises:
        BadProof: the labels are not those of the blank nodes, or an index is of no statement.
        UnsafeLinkedData and others: as `to_dataset`.
    """
    quads = to_dataset(document)
    found = canonicalize_quads(quads).labels
    if label_map.keys() != set(found.values()) or len(set(label_map.values())) != len(label_map):
        raise BadProof
    lines = sorted(_relabel(quads, {name: label_map[label] for name, label in found.items()}).values())
    mandatory = set(mandatory_indexes)
    if mandatory_indexes and mandatory_indexes[-1] >= len(lines):
        raise BadProof
    return ShownStatements(
        optional_lines=tuple(line for index, line in enumerate(lines) if index not in mandatory),
        mandatory_hash=hash_lines(line for index, line in enumerate(lines) if index in mandatory),
    )


def hash_lines(lines: Iterable[str]) -> bytes:
    """SHA-256 of statements (vc-di-ecdsa §3.4.18)."""
    return hashlib.sha256("".join(lines).encode()).digest()


def hash_options(options: Mapping[str, Json], document: Mapping[str, Json]) -> bytes:
    """SHA-256 of what a proof says of itself, under the document's context (vc-di-bbs §3.4.4).

    Raises:
        UnsafeLinkedData and others: as `canonicalize`.
    """
    return _hash_configuration(dump(build_configuration(options, document)))


def hash_proof(proof: Proof, document: Mapping[str, Json]) -> bytes:
    """As `hash_options`, of a proof that was read."""
    return hash_options({name: value for name, value in proof.members.items() if name != "proofValue"}, document)


@lru_cache(maxsize=256)
def _hash_configuration(configuration: bytes) -> bytes:
    # The proofs of one issuer's key say the same, unless they have a date: most are read before.
    return hash_lines(canonicalize(parse_object(configuration, what=_WHAT)).statements)


def build_alone(suite: str, verification_method: str, options: ProofOptions) -> dict[str, Json]:
    """Return a proof without its value, of a suite that signs the document alone.

    Raises:
        ProofImpossible: it would build on another, which would be named and not signed.
    """
    if options.get("previous_proof"):
        raise ProofImpossible(f"a proof of the kind {suite} does not sign what it builds on")
    return build_proof_members(suite, verification_method, options)


def find_proof(document: Mapping[str, Json], suite: str) -> Proof:
    """Return the one proof of this suite that a document carries.

    Raises:
        ProofMissing, Malformed, UnsupportedSuite: as `read_proofs`.
        WrongSuite: it carries none of this suite, or several.
    """
    proofs = [proof for proof in read_proofs(document) if proof.cryptosuite == suite]
    if len(proofs) != 1:
        raise WrongSuite(suite)
    return proofs[0]


def _relabel(quads: Iterable[Quad], labels: Mapping[str, str]) -> dict[Quad, str]:
    terms = {f"_:{name}": f"_:{label}" for name, label in labels.items()}
    return {quad: Quad(*(terms.get(term, term) for term in quad)).line for quad in quads}
