"""The suites that sign the JSON of a document: each character of it, and nothing of what it means.

No context is read. So these prove who wrote the words, and not what the words stand for: whoever acts on our types and
statements asks for a suite of `credentials.data_integrity.suites.LINKED_SUITES`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from typing_extensions import override

from credentials.data_integrity.adding import with_proof_context
from credentials.data_integrity.hashing import WriteCanonical, write_json
from credentials.data_integrity.proofs import Proof, under_signed_context
from credentials.data_integrity.whole import WholeSuite
from credentials.encoding.strict_json import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class JcsSuite(WholeSuite):
    """A suite that signs the whole document as canonical JSON.

    The proof carries the context that it was made under, and others may append to the document's (vc-di-eddsa §3.3.2
    step 4): what is signed is the document without what they appended.
    """

    @property
    @override
    def _write(self) -> WriteCanonical:
        return write_json

    @override
    def _prepare(self, document: Mapping[str, Json], members: Mapping[str, Json]) -> dict[str, Json]:
        del members
        # A document without a context is plain JSON, which may be signed as it is.
        return with_proof_context(document) if "@context" in document else dict(document)

    @override
    def _show(self, members: Mapping[str, Json], configuration: Mapping[str, Json]) -> Mapping[str, Json]:
        del members
        return configuration

    @override
    def _read_signed(self, document: Mapping[str, Json], proof: Proof) -> tuple[Mapping[str, Json], dict[str, Json]]:
        options = {name: value for name, value in proof.members.items() if name != "proofValue"}
        return under_signed_context(document, proof), options
