"""BBS signatures: what is signed once can be shown in parts, as often as one likes, and no two showings can be joined.

Sources: draft-irtf-cfrg-bbs-signatures, draft-irtf-cfrg-bbs-blind-signatures, draft-irtf-cfrg-bbs-pseudonyms; which
versions, and why, is in docs/decisions/0019-the-bbs-variant.md.
"""

from credentials.bbs.commitments import ProverBlind
from credentials.bbs.errors import BadBbsProof, BadBbsSignature, BadCommitment, UnknownMessage
from credentials.bbs.interface import Ciphersuite
from credentials.bbs.keys import BbsPublicKey, BbsSecretKey
from credentials.bbs.pseudonyms import (
    NymCommitment,
    NymProof,
    NymSecret,
    ProverNym,
    check_nym_commitment,
    commit_nym,
    finalize_nym,
    prove_with_nym,
    sign_with_nym,
    verify_nym_proof,
)
from credentials.bbs.signatures import prove, sign, verify, verify_proof

__all__ = [
    "BadBbsProof",
    "BadBbsSignature",
    "BadCommitment",
    "BbsPublicKey",
    "BbsSecretKey",
    "Ciphersuite",
    "NymCommitment",
    "NymProof",
    "NymSecret",
    "ProverBlind",
    "ProverNym",
    "UnknownMessage",
    "check_nym_commitment",
    "commit_nym",
    "finalize_nym",
    "prove",
    "prove_with_nym",
    "sign",
    "sign_with_nym",
    "verify",
    "verify_nym_proof",
    "verify_proof",
]
