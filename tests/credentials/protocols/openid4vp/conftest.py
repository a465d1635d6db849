from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import trustme

from credentials.keys.certificates import load_chain_pem
from credentials.keys.jws import sign_jws
from credentials.keys.signer import LocalSigner
from credentials.protocols.dcql import ClaimQuery, CredentialQuery, Query
from credentials.protocols.handshake import Handshake
from credentials.protocols.openid4vp import (
    AuthorizationRequest,
    RequestReference,
    build_client_id,
    verify_request_object,
)

HOST = "artist.localhost"
GATE = f"http://{HOST}:8703"


@dataclass(frozen=True)
class Gate:
    """A verifier with a certificate, and the wallet's view of it."""

    signer: LocalSigner
    x5c: list[str]
    anchor: bytes
    request: AuthorizationRequest
    reference: RequestReference
    at: datetime

    def sign(self, *, header: dict[str, Any] | None = None, **change: Any) -> str:
        claims = {name: value for name, value in (self.request.to_json() | change).items() if value is not ...}
        return sign_jws({"typ": "oauth-authz-req+jwt", "x5c": [*self.x5c]} | (header or {}), claims, self.signer)

    def verify(self, text: str, **change: Any) -> AuthorizationRequest:
        return verify_request_object(
            text, **{"reference": self.reference, "anchors": (self.anchor,), "at": self.at, **change}
        )


@pytest.fixture(scope="session")
def gate(at: datetime, now_s: int) -> Gate:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    leaf = authority.issue_cert(HOST, not_after=at + timedelta(days=30), key_type=trustme.KeyType.ECDSA)
    handshake = Handshake(text="Do not share the files.", language="en", salt=bytes(16))
    request = AuthorizationRequest(
        client_id=build_client_id(HOST),
        nonce=handshake.nonce,
        state="a-fresh-state",
        response_uri=f"{GATE}/responses/1",
        dcql=Query(
            credentials=(CredentialQuery(id="q", vct_values=("urn:x",), claims=(ClaimQuery(path=("track",)),)),)
        ),
        handshake=handshake,
        issued_at=now_s,
        expires_at=now_s + 300,
    )
    return Gate(
        signer=LocalSigner.from_pem(leaf.private_key_pem.bytes(), None),
        x5c=load_chain_pem(leaf.cert_chain_pems[0].bytes()).x5c(),
        anchor=authority.cert_pem.bytes(),
        request=request,
        reference=RequestReference(client_id=request.client_id, request_uri=f"{GATE}/requests/1"),
        at=at,
    )
