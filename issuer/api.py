"""The issuer's routes for wallets: OpenID4VCI 1.0, and the documents that say who the issuer is.

Every refusal has OAuth's exact body, whatever the `Accept` header says. A refusal that must leave a trace comes back
from the use case as a value, so that its transaction is committed before it is answered.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import TypeVar

from fastapi import APIRouter, Request
from starlette.responses import Response

from credentials.encoding import base64url, strict_json
from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError
from issuer.catalogue import NoSuchCover, UnusableCover
from issuer.codes import CodeUsed, UnknownCode
from issuer.connectors.rows import NothingToImport
from issuer.counting import NothingToReset, TooManyResets
from issuer.identity import Identity, NoCertificate
from issuer.ledger import KeyReused
from issuer.listeners import ListenerExists, UnknownListener
from issuer.parts import IssuerParts
from issuer.registers import AlreadyMember, NoSuchMember, NoSuchPersona, PersonaTaken
from issuer.service.authorizations import RequestGone
from issuer.service.catalogue import ReleaseElsewhere
from issuer.service.import_report import ImportRefused
from issuer.service.logins import LinkUsedUp, NotLoggedIn
from issuer.service.losses import CopyHeldBack, CopyOver, NoSuchCopy
from issuer.service.metadata import authorization_server_metadata, issuer_metadata
from issuer.service.offers import NothingToOffer, OfferGone, open_offer
from issuer.service.record import AlreadyTheirs, NotOffered
from issuer.signed_metadata import SignedMetadata, prefers_signed
from issuer.store import Store
from issuer.store.catalogue import TrackElsewhere
from issuer.undoing import CameWithRelease, NotOneOfAPiece
from issuer.wallet_api import add_wallet_endpoints
from plumbing.database import DatabaseUnavailable
from plumbing.web.csrf import ForgedForm
from plumbing.web.direct import DirectRoute

T = TypeVar("T")

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
    RequestGone: 410,
    UnknownCode: 404,
    CodeUsed: 410,
    NothingToReset: 409,
    TooManyResets: 409,
    AlreadyTheirs: 409,
    NoSuchCopy: 404,
    CopyOver: 409,
    CopyHeldBack: 409,
    CameWithRelease: 409,
    NotOneOfAPiece: 409,
    AlreadyMember: 409,
    NoSuchMember: 404,
    NoSuchPersona: 404,
    PersonaTaken: 409,
    LinkUsedUp: 410,
    NothingToOffer: 422,
    NothingToImport: 422,
    ImportRefused: 422,
    UnusableCover: 422,
    NoCertificate: 500,
    DatabaseUnavailable: 503,
}
_NO_STORE = {"Cache-Control": "no-store"}
_JSON = "application/json"


def build_router(parts: IssuerParts) -> APIRouter:
    """Build the routes that wallets use."""
    router = APIRouter(route_class=DirectRoute)
    add_wallet_endpoints(router, parts)  # first, because they are asked most
    _add_offers(router, parts)
    _add_documents(router, parts)
    return router


def _add_documents(router: APIRouter, parts: IssuerParts) -> None:
    """Serve what changes only with the keys, as ready bytes with an ETag."""
    written: dict[str, Callable[[Identity], Mapping[str, Json]]] = {
        "/.well-known/oauth-authorization-server": lambda identity: authorization_server_metadata(
            identity, parts.policy
        ).to_json(),
        "/.well-known/jwt-vc-issuer": Identity.jwt_vc_issuer,
        "/.well-known/did.json": Identity.did_document,
    }
    for path, write in written.items():
        _add_document(router, path, parts, write)
    _add_issuer_metadata(router, parts)

    @router.get("/health")
    async def health() -> Response:
        """Say that the service answers and its database can be read."""
        now = parts.clock()
        await parts.database.reading(lambda session: Store(session).login_link("", now=now))
        return _json({"status": "ok"}, headers=_NO_STORE)


def _add_issuer_metadata(router: APIRouter, parts: IssuerParts) -> None:
    """Serve the issuer's metadata, as JSON or signed, as the asker prefers (OpenID4VCI 1.0 §12.2.2)."""

    # Made when it is first asked for: every form of every type is in it, so it takes longer than all the rest.
    @_for_each_turn
    def describe(identity: Identity) -> tuple[bytes, SignedMetadata]:
        metadata = issuer_metadata(identity, encryption_key=parts.encryption_key.public_jwk, policy=parts.policy)
        return strict_json.dump(metadata.to_json()), SignedMetadata(metadata, identity)

    @router.get("/.well-known/openid-credential-issuer")
    async def issuer(request: Request) -> Response:
        """What the co-op issues, and where."""
        now = parts.clock()
        plain, signed = describe(parts.identity_at(now))
        jwt = signed.at(now) if prefers_signed(request.headers.get("accept", "")) else None
        body, media_type = (plain, _JSON) if jwt is None else (jwt, "application/jwt")
        return document_response(request, body, media_type, {"Vary": "Accept"})


def _add_document(
    router: APIRouter, path: str, parts: IssuerParts, write: Callable[[Identity], Mapping[str, Json]]
) -> None:
    ready = _for_each_turn(lambda identity: strict_json.dump(write(identity)))

    @router.get(path)
    async def document(request: Request) -> Response:
        """A public document."""
        return document_response(request, ready(parts.identity_at(parts.clock())), _JSON, {})


def _for_each_turn(make: Callable[[Identity], T]) -> Callable[[Identity], T]:
    """Keep what was made until the keys turn, and so the identity is another."""
    kept: list[tuple[Identity, T]] = []

    def made(identity: Identity) -> T:
        if not kept or kept[0][0] is not identity:
            kept[:] = [(identity, make(identity))]
        return kept[0][1]

    return made


def document_response(request: Request, body: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
    """Give a public document, or say that the asker has it already."""
    tag = etag(body)
    known = {"ETag": tag, "Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*", **headers}
    if unchanged(request, tag):
        return Response(status_code=304, headers=known)
    return Response(body, media_type=media_type, headers=known)


def _add_offers(router: APIRouter, parts: IssuerParts) -> None:
    @router.get("/offers/{offer_id}")
    async def offer(offer_id: str) -> Response:
        """Give an offer by reference (OpenID4VCI 1.0 §4.1.3); some wallets fetch it twice."""
        now = parts.clock()
        found = await parts.database.reading(lambda session: open_offer(Store(session), offer_id, now=now))
        return _json(parts.desk.by_value(found).to_json(), headers=_NO_STORE)


def etag(body: bytes) -> str:
    """A strong ETag of some bytes."""
    return f'"{base64url.encode(hashlib.sha256(body).digest()[:16])}"'


def unchanged(request: Request, tag: str) -> bool:
    """Tell whether the asker has these bytes already (RFC 9110 §13.1.2)."""
    known = request.headers.get("if-none-match", "")
    return tag in (part.strip().removeprefix("W/") for part in known.split(","))


def _json(body: Mapping[str, Json], *, headers: Mapping[str, str]) -> Response:
    return Response(strict_json.dump(body), media_type=_JSON, headers=dict(headers))
