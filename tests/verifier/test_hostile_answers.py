"""What strangers, thieves and broken wallets send, each with the exact refusal."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from credentials.encoding import base64url, strict_json
from credentials.keys.jws import parse_jws, sign_jws
from credentials.keys.signer import LocalSigner
from credentials.protocols.oauth import build_form
from credentials.protocols.openid4vp import ErrorResponse
from schemas import RELEASE_OWNERSHIP, TRACK_OWNERSHIP
from tests.verifier.conftest import (
    COOP,
    FORM,
    OTHER_RELEASE,
    PAGE,
    TRACK,
    Coop,
    Site,
    Visitor,
    owns_track,
)
from verifier.service.distrust_issuer import distrust_issuer
from verifier.visits import Refused, Requested

if TYPE_CHECKING:
    from verifier.gates import Gate


async def refusal(visitor: Visitor, device: str = "cross_device", **changes: object) -> tuple[int, str]:
    request = await visitor.fetch_request(device)
    reply = await visitor.send(request, visitor.answer(request, **changes))
    body = reply.json()
    assert set(body) == {"error", "error_description", "code"}
    assert body["error"] == "invalid_request"
    return reply.status_code, body["code"]


def state_of(site: Site, visitor: Visitor) -> object:
    with site.parts.work.read() as stores:
        return stores.load_visit(visitor.visit.rpartition("/")[2])


def raw_form(state: str | None, presentation: object) -> bytes:
    token = strict_json.dump({"release": presentation}).decode()  # type: ignore[dict-item]
    return build_form({"vp_token": token, "state": state or ""})


def disclosure(name: str, value: str) -> str:
    return base64url.encode(strict_json.dump(["c2FsdHNhbHRzYWx0c2FsdA", name, value]))


async def test_a_co_op_that_was_distrusted_during_the_visit_opens_nothing(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    assert distrust_issuer(site.parts.work, COOP, party=site.parts.party, now=site.clock()) == (gate,)
    assert (await refusal(visitor))[1] == "untrusted_issuer"


async def test_the_same_answer_sent_twice_is_taken_once(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    form = visitor.answer(request)
    assert (await visitor.send(request, form)).status_code == 200
    again = await visitor.send(request, form)
    assert (again.status_code, again.json()["code"]) == (409, "already_answered")


async def test_an_answer_recorded_at_one_visit_does_not_open_another(site: Site, gate: Gate) -> None:
    thief = await site.visitor().start(gate)
    victim = await site.visitor().start(gate)
    seen, wanted = await victim.fetch_request(), await thief.fetch_request()
    stolen = victim.answer(seen, state=wanted.state)
    reply = await thief.send(wanted, stolen)
    assert (reply.status_code, reply.json()["code"]) == (400, "wrong_nonce")


async def test_an_answer_to_the_other_device_of_the_same_visit_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    same, cross = await visitor.fetch_request("same_device"), await visitor.fetch_request("cross_device")
    reply = await visitor.send(cross, visitor.answer(same))
    assert (reply.status_code, reply.json()["code"]) == (400, "wrong_state")
    reply = await visitor.send(cross, visitor.answer(same, state=cross.state))
    assert (reply.status_code, reply.json()["code"]) == (400, "wrong_nonce")


async def test_a_presentation_for_another_verifier_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    assert await refusal(visitor, audience="x509_san_dns:shop.localhost") == (400, "wrong_audience")


async def test_an_audience_without_its_prefix_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    assert await refusal(visitor, audience="artist.localhost") == (400, "wrong_audience")


async def test_a_wrong_nonce_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    assert await refusal(visitor, nonce="n" * 43) == (400, "wrong_nonce")


@pytest.mark.parametrize("state", ["x" * 22, None])
async def test_a_wrong_or_missing_state_is_refused_and_costs_no_try(site: Site, gate: Gate, state: str | None) -> None:
    visitor = await site.visitor().start(gate)
    for _ in range(6):
        assert await refusal(visitor, state=state) == (400, "wrong_state")
    assert state_of(site, visitor).failed_answers == 0  # type: ignore[attr-defined]


async def test_a_key_binding_by_another_key_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    body, _, binding = visitor.present(request).rpartition("~")
    claims = parse_jws(binding, what="key binding", typ="kb+jwt").claims()
    forged = f"{body}~{sign_jws({'typ': 'kb+jwt'}, claims, LocalSigner.generate())}"
    reply = await visitor.send(request, raw_form(request.state, [forged]))
    assert (reply.status_code, reply.json()["code"]) == (400, "wrong_key_binding")


async def test_a_presentation_without_key_binding_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    bare = visitor.present(request).rpartition("~")[0] + "~"
    reply = await visitor.send(request, raw_form(request.state, [bare]))
    assert (reply.status_code, reply.json()["code"]) == (400, "missing_key_binding")


async def test_a_disclosure_that_the_co_op_did_not_sign_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    jwt, *disclosures, binding = visitor.present(request).split("~")
    foreign = disclosure("name", "Mine")
    forged = "~".join([jwt, *disclosures, foreign, binding])
    reply = await visitor.send(request, raw_form(request.state, [forged]))
    assert (reply.status_code, reply.json()["code"]) == (400, "unreferenced_disclosure")


@pytest.mark.parametrize("name", ["_sd", "..."])
async def test_a_claim_with_a_name_of_the_format_itself_is_refused(site: Site, gate: Gate, name: str) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    evil = disclosure(name, "x")
    digest = base64url.encode(hashlib.sha256(evil.encode()).digest())
    jwt, *_ = visitor.present(request).split("~")
    jws = parse_jws(jwt, what="credential", typ="dc+sd-jwt")
    claims = jws.claims() | {"_sd": [digest]}
    resigned = sign_jws({k: v for k, v in jws.header.items() if k != "alg"}, claims, site.coop.signer)
    reply = await visitor.send(request, raw_form(request.state, [f"{resigned}~{evil}~"]))
    assert (reply.status_code, reply.json()["code"]) == (400, "forbidden_claim_name")


async def test_an_issuer_that_nobody_trusts_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    signer, chain = site.authority.certify("fake.localhost")
    fake = Coop(signer=signer, x5c=chain.x5c(), clock=site.clock, url="http://fake.localhost:8701")
    assert await refusal(visitor, credential=fake.issue(visitor.holder)) == (400, "untrusted_issuer")


async def test_a_certified_neighbour_who_speaks_for_the_co_op_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    signer, chain = site.authority.certify("fake.localhost")
    fake = Coop(signer=signer, x5c=chain.x5c(), clock=site.clock)
    assert await refusal(visitor, credential=fake.issue(visitor.holder)) == (400, "certificate_wrong_name")


async def test_a_credential_of_another_type_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    code = await refusal(visitor, credential=owns_track(visitor), disclose=("track",))
    assert code == (400, "unknown_type")


async def test_a_type_that_does_not_exist_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    credential = site.coop.issue(visitor.holder, "urn:example:made-up")
    assert await refusal(visitor, credential=credential) == (400, "unknown_type")


async def test_another_release_is_refused_whatever_the_wallet_thinks(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    credential = site.coop.issue(visitor.holder, RELEASE_OWNERSHIP.vct, release=OTHER_RELEASE)
    assert await refusal(visitor, credential=credential) == (400, "wrong_claim_value")


async def test_a_track_of_another_release_does_not_open_a_track_gate(site: Site, track_gate: Gate) -> None:
    visitor = await site.visitor().start(track_gate)
    credential = owns_track(visitor, OTHER_RELEASE)
    assert await refusal(visitor, query="track", credential=credential, disclose=("track",)) == (
        400,
        "wrong_claim_value",
    )


async def test_a_track_under_the_name_of_the_release_query_is_refused(site: Site, track_gate: Gate) -> None:
    visitor = await site.visitor().start(track_gate)
    credential = site.coop.issue(visitor.holder, TRACK_OWNERSHIP.vct, track=TRACK)
    assert await refusal(visitor, query="release", credential=credential, disclose=("track",)) == (400, "unknown_type")


async def test_showing_nothing_of_the_record_is_refused(site: Site, gate: Gate) -> None:
    assert await refusal(await site.visitor().start(gate), disclose=()) == (400, "missing_claim")


async def test_showing_more_than_asked_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    assert await refusal(visitor, disclose=("release", "copy")) == (400, "unasked_claim")


async def test_an_answer_under_an_unasked_name_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    assert await refusal(visitor, query="membership") == (400, "unasked_answer")


async def test_an_answer_after_the_visits_time_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    form = visitor.answer(request)
    site.clock.pass_time(minutes=5)
    reply = await visitor.send(request, form)
    assert (reply.status_code, reply.json()["code"]) == (410, "visit_expired")
    reply = await visitor.http.get(urlsplit(request.response_uri).path.replace("responses", "requests"))
    assert (reply.status_code, reply.json()["code"]) == (410, "visit_expired")


async def test_a_key_binding_made_long_ago_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    old = int(site.clock().timestamp()) - 3600
    assert await refusal(visitor, issued_at=old) == (400, "stale_key_binding")


async def test_a_presentation_as_a_string_where_an_array_is_due_is_refused_in_words(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    form = raw_form(request.state, visitor.present(request))
    reply = await visitor.send(request, form)
    assert (reply.status_code, reply.json()["code"]) == (400, "vp_token_not_arrays")
    assert "array" in reply.json()["error_description"]


async def test_two_presentations_where_one_was_asked_are_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    form = raw_form(request.state, [visitor.present(request), visitor.present(request)])
    reply = await visitor.send(request, form)
    assert (reply.status_code, reply.json()["code"]) == (400, "not_one_presentation")


async def test_a_body_above_the_cap_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    reply = await visitor.send(request, b"vp_token=" + b"A" * (64 * 1024))
    assert (reply.status_code, reply.json()["code"]) == (400, "malformed")
    reply = await visitor.send(request, b"vp_token=" + b"A" * (300 * 1024))
    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")


async def test_a_parameter_sent_twice_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    reply = await visitor.send(request, visitor.answer(request) + f"&state={request.state}".encode())
    assert (reply.status_code, reply.json()["code"]) == (400, "malformed")


async def test_an_answer_that_is_not_a_form_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    reply = await visitor.http.post(request.response_uri, json={"vp_token": {}, "state": request.state})
    assert (reply.status_code, reply.json()["code"]) == (400, "malformed")


async def test_an_answer_and_a_refusal_at_once_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request()
    reply = await visitor.send(request, visitor.answer(request) + b"&error=access_denied")
    assert (reply.status_code, reply.json()["code"]) == (400, "malformed")


async def test_an_answer_to_no_request_is_refused(site: Site) -> None:
    reply = await site.visitor().http.post("/responses/AAAAAAAAAAAAAAAAAAAAAA", content=b"state=x", headers=FORM)
    assert (reply.status_code, reply.json()["code"]) == (404, "no_such_request")
    assert (await site.visitor().http.get("/requests/AAAA")).json()["code"] == "no_such_request"


async def test_a_stranger_without_a_credential_does_not_burn_a_visit_but_five_failures_end_it(
    site: Site, gate: Gate
) -> None:
    visitor = await site.visitor().start(gate)
    for count in range(1, 5):
        assert await refusal(visitor, nonce="n" * 43) == (400, "wrong_nonce")
        visit = state_of(site, visitor)
        assert isinstance(visit, Requested)
        assert (visit.failed_answers, visit.last_failure) == (count, "wrong_nonce")
    page = await visitor.http.get(visitor.visit, headers=PAGE)
    assert "That did not open it" in page.text
    assert "you can try 1 more time" in page.text
    request = await visitor.fetch_request()
    form = visitor.answer(request)
    assert await refusal(visitor, nonce="n" * 43) == (400, "wrong_nonce")
    assert isinstance(state_of(site, visitor), Refused)
    late = await visitor.send(request, form)
    assert (late.status_code, late.json()["code"]) == (410, "too_many_failed_answers")
    page = await visitor.http.get(visitor.visit, headers=PAGE)
    assert "This did not open" in page.text
    assert "Start again" in page.text


async def test_after_failed_answers_a_good_one_still_opens(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    for _ in range(4):
        await refusal(visitor, nonce="n" * 43)
    request = await visitor.fetch_request("cross_device")
    assert (await visitor.send(request, visitor.answer(request))).status_code == 200


async def test_a_wallet_that_says_no_is_heard_and_may_change_its_mind(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    no = ErrorResponse(error="access_denied", description="<script>", state=request.state).to_form()
    reply = await visitor.send(request, no)
    assert (reply.status_code, reply.json()) == (200, {})
    page = await visitor.http.get(visitor.visit, headers=PAGE)
    assert "Your wallet said no" in page.text
    assert "script>" not in page.text.split("<main")[1]
    assert (await visitor.send(request, visitor.answer(request))).status_code == 200
