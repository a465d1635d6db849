"""The whole way through a gate, on the same device and across devices."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.requests import Request  # noqa: TC002  # FastAPI reads the annotation
from starlette.responses import JSONResponse

from credentials.keys.signer import LocalSigner
from credentials.protocols.dpop import build_dpop_proof
from tests.verifier.conftest import ARTIST, FORM, JSON, PAGE, RELEASE, TRACK, TRACKS, Site, Visitor, owns_track

if TYPE_CHECKING:
    from fastapi import FastAPI

    from verifier.gates import Gate


async def dpop(visitor: Visitor, key: LocalSigner, **changes: str) -> dict[str, str]:
    made = {"method": "POST", "url": f"{visitor.visit}/grant", "jti": "0123456789abcdef"} | changes
    proof = build_dpop_proof(signer=key, issued_at=int(visitor.clock().timestamp()), **made)
    return {"DPoP": proof, **JSON}


async def test_a_wallet_on_the_same_device_returns_with_the_code_and_gets_a_grant_bound_to_its_key(
    site: Site, gate: Gate
) -> None:
    visitor = await site.visitor().pass_gate(gate, "same_device")
    key = LocalSigner.generate()
    reply = await visitor.http.post(f"{visitor.visit_path}/grant", headers=await dpop(visitor, key))
    assert reply.status_code == 200, reply.text
    grant = site.verify_grant(reply.json()["grant"])
    assert reply.json()["trackserver"] == TRACKS
    assert grant.holder_key == key.public_key.thumbprint
    assert (grant.release, grant.tracks, grant.formats) == (RELEASE, (), ("original",))
    assert grant.expires_at - grant.issued_at == 600


async def test_a_wallet_on_another_device_opens_the_waiting_browser(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    wallet = site.visitor()
    wallet.links = visitor.links
    request = await wallet.fetch_request("cross_device")
    reply = await wallet.send(request, wallet.answer(request))
    assert (reply.status_code, reply.json()) == (200, {})
    page = await visitor.http.get(visitor.visit, headers=PAGE)
    assert "Get the files, 31.2 MB" in page.text.replace("\xa0", " ")


async def test_the_signed_request_holds_what_a_wallet_needs_to_decide(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    assert request.client_id == "x509_san_dns:artist.localhost"
    assert request.handshake is not None
    assert request.handshake.text == gate.terms.text
    assert request.handshake.nonce == request.nonce
    assert request.client_metadata.client_name == "The Long Way Home"
    assert request.expires_at == int(site.clock().timestamp()) + 300
    assert request.dcql.to_json()["credentials"][0]["claims"] == [{"path": ["release"], "values": [RELEASE]}]
    assert await visitor.fetch_request() == request
    other = await visitor.fetch_request("cross_device")
    assert len({request.state, other.state, request.nonce, other.nonce, request.response_uri, other.response_uri}) == 6


@pytest.mark.parametrize("owned", ["track", "release"])
async def test_a_gate_for_a_track_opens_to_the_track_and_to_its_release(
    site: Site, track_gate: Gate, owned: str
) -> None:
    visitor = await site.visitor().start(track_gate)
    request = await visitor.fetch_request("cross_device")
    credential = owns_track(visitor) if owned == "track" else None
    form = visitor.answer(request, query=owned, credential=credential, disclose=(owned,))
    assert (await visitor.send(request, form)).status_code == 200
    key = LocalSigner.generate()
    reply = await visitor.http.post(f"{visitor.visit_path}/grant", headers=await dpop(visitor, key))
    assert site.verify_grant(reply.json()["grant"]).tracks == (TRACK,)


async def test_a_broken_download_is_mended_three_times_and_not_more(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().pass_gate(gate)
    key = LocalSigner.generate()
    replies = [
        await visitor.http.post(f"{visitor.visit_path}/grant", headers=await dpop(visitor, key)) for _ in range(4)
    ]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 410]
    assert replies[3].json()["code"] == "grants_spent"
    assert len({site.verify_grant(reply.json()["grant"]).jti for reply in replies[:3]}) == 3
    page = await visitor.http.get(visitor.visit, headers=PAGE)
    assert "as often as it may" in page.text
    assert "Start again" in page.text


@pytest.fixture
def pushed(trackserver: FastAPI) -> list[dict[str, str]]:
    """A trackserver that takes every grant and remembers it."""
    taken: list[dict[str, str]] = []

    @trackserver.post("/grants")
    async def take(request: Request) -> JSONResponse:
        taken.append(await request.json())
        return JSONResponse({"link": f"{TRACKS}/open?ticket=once", "expires_in": 60}, status_code=201)

    return taken


async def accepted_form(visitor: Visitor) -> dict[str, str]:
    page = await visitor.http.get(visitor.visit, headers=PAGE)
    assert page.status_code == 200
    return {"csrf": page.text.split('name="csrf" value="')[1].split('"')[0]}


async def test_a_browser_is_led_to_the_link_that_the_trackserver_gave(
    site: Site, gate: Gate, pushed: list[dict[str, str]]
) -> None:
    visitor = await site.visitor().pass_gate(gate)
    reply = await visitor.http.post(f"{visitor.visit_path}/grant", data=await accepted_form(visitor), headers=PAGE)
    assert (reply.status_code, reply.headers["location"]) == (303, f"{TRACKS}/open?ticket=once")
    grant = site.verify_grant(pushed[0]["grant"])
    assert grant.holder_key is None


async def test_the_page_lets_its_form_end_at_the_gates_own_trackserver_only(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().pass_gate(gate)
    page = await visitor.http.get(visitor.visit, headers=PAGE)
    assert f"form-action 'self' {TRACKS};" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"link": "http://evil.localhost:8702/open", "expires_in": 60}, 201),
        ({"link": "http://tracks.localhost:9999/open", "expires_in": 60}, 201),
        ({"link": "http://tracks.localhost:8702@evil.localhost/", "expires_in": 60}, 201),
        ({"link": "//evil.example/open"}, 201),
        ({"link": "javascript:alert(1)"}, 201),
        ({}, 201),
        ({"detail": "who are you?"}, 403),
    ],
)
async def test_a_trackserver_that_misbehaves_leads_nobody_anywhere_and_costs_no_grant(
    site: Site, gate: Gate, trackserver: FastAPI, answer: dict[str, str], status: int
) -> None:
    @trackserver.post("/grants")
    async def take() -> JSONResponse:
        return JSONResponse(answer, status_code=status)

    visitor = await site.visitor().pass_gate(gate)
    form = await accepted_form(visitor)
    for _ in range(4):
        reply = await visitor.http.post(f"{visitor.visit_path}/grant", data=form, headers=PAGE)
        assert "location" not in reply.headers
        assert reply.status_code in {400, 502}


async def test_when_the_trackserver_is_away_the_page_says_so_and_offers_another_try(
    site: Site, gate: Gate, trackserver: FastAPI
) -> None:
    @trackserver.post("/grants")
    async def take() -> JSONResponse:
        return JSONResponse({}, status_code=503)

    visitor = await site.visitor().pass_gate(gate)
    form = await accepted_form(visitor)
    reply = await visitor.http.post(f"{visitor.visit_path}/grant", data=form, headers=PAGE)
    assert reply.status_code == 502
    assert "The files did not open" in reply.text
    assert "Get the files" in reply.text
    reply = await visitor.http.post(f"{visitor.visit_path}/grant", data=form, headers=JSON)
    assert reply.json()["code"] == "trackserver_refused"


async def test_what_the_database_keeps_says_nothing_of_the_holder(site: Site, gate: Gate) -> None:
    visitor = site.visitor()
    credential = site.coop.issue(visitor.holder, name="CANARY-TITLE", copy="CANARY-COPY-0123456")
    await visitor.start(gate)
    request = await visitor.fetch_request("cross_device")
    presentation = visitor.present(request, credential=credential)
    form = visitor.answer(request, credential=credential)
    assert (await visitor.send(request, form)).status_code == 200
    kept = site.dump()
    assert gate.gate_id.encode() in kept
    for secret in (
        visitor.holder.public_key.thumbprint,
        visitor.holder.public_key.jwk["x"],
        "CANARY",
        presentation.split("~")[0][-40:],
        presentation.split("~")[1],
        visitor.http.cookies[f"visit-{visitor.visit.rpartition('/')[2]}"].split(".")[0],
        "127.0.0.1",
    ):
        assert str(secret).encode() not in kept


async def test_a_passage_is_counted_by_gate_terms_and_month_once(site: Site, gate: Gate) -> None:
    await site.visitor().pass_gate(gate, "same_device")
    await site.visitor().pass_gate(gate, "cross_device")
    with site.parts.work.read() as stores:
        assert stores.load_passages(gate.gate_id) == ((f"{site.clock():%Y-%m}", 2),)


async def test_expired_visits_are_swept_with_their_requests(site: Site, gate: Gate) -> None:
    first = await site.visitor().start(gate)
    site.clock.pass_time(minutes=5)
    await site.visitor().start(gate)
    with site.parts.work.write() as stores:
        assert stores.sweep(now=site.clock()) == 1
        assert stores.load_visit(first.visit.rpartition("/")[2]) is None
        assert stores.load_requests(first.visit.rpartition("/")[2]) == ()


async def test_keys_and_health_are_published(site: Site) -> None:
    http = site.visitor().http
    jwks = (await http.get("/.well-known/jwks.json")).json()
    assert jwks["keys"][0]["kid"] == site.parts.grant_signer.public_key.thumbprint
    assert "d" not in jwks["keys"][0]
    assert (await http.get("/health")).json() == {"status": "ok"}


async def test_a_visit_started_by_a_form_leads_to_its_page_with_a_cookie_of_this_host_only(
    site: Site, gate: Gate
) -> None:
    http = site.visitor().http
    assert "set-cookie" not in (await http.get(f"/gates/{gate.gate_id}", headers=PAGE)).headers
    reply = await http.post(f"/gates/{gate.gate_id}/visits", headers=PAGE | FORM, content="terms=yes")
    assert reply.status_code == 303
    assert reply.headers["location"].startswith(f"{ARTIST}/visits/")
    cookie = reply.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "domain" not in cookie
    page = await http.get(urlsplit(reply.headers["location"]).path, headers=PAGE)
    assert "Waiting for your wallet" in page.text


async def test_two_requests_of_one_visit_take_one_answer_between_them(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    same, cross = await visitor.fetch_request("same_device"), await visitor.fetch_request("cross_device")
    assert (await visitor.send(same, visitor.answer(same))).status_code == 200
    late = await visitor.send(cross, visitor.answer(cross))
    assert (late.status_code, late.json()["code"]) == (409, "already_answered")


async def test_the_grant_of_a_same_device_answer_waits_for_the_return(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("same_device")
    reply = await visitor.send(request, visitor.answer(request))
    assert isinstance(reply, httpx.Response)
    denied = await visitor.http.post(f"{visitor.visit_path}/grant", headers=await dpop(visitor, LocalSigner.generate()))
    assert (denied.status_code, denied.json()["code"]) == (409, "not_accepted")
    page = await visitor.http.get(visitor.visit, headers=PAGE)
    assert "Your wallet has answered" in page.text
