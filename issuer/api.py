"""The issuer's routes for wallets: OpenID4VCI 1.0, and the documents that say who the issuer is.

Every refusal has OAuth's exact body, whatever the `Accept` header says. A refusal that must leave a trace comes back
from the use case as a value, so that its transaction is committed before it is answered.
"""

import hashlib
from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.responses import Response

from credentials.encoding import base64url, strict_json
from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError
from credentials.protocols.dpop import check_dpop_proof
from credentials.protocols.oauth import InvalidToken, OAuthError
from credentials.protocols.openid4vci import CredentialRequest, TokenRequest, check_proofs
from issuer.catalogue import NoSuchCover, UnusableCover
from issuer.codes import CodeUsed, UnknownCode
from issuer.identity import NoCertificate
from issuer.ledger import KeyReused
from issuer.listeners import ListenerExists, UnknownListener
from issuer.parts import IssuerParts
from issuer.registers import AlreadyMember, NoSuchMember, NoSuchPersona, PersonaTaken
from issuer.service.catalogue import ReleaseElsewhere
from issuer.service.credentials import admit, find_token, sign
from issuer.service.logins import LinkUsedUp, NotLoggedIn
from issuer.service.losses import CopyOver, NoSuchCopy
from issuer.service.metadata import authorization_server_metadata, issuer_metadata
from issuer.service.nonces import give_nonce
from issuer.service.offers import NothingToOffer, OfferGone, open_offer
from issuer.service.record import AlreadyTheirs, NotOffered
from issuer.service.tokens import redeem
from issuer.store import Store
from issuer.store.catalogue import TrackElsewhere
from issuer.undoing import CameWithRelease, NotOneOfAPiece
from plumbing.database import DatabaseUnavailable
from plumbing.web.app import dpop_header, oauth_response
from plumbing.web.csrf import ForgedForm
from schemas import ALL

STATUSES: dict[type[HandstampError], int] = {
    NotLoggedIn: 401,
    ForgedForm: 403,
    UnknownListener: 404,
    NotOffered: 404,
    NoSuchCover: 404,
    KeyReused: 409,
    ListenerExists: 409,
    ReleaseElsewhere: 409,
    TrackElsewhere: 409,
    OfferGone: 410,
    UnknownCode: 404,
    CodeUsed: 410,
    AlreadyTheirs: 409,
    NoSuchCopy: 404,
    CopyOver: 409,
    CameWithRelease: 409,
    NotOneOfAPiece: 409,
    AlreadyMember: 409,
    NoSuchMember: 404,
    NoSuchPersona: 404,
    PersonaTaken: 409,
    LinkUsedUp: 410,
    NothingToOffer: 422,
    UnusableCover: 422,
    NoCertificate: 500,
    DatabaseUnavailable: 503,
}
_NO_STORE = {"Cache-Control": "no-store"}
_JSON = "application/json"


def build_router(parts: IssuerParts) -> APIRouter:
    """Build the routes that wallets use."""
    router = APIRouter()
    _add_documents(router, parts)
    _add_offers(router, parts)

    @router.post("/token")
    async def token(request: Request) -> Response:
        """Exchange a pre-authorized code and its six digits for a token (OpenID4VCI 1.0 §6)."""
        try:
            return await _token(request, parts)
        except OAuthError as error:
            return oauth_response(error)

    @router.post("/nonce")
    async def nonce() -> Response:
        """Give a challenge for key proofs (OpenID4VCI 1.0 §7)."""
        with parts.database.write() as session:
            given = give_nonce(Store(session), now=parts.clock())
        return _json(given.to_json(), headers=_NO_STORE)

    @router.post("/credential")
    async def credential(request: Request) -> Response:
        """Issue credentials, one per key proof (OpenID4VCI 1.0 §8)."""
        try:
            return await _credential(request, parts)
        except OAuthError as error:
            return oauth_response(error)

    return router


