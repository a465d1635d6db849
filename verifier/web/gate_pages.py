"""The gate's own page, and the press of its button."""

import asyncio
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from plumbing.pictures import Picture
from plumbing.web.csrf import check_same_site
from verifier.cookies import set_visit_cookie
from verifier.errors import NoSuchCover
from verifier.gates import Gate
from verifier.parts import Parts, VerifierParts
from verifier.party import Party
from verifier.service.build_request import build_link
from verifier.service.start_visit import StartedVisit, load_gate, start_visit
from verifier.visits import REQUEST_LIFE, Device

router = APIRouter()


@router.get("/gates/{gate_id}")
async def get_gate(gate_id: str, request: Request, parts: Parts) -> Response:
    """Say what the gate opens, what it asks and what it costs; no cookie yet."""
    gate = await asyncio.to_thread(_load, parts, gate_id)
    values = {
        "gate": gate,
        "gate_url": parts.party.gate_url(gate.gate_id),
        "trackserver_host": urlsplit(gate.opens.trackserver).netloc,
        "cover_url": cover_url(gate),
    }
    return parts.pages.render(request, "gate.html", values)


@router.get("/gates/{gate_id}/cover")
async def get_cover(gate_id: str, parts: Parts) -> Response:
    """Show the sleeve, from here: a visitor's browser asks nobody else."""
    cover = await asyncio.to_thread(_load_cover, parts, gate_id)
    return Response(cover.content, media_type=cover.media_type, headers={"Cache-Control": "public, max-age=86400"})


def cover_url(gate: Gate) -> str | None:
    """Return where the gate's picture is, on this origin."""
    return f"/gates/{gate.gate_id}/cover" if gate.opens.has_cover else None


@router.post("/gates/{gate_id}/visits")
async def post_visit(gate_id: str, request: Request, parts: Parts) -> Response:
    """Start a visit: a page for a browser, links for a wallet that acts as one."""
    check_same_site(request, own_origin=parts.party.base_url)
    started = await asyncio.to_thread(start_visit, parts.work, gate_id, now=parts.clock())
    response = _links(started, parts.party) if wants_json(request) else _to_page(started, parts.party)
    set_visit_cookie(
        response,
        started.visit.facts.visit_id,
        secret=started.cookie,
        gate_id=gate_id,
        https=parts.party.base_url.startswith("https:"),
    )
    return response


def wants_json(request: Request) -> bool:
    """Tell whether a program asks, and not a browser."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def _to_page(started: StartedVisit, party: Party) -> Response:
    return RedirectResponse(party.visit_url(started.visit.facts.visit_id), status_code=303)


def _links(started: StartedVisit, party: Party) -> Response:
    opens = started.gate.opens
    links = {request.device.value: build_link(request, party=party) for request in started.requests}
    return JSONResponse(
        {
            "visit": party.visit_url(started.visit.facts.visit_id),
            "same_device": links[Device.SAME.value],
            "cross_device": links[Device.CROSS.value],
            "expires_in": int(REQUEST_LIFE.total_seconds()),
            "opens": {
                "kind": opens.kind,
                "title": opens.title,
                "artist": opens.artist,
                "tracks": len(opens.tracks),
                "bytes": opens.size_bytes,
            },
        },
        status_code=201,
        headers={"Cache-Control": "no-store"},
    )


def _load(parts: VerifierParts, gate_id: str) -> Gate:
    with parts.work.read() as stores:
        return load_gate(stores, gate_id)


def _load_cover(parts: VerifierParts, gate_id: str) -> Picture:
    with parts.work.read() as stores:
        cover = stores.load_cover(gate_id)
    if cover is None:
        raise NoSuchCover
    return cover
