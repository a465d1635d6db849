"""The pages of an offer: the link for the wallet, the six digits, and the news that a wallet has taken it.

The link and the digits are never on one page, so that no one photograph holds both.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from issuer.offers import Open
from issuer.parts import IssuerParts
from issuer.service.offers import Standing, how_it_stands, open_offer
from issuer.store import Store
from issuer.web.door import Door, Visitor
from plumbing.qr import qr_svg
from plumbing.web.watchers import Watchers

_PAUSE_S: Final = 1.0
_PING_S: Final = 15


def add_offer_pages(router: APIRouter, door: Door) -> None:
    """Add the routes."""
    parts = door.parts
    watchers = Watchers(pause_s=_PAUSE_S)

    @router.get("/offers/{offer_id}/page")
    async def offer_page(request: Request, offer_id: str) -> Response:
        """Show the link to the wallet, never the code."""
        visitor = await door.enter(request)
        if await _look(parts, offer_id, visitor) is Standing.TAKEN:
            return door.page(request, "offer_taken.html", visitor, {})
        offer = await _open_offer(parts, offer_id, visitor)
        link = parts.desk.by_reference(offer).to_link()
        values = {"offer": offer, "link": link, "command": f"handstamp wallet receive '{link}'"}
        return door.page(request, "offer.html", visitor, values)

    @router.get("/offers/{offer_id}/qr.svg")
    async def offer_qr(request: Request, offer_id: str) -> Response:
        """Draw the link."""
        offer = await _open_offer(parts, offer_id, await door.enter(request))
        picture = qr_svg(parts.desk.by_reference(offer).to_link())
        return Response(picture, media_type="image/svg+xml", headers={"Cache-Control": "no-store"})

    @router.post("/offers/{offer_id}/code")
    async def offer_code(request: Request, offer_id: str) -> Response:
        """Show the six digits, never the link."""
        visitor, _ = await door.submit(request)
        offer = await _open_offer(parts, offer_id, visitor)
        values = {"offer": offer, "code": parts.desk.tx_code(offer)}
        return door.page(request, "offer_code.html", visitor, values)

    @router.get("/offers/{offer_id}/events")
    async def offer_events(request: Request, offer_id: str) -> Response:
        """Say when a wallet has taken the offer, or when it is over; the page then takes itself anew from here."""
        events = _events(parts, offer_id, await door.enter(request), watchers)
        return EventSourceResponse(events, headers={"Cache-Control": "no-store"}, ping=_PING_S)


async def _events(
    parts: IssuerParts, offer_id: str, visitor: Visitor, watchers: Watchers
) -> AsyncIterator[ServerSentEvent]:
    """Look once a second, or less often while many do, in a read that is over before the next pause.

    An offer ends after some minutes by itself.
    """
    said = None
    with watchers:
        while said in {None, Standing.WAITING}:
            standing = await _look(parts, offer_id, visitor)
            if standing is not said:
                said = standing
                yield ServerSentEvent(event="state", data=standing.value)
            if standing is Standing.WAITING:
                await asyncio.sleep(watchers.pause_s)


async def _look(parts: IssuerParts, offer_id: str, visitor: Visitor) -> Standing:
    now = parts.clock()
    return await parts.database.reading(
        lambda database: how_it_stands(Store(database), offer_id, listener=visitor.listener, now=now)
    )


async def _open_offer(parts: IssuerParts, offer_id: str, visitor: Visitor) -> Open:
    now = parts.clock()
    return await parts.database.reading(
        lambda database: open_offer(Store(database), offer_id, now=now, listener=visitor.listener)
    )
