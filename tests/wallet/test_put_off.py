"""What an issuer that is not ours hands out later, encrypted, for another kind of token, or under fewer names."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import schemas
from credentials.errors import Malformed
from credentials.keys.errors import CertificateWrongName
from credentials.protocols.openid4vci import NotSenderBound
from tests.support.other_credentials import HOST, make_ours
from tests.support.outside import Authority, Outside, says
from tests.wallet.topping import left, paths, show, take
from wallet import errors
from wallet.service.receive import read_offer, receive
from wallet.service.top_up import top_up
from wallet.visiting import ToppedUp

if TYPE_CHECKING:
    from tests.support.moving import Clock
    from tests.support.other_issuer import OtherIssuer
    from wallet.ports import Tools


async def test_what_is_put_off_is_kept_and_fetched_when_its_time_has_come(
    other: OtherIssuer, mine: Tools, outside: Outside, clock: Clock
) -> None:
    other.identifiers, other.defers = ("ep",), {"ep"}
    link = other.offer_link()
    assert await receive(await read_offer(link, tools=mine), tools=mine) == ()
    with pytest.raises(errors.ComesLater, match="21 November 2026, 10:30 UTC"):
        await receive(await read_offer(link, tools=mine), tools=mine)
    outside.seen.clear()
    assert [host for host, _ in (await top_up(tools=mine)).later] == [HOST]
    assert outside.seen == [], "the co-op said when to come back"
    clock.now += timedelta(hours=2)
    assert len((await top_up(tools=mine)).later) == 1, "put off again"
    other.defers.clear()
    clock.now += timedelta(hours=2)
    report = await top_up(tools=mine)
    assert [copy.text("name") for copy in report.arrived] == ["Night Bus EP"]
    assert other.violations == []


async def test_an_offer_read_again_fetches_what_was_put_off(other: OtherIssuer, mine: Tools, clock: Clock) -> None:
    other.identifiers, other.defers = ("ep",), {"ep"}
    link = other.offer_link()
    await receive(await read_offer(link, tools=mine), tools=mine)
    other.defers.clear()
    clock.now += timedelta(hours=2)
    assert len(await receive(await read_offer(link, tools=mine), tools=mine)) == 1


async def test_what_was_put_off_and_is_forgotten_by_the_co_op_is_asked_for_anew(
    other: OtherIssuer, mine: Tools, clock: Clock
) -> None:
    other.identifiers, other.defers = ("ep",), {"ep"}
    await take(other, mine)
    other.pending.clear()
    other.defers.clear()
    clock.now += timedelta(hours=2)
    assert len((await top_up(tools=mine)).arrived) == 1


async def test_what_was_put_off_and_can_no_longer_come_is_told_once(
    other: OtherIssuer, mine: Tools, clock: Clock
) -> None:
    other.identifiers, other.defers, other.refreshes = ("ep",), {"ep"}, False
    await take(other, mine)
    clock.now += timedelta(hours=2)
    (refused,) = (await top_up(tools=mine)).not_renewed
    assert refused.title == f"a release from {HOST}"
    assert await top_up(tools=mine) == ToppedUp()


async def test_more_of_a_copy_that_is_put_off_comes_to_the_same_copy(
    other: OtherIssuer, mine: Tools, clock: Clock
) -> None:
    other.identifiers = ("ep",)
    await take(other, mine)
    show(mine, 4)
    other.defers = {"ep"}
    assert len((await top_up(tools=mine)).later) == 1
    other.defers.clear()
    clock.now += timedelta(hours=2)
    assert len((await top_up(tools=mine)).renewed) == 1
    assert left(mine) == [4]


async def test_a_deferral_under_another_name_is_refused(other: OtherIssuer, mine: Tools, clock: Clock) -> None:
    other.identifiers, other.defers = ("ep",), {"ep"}
    await take(other, mine)
    other.routes.answers["POST /deferred"] = says({"transaction_id": "another", "interval": 5}, 202)
    clock.now += timedelta(hours=2)
    assert "defers another request" in (await top_up(tools=mine)).not_renewed[0].reason


@pytest.mark.parametrize("demanded", [False, True])
async def test_what_a_co_op_can_encrypt_travels_encrypted_both_ways(
    other: OtherIssuer, mine: Tools, outside: Outside, clock: Clock, *, demanded: bool
) -> None:
    other.encryption, other.demands_encryption, other.defers = True, demanded, {"track"}
    await take(other, mine)
    other.defers.clear()
    clock.now += timedelta(hours=2)
    await top_up(tools=mine)
    assert len(mine.keeper.load().copies) == 2
    sent = [each for each in outside.seen if each.url.path in {"/credential", "/deferred"}]
    assert len(sent) == 3
    assert {each.headers["Content-Type"] for each in sent} == {"application/jwt"}
    assert other.violations == []


async def test_an_answer_that_should_come_encrypted_and_does_not_is_refused(other: OtherIssuer, mine: Tools) -> None:
    other.encryption = True
    other.routes.answers["POST /credential"] = says({"credentials": [{"credential": "x~"}]})
    with pytest.raises(Malformed):
        await take(other, mine)
    assert left(mine) == []


async def test_a_server_without_dpop_gives_bearer_tokens_which_work(
    other: OtherIssuer, mine: Tools, outside: Outside, clock: Clock
) -> None:
    other.dpop = False
    assert len(await take(other, mine)) == 2
    show(mine, 1)
    clock.now += timedelta(hours=1)
    assert len((await top_up(tools=mine)).renewed) == 1
    sent = [each for each in outside.seen if each.url.path == "/credential"]
    assert all(each.headers["Authorization"].startswith("Bearer ") for each in sent)
    assert not any("DPoP" in each.headers for each in sent)


async def test_a_server_that_speaks_of_dpop_and_gives_a_bearer_token_is_refused(
    other: OtherIssuer, mine: Tools
) -> None:
    other.routes.answers["POST /token"] = says({"access_token": "t", "token_type": "Bearer"})
    with pytest.raises(NotSenderBound):
        await take(other, mine)


async def test_a_token_bound_to_nothing_is_not_carried_to_another_host(
    other: OtherIssuer, mine: Tools, outside: Outside
) -> None:
    # The issuer names a server that is not its own, to be shown what that one gives.
    other.routes.answers["GET /.well-known/oauth-authorization-server"] = says(
        replace(other.server(), dpop_signing_alg_values_supported=(), token_endpoint=f"https://{HOST}/token").to_json()
    )
    with pytest.raises(errors.IssuerRefused, match="bound to no key of yours"):
        await take(other, mine)
    assert not [each for each in outside.seen if each.url.path in {"/token", "/credential"}]


async def test_a_server_that_names_no_identifiers_hands_out_one_copy(
    other: OtherIssuer, mine: Tools, clock: Clock
) -> None:
    other.identifiers, other.names_identifiers = ("ep",), False
    assert len(await take(other, mine)) == 1
    show(mine, 1)
    clock.now += timedelta(hours=1)
    assert len((await top_up(tools=mine)).renewed) == 1


async def test_signed_metadata_is_read_and_known_to_be(other: OtherIssuer, mine: Tools, authority: Authority) -> None:
    other.signs_metadata = True
    opened = await read_offer(other.offer_link(), tools=mine)
    assert opened.desk.signed
    assert len(await receive(opened, tools=mine)) == 2
    other.signer, other.chain = Authority().certify(HOST)
    unknown = await read_offer(other.offer_link(), tools=mine)
    assert not unknown.desk.signed, "who is unknown may say so without a signature"
    other.signer, other.chain = authority.certify("shop.localhost")
    with pytest.raises(CertificateWrongName):
        await read_offer(other.offer_link(), tools=mine)


async def test_a_copy_that_the_co_op_hands_out_no_more_is_named(other: OtherIssuer, mine: Tools, clock: Clock) -> None:
    await take(other, mine)
    show(mine, 1)
    clock.now += timedelta(hours=1)
    cards = tuple(each for each in other.metadata().configurations if each.id == "LibraryCard")
    answer = says(replace(other.metadata(), configurations=cards).to_json())
    other.routes.answers["GET /.well-known/openid-credential-issuer"] = answer
    assert "nothing of this kind" in (await top_up(tools=mine)).not_renewed[0].reason


async def test_what_the_co_op_gave_up_since_is_named_when_the_offer_is_read_again(
    other: OtherIssuer, mine: Tools, outside: Outside
) -> None:
    other.make = lambda *_: "nonsense~"
    link = other.offer_link()
    with pytest.raises(errors.UnwantedCredential):
        await receive(await read_offer(link, tools=mine), tools=mine)
    kept = tuple(each for each in other.metadata().configurations if "Release" not in each.id)
    answer = says(replace(other.metadata(), configurations=kept).to_json())
    other.routes.answers["GET /.well-known/openid-credential-issuer"] = answer
    other.make = make_ours
    with pytest.raises(errors.IssuerRefused, match="nothing of this kind"):
        await receive(await read_offer(link, tools=mine), tools=mine)
    assert [copy.vct for copy in mine.keeper.load().copies] == [schemas.TRACK_OWNERSHIP.vct]
    assert paths(outside, "/token") == 1


async def test_a_token_that_opens_nothing_of_what_was_offered_is_said_so(other: OtherIssuer, mine: Tools) -> None:
    link = other.offer_link()
    other.identifiers = ("member",)
    with pytest.raises(errors.IssuerRefused, match="gave nothing of what it had offered"):
        await receive(await read_offer(link, tools=mine), tools=mine)
