"""The trackserver over HTTP: the public catalogue, grants, and files."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from fastapi import APIRouter, FastAPI, Request
from sqlmodel import Session
from starlette.responses import JSONResponse, Response

from credentials.encoding import strict_json
from credentials.errors import HandstampError, Malformed
from credentials.protocols.dpop import DpopProof, check_dpop_proof
from credentials.protocols.grants import GrantExpired, GrantRefused
from credentials.protocols.oauth import InvalidDpopProof, OAuthError
from plumbing.observing import Observing
from plumbing.problems import problem_response
from plumbing.sweeping import sweeping
from plumbing.web.app import WebPolicy, create_app, dpop_header, wants_page
from plumbing.web.openapi import describe_operations
from plumbing.web.rates import Kind
from trackserver import errors
from trackserver.catalogue import Release
from trackserver.counted import DOWNLOADS, GRANTS
from trackserver.grants import Download
from trackserver.openapi import OPERATIONS
from trackserver.packages import Package
from trackserver.parts import TrackserverParts
from trackserver.service.enter_download import BrowserKey, WalletKey, enter_download, load_package
from trackserver.service.redeem_grant import JudgedGrant, JudgeGrant, RedeemGrant, TicketMade, sweep
from trackserver.store.catalogue import SqlCatalogue
from trackserver.store.passes import SqlPasses, SqlPins
from trackserver.streaming import Sendable, build_file_response
from trackserver.views import download_json, release_json
from trackserver.web.routes import build_web_router, cookie_name, download_page

STATUSES: Final[dict[type[HandstampError], int]] = {
    Malformed: 400,
    GrantRefused: 403,
    GrantExpired: 403,
    errors.VerifierNotAllowed: 403,
    errors.NothingGranted: 422,
    errors.GrantUsed: 409,
    errors.ReleaseNotFound: 404,
    errors.CoverNotFound: 404,
    errors.FileNotFound: 404,
    errors.DownloadNotFound: 403,
    errors.DownloadExpired: 410,
    errors.TicketUnknown: 404,
    errors.TicketUsed: 410,
    errors.TicketExpired: 410,
    errors.MasterChanged: 500,
}
"""Every error that a request can cause, with its status; DPoP's bring their own."""
KINDS: Final = {"GET /open": Kind.TRY, "POST /grants": Kind.BEGIN}
"""Routes of which one bucket of addresses may ask less often than of others."""

SWEEP_EVERY_S: Final = 300.0
_HOW: Final = {200: "whole", 206: "part"}
_NO_STORE: Final = {"Cache-Control": "no-store"}
_ONE_MINUTE: Final = "public, max-age=60"
_OWN: Final = "private, no-cache"


def build_trackserver_app(
    parts: TrackserverParts, *, sweep_every_s: float = SWEEP_EVERY_S, observing: Observing | None = None
) -> FastAPI:
    """Build the application from its parts."""
    observing = observing or Observing()
    runs = observing.runs
    policy = WebPolicy(statuses=STATUSES, https=parts.base_url.startswith("https:"), kinds=KINDS)

    @asynccontextmanager
    async def closing(_: FastAPI) -> AsyncIterator[None]:
        async with sweeping(lambda: _sweep(parts), every_s=sweep_every_s, part="trackserver.sweep", runs=runs):
            yield
        parts.database.close()

    app = create_app(
        title="Handstamp trackserver", policy=policy, pages=parts.pages, lifespan=closing, observing=observing
    )
    app.add_exception_handler(OAuthError, _on_oauth_error)
    for error in (errors.ProofByAnotherKey, errors.ProofReplayed):
        app.add_exception_handler(error, _on_proof_error)
    app.include_router(_Catalogue(parts).router)
    app.include_router(_Grants(parts).router)
    app.include_router(_Downloads(parts).router)
    app.include_router(build_web_router(parts))
    describe_operations(app, OPERATIONS)
    return app


def _sweep(parts: TrackserverParts) -> int:
    with parts.database.write() as session:
        swept = sweep(SqlPasses(session), now=parts.clock())
    parts.database.forget_deleted()
    return swept


