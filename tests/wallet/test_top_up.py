"""More of what runs low, from an issuer that is not ours."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx
import pytest

import schemas
from credentials.errors import Malformed
from credentials.keys.errors import CertificateWrongName
from credentials.protocols.openid4vci import NotSenderBound
from tests.support.moving import Clock
from tests.support.other_issuer import HOST, OtherIssuer, make_ours
from tests.support.outside import NOW, Authority, Outside, endless, release_claims, says
from wallet import errors
from wallet.ports import Keeper, Tools
from wallet.service.receive import read_offer, receive
from wallet.service.top_up import top_up
from wallet.state import Copy, Wallet
from wallet.visiting import ToppedUp

T = TypeVar("T")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def other(outside: Outside, authority: Authority, clock: Clock) -> OtherIssuer:
    return OtherIssuer.open(outside, authority, clock=clock)


@pytest.fixture
def mine(tools: Tools, clock: Clock) -> Tools:
    return replace(tools, clock=clock)


class Remembering:
    """A keeper that remembers every state that it wrote."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.states: list[Wallet] = []

    def load(self) -> Wallet:
        return self.keeper.load()

    def change(self, apply: Callable[[Wallet], tuple[Wallet, T]]) -> T:
        before = self.load()
        result = self.keeper.change(apply)
        if self.load() != before:
            self.states.append(self.load())
        return result


async def take(other: OtherIssuer, tools: Tools) -> tuple[Copy, ...]:
    return await receive(await read_offer(other.offer_link(), tools=tools), tools=tools)


def left(tools: Tools) -> list[int]:
    return sorted(len(copy.instances) for copy in tools.keeper.load().copies)


def show(tools: Tools, count: int, *, which: int = 0) -> None:
    """Use up instances, as presenting does."""
    for _ in range(count):
        tools.keeper.change(lambda wallet: (wallet.taking_instance(wallet.copies[which].key)[0], None))


def paths(outside: Outside, ending: str) -> int:
    return sum(each.endswith(ending) for each in outside.paths())


async def test_a_copy_that_was_shown_is_topped_up_with_one_refresh_and_one_request(
    other: OtherIssuer, mine: Tools, outside: Outside, clock: Clock
) -> None:
    await take(other, mine)
    show(mine, 3)
    clock.now += timedelta(hours=1)
    outside.seen.clear()
    report = await top_up(tools=mine)
    assert [copy.claims["name"] for copy in report.renewed] == ["Night Bus EP"]
    assert report.not_renewed == ()
    assert left(mine) == [4, 5]
    assert paths(outside, "/token") == paths(outside, "/credential") == 1
    assert other.violations == []


async def test_what_is_still_full_is_not_asked_for(other: OtherIssuer, mine: Tools, outside: Outside) -> None:
    await take(other, mine)
    outside.seen.clear()
    assert await top_up(tools=mine) == ToppedUp()
    assert outside.seen == []


async def test_a_refresh_token_is_used_again_and_again_in_its_newest_form(
    other: OtherIssuer, mine: Tools, clock: Clock
) -> None:
    await take(other, mine)
    for _ in range(4):
        show(mine, 3)
        clock.now += timedelta(hours=1)
        assert (await top_up(tools=mine)).not_renewed == ()
    assert other.violations == []
    assert not other.closed


async def test_a_token_that_is_still_good_is_not_renewed(other: OtherIssuer, mine: Tools, outside: Outside) -> None:
    await take(other, mine)
    show(mine, 1)
    outside.seen.clear()
    assert len((await top_up(tools=mine)).renewed) == 1
    assert paths(outside, "/token") == 0


async def test_receiving_tops_up_quietly_what_the_same_co_op_handed_out_before(
    other: OtherIssuer, mine: Tools, clock: Clock
) -> None:
    other.identifiers = ("ep",)
    await take(other, mine)
    show(mine, 4)
    clock.now += timedelta(hours=1)
    other.identifiers = ("track",)
    (track,) = await take(other, mine)
    assert track.vct == schemas.TRACK_OWNERSHIP.vct
    assert left(mine) == [4, 4]


