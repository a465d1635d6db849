"""The gate's own page, and the press of its button."""

from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from credentials.protocols.oauth import parse_form
from plumbing.pictures import Picture
from plumbing.web.csrf import check_same_site
from plumbing.web.direct import DirectRoute
from verifier.cookies import set_visit_cookie
from verifier.errors import NoSuchCover
from verifier.gates import Gate
from verifier.parts import Parts, VerifierParts
from verifier.party import Party
from verifier.ports import Work
from verifier.service.build_request import OpenRequest, build_link
from verifier.service.start_visit import StartedVisit, load_gate, start_visit
from verifier.visits import REQUEST_LIFE, Device
from verifier.web.describing import describe_gate

router = APIRouter(route_class=DirectRoute)
TERMS_FIELD: Final = "terms"
"""Name of the box that accepts the terms; whatever its value, it is sent only if it is ticked."""
_MAX_FORM_BYTES: Final = 4096


@router.get("/gates/{gate_id}")
async def get_gate(gate_id: str, request: Request, parts: Parts) -> Response:
    """Say what the gate opens, what it asks and what it costs; no cookie yet."""
    gate = await parts.work.doing(lambda work: _load(work, gate_id))
    return _gate_page(request, parts, gate)


def _gate_page(request: Request, parts: VerifierParts, gate: Gate, *, unticked: bool = False) -> Response:
    values = {
        "gate": gate,
        "gate_url": parts.party.gate_url(gate.gate_id),
        "trackserver_host": urlsplit(gate.opens.trackserver).netloc,
        "cover_url": cover_url(gate),
        "unticked": unticked,
        **describe_gate(gate, parts.party),
    }
    closed = gate.closed_at is not None
    status = HTTPStatus.BAD_REQUEST if unticked else (HTTPStatus.GONE if closed else HTTPStatus.OK)
    return parts.pages.render(request, "gate_closed.html" if closed else "gate.html", values, status=status)


@router.get("/gates/{gate_id}/cover")
async def get_cover(gate_id: str, parts: Parts) -> Response:
    """Show the sleeve, from here: a visitor's browser asks nobody else."""
    cover = await parts.work.doing(lambda work: _load_cover(work, gate_id))
    return Response(cover.content, media_type=cover.media_type, headers={"Cache-Control": "public, max-age=86400"})


def cover_url(gate: Gate) -> str | None:
    """Return where the gate's picture is, on this origin."""
    return f"/gates/{gate.gate_id}/cover" if gate.opens.has_cover else None


@router.post("/gates/{gate_id}/visits")
async def post_visit(gate_id: str, request: Request, parts: Parts) -> Response:
    """Start a visit: a page for a browser, links for a wallet that acts as one.

    A browser's listener ticks a box under the terms first, because wallets that never heard of us do not show them.
    Ours does, and accepts them with its signature.
    """
    check_same_site(request, own_origin=parts.party.base_url)
    if not wants_json(request) and TERMS_FIELD not in await _form(request):
        gate = await parts.work.doing(lambda work: _load(work, gate_id))
        return _gate_page(request, parts, gate, unticked=gate.closed_at is None)
    now = parts.clock()
    keys = parts.answer_keys
    started = await parts.work.doing(lambda work: start_visit(work, gate_id, now=now, answer_keys=keys))
    response = _links(started, parts) if wants_json(request) else _to_page(started, parts.party)
    set_visit_cookie(
        response,
        started.visit.facts.visit_id,
        secret=started.cookie,
        gate_id=gate_id,
        https=parts.party.base_url.startswith("https:"),
    )
    return response


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_form(await request.body(), max_bytes=_MAX_FORM_BYTES))


def wants_json(request: Request) -> bool:
    """Tell whether a program asks, and not a browser."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def _to_page(started: StartedVisit, party: Party) -> Response:
    return RedirectResponse(party.visit_url(started.visit.facts.visit_id), status_code=303)


def _links(started: StartedVisit, parts: VerifierParts) -> Response:
    party, gate, opens = parts.party, started.gate, started.gate.opens
    asking = parts.asking(started.visit.facts.created_at)
    links = {
        request.device.value: build_link(OpenRequest(request=request, visit=started.visit, gate=gate), asking=asking)
        for request in started.requests
    }
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


def _load(work: Work, gate_id: str) -> Gate:
    with work.read() as stores:
        return load_gate(stores, gate_id)


def _load_cover(work: Work, gate_id: str) -> Picture:
    with work.read() as stores:
        cover = stores.load_cover(gate_id)
    if cover is None:
        raise NoSuchCover
    return cover
