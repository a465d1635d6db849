"""The suites that sign what a document says: canonical N-Quads, whatever the JSON around them looks like."""

from collections.abc import Mapping
from dataclasses import dataclass

from typing_extensions import override

from credentials.data_integrity.adding import with_proof_context
from credentials.data_integrity.hashing import WriteCanonical, write_statements
from credentials.data_integrity.proofs import ASSERTION, Proof, without_proof
from credentials.data_integrity.whole import WholeSuite
from credentials.encoding.strict_json import Json
from credentials.linked_data import check_unnamed


@dataclass(frozen=True, slots=True, kw_only=True)
class RdfcSuite(WholeSuite):
    """A suite that signs the whole document as canonical N-Quads; only safe JSON-LD is signed, or read.

    An assertion about a document that names a blank node is refused when it is to be made (`BlankNodeNamed`).
    """

    @property
    @override
    def _write(self) -> WriteCanonical:
        return write_statements

    @override
    def _prepare(self, document: Mapping[str, Json], members: Mapping[str, Json]) -> dict[str, Json]:
        prepared = with_proof_context(document)
        # Who shows what others issued has no say in it.
        if members["proofPurpose"] == ASSERTION:
            check_unnamed(without_proof(prepared))
        return prepared

    @override
    def _show(self, members: Mapping[str, Json], configuration: Mapping[str, Json]) -> Mapping[str, Json]:
        del configuration
        return members

    @override
    def _read_signed(self, document: Mapping[str, Json], proof: Proof) -> tuple[Mapping[str, Json], dict[str, Json]]:
        return document, proof.build_options(document)