async def test_a_newer_offer_of_a_copy_takes_the_place_of_the_older_way_to_it(
    other: OtherIssuer, mine: Tools, clock: Clock
) -> None:
    await take(other, mine)
    await take(other, mine)
    wallet = mine.keeper.load()
    assert [len(each.sources) for each in wallet.supplies] == [0, 2]
    clock.now += timedelta(hours=1)
    assert len(wallet.pruned(clock.now).supplies) == 1


async def test_what_ends_soon_is_renewed_though_no_use_of_it_is_gone(
    other: OtherIssuer, mine: Tools, clock: Clock
) -> None:
    other.identifiers = ("member",)
    (membership,) = await take(other, mine)
    assert {each.expires_at for each in membership.instances} == {datetime(2027, 1, 1, tzinfo=NOW.tzinfo)}
    assert await top_up(tools=mine) == ToppedUp()
    clock.now = datetime(2026, 12, 9, tzinfo=NOW.tzinfo)
    assert len((await top_up(tools=mine)).renewed) == 1
    clock.now = datetime(2027, 1, 2, tzinfo=NOW.tzinfo)
    assert [len(copy.instances) for copy in mine.keeper.load().pruned(clock.now).copies] == [4]


async def test_a_copy_that_was_taken_back_is_not_renewed_and_the_co_ops_reason_is_told(
    other: OtherIssuer, mine: Tools, clock: Clock
) -> None:
    await take(other, mine)
    show(mine, 3)
    show(mine, 3, which=1)
    other.ended = {"ep"}
    clock.now += timedelta(hours=1)
    report = await top_up(tools=mine)
    (refused,) = report.not_renewed
    assert "Night Bus EP" in refused.title
    assert "Refunded" in refused.reason
    assert len(report.renewed) == 1, "one refusal keeps nothing else from coming"


async def test_a_co_op_that_gave_no_way_back_is_said_so_for_each_copy(
    other: OtherIssuer, mine: Tools, clock: Clock
) -> None:
    other.refreshes = False
    await take(other, mine)
    show(mine, 4)
    clock.now += timedelta(hours=1)
    (refused,) = (await top_up(tools=mine)).not_renewed
    assert "ask it for a new offer" in refused.reason


async def test_a_co_op_that_closed_the_way_back_is_asked_once_and_not_again(
    other: OtherIssuer, mine: Tools, outside: Outside, clock: Clock
) -> None:
    await take(other, mine)
    show(mine, 4)
    other.closed = True
    clock.now += timedelta(hours=1)
    assert "new offer" in (await top_up(tools=mine)).not_renewed[0].reason
    outside.seen.clear()
    assert "new offer" in (await top_up(tools=mine)).not_renewed[0].reason
    assert outside.seen == []


async def test_a_co_op_that_does_not_answer_loses_nothing(
    other: OtherIssuer, mine: Tools, outside: Outside, clock: Clock
) -> None:
    await take(other, mine)
    show(mine, 1)
    clock.now += timedelta(hours=1)
    party = outside.parties.pop(f"{HOST}:8801")
    assert "nobody answers" in (await top_up(tools=mine)).not_renewed[0].reason
    outside.parties[f"{HOST}:8801"] = party
    assert len((await top_up(tools=mine)).renewed) == 1


async def test_a_corrected_title_replaces_all_instances(other: OtherIssuer, mine: Tools) -> None:
    other.identifiers = ("ep",)
    await take(other, mine)
    show(mine, 1)
    from tests.support import other_issuer  # noqa: PLC0415

    def corrected(issuer: OtherIssuer, identifier: str, key: Any) -> str:
        kind = other_issuer.OURS[identifier][0]
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(other_issuer.OURS, identifier, (kind, release_claims(name="Night Bus EP (2026)")))
            return make_ours(issuer, identifier, key)

    other.make = corrected
    await top_up(tools=mine)
    (copy,) = mine.keeper.load().copies
    assert (copy.text("name"), len(copy.instances), copy.uses) == ("Night Bus EP (2026)", 4, 1)