async def _on_oauth_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, OAuthError)  # noqa: S101  # registered for this class above
    # A proof is what authenticates here, at /grants too, so its lack is 401 and not 400 (RFC 9449 §7.1).
    status = 401 if isinstance(error, InvalidDpopProof) else error.status
    challenge = {"WWW-Authenticate": error.challenge()}
    return problem_response(status, code=error.code, detail=error.detail, headers=challenge)


async def _on_proof_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HandstampError)  # noqa: S101  # registered for such classes above
    challenge = InvalidDpopProof(error.detail).challenge()
    return problem_response(401, code=error.code, detail=error.detail, headers={"WWW-Authenticate": challenge})


class _Catalogue:
    """What anybody may know of a release."""

    def __init__(self, parts: TrackserverParts) -> None:
        self._parts = parts
        self.router = APIRouter()
        self.router.add_api_route("/health", self.health, methods=["GET"])
        self.router.add_api_route("/releases/{release_id}", self.release, methods=["GET"])
        _add_file_route(self.router, "/releases/{release_id}/cover", self.cover)

    async def health(self) -> Response:
        """Say that the service and its database answer."""
        await self._load("")
        return JSONResponse({"status": "ok"}, headers=_NO_STORE)

    async def release(self, release_id: str) -> Response:
        """Describe a release: tracks, formats, sizes."""
        release = await self._load(release_id)
        if release is None:
            raise errors.ReleaseNotFound
        described = release_json(release, self._parts.base_url, self._parts.zip_layouts)
        return JSONResponse(described, headers={"Cache-Control": _ONE_MINUTE})

    async def cover(self, request: Request, release_id: str) -> Response:
        """Send the cover, in the size that pages show."""
        release = await self._load(release_id)
        if release is None or release.cover is None:
            raise errors.CoverNotFound
        cover = Sendable(content=release.cover.page, media_type=release.cover.page_media_type, name=None)
        response = await build_file_response(request, cover, cache_control=_ONE_MINUTE)
        # Sites of other origins show it: the verifier's gate, the co-op's collection.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    async def _load(self, release_id: str) -> Release | None:
        return await self._parts.database.reading(lambda session: SqlCatalogue(session).load_release(release_id))


class _Grants:
    """Where a grant becomes a link or a download."""

    def __init__(self, parts: TrackserverParts) -> None:
        self._parts = parts
        self.router = APIRouter()
        self.router.add_api_route("/grants", self.redeem, methods=["POST"], status_code=201)

    async def redeem(self, request: Request) -> Response:
        """Redeem a grant: for a browser the answer has a single-use link, for a wallet a download and its token."""
        text = _grant_text(await request.body())
        now = self._parts.clock()

        def judge(session: Session) -> JudgedGrant:
            judging = JudgeGrant(catalogue=SqlCatalogue(session), pins=SqlPins(session), audience=self._parts.base_url)
            return judging(text, read_proof=lambda: self._proof(request, now), now=now)

        judged = await self._parts.database.reading(judge)
        made = await self._parts.database.writing(
            lambda session: self._use_case(session)(judged, now=now),
            f"grant:{judged.grant.issuer} {judged.grant.jti}",
        )
        base_url = self._parts.base_url
        answer: dict[str, strict_json.Json]
        self._parts.meter.add(GRANTS, "browser" if isinstance(made, TicketMade) else "wallet")
        if isinstance(made, TicketMade):
            answer = {"link": f"{base_url}/open?ticket={made.ticket}", "expires_in": made.expires_in_s}
        else:
            answer = {
                "download": f"{base_url}/downloads/{made.download_id}",
                "access_token": made.access_token,
                "token_type": "DPoP",
                "expires_in": made.expires_in_s,
            }
        return JSONResponse(answer, status_code=201, headers=_NO_STORE)

    def _use_case(self, session: Session) -> RedeemGrant:
        return RedeemGrant(
            pins=SqlPins(session),
            passes=SqlPasses(session),
            new_secret=self._parts.new_secret,
            new_id=self._parts.new_id,
        )

    def _proof(self, request: Request, now: datetime) -> DpopProof:
        url = f"{self._parts.base_url}/grants"
        return check_dpop_proof(dpop_header(request), method="POST", url=url, at=now)


