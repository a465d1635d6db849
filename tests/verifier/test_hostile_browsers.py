"""Foreign browsers, stolen links, forged forms and grants that nobody earned, each with the exact refusal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from credentials.keys.signer import LocalSigner
from credentials.protocols.dpop import build_dpop_proof
from tests.verifier.conftest import (
    FORM,
    JSON,
    PAGE,
    Site,
    Visitor,
    response_code_of,
)
from verifier.app import build_verifier_app

if TYPE_CHECKING:
    from verifier.gates import Gate


async def test_a_foreign_browser_at_the_return_is_refused_and_spends_nothing(site: Site, gate: Gate) -> None:
    visitor, stranger = await site.visitor().start(gate), site.visitor()
    request = await visitor.fetch_request()
    back = (await visitor.send(request, visitor.answer(request))).json()["redirect_uri"]
    denied = await stranger.http.get(back, headers=JSON)
    assert (denied.status_code, denied.json()["code"]) == (403, "foreign_browser")
    page = await stranger.http.get(back, headers=PAGE)
    assert page.status_code == 403
    assert "started in another browser" in page.text
    welcome = await visitor.http.get(back, headers=PAGE)
    assert (welcome.status_code, welcome.headers["location"]) == (303, visitor.visit)


async def test_a_cookie_that_a_neighbour_under_the_same_domain_planted_opens_nothing(site: Site, gate: Gate) -> None:
    """Else the neighbour starts a visit, a listener's browser answers for it, and the door opens for both."""
    base_url = "https://artist.example"
    parts = replace(site.parts, party=replace(site.parts.party, base_url=base_url))
    transport = httpx.ASGITransport(app=build_verifier_app(parts))
    async with httpx.AsyncClient(transport=transport, base_url=base_url) as http:
        started = await http.post(f"/gates/{gate.gate_id}/visits", headers=JSON)
        name, _, rest = started.headers["set-cookie"].partition("=")
        http.cookies.clear()
        visit = started.json()["visit"]
        assert name == f"__Host-visit-{visit.rpartition('/')[2]}"
        assert {"Secure", "Path=/", "HttpOnly"} <= set(rest.split("; "))
        assert "Domain" not in rest
        secret = rest.partition(";")[0]
        planted = await http.get(visit, headers=JSON | {"Cookie": f"{name.removeprefix('__Host-')}={secret}"})
        assert (planted.status_code, planted.json()["code"]) == (403, "foreign_browser")
        assert (await http.get(visit, headers=PAGE | {"Cookie": f"{name}={secret}"})).status_code == 200


async def test_a_browser_with_another_visits_cookie_is_foreign_too(site: Site, gate: Gate) -> None:
    visitor, other = await site.visitor().start(gate), await site.visitor().start(gate)
    request = await visitor.fetch_request()
    back = (await visitor.send(request, visitor.answer(request))).json()["redirect_uri"]
    assert (await other.http.get(back, headers=JSON)).json()["code"] == "foreign_browser"
    assert (await other.http.get(visitor.visit, headers=JSON)).json()["code"] == "foreign_browser"
    assert (await other.http.get(f"{visitor.visit}/events")).json()["code"] == "foreign_browser"
    assert (await other.http.get(f"{visitor.visit}/qr.svg")).json()["code"] == "foreign_browser"


