"""The routes of status lists (Token Status List §8.1, §8.2, §9.3): public, the same for everybody, and cheap to keep.

A copy may be kept by anybody but must be compared each time (`no-cache`, with an ETag): if caches on the way could hold
a list, too, a refund would be seen later than the batch and the list's own `ttl` say.
"""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from credentials.encoding import strict_json
from credentials.errors import HandstampError
from credentials.status.token import MEDIA_TYPE
from issuer.api import etag, unchanged
from issuer.parts import IssuerParts
from issuer.publishing import signed_bitstring, signed_list
from issuer.store import Store
from plumbing.web.direct import DirectRoute

_CREDENTIAL: Final = "application/vc"
_HEADERS: Final = {"Cache-Control": "public, no-cache", "Access-Control-Allow-Origin": "*", "Vary": "Accept"}


class NoSuchStatusList(HandstampError):
    """Nobody's status is kept at this address."""

    code = "no_such_status_list"

    def __init__(self) -> None:
        super().__init__("There is no such status list here. Check the address in the credential.")


class NoHistory(HandstampError):
    """What a list said in the past is not told: it would say since when somebody lacks something (§8.4, §12.7)."""

    code = "no_status_history"

    def __init__(self) -> None:
        super().__init__("This co-op tells only what its status lists say now. Ask without `time`.")


STATUSES: Final[dict[type[HandstampError], int]] = {NoSuchStatusList: 404, NoHistory: 501}


def build_status_router(parts: IssuerParts) -> APIRouter:
    """Build the routes that verifiers use."""
    router = APIRouter(route_class=DirectRoute)

    @router.get("/statuslists")
    async def status_lists(request: Request) -> Response:
        """Name every list, so that verifiers can fetch them all ahead of need (§9.3)."""
        ids = await parts.database.reading(lambda session: Store(session).list_ids())
        listed: list[strict_json.Json] = [parts.identity.status_list_url(each) for each in ids]
        return _public(request, strict_json.dump({"status_lists": listed}), "application/json")

    @router.get("/statuslists/{list_id}")
    async def status_list(request: Request, list_id: str) -> Response:
        """Give a whole list, signed: as a token, or as a credential to who asks for such (`Accept`)."""
        if "time" in request.query_params:
            raise NoHistory
        now = parts.clock()
        if _wants_credential(request):
            bitstring = await parts.database.apart(
                lambda at_once: signed_bitstring(parts, list_id, now=now, at_once=at_once)
            )
            if bitstring is None:
                raise NoSuchStatusList
            return _public(request, bitstring, _CREDENTIAL)
        signed = await parts.database.apart(lambda at_once: signed_list(parts, list_id, now=now, at_once=at_once))
        if signed is None:
            raise NoSuchStatusList
        return _public(request, signed.token.encode(), MEDIA_TYPE)

    return router


def _wants_credential(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return MEDIA_TYPE not in accepted and any(each in accepted for each in (_CREDENTIAL, "json"))


def _public(request: Request, body: bytes, media_type: str) -> Response:
    headers = {**_HEADERS, "ETag": etag(body)}
    if unchanged(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