async def test_all_five_types_are_received_from_an_issuer_that_is_not_ours(other: OtherIssuer, mine: Tools) -> None:
    other.identifiers = ("ep", "track", "member", "artist", "helper")
    assert {copy.vct for copy in await take(other, mine)} == set(schemas.BY_VCT)
    assert other.violations == []


async def test_the_co_op_hears_what_was_kept_and_what_was_not(other: OtherIssuer, mine: Tools) -> None:
    def bad_track(issuer: OtherIssuer, identifier: str, key: Any) -> str:
        return "nonsense~" if identifier == "track" else make_ours(issuer, identifier, key)

    other.make = bad_track
    with pytest.raises(errors.UnwantedCredential):
        await take(other, mine)
    assert [event for event, _ in other.told] == ["credential_accepted", "credential_failure"]
    assert len(mine.keeper.load().copies) == 1


async def test_the_co_op_hears_of_all_copies_at_the_end_and_the_wallet_is_written_once_for_several(
    other: OtherIssuer, mine: Tools
) -> None:
    kept = Remembering(mine.keeper)
    assert len(await take(other, replace(mine, keeper=kept))) == 2
    assert len(other.told) == 2
    # The token, the copies, and that the co-op has heard of both.
    assert [len(state.copies) for state in kept.states] == [0, 2, 2]


async def test_what_could_not_be_told_is_told_at_the_next_top_up(other: OtherIssuer, mine: Tools, clock: Clock) -> None:
    hear = other.routes.answers["POST /notification"]
    other.routes.answers["POST /notification"] = says({}, 503)
    assert len(await take(other, mine)) == 2
    other.routes.answers["POST /notification"] = hear
    clock.now += timedelta(hours=1)
    await top_up(tools=mine)
    assert [event for event, _ in other.told] == ["credential_accepted"] * 2
    assert mine.keeper.load().supplies[0].notices == ()


async def test_a_notification_that_the_co_op_does_not_know_is_not_repeated(other: OtherIssuer, mine: Tools) -> None:
    other.routes.answers["POST /notification"] = says({"error": "invalid_notification_id"}, 400)
    await take(other, mine)
    assert mine.keeper.load().supplies[0].notices == ()


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


LIES: dict[str, tuple[str, Callable[[httpx.Request], httpx.Response]]] = {
    "a token that is none": ("POST /token", says({"hello": "you"})),
    "a token of an unheard-of type": ("POST /token", says({"access_token": "t", "token_type": "mac"})),
    "an error nobody knows": ("POST /token", says({"error": "go_away"}, 403)),
    "an endless token": ("POST /token", endless()),
    "an endless copy": ("POST /credential", endless()),
    "no copy": ("POST /credential", says({"credentials": []})),
    "a copy and a promise": ("POST /credential", says({"credentials": [], "transaction_id": "t", "interval": 1})),
    "a promise without an end": ("POST /credential", says({"transaction_id": "t", "interval": 10**12}, 202)),
    "no nonce": ("POST /nonce", says({}, 500)),
    "other metadata": ("GET /.well-known/openid-credential-issuer", says({"credential_issuer": "https://x.example"})),
    "another's keys": ("GET /.well-known/jwt-vc-issuer", says({"issuer": "https://x.example", "jwks": {"keys": []}})),
    "no keys": ("GET /.well-known/jwt-vc-issuer", says({}, 404)),
}


@pytest.mark.parametrize("lie", LIES)
async def test_whatever_a_co_op_answers_instead_is_told_and_what_is_here_stays_and_can_be_topped_up_later(
    other: OtherIssuer, mine: Tools, clock: Clock, lie: str
) -> None:
    other.identifiers = ("ep",)
    await take(other, mine)
    show(mine, 1)
    clock.now += timedelta(hours=1)
    route, answer = LIES[lie]
    honest, other.routes.answers[route] = other.routes.answers[route], answer
    (refused,) = (await top_up(tools=mine)).not_renewed
    assert "Night Bus EP" in refused.title
    assert refused.reason.endswith(".")
    assert left(mine) == [3]
    other.routes.answers[route] = honest
    clock.now += timedelta(hours=1)
    assert len((await top_up(tools=mine)).renewed) == 1
    assert other.violations == []
