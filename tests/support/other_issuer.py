"""Another co-op's or a stranger's issuer: OpenID4VCI 1.0 over the kernel's messages alone, nothing of `issuer/`.

It keeps to the standard and remembers: codes and refresh tokens are used once (a refresh token stays good until its
successor was used, then a replay closes the family), keys and nonces are new each time. What a wallet does against the
rules lands in `violations`. A test changes what it offers.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

import schemas
from credentials.dids import build_did_document
from credentials.dids.did_web import build_did_web
from credentials.keys.certificates import CertificateChain
from credentials.keys.encryption import DecryptionKey
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import sign_jws
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vci import (
    AuthorizationServerMetadata,
    AuthorizedCredential,
    ClaimDescription,
    CredentialConfiguration,
    CredentialOffer,
    CredentialRequest,
    CredentialResponse,
    DeferredCredentialRequest,
    DeferredResponse,
    Display,
    EncryptionOffer,
    IssuerMetadata,
    Notification,
    RefreshRequest,
    TokenRequest,
    TokenResponse,
    WantedEncryption,
    check_request_proofs,
    parse_token_request,
    seal,
    sign_metadata,
    unseal,
)
from tests.support.other_credentials import HOST, LIBRARY_CARD, OURS, URL, Make, make_ours
from tests.support.outside import NOW, Authority, Outside, Routes, jwk_of


@dataclass(slots=True)
class OtherIssuer:
    """One issuer with one listener; `identifiers` says what the listener has a right to."""

    signer: LocalSigner
    chain: CertificateChain
    identifiers: tuple[str, ...] = ("ep", "track")
    make: Make = make_ours
    clock: Callable[[], datetime] = lambda: NOW
    dpop: bool = True
    names_identifiers: bool = True
    refreshes: bool = True
    defers: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    encryption: bool = False
    demands_encryption: bool = False
    signs_metadata: bool = False
    iss: str = URL
    card_type: str = LIBRARY_CARD
    routes: Routes = field(default_factory=Routes)
    violations: list[str] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    spent_codes: set[str] = field(default_factory=set)
    tokens: dict[str, str | None] = field(default_factory=dict)
    refresh: dict[str, str | None] = field(default_factory=dict)
    closed: bool = False
    nonces: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    pending: dict[str, tuple[str, list[PublicKey]]] = field(default_factory=dict)
    box: DecryptionKey = field(default_factory=DecryptionKey.generate)

    @classmethod
    def open(cls, outside: Outside, authority: Authority, **changes: Any) -> "OtherIssuer":
        signer, chain = authority.certify(HOST)
        issuer = cls(signer=signer, chain=chain, **changes)
        answers = {
            "GET /.well-known/openid-credential-issuer": issuer.describe,
            "GET /.well-known/oauth-authorization-server": lambda _: httpx.Response(
                200, json=issuer.server().to_json()
            ),
            "GET /.well-known/jwt-vc-issuer": issuer.state_keys,
            "GET /.well-known/did.json": issuer.did_document,
            "POST /token": issuer.give_token,
            "POST /nonce": issuer.give_nonce,
            "POST /credential": issuer.give_credential,
            "POST /deferred": issuer.give_deferred,
            "POST /notification": issuer.hear,
        }
        issuer.routes.answers |= {name: issuer.guarded(answer) for name, answer in answers.items()}
        outside.parties[f"{HOST}:8801"] = issuer.routes
        return issuer

    def now(self) -> datetime:
        return self.clock()

    def guarded(self, answer: Callable[[httpx.Request], httpx.Response]) -> Callable[[httpx.Request], httpx.Response]:
        """Remember what the kernel refuses, and answer as OAuth wants it."""

        def guard(request: httpx.Request) -> httpx.Response:
            from credentials.errors import HandstampError  # noqa: PLC0415

            try:
                return answer(request)
            except HandstampError as error:
                self.violations.append(f"{request.url.path}: {error.detail}")
                told = {"error": getattr(error, "error", "invalid_request"), "error_description": error.detail}
                return httpx.Response(400, json=told)

        return guard

    def offer_link(self, *kinds: str) -> str:
        """Make a new offer of everything, without a transaction code, and return its link."""
        code = secrets.token_urlsafe(16)
        self.codes.add(code)
        ids = kinds or tuple(dict.fromkeys(self.configuration_of(each) for each in self.identifiers))
        offer = CredentialOffer(credential_issuer=URL, credential_configuration_ids=ids, pre_authorized_code=code)
        return offer.to_link()

    def configuration_of(self, identifier: str) -> str:
        return OURS[identifier][0].configuration_id if identifier in OURS else "LibraryCard"

    def metadata(self) -> IssuerMetadata:
        ours = [CredentialConfiguration(id=kind.configuration_id, vct=kind.vct) for kind in schemas.ALL]
        card = CredentialConfiguration(
            id="LibraryCard",
            vct=self.card_type,
            displays=(Display(name="Library card"),),
            claims=(ClaimDescription(path=("tier",), displays=(Display(name="What you may do"),)),),
        )
        asking = EncryptionOffer(keys=(self.box.public_jwk,), required=self.demands_encryption)
        answering = EncryptionOffer(algorithms=("ECDH-ES",), required=self.demands_encryption)
        return IssuerMetadata(
            credential_issuer=URL,
            credential_endpoint=f"{URL}/credential",
            nonce_endpoint=f"{URL}/nonce",
            deferred_credential_endpoint=f"{URL}/deferred",
            notification_endpoint=f"{URL}/notification",
            batch_size=20,
            request_encryption=asking if self.encryption else None,
            response_encryption=answering if self.encryption else None,
            configurations=(*ours, card),
        )

    def server(self) -> AuthorizationServerMetadata:
        return AuthorizationServerMetadata(
            issuer=URL,
            token_endpoint=f"{URL}/token",
            dpop_signing_alg_values_supported=("ES256",) if self.dpop else (),
            anonymous_pre_authorized=True,
        )

    def describe(self, request: httpx.Request) -> httpx.Response:
        if not (self.signs_metadata and "application/jwt" in request.headers["Accept"]):
            return httpx.Response(200, json=self.metadata().to_json())
        at = int(self.now().timestamp())
        x5c = tuple(self.chain.x5c())
        text = sign_metadata(self.metadata(), signer=self.signer, x5c=x5c, issued_at=at, expires_at=at + 600)
        return httpx.Response(200, text=text, headers={"Content-Type": "application/jwt"})

    def state_keys(self, _: httpx.Request) -> httpx.Response:
        stated = {**self.signer.public_key.jwk, "kid": "stated", "x5c": self.chain.x5c()}
        return httpx.Response(200, json={"issuer": URL, "jwks": {"keys": [stated]}})

    def did_document(self, _: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=build_did_document(build_did_web(URL), [self.signer.public_key]))

    def sign(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """Sign whatever a test wants signed."""
        return sign_jws(header, claims, self.signer)

    def give_token(self, request: httpx.Request) -> httpx.Response:
        asked = parse_token_request(request.content)
        thumbprint = jwk_of(request.headers["DPoP"]).thumbprint if self.dpop else None
        if self.closed:
            return httpx.Response(400, json={"error": "invalid_grant"})
        match asked:
            case TokenRequest():
                if asked.pre_authorized_code not in self.codes:
                    return httpx.Response(400, json={"error": "invalid_grant"})
                if asked.pre_authorized_code in self.spent_codes:
                    self.violations.append("a code was sent twice")
                    return httpx.Response(400, json={"error": "invalid_grant"})
                self.spent_codes.add(asked.pre_authorized_code)
            case RefreshRequest():
                if (refused := self.refused_refresh(asked.refresh_token)) is not None:
                    return refused
            case _:
                return httpx.Response(400, json={"error": "unsupported_grant_type"})
        return httpx.Response(200, json=self.new_tokens(thumbprint, asked).to_json())

    def refused_refresh(self, token: str) -> httpx.Response | None:
        """Rotate: the predecessor of `token` ends here; a token that ended before closes everything."""
        if token not in self.refresh:
            self.closed = True
            self.violations.append("an ended refresh token was replayed")
            return httpx.Response(400, json={"error": "invalid_grant"})
        predecessor = self.refresh[token]
        if predecessor is not None:
            self.refresh.pop(predecessor, None)
            self.refresh[token] = None
        return None

    def new_tokens(self, thumbprint: str | None, asked: TokenRequest | RefreshRequest) -> TokenResponse:
        access = secrets.token_urlsafe(16)
        self.tokens[access] = thumbprint
        follows = asked.refresh_token if isinstance(asked, RefreshRequest) else None
        refresh = secrets.token_urlsafe(16) if self.refreshes else None
        if refresh:
            self.refresh[refresh] = follows
        details = tuple(self.authorized(each) for each in self.identifiers)
        return TokenResponse(
            access_token=access,
            token_type="DPoP" if self.dpop else "Bearer",
            expires_in=300,
            refresh_token=refresh,
            authorization_details=details if self.names_identifiers else (),
        )

    def authorized(self, identifier: str) -> AuthorizedCredential:
        """Say what a token opens."""
        return AuthorizedCredential(
            credential_configuration_id=self.configuration_of(identifier), credential_identifiers=(identifier,)
        )

    def give_nonce(self, _: httpx.Request) -> httpx.Response:
        nonce = secrets.token_urlsafe(16)
        self.nonces.add(nonce)
        return httpx.Response(200, json={"c_nonce": nonce})

    def give_credential(self, request: httpx.Request) -> httpx.Response:
        if (refused := self.refused_token(request)) is not None:
            return refused
        body, encrypted = self.opened(request)
        asked = CredentialRequest.parse(body, encrypted=encrypted)
        identifier = asked.credential_identifier or next(
            each for each in self.identifiers if self.configuration_of(each) == asked.credential_configuration_id
        )
        if identifier in self.ended:
            return httpx.Response(400, json={"error": "credential_request_denied", "error_description": "Refunded."})
        keys = self.proven(asked)
        if identifier in self.defers:
            transaction = secrets.token_urlsafe(16)
            self.pending[transaction] = (identifier, keys)
            waits = DeferredResponse(transaction_id=transaction, interval=3600)
            return self.sealed(waits.to_json(), asked.response_encryption, 202)
        return self.hand_over(identifier, keys, asked.response_encryption)

    def proven(self, asked: CredentialRequest) -> list[PublicKey]:
        proofs = check_request_proofs(asked, audience=URL, at=self.now())
        for proof in proofs:
            if proof.nonce not in self.nonces:
                self.violations.append("a nonce was used that nobody gave")
            if proof.key.thumbprint in self.keys:
                self.violations.append("a key came twice")
            self.keys.add(proof.key.thumbprint)
        self.nonces -= {proof.nonce for proof in proofs}
        return [proof.key for proof in proofs]

    def hand_over(self, identifier: str, keys: list[PublicKey], wanted: WantedEncryption | None) -> httpx.Response:
        made = tuple(self.make(self, identifier, key) for key in keys)
        self.issued += made
        response = CredentialResponse(credentials=made, notification_id=f"about-{len(self.issued)}")
        return self.sealed(response.to_json(), wanted, 200)

    def give_deferred(self, request: httpx.Request) -> httpx.Response:
        if (refused := self.refused_token(request)) is not None:
            return refused
        body, encrypted = self.opened(request)
        asked = DeferredCredentialRequest.parse(body, encrypted=encrypted)
        if asked.transaction_id not in self.pending:
            return httpx.Response(400, json={"error": "invalid_transaction_id"})
        identifier, keys = self.pending[asked.transaction_id]
        if identifier in self.defers:
            waits = DeferredResponse(transaction_id=asked.transaction_id, interval=3600)
            return self.sealed(waits.to_json(), asked.response_encryption, 202)
        del self.pending[asked.transaction_id]
        return self.hand_over(identifier, keys, asked.response_encryption)

    def hear(self, request: httpx.Request) -> httpx.Response:
        if (refused := self.refused_token(request)) is not None:
            return refused
        notification = Notification.parse(request.content)
        self.told.append((notification.event.value, notification.notification_id))
        return httpx.Response(204)

    def refused_token(self, request: httpx.Request) -> httpx.Response | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        bound = jwk_of(request.headers["DPoP"]).thumbprint if "DPoP" in request.headers else None
        if scheme == ("DPoP" if self.dpop else "Bearer") and token in self.tokens and self.tokens[token] == bound:
            return None
        return httpx.Response(401, json={"error": "invalid_token"})

    def opened(self, request: httpx.Request) -> tuple[bytes, bool]:
        if request.headers["Content-Type"] != "application/jwt":
            if self.demands_encryption:
                self.violations.append("a request came in the open")
            return request.content, False
        keys = {self.box.kid: self.box}
        return unseal(request.content, keys=keys, max_bytes=400_000, what="request"), True

    def sealed(self, message: Any, wanted: WantedEncryption | None, status: int) -> httpx.Response:
        if wanted is None:
            return httpx.Response(status, json=message)
        text = seal(message, to=wanted.jwk, enc=wanted.enc)
        return httpx.Response(status, text=text, headers={"Content-Type": "application/jwt"})
