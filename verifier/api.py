"""The verifier's endpoints for programs: requests, answers, keys. The pages are in `web/`."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from credentials.dids import build_did_document
from credentials.encoding import strict_json
from credentials.errors import HandstampError, Malformed
from credentials.keys.jwk import PublicKey
from credentials.protocols.oauth import MAX_FORM_BYTES, OAuthError
from credentials.protocols.openid4vp import REQUEST_TYPE, Prefix, RequestUriPost
from credentials.status.errors import StatusListNeeded
from plumbing.fetch import FetchFailed, FetchRefused
from plumbing.problems import Refusal, status_of
from plumbing.web.csrf import ForgedForm
from plumbing.web.direct import DirectRoute
from verifier import errors
from verifier.counted import count_answer
from verifier.parts import Parts
from verifier.ports import Work
from verifier.service.build_request import build_request
from verifier.service.take_answer import AnswerFailed, AnswerTaken, take_answer
from verifier.statuses import KnownStatuses

router = APIRouter(route_class=DirectRoute)

STATUSES: Final[dict[type[HandstampError], int]] = {
    errors.NoSuchGate: 404,
    errors.NoSuchCover: 404,
    errors.NoSuchCode: 404,
    errors.NoDid: 404,
    errors.WrongDoorKey: 401,
    errors.NotADoor: 409,
    errors.GateClosed: 410,
    errors.AlreadyUsed: 409,
    errors.NoLongerTrusted: 409,
    errors.MonthTurned: 409,
    errors.NoCodeWanted: 409,
    errors.WalletNotServed: 400,
    errors.WrongIssuerForClaim: 400,
    errors.NoSuchVisit: 404,
    errors.NoSuchRequest: 404,
    errors.VisitExpired: 410,
    errors.AlreadyAnswered: 409,
    errors.TooManyFailedAnswers: 410,
    errors.WrongState: 400,
    errors.WalletDeclined: 400,
    errors.ForeignBrowser: 403,
    errors.UsedResponseCode: 410,
    errors.NotAccepted: 409,
    errors.GrantsSpent: 410,
    errors.TrackserverRefused: 502,
    errors.NoCertificate: 500,
    errors.UnusableRelease: 502,
    errors.UntrustworthyIssuer: 502,
    errors.ListNotFollowed: 500,
    errors.VisitTooBusy: 503,
    StatusListNeeded: 503,
    FetchFailed: 502,
    FetchRefused: 502,
    ForgedForm: 403,
}
"""The one table from refusal to HTTP status; what is not in it is 400, or 500 if the operator must act."""

_FORM: Final = "application/x-www-form-urlencoded"
_LIST_WAIT_S: Final = "60"


@router.get("/requests/{request_id}")
async def get_request(request_id: str, parts: Parts) -> Response:
    """Give a wallet the signed request (OpenID4VP 1.0 §5.10.1)."""
    return await _request_object(request_id, parts, None)


@router.post("/requests/{request_id}")
async def post_request(request_id: str, request: Request, parts: Parts) -> Response:
    """Give a wallet the signed request with the wallet's own nonce in it (OpenID4VP 1.0 §5.10)."""
    wallet = RequestUriPost.parse_form(await _form_body(request, what="question for a request"))
    return await _request_object(request_id, parts, wallet)


async def _request_object(request_id: str, parts: Parts, wallet: RequestUriPost | None) -> Response:
    now = parts.clock()
    asking = parts.asking(now)
    signed = await parts.work.doing(lambda work: build_request(work, request_id, asking=asking, now=now, wallet=wallet))
    return Response(signed, media_type=REQUEST_TYPE, headers={"Cache-Control": "no-store"})


@router.post("/responses/{request_id}")
async def post_response(request_id: str, request: Request, parts: Parts) -> Response:
    """Take a wallet's answer by direct post (OpenID4VP 1.0 §8.2)."""
    try:
        body = await _form_body(request, what="answer")
        outcome = await _take(parts, request_id, body)
    except HandstampError as error:
        return refused_answer(error)
    count_answer(parts.meter, outcome)
    if not isinstance(outcome, AnswerFailed):
        members = {} if outcome.redirect_uri is None else {"redirect_uri": outcome.redirect_uri}
        return _json(members)
    if isinstance(outcome.error, errors.WalletDeclined):
        return _json({})  # §8.2: an error response that was processed is answered with 200
    return refused_answer(outcome.error)


async def _take(parts: Parts, request_id: str, body: bytes) -> AnswerTaken | AnswerFailed:
    now = parts.clock()

    def take(work: Work, known: KnownStatuses) -> AnswerTaken | AnswerFailed:
        keys = parts.answer_keys
        return take_answer(work, request_id, body, party=parts.party, now=now, known=known, answer_keys=keys)

    return await parts.statuses.judge(take, now=now)


@router.get("/.well-known/jwks.json")
async def get_jwks(parts: Parts) -> Response:
    """Publish the keys that grants are verified with; a trackserver pins them, a new one before it is used."""
    keys = parts.keys(parts.clock())
    body = strict_json.dump({"keys": [public_jwk(each) for each in (keys.grant.public_key, *keys.other_grants)]})
    return Response(body, media_type="application/jwk-set+json", headers={"Cache-Control": "public, max-age=300"})


@router.get("/.well-known/did.json")
async def get_did(parts: Parts) -> Response:
    """Publish the keys that requests are signed with, where the site is known by its DID (did:web)."""
    keys = parts.keys(parts.clock())
    if parts.party.prefix is not Prefix.DECENTRALIZED_IDENTIFIER or keys.request is None:
        raise errors.NoDid
    listed = dict.fromkeys((keys.request.signer.public_key, *keys.other_requests))
    document = build_did_document(parts.party.did, listed)
    headers = {"Cache-Control": "public, max-age=300"}
    return Response(strict_json.dump(document), media_type="application/did+json", headers=headers)


@router.get("/health")
async def get_health(parts: Parts) -> Response:
    """Say that the service and its database answer."""
    await parts.work.doing(lambda work: _touch(work, parts.party.site))
    return _json({"status": "ok"})


def public_jwk(key: PublicKey) -> dict[str, strict_json.Json]:
    """Return a public key as an entry of a JWKS."""
    return {**key.jwk, "kid": key.thumbprint, "alg": key.algorithm, "use": "sig"}


def refused_answer(error: HandstampError) -> Response:
    """Build the body of a refused answer: OAuth's two members (RFC 6749 §5.2), and our stable code beside them."""
    status = status_of(error, STATUSES)
    words = OAuthError(error.detail)
    oauth_error = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request"
    body = strict_json.dump({"error": oauth_error, "error_description": words.description, "code": error.code})
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, StatusListNeeded):
        headers["Retry-After"] = _LIST_WAIT_S
    return Refusal(body, code=error.code, status_code=status, media_type="application/json", headers=headers)


async def _form_body(request: Request, *, what: str) -> bytes:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _FORM:
        raise Malformed(what, f"it is not {_FORM}")
    body = await request.body()
    if len(body) > MAX_FORM_BYTES:
        raise Malformed(what, f"it is larger than {MAX_FORM_BYTES} bytes")
    return body


def _json(members: dict[str, str]) -> Response:
    return JSONResponse(members, headers={"Cache-Control": "no-store"})


def _touch(work: Work, site: str) -> None:
    with work.read() as stores:
        stores.load_policy(site)
