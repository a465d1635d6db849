"""Issuers and holders with one key each, who sign small documents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from credentials.data_integrity import ecdsa_rdfc_2019, eddsa_rdfc_2022
from credentials.data_integrity.chains import ProofPolicy
from credentials.data_integrity.keys import find_key_in
from credentials.dids.did import parse_did
from credentials.dids.did_key import build_did_key, read_did_key
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credentials.data_integrity.rdfc import RdfcSuite

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
_SUITES = {
    KeyKind.ED25519: eddsa_rdfc_2022.SUITE,
    KeyKind.P256: ecdsa_rdfc_2019.SUITE,
    KeyKind.P384: ecdsa_rdfc_2019.SUITE,
}


@dataclass(frozen=True)
class Party:
    """Somebody whose DID is their key."""

    signer: LocalSigner

    @property
    def did(self) -> str:
        return build_did_key(self.signer.public_key)

    @property
    def method(self) -> str:
        return f"{self.did}#{self.signer.public_key.multikey}"

    @property
    def suite(self) -> RdfcSuite:
        return _SUITES[self.signer.public_key.kind]

    def credential(self, **changes: Any) -> dict[str, Any]:
        usual = {
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "type": ["VerifiableCredential"],
            "issuer": self.did,
            "name": "Proof of attendance",
            "credentialSubject": {"id": "did:example:listener", "description": "Was there"},
        }
        return {name: value for name, value in (usual | changes).items() if value is not ...}

    def sign(self, document: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        return self.suite.add_proof(document, signer=self.signer, verification_method=self.method, **options)


@dataclass(frozen=True)
class Town:
    """The parties of a test, and what a verifier asks who knows them all."""

    coop: Party
    label: Party
    listener: Party
    now = NOW

    def policy(self, **changes: Any) -> ProofPolicy:
        documents = {each.did: read_did_key(parse_did(each.did, what="DID")) for each in self.parties}
        usual: dict[str, Any] = {"find_key": find_key_in(documents), "at": NOW}
        return ProofPolicy(**(usual | changes))

    @property
    def parties(self) -> tuple[Party, Party, Party]:
        return self.coop, self.label, self.listener


@pytest.fixture(scope="session")
def town() -> Town:
    kinds = (KeyKind.ED25519, KeyKind.P256, KeyKind.P384)
    return Town(*(Party(LocalSigner.generate(kind)) for kind in kinds))
