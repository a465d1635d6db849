"""More of what runs low, from an issuer that is not ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

import schemas
from tests.support.other_credentials import HOST, make_ours
from tests.support.outside import NOW, Outside, endless, release_claims, says
from tests.wallet.topping import left, paths, show, take
from wallet import errors
from wallet.service.top_up import top_up
from wallet.visiting import ToppedUp

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.support.moving import Clock
    from tests.support.other_issuer import OtherIssuer
    from wallet.ports import Keeper, Tools
    from wallet.state import Wallet

T = TypeVar("T")


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

    def check_room(self) -> None:
        self.keeper.check_room()


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
