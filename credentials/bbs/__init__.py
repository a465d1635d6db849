"""BBS signatures: what is signed once can be shown in parts, as often as one likes, and no two showings can be joined.

Sources: draft-irtf-cfrg-bbs-signatures, draft-irtf-cfrg-bbs-blind-signatures, draft-irtf-cfrg-bbs-pseudonyms; which
versions, and why, is in docs/decisions/0019-the-bbs-variant.md.
"""

from credentials.bbs.batch import verify_batch
from credentials.bbs.blind import (
    BlindCheck,
    BlindCommitment,
    blind_sign,
    commit_blind,
    prove_blind,
    verify_blind,
    verify_blind_proof,
)
from credentials.bbs.commitments import ProverBlind
from credentials.bbs.core import ProofCheck
from credentials.bbs.errors import BadBbsProof, BadBbsSignature, BadCommitment, UnknownMessage
from credentials.bbs.interface import Ciphersuite
from credentials.bbs.keys import BbsPublicKey, BbsSecretKey
from credentials.bbs.nym_vectors import NymCheck
from credentials.bbs.pseudonyms import (
    NymCommitment,
    NymProof,
    NymSecret,
    ProverNym,
    add_entropy,
    check_nym_commitment,
    commit_nym,
    draw_entropy,
    finalize_nym,
    prove_with_nym,
    sign_with_nym,
    verify_nym_proof,
)
from credentials.bbs.signatures import PlainCheck, prove, sign, verify, verify_proof

__all__ = [
    "BadBbsProof",
    "BadBbsSignature",
    "BadCommitment",
    "BbsPublicKey",
    "BbsSecretKey",
    "BlindCheck",
    "BlindCommitment",
    "Ciphersuite",
    "NymCheck",
    "NymCommitment",
    "NymProof",
    "NymSecret",
    "PlainCheck",
    "ProofCheck",
    "ProverBlind",
    "ProverNym",
    "UnknownMessage",
    "add_entropy",
    "blind_sign",
    "check_nym_commitment",
    "commit_blind",
    "commit_nym",
    "draw_entropy",
    "finalize_nym",
    "prove",
    "prove_blind",
    "prove_with_nym",
    "sign",
    "sign_with_nym",
    "verify",
    "verify_batch",
    "verify_blind",
    "verify_blind_proof",
    "verify_nym_proof",
    "verify_proof",
]
