"""Ed25519Signature2020: a type of proof from before `DataIntegrityProof`, verified only (vc-di-eddsa, appendix).

It is not in the table of suites: nobody here makes it, and no pipeline takes it. It is read so that the standard's
vectors for it can be checked, and by whoever asks for it by this name.
"""

from collections.abc import Mapping
from typing import Final

from credentials.data_integrity import eddsa_rdfc_2022
from credentials.data_integrity.errors import ChainUnsupported
from credentials.data_integrity.proofs import Proof
from credentials.data_integrity.rdfc import RdfcSuite
from credentials.encoding.strict_json import Json
from credentials.keys.jwk import PublicKey

NAME: Final = "Ed25519Signature2020"
_SUITE: Final = RdfcSuite(name=NAME, hashes=eddsa_rdfc_2022.SUITE.hashes)


def verify_proof(document: Mapping[str, Json], *, key: PublicKey) -> Proof:
    """Check the one proof of a document, and return it.

    Args:
        document: with its proof.
        key: found under the proof's `verificationMethod`.

    Raises:
        UnsupportedSuite: the proof is of another type.
        ChainUnsupported: it names a proof that it builds on, which is younger than this type.
        WrongKeyKind: the key is not one of Ed25519.
        Malformed: there is not exactly one proof, or it cannot be read.
        BadProof: another key signed, or something was changed.
        HandstampError: the document is no safe JSON-LD.
    """
    proof = Proof.parse(document.get("proof"), kind=NAME)
    if proof.previous_proof:
        raise ChainUnsupported(NAME)
    _SUITE.verify_proof(document, proof, key=key)
    return proof
