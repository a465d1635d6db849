"""openvc-core signs what we verify, and verifies what we sign: whole documents.

Documents that are shown in parts are in `test_linked_peers.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from openvc.proof.data_integrity import DataIntegrityProofSuite
from openvc.proof.di_ecdsa_rdfc import EcdsaRdfcProofSuite
from openvc.proof.errors import ProofError

from credentials.data_integrity import ecdsa_rdfc_2019, eddsa_rdfc_2022
from credentials.data_integrity.chains import ProofPolicy, verify_proofs
from credentials.data_integrity.errors import BadProof
from credentials.data_integrity.keys import find_key_in
from credentials.dids.did import parse_did
from credentials.dids.did_key import build_did_key, read_did_key
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.linked_credential import build_linked_credential
from credentials.linked_data import canonicalize, load_context
from schemas import TRACK_OWNERSHIP

if TYPE_CHECKING:
    from credentials.data_integrity.rdfc import RdfcSuite

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
OURS = {"urn:handstamp:context:1": dict(load_context("urn:handstamp:context:1"))}


@dataclass(frozen=True)
class Issuer:
    """A key as both libraries know it: theirs asks for `alg`, `kid` and `sign`."""

    signer: LocalSigner

    @property
    def did(self) -> str:
        return build_did_key(self.signer.public_key)

    @property
    def kid(self) -> str:
        return f"{self.did}#{self.signer.public_key.multikey}"

    @property
    def alg(self) -> str:
        return self.signer.algorithm

    def sign(self, data: bytes) -> bytes:
        return self.signer.sign(data)

    @property
    def policy(self) -> ProofPolicy:
        document = read_did_key(parse_did(self.did, what="DID"))
        return ProofPolicy(find_key=find_key_in({self.did: document}), at=NOW, clock_skew_s=86_400 * 3_650)

    def credential(self) -> dict[str, Any]:
        month_s = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
        claims = TRACK_OWNERSHIP.example
        return build_linked_credential(TRACK_OWNERSHIP, issuer_did=self.did, month_start=month_s, claims=claims)


def _issue_where_labels_agree(kind: KeyKind) -> Issuer:
    # vc-di-ecdsa §3.2.3: for P-384 blank nodes are named by SHA-384, as in W3C's vectors. openvc-core names them by
    # SHA-256 always, so that the order of two of them is the same for every other issuer only.
    while True:
        issuer = Issuer(LocalSigner.generate(kind))
        texts = {canonicalize(issuer.credential(), hash_name=name).text for name in ("sha256", "sha384")}
        if len(texts) == 1:
            return issuer


WHOLE = [
    (KeyKind.ED25519, eddsa_rdfc_2022.SUITE, DataIntegrityProofSuite()),
    (KeyKind.P256, ecdsa_rdfc_2019.SUITE, EcdsaRdfcProofSuite()),
    (KeyKind.P384, ecdsa_rdfc_2019.SUITE, EcdsaRdfcProofSuite()),
]


@pytest.mark.parametrize(("kind", "ours", "theirs"), WHOLE, ids=[each[0].value for each in WHOLE])
def test_whole_documents_go_both_ways(kind: KeyKind, ours: RdfcSuite, theirs: Any) -> None:
    issuer = _issue_where_labels_agree(kind)
    made_here = ours.add_proof(issuer.credential(), signer=issuer.signer, verification_method=issuer.kid, created=NOW)
    assert theirs.verify(made_here, now=NOW, extra_contexts=OURS).issuer == issuer.did
    made_there = theirs.add_proof(
        issuer.credential(), signing_key=issuer, verification_method=issuer.kid, extra_contexts=OURS
    )
    assert verify_proofs(made_there, issuer.policy).document == issuer.credential()
    for changed in (made_here, made_there):
        changed["credentialSubject"]["name"] = "Another"
        with pytest.raises(BadProof):
            verify_proofs(changed, issuer.policy)
        with pytest.raises(ProofError):
            theirs.verify(changed, now=NOW, extra_contexts=OURS)
