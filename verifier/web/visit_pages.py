"""The pages of a visit: waiting, accepted, refused, expired; the return from the wallet; the way to the files."""

from typing import Annotated, assert_never
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from credentials.errors import HandstampError
from credentials.protocols.oauth import parse_form
from plumbing.fetch import FetchFailed, FetchRefused
from plumbing.problems import note_refusal
from plumbing.qr import qr_svg
from plumbing.web.app import dpop_header, wants_page
from plumbing.web.csrf import FIELD, check_same_site
from plumbing.web.direct import DirectRoute
from plumbing.web.middleware import content_security_policy
from verifier.cookies import remembered_gate, visit_secret
from verifier.counted import count_passage
from verifier.errors import (
    ForeignBrowser,
    NoSuchVisit,
    TrackserverRefused,
    UsedResponseCode,
    VisitExpired,
)
from verifier.gates import Gate
from verifier.parts import Parts, VerifierParts
from verifier.ports import Work
from verifier.service.build_request import build_link
from verifier.service.complete_return import complete_return
from verifier.service.count_passage import why_shut
from verifier.service.give_grant import give_grant_to_browser, give_grant_to_wallet
from verifier.service.show_visit import ShownVisit, page_mark, show_visit
from verifier.service.type_code import show_code, type_code
from verifier.visits import (
    MAX_FAILED_ANSWERS,
    MAX_GRANTS,
    MAX_WRONG_CODES,
    Accepted,
    Answered,
    AwaitingCode,
    Device,
    Refused,
    Requested,
    TimedOut,
)
from verifier.web.describing import describe_gate
from verifier.web.gate_pages import cover_url, wants_json

router = APIRouter(route_class=DirectRoute)
_MAX_FORM_BYTES = 4096
_MAX_CODE_CHARS = 40


@router.get("/visits/{visit_id}")
async def get_visit(visit_id: str, request: Request, parts: Parts) -> Response:
    """Show the visit as it stands; the same page with and without script."""
    try:
        shown = await _show(visit_id, request, parts)
    except (NoSuchVisit, ForeignBrowser) as error:
        return await _closed(request, parts, error, remembered_gate(request, visit_id))
    return _page(request, parts, shown)


@router.get("/visits/{visit_id}/qr.svg")
async def get_qr(visit_id: str, request: Request, parts: Parts) -> Response:
    """Draw the link of the request for a wallet on another device."""
    shown = await _show(visit_id, request, parts)
    link = build_link(shown.open_request(Device.CROSS), asking=parts.asking(shown.now))
    return Response(qr_svg(link), media_type="image/svg+xml", headers={"Cache-Control": "no-store"})


@router.get("/return")
async def get_return(response_code: Annotated[str, Query(max_length=100)], request: Request, parts: Parts) -> Response:
    """Take the browser back from the wallet on the same device."""
    now = parts.clock()

    def come_back(work: Work) -> Accepted | Refused:
        return complete_return(work, response_code, cookie_of=lambda visit_id: visit_secret(request, visit_id), now=now)

    try:
        visit = await parts.work.doing(come_back)
    except (UsedResponseCode, ForeignBrowser, VisitExpired) as error:
        return await _closed(request, parts, error, None)
    count_passage(parts.meter, visit, "same_device")
    url = parts.party.visit_url(visit.facts.visit_id)
    if wants_json(request):
        if isinstance(visit, Refused):
            raise why_shut(visit)
        return JSONResponse({"visit": url}, headers={"Cache-Control": "no-store"})
    return RedirectResponse(url, status_code=303)


