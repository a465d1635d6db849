"""Digital Bazaar's packages in Node.js as an issuer, holder and verifier of credentials of our types."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from credentials.data_integrity import eddsa_rdfc_2022
from credentials.data_integrity.keys import FindKey, find_key_in
from credentials.dids.did import parse_did
from credentials.dids.did_key import read_did_key
from credentials.dids.resolution import write_document
from credentials.encoding import base64url
from credentials.linked_credential import MANDATORY_POINTERS, build_linked_credential
from schemas.context import CONTEXT_URL

if TYPE_CHECKING:
    from credentials.keys.signer import LocalSigner
    from schemas import CredentialType

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
NOW_TEXT = "2026-11-21T08:00:00Z"
MONTH_S = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
HEADER = b"what this gate asked for"
BINDING = base64url.encode(HEADER)
UNKNOWN_CONTEXTS = (CONTEXT_URL, "https://w3id.org/security/multikey/v1", "https://www.w3.org/ns/did/v1")
"""Contexts that the packages do not bring with them."""
JWK_CONTEXT = "https://w3id.org/security/jwk/v1"
"""One more, of the DID documents of co-ops."""


@dataclass(frozen=True)
class Bazaar:
    """Their issuer, holder and verifier. It reads DID documents that we wrote."""

    ask: Any

    def make_key(self, kind: str) -> str:
        did: str = self.ask("makeKey", kind=kind)
        self.know_did(did)
        return did

    def know_did(self, did: str) -> None:
        self.ask("know", url=did, document=write_document(read_did_key(parse_did(did, what="DID"))))

    def issue(self, suite: str, did: str, kind: CredentialType) -> dict[str, Any]:
        secured: dict[str, Any] = self.ask(
            "issue",
            suite=suite,
            credential=build(kind, did),
            method=method_of(did),
            mandatory=list(MANDATORY_POINTERS),
            now=NOW_TEXT,
        )
        return secured

    def derive(self, suite: str, secured: dict[str, Any], selective: list[str]) -> dict[str, Any]:
        shown: dict[str, Any] = self.ask("derive", suite=suite, secured=secured, selective=selective, header=BINDING)
        return shown

    def verify(self, suite: str, secured: dict[str, Any]) -> None:
        self.ask("verify", suite=suite, secured=secured, header=BINDING, now=NOW_TEXT)

    def refuse(self, suite: str, secured: dict[str, Any], *, header: str | None = None) -> str:
        reason: str = self.ask.refusal("verify", suite=suite, secured=secured, header=header or BINDING, now=NOW_TEXT)
        return reason


def build(kind: CredentialType, did: str) -> dict[str, Any]:
    return build_linked_credential(kind, issuer_did=did, month_start=MONTH_S, claims=kind.example)


def method_of(did: str) -> str:
    return f"{did}#{did.removeprefix('did:key:')}"


def find_keys(*dids: str) -> FindKey:
    return find_key_in({did: read_did_key(parse_did(did, what="DID")) for did in dids})


def sign_whole(document: dict[str, Any], did: str, signer: LocalSigner) -> dict[str, Any]:
    """Sign a document with our eddsa-rdfc-2022."""
    suite = eddsa_rdfc_2022.SUITE
    return suite.add_proof(document, signer=signer, verification_method=method_of(did), created=NOW)
