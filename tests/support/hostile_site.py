"""A site with a gate, and its trackserver, that keep to the protocols until a test tells them to lie."""

import secrets
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import httpx

import schemas
from credentials.keys.certificates import CertificateChain
from credentials.keys.encryption import DecryptionKey
from credentials.keys.signer import LocalSigner
from credentials.protocols.dcql import ClaimQuery, CredentialQuery, Query
from credentials.protocols.grants import Grant, build_grant
from credentials.protocols.handshake import Handshake
from credentials.protocols.openid4vp import (
    AuthorizationRequest,
    AuthorizationResponse,
    RequestReference,
    RequestUriPost,
    ResponseDecryption,
    build_client_id,
    build_request_link,
    build_request_object,
    parse_response_form,
)
from tests.support.outside import NOW, Authority, Outside, Routes, jwk_of, says

HOST = "artist.localhost"
SITE = "http://artist.localhost:8703"
TRACKS = "http://tracks.localhost:8702"
GATE = f"{SITE}/gates/g"
TERMS = "Play it loud. Please do not sell it."


def asking(*names: str, kind: schemas.CredentialType = schemas.RELEASE_OWNERSHIP, **values: str) -> Query:
    """Ask for one credential with these claims; `values` are claims with the value that they must have."""
    claims = [ClaimQuery(path=(name,)) for name in names]
    claims += [ClaimQuery(path=(name,), values=(value,)) for name, value in values.items()]
    return Query(credentials=(CredentialQuery(id="record", vct_values=(kind.vct,), claims=tuple(claims)),))


@dataclass(slots=True)
class HostileSite:
    """Signs requests with a certified key; `query`, `request` and `routes` say what it asks and answers."""

    signer: LocalSigner
    chain: CertificateChain
    query: Query = field(default_factory=lambda: asking("release"))
    changes: dict[str, Any] = field(default_factory=dict)
    grant_changes: dict[str, Any] = field(default_factory=dict)
    routes: Routes = field(default_factory=Routes)
    answers: list[AuthorizationResponse] = field(default_factory=list)
    refusals: int = 0
    client_id: str | None = None
    method: Literal["get", "post"] = "get"
    kid: str | None = None
    key: DecryptionKey | None = None
    forms: list[bytes] = field(default_factory=list)

    @classmethod
    def open(cls, outside: Outside, authority: Authority) -> "HostileSite":
        signer, chain = authority.certify(HOST)
        site = cls(signer=signer, chain=chain)
        site.routes.answers |= {
            "POST /gates/g/visits": site.start,
            "GET /requests/r": site.give_request,
            "POST /requests/r": site.give_request_by_post,
            "POST /responses/r": site.take_answer,
            "GET /return": says({"visit": f"{SITE}/visits/v"}),
            "POST /visits/v/grant": site.give_grant,
        }
        outside.parties["artist.localhost:8703"] = site.routes
        return site

    def link(self) -> str:
        return build_request_link(
            RequestReference(client_id=self.named(), request_uri=f"{SITE}/requests/r", method=self.method)
        )

    def named(self) -> str:
        return self.client_id or build_client_id(HOST)

    def start(self, _: httpx.Request) -> httpx.Response:
        opens = {
            "kind": "EPRelease",
            "title": "Night Bus EP",
            "artist": "The Long Way Home",
            "tracks": 3,
            "bytes": 31e7,
        }
        body = {"visit": f"{SITE}/visits/v", "same_device": self.link(), "expires_in": 300}
        body["opens"] = {**opens, "bytes": 312_000_000}
        return httpx.Response(201, json=body, headers={"Set-Cookie": "visit-v=secret; HttpOnly; Path=/"})

    def request(self) -> AuthorizationRequest:
        handshake = Handshake.build(text=TERMS, language="en", random=secrets.token_bytes)
        return AuthorizationRequest(
            client_id=self.named(),
            nonce=handshake.nonce,
            state="s" * 22,
            response_uri=f"{SITE}/responses/r",
            dcql=self.query,
            handshake=handshake,
            issued_at=int(NOW.timestamp()),
            expires_at=int(NOW.timestamp()) + 300,
        )

    def give_request(self, _: httpx.Request) -> httpx.Response:
        return self.signed(replace(self.request(), **self.changes))

    def give_request_by_post(self, request: httpx.Request) -> httpx.Response:
        self.forms.append(request.content)
        nonce = RequestUriPost.parse_form(request.content).wallet_nonce
        return self.signed(replace(self.request(), **{"wallet_nonce": nonce, **self.changes}))

    def signed(self, request: AuthorizationRequest) -> httpx.Response:
        x5c = None if self.kid else self.chain.x5c()
        text = build_request_object(request, signer=self.signer, x5c=x5c, kid=self.kid)
        return httpx.Response(200, text=text, headers={"Content-Type": "application/oauth-authz-req+jwt"})

    def take_answer(self, request: httpx.Request) -> httpx.Response:
        decryption = ResponseDecryption(key=self.key) if self.key else None
        answer = parse_response_form(request.content, decryption=decryption)
        if not isinstance(answer, AuthorizationResponse):
            self.refusals += 1
            return httpx.Response(200, json={})
        self.answers.append(answer)
        return httpx.Response(200, json={"redirect_uri": f"{SITE}/return?response_code=c"})

    def give_grant(self, request: httpx.Request) -> httpx.Response:
        key = jwk_of(request.headers["DPoP"])
        grant = Grant(
            issuer=SITE,
            audience=TRACKS,
            jti=secrets.token_urlsafe(16),
            issued_at=int(NOW.timestamp()),
            expires_at=int(NOW.timestamp()) + 600,
            release="9d0f6a1e-2c53-4a4f-8f7d-1a2b3c4d5e6f",
            holder_key=key.thumbprint,
        )
        text = build_grant(replace(grant, **self.grant_changes), signer=self.signer)
        return httpx.Response(200, json={"grant": text, "trackserver": TRACKS})
