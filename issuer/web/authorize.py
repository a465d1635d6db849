"""The page on which a listener says yes to a wallet that asked (OpenID4VCI 1.0 §5).

The way back to the wallet is a link that the listener follows, so that our forms end nowhere but here.
"""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from credentials.protocols.openid4vci import build_authorization_response
from credentials.protocols.openid4vci.authorization import REQUEST_URI_PREFIX
from issuer.authorizations import Asked
from issuer.parts import IssuerParts
from issuer.service.authorizations import agree, find_asked, fitting_copies, refuse
from issuer.service.collection import Item, collect
from issuer.service.offers import NothingToOffer
from issuer.store import Store
from issuer.web.door import Door, Visitor, open_form

_UNPROCESSABLE: Final = 422


def add_authorization_pages(router: APIRouter, door: Door) -> None:
    """Add the routes."""
    parts = door.parts

    @router.get("/authorize")
    async def authorize(request: Request, client_id: str = "", request_uri: str = "") -> Response:
        """Show who asks for what. Only pushed requests are known (RFC 9126 §5)."""
        visitor = await door.enter(request)
        secret = request_uri.removeprefix(REQUEST_URI_PREFIX)
        return await _show(request, door, visitor, secret, await _find(parts, secret, client_id))

    @router.post("/authorize")
    async def answer(request: Request) -> Response:
        """Take the listener's yes or no."""
        visitor, chosen = await door.submit(request)
        form = await open_form(request)
        secret = str(form.get("request", ""))
        asked = await _find(parts, secret, str(form.get("client_id", "")))
        agreed = "no" not in form
        try:
            link = await (_agree(parts, visitor, secret, asked, chosen) if agreed else _refuse(parts, secret, asked))
        except NothingToOffer:
            return await _show(request, door, visitor, secret, asked, nothing_chosen=True)
        return door.page(request, "authorized.html", visitor, {"link": link, "agreed": agreed})


async def _show(
    request: Request, door: Door, visitor: Visitor, secret: str, asked: Asked, *, nothing_chosen: bool = False
) -> Response:
    def find_items(database: Session) -> list[Item]:
        store = Store(database)
        fitting = {copy.id for copy in fitting_copies(store, asked, listener=visitor.listener)}
        return [item for item in collect(store, visitor.listener).items if item.copy.id in fitting]

    items = await door.parts.database.reading(find_items)
    values = {"asked": asked, "request_secret": secret, "items": items, "nothing_chosen": nothing_chosen}
    status = _UNPROCESSABLE if nothing_chosen else 200
    return door.page(request, "authorize.html", visitor, values, status=status)


async def _find(parts: IssuerParts, secret: str, client_id: str) -> Asked:
    now = parts.clock()
    return await parts.database.reading(
        lambda database: find_asked(Store(database), secret, client_id=client_id, now=now)
    )


async def _agree(parts: IssuerParts, visitor: Visitor, secret: str, asked: Asked, chosen: Sequence[str]) -> str:
    now = parts.clock()
    code = await parts.database.writing(
        lambda database: agree(Store(database), secret, asked, chosen, listener=visitor.listener, now=now)
    )
    return _way_back(parts, asked, code=code)


async def _refuse(parts: IssuerParts, secret: str, asked: Asked) -> str:
    await parts.database.writing(lambda database: refuse(Store(database), secret))
    return _way_back(parts, asked, error="access_denied")


def _way_back(parts: IssuerParts, asked: Asked, **answer: str) -> str:
    return build_authorization_response(asked.redirect_uri, issuer=parts.identity.url, state=asked.state, **answer)
