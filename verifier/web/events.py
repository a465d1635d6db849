"""The live side of the waiting page: server-sent events that say when to look again.

Each open page reads the visit twice a second, in a read that is over before the next pause: no database session waits
with it. The stream ends when the visit does. The more pages are open, the less often each looks.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from plumbing.web.watchers import Watchers
from verifier.cookies import visit_secret
from verifier.parts import Parts, VerifierParts
from verifier.service.show_visit import watch_visit

router = APIRouter()
PAUSE_S: Final = 0.5
_WAITING: Final = "waiting"
_CHANGED: Final = "changed"


@router.get("/visits/{visit_id}/events")
async def get_events(
    visit_id: str, request: Request, parts: Parts, seen: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    """Send the visit's state as it changes: waiting, accepted, refused or expired.

    `changed` says that it still waits, but that its page would look different from what the asker has `seen`: an answer
    failed, or waits for the browser's return.
    """
    secret = visit_secret(request, visit_id)
    first = await _look(parts, visit_id, secret)
    return EventSourceResponse(
        _events(parts, visit_id, secret, first=first, seen=seen or first[1], watchers=request.app.state.watchers),
        headers={"Cache-Control": "no-store"},
        ping=15,
    )


async def _events(
    parts: VerifierParts,
    visit_id: str,
    secret: str | None,
    *,
    first: tuple[str, str],
    seen: str,
    watchers: Watchers,
) -> AsyncIterator[ServerSentEvent]:
    state, mark = first
    yield ServerSentEvent(event="state", data=state)
    with watchers:
        while state == _WAITING:
            if mark != seen:
                seen = mark
                yield ServerSentEvent(event="state", data=_CHANGED)
            await asyncio.sleep(watchers.pause_s)
            state, mark = await _look(parts, visit_id, secret)
            if state != _WAITING:
                yield ServerSentEvent(event="state", data=state)


async def _look(parts: VerifierParts, visit_id: str, secret: str | None) -> tuple[str, str]:
    now = parts.clock()
    return await parts.work.doing(lambda work: watch_visit(work, visit_id, cookie=secret, now=now))
