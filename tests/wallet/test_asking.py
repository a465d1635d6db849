"""How a wallet takes a site's question: in the standard's ways, and what an answer costs and says."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

import schemas
from credentials.encoding import base64url
from credentials.keys.certificates import parse_x5c
from credentials.keys.encryption import DecryptionKey
from credentials.protocols.dcql import CredentialSet, Query, TrustedAuthority
from credentials.protocols.oauth import parse_form
from credentials.protocols.openid4vp import (
    DIRECT_POST_JWT,
    ClientMetadata,
    build_hash_client_id,
    parse_response_form,
)
from credentials.sd_jwt import parse_sd_jwt
from tests.support.hostile_site import HOST, SITE, HostileSite, asking
from tests.support.outside import NOW, Memory, Outside, Routes, says
from tests.wallet.questions import ask_and_answer, audience_of, cause_of, lying, record
from wallet import errors
from wallet.ports import Tools
from wallet.refused import AnswerLost, QuestionAnswered, QuestionRefused
from wallet.service.answer_request import answer, read_request
from wallet.service.show_code import awaits_code, fetch_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from wallet.state import Wallet

CODE = f"{SITE}/codes/{'c' * 22}"


@pytest.fixture
def tools(filled: Wallet, outside: Outside) -> Tools:
    """A wallet with one EP and one track."""
    held = Memory()
    held.change(lambda _: (filled, None))
    return Tools(keeper=held, web=outside.web, clock=lambda: NOW, random=secrets.token_bytes)


async def test_a_site_named_by_its_certificate_is_answered_like_one_named_by_its_host(
    tools: Tools, site: HostileSite
) -> None:
    site.client_id = build_hash_client_id(site.chain.x5c())
    asked = await read_request(site.link(), tools=tools)
    assert (asked.consent.site, asked.consent.certified, asked.consent.warnings) == (HOST, True, ())
    await answer(asked, tools=tools)
    assert audience_of(site) == site.client_id


async def test_by_post_every_wallet_says_the_same_and_a_nonce_of_its_own_each_time(
    tools: Tools, site: HostileSite, outside: Outside
) -> None:
    site.method = "post"
    await read_request(site.link(), tools=tools)
    await ask_and_answer(site.link(), tools)
    first, second = (parse_form(form) for form in site.forms)
    assert first["wallet_metadata"] == second["wallet_metadata"]
    assert first["wallet_nonce"] != second["wallet_nonce"]
    assert set(first) == {"wallet_metadata", "wallet_nonce"}
    (posted, *_) = [each for each in outside.seen if each.url.path == "/requests/r"]
    assert posted.headers["accept"] == "application/oauth-authz-req+jwt"


@pytest.mark.parametrize("nonce", [None, "another-wallets-nonce"], ids=["none", "another's"])
async def test_a_request_that_was_not_made_for_this_wallet_is_refused(
    tools: Tools, site: HostileSite, nonce: str | None
) -> None:
    site.method, site.changes = "post", {"wallet_nonce": nonce}
    with pytest.raises(QuestionRefused, match="not made for you just now") as refusal:
        await read_request(site.link(), tools=tools)
    assert cause_of(refusal) == "wrong_wallet_nonce"


async def test_a_request_recorded_at_another_wallets_post_is_refused_at_a_get(tools: Tools, site: HostileSite) -> None:
    site.changes = {"wallet_nonce": "another-wallets-nonce"}
    with pytest.raises(QuestionRefused) as refusal:
        await read_request(site.link(), tools=tools)
    assert cause_of(refusal) == "wrong_wallet_nonce"


@pytest.mark.parametrize("status", [405, 404, 500, 302])
async def test_a_site_that_takes_no_post_after_all_is_not_asked_by_get(
    tools: Tools, site: HostileSite, outside: Outside, status: int
) -> None:
    site.method = "post"
    site.routes.answers["POST /requests/r"] = says({}, status)
    with pytest.raises(errors.SiteRefused):
        await read_request(site.link(), tools=tools)
    assert outside.paths() == ["POST artist.localhost:8703/requests/r"]


async def test_an_answer_that_only_the_site_may_read_is_sent_so(
    tools: Tools, site: HostileSite, outside: Outside
) -> None:
    site.key = DecryptionKey.generate()
    said = ClientMetadata(encryption_keys=(site.key.public_jwk,), encryption_encs=("A128GCM", "A256GCM"))
    site.changes = {"response_mode": DIRECT_POST_JWT, "client_metadata": said}
    await ask_and_answer(site.link(), tools)
    assert len(site.answers) == 1
    (sent,) = [each.content for each in outside.seen if each.url.path == "/responses/r"]
    assert set(parse_form(sent)) == {"response"}
    header = base64url.decode(parse_form(sent)["response"].partition(".")[0], what="header")
    assert b'"enc":"A256GCM"' in header


async def test_a_question_that_was_answered_and_taken_is_not_answered_again(tools: Tools, site: HostileSite) -> None:
    text = lying()(site)
    site.routes.answers["GET /requests/r"] = lambda _: httpx.Response(200, text=text)
    await ask_and_answer(site.link(), tools)
    with pytest.raises(QuestionAnswered, match="21 November 2026 at 09:30 UTC") as refusal:
        await read_request(site.link(), tools=tools)
    assert refusal.value.code == "question_answered"
    assert len(site.answers) == 1


async def test_after_a_lost_answer_the_same_question_gets_another_stamp_never_the_same(
    tools: Tools, site: HostileSite
) -> None:
    text, seen = lying()(site), []

    def lose(request: httpx.Request) -> httpx.Response:
        seen.append(parse_response_form(request.content))
        raise httpx.ReadError("gone")

    site.routes.answers["GET /requests/r"] = lambda _: httpx.Response(200, text=text)
    site.routes.answers["POST /responses/r"] = lose
    for _ in range(2):
        with pytest.raises(AnswerLost, match=r"One stamp was used up, the copy stays yours"):
            await ask_and_answer(site.link(), tools)
    (doubt,) = (await read_request(site.link(), tools=tools)).consent.warnings[-1:]
    assert doubt.startswith("You answered this before, and whether it arrived is not known.")
    stamps = [each.vp_token["record"][0].partition("~")[0] for each in seen]
    assert len(set(stamps)) == len(stamps) >= 2
    assert not any(receipt.accepted for receipt in tools.keeper.load().receipts)


async def test_a_number_that_was_given_before_is_said_to_join_the_visits(tools: Tools, site: HostileSite) -> None:
    site.query = asking("copy")
    first = await read_request(site.link(), tools=tools)
    assert [warning[:20] for warning in first.consent.warnings] == ["They ask for the num"]
    await answer(first, tools=tools)
    again = (await read_request(site.link(), tools=tools)).consent.warnings
    assert "You gave this number here before, on 21 November 2026" in again[1]
    tools.keeper.change(
        lambda wallet: (replace(wallet, receipts=tuple(replace(r, site="shop.example") for r in wallet.receipts)), None)
    )
    elsewhere = (await read_request(site.link(), tools=tools)).consent.warnings
    assert "given to shop.example before" in elsewhere[1]


async def test_details_that_are_rare_together_are_said_to_be(tools: Tools, site: HostileSite) -> None:
    site.query = asking("acquired", "acquisition")
    (warning,) = (await read_request(site.link(), tools=tools)).consent.warnings
    assert "rare together" in warning
    site.query = asking("acquired")
    assert (await read_request(site.link(), tools=tools)).consent.warnings == ()


async def test_of_two_ways_to_answer_the_one_without_the_number_is_taken(tools: Tools, site: HostileSite) -> None:
    (number,) = asking("copy").credentials
    (track,) = asking("track", "name", kind=schemas.TRACK_OWNERSHIP).credentials
    sets = (CredentialSet(options=(("record",), ("track",))),)
    site.query = Query(credentials=(number, replace(track, id="track")), credential_sets=sets)
    (shown,) = (await read_request(site.link(), tools=tools)).consent.copies
    assert shown.query_id == "track"


async def test_what_a_site_cannot_read_is_not_offered_to_it(tools: Tools, site: HostileSite) -> None:
    site.changes = {"client_metadata": ClientMetadata(sd_jwt_algorithms=("ES384",))}
    with pytest.raises(errors.NotForThisGate):
        await read_request(site.link(), tools=tools)


async def test_a_gate_with_a_limit_gives_a_code_to_type(tools: Tools, site: HostileSite, outside: Outside) -> None:
    site.routes.answers["POST /responses/r"] = says({"redirect_uri": CODE})
    site.routes.answers[f"GET /codes/{'c' * 22}"] = says({"code": "482193"})
    answered = await ask_and_answer(site.link(), tools)
    assert awaits_code(answered)
    assert await fetch_code(answered, tools=tools) == "482193"
    (asked,) = [each for each in outside.seen if each.url.path.startswith("/codes/")]
    assert asked.headers["accept"] == "application/json"
    assert "cookie" not in asked.headers


@pytest.mark.parametrize(
    "reply",
    [
        says({}, 404),
        says({"code": "12"}),
        says({"code": "\x1b[2J12"}),
        says({}),
        lambda _: httpx.Response(200, text="x"),
    ],
    ids=["gone", "too short", "control letters", "none", "no JSON"],
)
async def test_a_code_that_is_none_is_said_in_words(
    tools: Tools, site: HostileSite, reply: Callable[[httpx.Request], httpx.Response]
) -> None:
    site.routes.answers["POST /responses/r"] = says({"redirect_uri": CODE})
    site.routes.answers[f"GET /codes/{'c' * 22}"] = reply
    answered = await ask_and_answer(site.link(), tools)
    with pytest.raises(errors.SiteRefused):
        await fetch_code(answered, tools=tools)


async def test_a_way_on_in_the_browser_is_no_code(tools: Tools, site: HostileSite) -> None:
    assert not awaits_code(await ask_and_answer(site.link(), tools))
    assert not awaits_code(replace(await ask_and_answer(site.link(), tools), redirect_uri=None))


async def test_a_code_at_another_host_is_never_asked_for(tools: Tools, site: HostileSite, outside: Outside) -> None:
    outside.parties["shop.localhost:8704"] = Routes()
    site.routes.answers["POST /responses/r"] = says({"redirect_uri": f"http://shop.localhost:8704/codes/{'c' * 22}"})
    with pytest.raises(errors.SiteRefused, match="another host"):
        await ask_and_answer(site.link(), tools)
    assert outside.sent_to("shop.localhost") == []


async def test_an_ordered_question_discloses_each_claim_by_its_path(tools: Tools, site: HostileSite) -> None:
    site.query = asking("release", "name")
    asked = await read_request(site.link(), tools=tools)
    assert asked.consent.copies[0].paths == (("release",), ("name",))
    await answer(asked, tools=tools)
    sd_jwt = parse_sd_jwt(site.answers[0].vp_token["record"][0])
    assert {each.name for each in sd_jwt.disclosures} == {"release", "name"}
    (receipt,) = tools.keeper.load().receipts
    assert set(receipt.shown[0].claims) == {"release", "name"}
    assert record(tools).uses == 1


async def test_an_answer_whose_address_is_out_of_reach_says_that_a_stamp_was_spent(
    tools: Tools, site: HostileSite, outside: Outside
) -> None:
    asked = await read_request(site.link(), tools=tools)
    with pytest.raises(errors.SiteRefused, match="One stamp was used up"):
        await answer(replace(asked, first_party="https://public.example/"), tools=tools)
    assert site.answers == []
    assert outside.paths() == ["GET artist.localhost:8703/requests/r"]


async def test_a_site_that_names_an_authority_is_shown_only_what_that_one_vouches_for(
    tools: Tools, site: HostileSite
) -> None:
    sample = parse_sd_jwt(record(tools).instances[0].credential)
    (known,) = parse_x5c(sample.header["x5c"], what="chain").authority_key_ids
    (query,) = asking("release").credentials
    for values, fits in (((known,), True), (("A" * 27,), False)):
        authority = TrustedAuthority(type="aki", values=values)
        site.query = Query(credentials=(replace(query, trusted_authorities=(authority,)),))
        if fits:
            assert (await read_request(site.link(), tools=tools)).consent.copies
        else:
            with pytest.raises(errors.NotForThisGate):
                await read_request(site.link(), tools=tools)


async def test_an_empty_wallet_says_what_to_do_first(tools: Tools, site: HostileSite) -> None:
    tools.keeper.change(lambda wallet: (replace(wallet, copies=()), None))
    with pytest.raises(errors.NotForThisGate, match="receive an offer from your co-op first"):
        await read_request(site.link(), tools=tools)
    assert site.answers == []