async def test_a_response_code_works_once(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    back = (await visitor.send(request, visitor.answer(request))).json()["redirect_uri"]
    assert len(response_code_of(back)) == 22
    assert (await visitor.http.get(back, headers=JSON)).status_code == 200
    again = await visitor.http.get(back, headers=JSON)
    assert (again.status_code, again.json()["code"]) == (410, "used_response_code")
    assert "used already" in (await visitor.http.get(back, headers=PAGE)).text
    made_up = await visitor.http.get("/return?response_code=AAAAAAAAAAAAAAAAAAAAAA", headers=JSON)
    assert made_up.json()["code"] == "used_response_code"


async def test_a_return_after_the_visits_time_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    back = (await visitor.send(request, visitor.answer(request))).json()["redirect_uri"]
    site.clock.pass_time(minutes=5)
    assert (await visitor.http.get(back, headers=JSON)).json()["code"] == "visit_expired"
    assert "Time is up" in (await visitor.http.get(back, headers=PAGE)).text


def proof_for(visitor: Visitor, **changes: object) -> dict[str, str]:
    made: dict[str, object] = {
        "method": "POST",
        "url": f"{visitor.visit}/grant",
        "jti": "0123456789abcdef",
        "issued_at": int(visitor.clock().timestamp()),
    }
    return {"DPoP": build_dpop_proof(signer=LocalSigner.generate(), **(made | changes)), **JSON}  # type: ignore[arg-type]


async def test_a_grant_without_an_accepted_answer_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    reply = await visitor.http.post(f"{visitor.visit_path}/grant", headers=proof_for(visitor))
    assert (reply.status_code, reply.json()["code"]) == (409, "not_accepted")


async def test_a_grant_with_a_foreign_cookie_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().pass_gate(gate)
    thief = await site.visitor().start(gate)
    for browser in (thief, site.visitor()):
        reply = await browser.http.post(f"{visitor.visit_path}/grant", headers=proof_for(visitor))
        assert (reply.status_code, reply.json()["code"]) == (403, "foreign_browser")
    stolen_name = f"visit-{visitor.visit.rpartition('/')[2]}"
    thief.http.cookies.set(stolen_name, "guess.gate")
    reply = await thief.http.post(f"{visitor.visit_path}/grant", headers=proof_for(visitor))
    assert reply.json()["code"] == "foreign_browser"


@pytest.mark.parametrize(
    "change",
    [{"method": "GET"}, {"url": "http://artist.localhost:8703/visits/other/grant"}, {"issued_at": 1_700_000_000}],
)
async def test_a_grant_with_a_dpop_proof_for_something_else_is_refused(
    site: Site, gate: Gate, change: dict[str, object]
) -> None:
    visitor = await site.visitor().pass_gate(gate)
    reply = await visitor.http.post(f"{visitor.visit_path}/grant", headers=proof_for(visitor, **change))
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_dpop_proof")


async def test_two_dpop_headers_are_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().pass_gate(gate)
    twice = [("DPoP", proof_for(visitor)["DPoP"]), ("DPoP", proof_for(visitor)["DPoP"])]
    reply = await visitor.http.post(f"{visitor.visit_path}/grant", headers=twice)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_dpop_proof")


async def test_a_grant_form_without_or_with_another_visits_token_is_refused(site: Site, gate: Gate) -> None:
    visitor, other = await site.visitor().pass_gate(gate), await site.visitor().pass_gate(gate)
    page = await other.http.get(other.visit, headers=PAGE)
    foreign = page.text.split('name="csrf" value="')[1].split('"')[0]
    for form in ({}, {"csrf": foreign}, {"csrf": "é"}):
        reply = await visitor.http.post(f"{visitor.visit_path}/grant", data=form, headers=JSON)
        assert (reply.status_code, reply.json()["code"]) == (403, "forged_form")


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}]
)
async def test_another_site_cannot_start_a_visit_in_a_listeners_name(
    site: Site, gate: Gate, headers: dict[str, str]
) -> None:
    reply = await site.visitor().http.post(f"/gates/{gate.gate_id}/visits", headers=JSON | headers)
    assert (reply.status_code, reply.json()["code"]) == (403, "forged_form")


async def test_an_expired_door_gives_no_grant(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().pass_gate(gate)
    site.clock.pass_time(minutes=15)
    reply = await visitor.http.post(f"{visitor.visit_path}/grant", headers=proof_for(visitor))
    assert (reply.status_code, reply.json()["code"]) == (410, "visit_expired")


async def test_unknown_gates_and_visits_are_not_there(site: Site) -> None:
    http = site.visitor().http
    assert (await http.get("/gates/none")).json()["code"] == "no_such_gate"
    assert (await http.post("/gates/none/visits", headers=JSON)).json()["code"] == "no_such_gate"
    assert (await http.get("/visits/none")).json()["code"] == "no_such_visit"
    assert (await http.post("/visits/none/grant", headers=JSON)).json()["code"] == "forged_form"
    assert (await http.get("/return")).status_code == 400


async def test_no_redirect_leads_to_where_a_request_says(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    reply = await visitor.http.get(
        "/return?response_code=x&redirect_uri=https://evil.example", headers=PAGE | {"Host": "evil.example"}
    )
    assert "location" not in reply.headers
    started = await visitor.http.post(
        f"/gates/{gate.gate_id}/visits", headers=PAGE | FORM | {"Host": "evil.example"}, content="terms=yes"
    )
    assert started.headers["location"].startswith("http://artist.localhost:8703/visits/")