@router.post("/visits/{visit_id}/code")
async def post_code(visit_id: str, request: Request, parts: Parts) -> Response:
    """Take the short code that the wallet shows; the page then says how it stands."""
    check_same_site(request, own_origin=parts.party.base_url)
    secret = visit_secret(request, visit_id)
    fields = await _check_form(request, parts, secret)
    given = fields.get("code", "")[:_MAX_CODE_CHARS]
    now = parts.clock()
    try:
        visit = await parts.work.doing(lambda work: type_code(work, visit_id, given, cookie=secret, now=now))
    except (NoSuchVisit, ForeignBrowser, VisitExpired) as error:
        return await _closed(request, parts, error, remembered_gate(request, visit_id))
    count_passage(parts.meter, visit, "short_code")
    return RedirectResponse(parts.party.visit_url(visit_id), status_code=303)


@router.get("/codes/{page}")
async def get_code(page: str, request: Request, parts: Parts) -> Response:
    """Show the short code where the wallet is: six digits for a person, or for a wallet that shows them itself."""
    now = parts.clock()
    code, expires_at = await parts.work.doing(lambda work: show_code(work, page, now=now))
    if not wants_page(request):
        return JSONResponse({"code": code}, headers={"Cache-Control": "no-store"})
    return parts.pages.render(request, "code.html", {"code": code, "expires_at": expires_at})


@router.post("/visits/{visit_id}/grant")
async def post_grant(visit_id: str, request: Request, parts: Parts) -> Response:
    """Open the files: for a wallet by a grant bound to its key, for a browser by a link at the trackserver."""
    check_same_site(request, own_origin=parts.party.base_url)
    proof = dpop_header(request)
    if proof is not None:
        return await _grant_to_wallet(visit_id, proof, request, parts)
    secret = visit_secret(request, visit_id)
    await _check_form(request, parts, secret)
    now = parts.clock()
    try:
        link = await give_grant_to_browser(
            parts.work,
            visit_id,
            cookie=secret,
            party=parts.party,
            signer=parts.keys(now).grant,
            fetcher=parts.fetcher,
            now=now,
        )
    except (TrackserverRefused, FetchFailed, FetchRefused):
        if not wants_page(request):
            raise
        return _page(request, parts, await _show(visit_id, request, parts), trouble=True, status=502)
    return RedirectResponse(link, status_code=303)


async def _grant_to_wallet(visit_id: str, dpop: str, request: Request, parts: VerifierParts) -> Response:
    now = parts.clock()
    party, signer, secret = parts.party, parts.keys(now).grant, visit_secret(request, visit_id)
    given = await parts.work.doing(
        lambda work: give_grant_to_wallet(work, visit_id, cookie=secret, dpop=dpop, party=party, signer=signer, now=now)
    )
    body = {"grant": given.grant, "trackserver": given.trackserver}
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


async def _check_form(request: Request, parts: VerifierParts, secret: str | None) -> dict[str, str]:
    fields = dict(parse_form(await request.body(), max_bytes=_MAX_FORM_BYTES))
    parts.guard.check(secret or "", fields.get(FIELD))
    return fields


async def _show(visit_id: str, request: Request, parts: VerifierParts) -> ShownVisit:
    secret = visit_secret(request, visit_id)
    now = parts.clock()
    return await parts.work.doing(lambda work: show_visit(work, visit_id, cookie=secret, now=now))


def _page(
    request: Request,
    parts: VerifierParts,
    shown: ShownVisit,
    *,
    trouble: bool = False,
    status: int = 200,
) -> Response:
    response = _state_page(request, parts, shown, trouble=trouble, status=status)
    # The accepted page's form ends at the trackserver after a redirect, and browsers hold redirects to `form-action`
    # too. Every state says so: the waiting page becomes the accepted one without being loaded again.
    allowed = (shown.gate.opens.trackserver,)
    response.headers["Content-Security-Policy"] = content_security_policy(form_action=allowed)
    return response