async def _token(request: Request, parts: IssuerParts) -> Response:
    now = parts.clock()
    proof = check_dpop_proof(dpop_header(request), method="POST", url=f"{parts.identity.url}/token", at=now)
    asked = TokenRequest.parse_form(await request.body())
    with parts.database.write() as session:
        answer = redeem(Store(session), asked, proof, secrets=parts.desk.secrets, now=now)
    if isinstance(answer, OAuthError):
        raise answer
    return _json(answer.to_json(), headers=_NO_STORE)


async def _credential(request: Request, parts: IssuerParts) -> Response:
    now = parts.clock()
    access_token = _access_token(request)
    if access_token is None:
        # RFC 6750 §3.1: who sends no token at all is told how to, and nothing else.
        return Response(status_code=401, headers={"WWW-Authenticate": 'DPoP algs="ES256"', **_NO_STORE})
    with parts.database.read() as session:
        token = find_token(Store(session), access_token, now=now)
    dpop = check_dpop_proof(
        dpop_header(request),
        method="POST",
        url=f"{parts.identity.url}/credential",
        at=now,
        access_token=access_token,
        bound_to=token.thumbprint,
    )
    asked = CredentialRequest.parse(await request.body())
    proofs = check_proofs(asked.proofs, audience=parts.identity.url, at=now)
    parts.identity.check_can_sign(now)
    with parts.database.write() as session:
        admitted = admit(
            Store(session), access_token, asked, dpop=dpop, proofs=proofs, coop=parts.identity.url, now=now
        )
    if isinstance(admitted, OAuthError):
        raise admitted
    answer = sign(admitted, identity=parts.identity, random=parts.random)
    return _json(answer.to_json(), headers=_NO_STORE)


def _add_documents(router: APIRouter, parts: IssuerParts) -> None:
    """Serve what never changes while the service runs, as ready bytes with an ETag."""
    identity = parts.identity
    documents: dict[str, Mapping[str, Json]] = {
        "/.well-known/openid-credential-issuer": issuer_metadata(identity).to_json(),
        "/.well-known/oauth-authorization-server": authorization_server_metadata(identity).to_json(),
        "/.well-known/jwt-vc-issuer": identity.jwt_vc_issuer(),
        "/.well-known/did.json": identity.did_document(),
    }
    for kind in ALL:
        documents[f"/types/{kind.configuration_id}"] = kind.type_metadata
        documents[f"/types/{kind.configuration_id}/schema"] = kind.json_schema
    for path, document in documents.items():
        _add_document(router, path, strict_json.dump(document))

    @router.get("/health")
    async def health() -> Response:
        """Say that the service answers and its database can be read."""
        with parts.database.read() as session:
            Store(session).login_link("", now=parts.clock())
        return _json({"status": "ok"}, headers=_NO_STORE)


def _add_document(router: APIRouter, path: str, body: bytes) -> None:
    headers = {"ETag": etag(body), "Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}

    @router.get(path)
    async def document(request: Request) -> Response:
        """A public document."""
        if unchanged(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=_JSON, headers=headers)


def _add_offers(router: APIRouter, parts: IssuerParts) -> None:
    @router.get("/offers/{offer_id}")
    async def offer(offer_id: str) -> Response:
        """Give an offer by reference (OpenID4VCI 1.0 §4.1.3); some wallets fetch it twice."""
        with parts.database.read() as session:
            found = open_offer(Store(session), offer_id, now=parts.clock())
        return _json(parts.desk.by_value(found).to_json(), headers=_NO_STORE)


def etag(body: bytes) -> str:
    """A strong ETag of some bytes."""
    return f'"{base64url.encode(hashlib.sha256(body).digest()[:16])}"'


def unchanged(request: Request, tag: str) -> bool:
    """Tell whether the asker has these bytes already (RFC 9110 §13.1.2)."""
    known = request.headers.get("if-none-match", "")
    return tag in (part.strip().removeprefix("W/") for part in known.split(","))


def _access_token(request: Request) -> str | None:
    given = request.headers.getlist("authorization")
    if not given:
        return None
    scheme, _, token = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "dpop" or not token.strip():
        raise InvalidToken("Send one access token, with the scheme DPoP.")
    return token.strip()


def _json(body: Mapping[str, Json], *, headers: Mapping[str, str]) -> Response:
    return Response(strict_json.dump(body), media_type=_JSON, headers=dict(headers))
