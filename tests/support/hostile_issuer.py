"""A co-op that keeps to OpenID4VCI until a test tells it to lie."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

import schemas
from credentials.keys.certificates import CertificateChain
from credentials.keys.jwk import PublicKey
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vci import (
    AuthorizationServerMetadata,
    CredentialConfiguration,
    CredentialOffer,
    IssuerMetadata,
    OfferReference,
    TxCode,
)
from credentials.sd_jwt import build_sd_jwt_vc
from credentials.status import StatusReference
from tests.support.outside import (
    MONTH_S,
    NOW,
    Authority,
    Memory,
    Outside,
    Routes,
    jwk_of,
    posted,
    release_claims,
    says,
    track_claims,
)
from wallet.ports import Tools
from wallet.service.receive import read_offer, receive
from wallet.state import Wallet

HOST = "coop.localhost"
URL = "http://coop.localhost:8701"
STATUS_LIST = f"{URL}/statuslists/1"
KINDS = {"copy-1": schemas.RELEASE_OWNERSHIP, "copy-2": schemas.TRACK_OWNERSHIP}
OFFERED = (schemas.TRACK_OWNERSHIP, schemas.RELEASE_OWNERSHIP)

Issue = Callable[["HostileIssuer", str, int, PublicKey], str]


def honest(issuer: "HostileIssuer", identifier: str, _index: int, key: PublicKey, /, **changes: object) -> str:
    """Issue one instance as a good co-op would; `changes` replace arguments of `build_sd_jwt_vc`."""
    kind = KINDS[identifier]
    arguments: dict[str, object] = {
        "vct": kind.vct,
        "issuer": URL,
        "holder_key": key,
        "issued_at": MONTH_S,
        "disclosable": release_claims() if kind is schemas.RELEASE_OWNERSHIP else track_claims(),
        "digest_count": kind.digest_count,
        "signer": issuer.signer,
        "x5c": issuer.chain.x5c(),
        "random": secrets.token_bytes,
        "status": StatusReference(uri=STATUS_LIST, index=secrets.randbelow(131_072)),
    }
    return build_sd_jwt_vc(**(arguments | changes))  # type: ignore[arg-type]


@dataclass(slots=True)
class HostileIssuer:
    """Signs with a certified key; `issue` makes each instance, `routes` every answer."""

    authority: Authority
    signer: LocalSigner
    chain: CertificateChain
    issue: Issue = honest
    identifiers: tuple[str, ...] = ("copy-1",)
    routes: Routes = field(default_factory=Routes)
    code: str = "a-code-of-128-random-bits"
    tokens: int = 0

    @classmethod
    def open(cls, outside: Outside, authority: Authority) -> "HostileIssuer":
        signer, chain = authority.certify(HOST)
        issuer = cls(authority=authority, signer=signer, chain=chain)
        issuer.routes.answers |= {
            "GET /.well-known/openid-credential-issuer": says(issuer.metadata().to_json()),
            "GET /.well-known/oauth-authorization-server": says(issuer.server().to_json()),
            "GET /.well-known/jwt-vc-issuer": issuer.state(signer.public_key, chain),
            "GET /offers/1": says(issuer.offer().to_json()),
            "POST /token": issuer.give_token,
            "POST /nonce": says({"c_nonce": "a-nonce"}),
            "POST /credential": issuer.give_credentials,
        }
        outside.parties["coop.localhost:8701"] = issuer.routes
        return issuer

    @staticmethod
    def state(key: PublicKey, chain: CertificateChain) -> Callable[[httpx.Request], httpx.Response]:
        """State a key and its certificates in public."""
        return says({"issuer": URL, "jwks": {"keys": [key.jwk | {"x5c": chain.x5c()}]}})

    def metadata(self) -> IssuerMetadata:
        return IssuerMetadata(
            credential_issuer=URL,
            credential_endpoint=f"{URL}/credential",
            nonce_endpoint=f"{URL}/nonce",
            batch_size=20,
            configurations=tuple(CredentialConfiguration(id=kind.configuration_id, vct=kind.vct) for kind in OFFERED),
        )

    def server(self) -> AuthorizationServerMetadata:
        return AuthorizationServerMetadata(
            issuer=URL,
            token_endpoint=f"{URL}/token",
            dpop_signing_alg_values_supported=("ES256",),
            anonymous_pre_authorized=True,
        )

    def offer(self) -> CredentialOffer:
        return CredentialOffer(
            credential_issuer=URL,
            credential_configuration_ids=tuple(kind.configuration_id for kind in OFFERED),
            pre_authorized_code=self.code,
            tx_code=TxCode(length=6),
        )

    def link(self) -> str:
        return OfferReference(url=f"{URL}/offers/1").to_link()

    def give_token(self, request: httpx.Request) -> httpx.Response:
        fields = dict(httpx.QueryParams(request.content.decode()))
        if fields.get("tx_code") != "123456" or self.tokens:
            return httpx.Response(400, json={"error": "invalid_grant"})
        self.tokens += 1
        # As the real one: once its code was used, the offer is gone.
        self.routes.answers["GET /offers/1"] = says({"detail": "This offer is over."}, 410)
        return httpx.Response(200, json=self.token())

    def token(self, **changes: object) -> dict[str, object]:
        details = [
            {
                "type": "openid_credential",
                "credential_configuration_id": KINDS[each].configuration_id,
                "credential_identifiers": [each],
            }
            for each in self.identifiers
        ]
        token = {"access_token": "a-token", "token_type": "DPoP", "expires_in": 600, "authorization_details": details}
        return token | changes

    def give_credentials(self, request: httpx.Request) -> httpx.Response:
        asked = posted(request)
        keys = [jwk_of(proof) for proof in asked["proofs"]["jwt"]]
        made = [self.issue(self, asked["credential_identifier"], index, key) for index, key in enumerate(keys)]
        return httpx.Response(200, json={"credentials": [{"credential": each} for each in made]})


def fill_wallet(authority: Authority, *identifiers: str) -> Wallet:
    """Return a wallet that received these copies; without any, the one that the co-op offers by itself."""
    outside, held = Outside(), Memory()
    issuer = HostileIssuer.open(outside, authority)
    issuer.identifiers = identifiers or issuer.identifiers
    tools = Tools(keeper=held, web=outside.web, clock=lambda: NOW, random=secrets.token_bytes)

    async def fill() -> None:
        await receive(await read_offer(issuer.link(), tools=tools), tools=tools, tx_code="123456")

    held.pin(authority)
    asyncio.run(fill())
    return held.load()