def _state_page(request: Request, parts: VerifierParts, shown: ShownVisit, *, trouble: bool, status: int) -> Response:
    visit, gate = shown.visit, shown.gate
    values: dict[str, object] = {
        "gate": gate,
        "gate_url": parts.party.gate_url(gate.gate_id),
        "cover_url": cover_url(gate),
        **describe_gate(gate, parts.party),
    }
    match visit:
        case Requested() | Answered():
            return parts.pages.render(request, "visit_waiting.html", values | _waiting(shown, parts))
        case AwaitingCode():
            return parts.pages.render(request, "visit_code.html", values | _code(visit, request, parts))
        case Accepted():
            return _accepted_page(request, parts, visit, values | {"trouble": trouble}, status)
        case Refused():
            return parts.pages.render(request, "visit_refused.html", values | _failure(visit))
        case TimedOut():
            return parts.pages.render(request, "visit_expired.html", values, status=410)
        case _:
            assert_never(visit)


def _waiting(shown: ShownVisit, parts: VerifierParts) -> dict[str, object]:
    visit = shown.visit
    path = f"/visits/{visit.facts.visit_id}"
    values: dict[str, object] = {
        "expires_at": visit.facts.expires_at,
        "events_url": f"{path}/events?seen={page_mark(visit)}",
        "returning": isinstance(visit, Answered),
        "last_failure": None,
    }
    if not isinstance(visit, Requested):
        return values
    asking = parts.asking(shown.now)
    more = {
        "qr_url": f"{path}/qr.svg",
        "same_device": build_link(shown.open_request(Device.SAME), asking=asking),
        "cross_device": build_link(shown.open_request(Device.CROSS), asking=asking),
        "tries_left": MAX_FAILED_ANSWERS - visit.failed_answers,
    }
    return values | more | _failure(visit)


def _code(visit: AwaitingCode, request: Request, parts: VerifierParts) -> dict[str, object]:
    return {
        "visit_id": visit.facts.visit_id,
        "csrf": parts.guard.field_value(visit_secret(request, visit.facts.visit_id) or ""),
        "expires_at": visit.facts.expires_at,
        "events_url": f"/visits/{visit.facts.visit_id}/events?seen={page_mark(visit)}",
        "wrong_codes": visit.wrong_codes,
        "tries_left": MAX_WRONG_CODES - visit.wrong_codes,
    }


def _failure(visit: Requested | Refused) -> dict[str, object]:
    return {"last_failure": visit.last_failure, "first_use": visit.first_use}


def _accepted_page(
    request: Request, parts: VerifierParts, visit: Accepted, values: dict[str, object], status: int
) -> Response:
    gate = values["gate"]
    assert isinstance(gate, Gate)  # noqa: S101
    trackserver = gate.opens.trackserver
    more = {
        "visit_id": visit.facts.visit_id,
        "csrf": parts.guard.field_value(visit_secret(request, visit.facts.visit_id) or ""),
        "expires_at": visit.facts.expires_at,
        "trackserver_host": urlsplit(trackserver).netloc,
        "grants_left": MAX_GRANTS - visit.grants_given,
    }
    return parts.pages.render(request, "visit_accepted.html", values | more, status=status)


async def _closed(request: Request, parts: VerifierParts, error: HandstampError, gate_id: str | None) -> Response:
    """Answer for a visit that cannot be shown: in words, with a way to start again where the gate is known."""
    if not wants_page(request) or (isinstance(error, NoSuchVisit) and gate_id is None):
        raise error
    note_refusal(request.scope, error.code)
    gate = await parts.work.doing(lambda work: _find_gate(work, gate_id))
    match error:
        case ForeignBrowser():
            return parts.pages.render(request, "foreign_browser.html", {"gate": gate}, status=403)
        case UsedResponseCode():
            return parts.pages.render(request, "return_used.html", {}, status=410)
        case _:
            return parts.pages.render(request, "visit_expired.html", {"gate": gate}, status=410)


def _find_gate(work: Work, gate_id: str | None) -> Gate | None:
    if gate_id is None:
        return None
    with work.read() as stores:
        return stores.load_gate(gate_id)