class _Downloads:
    """What a download holds, for its browser or its wallet."""

    def __init__(self, parts: TrackserverParts) -> None:
        self._parts = parts
        self.router = APIRouter()
        self.router.add_api_route("/downloads/{download_id}", self.overview, methods=["GET"])
        _add_file_route(self.router, "/downloads/{download_id}/release.zip", self.zip)
        _add_file_route(self.router, "/downloads/{download_id}/files/{file_id}", self.file)

    async def overview(self, request: Request, download_id: str) -> Response:
        """Show the download's page, or list its files for a program."""
        download, package = await self._enter(request, download_id)
        if wants_page(request):
            return download_page(self._parts, request, download, package)
        zip_bytes = self._parts.zip_layouts.of(package).size
        return JSONResponse(download_json(download.id, package, self._parts.base_url, zip_bytes), headers=_NO_STORE)

    async def zip(self, request: Request, download_id: str) -> Response:
        """Send everything as one zip; it resumes from any byte."""
        _, package = await self._enter(request, download_id)
        sendable = Sendable(
            content=self._parts.zip_layouts.of(package), media_type="application/zip", name=package.zip_name
        )
        return await self._send(request, sendable, "zip")

    async def file(self, request: Request, download_id: str, file_id: str) -> Response:
        """Send one original file."""
        _, package = await self._enter(request, download_id)
        file = package.file(file_id)
        if file is None:
            raise errors.FileNotFound
        sendable = Sendable(content=file.file, media_type=file.media_type, name=file.name)
        return await self._send(request, sendable, "file")

    async def _send(self, request: Request, sendable: Sendable, what: str) -> Response:
        response = await build_file_response(request, sendable, cache_control=_OWN)
        if request.method == "GET" and response.status_code in _HOW:
            self._parts.meter.add(DOWNLOADS, what, _HOW[response.status_code])
        return response

    async def _enter(self, request: Request, download_id: str) -> tuple[Download, Package]:
        now = self._parts.clock()
        key = self._key(request, now)

        # A wallet's proof is noted, a browser's cookie is only looked at. Which of two equal proofs came first, the
        # primary key decides, so each download has a turn of its own.
        def enter(session: Session) -> tuple[Download, Package]:
            download = enter_download(SqlPasses(session), download_id, key, now=now)
            return download, load_package(SqlCatalogue(session), download)

        if isinstance(key, WalletKey):
            return await self._parts.database.writing(enter, f"download:{download_id}")
        return await self._parts.database.reading(enter)

    def _key(self, request: Request, now: datetime) -> BrowserKey | WalletKey | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "dpop":
            return WalletKey(access_token=token.strip(), read_proof=self._proof_reader(request, token.strip(), now))
        cookie = request.cookies.get(cookie_name(self._parts))
        return BrowserKey(cookie=cookie) if cookie else None

    def _proof_reader(self, request: Request, token: str, now: datetime) -> Callable[[str], DpopProof]:
        def read(bound_to: str) -> DpopProof:
            return check_dpop_proof(
                dpop_header(request),
                method=request.method,
                # Not `request.url`, which begins with whatever the client wrote into its Host header.
                url=f"{self._parts.base_url}{request.scope['path']}",
                at=now,
                access_token=token,
                bound_to=bound_to,
            )

        return read


def _add_file_route(router: APIRouter, path: str, endpoint: Callable[..., object]) -> None:
    router.add_api_route(path, endpoint, methods=["GET"])
    router.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False)


def _grant_text(body: bytes) -> str:
    grant = strict_json.parse_object(body, what="request").get("grant")
    if not isinstance(grant, str):
        raise Malformed("request", "it needs a member `grant`, a text")
    return grant
