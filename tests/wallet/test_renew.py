"""What ends with its month is renewed at a moment that says nothing, and the wallet says why something was not."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.bbs import BbsSecretKey
from tests.support.linked_issuer import LinkedIssuer
from tests.support.moving import Clock
from tests.support.outside import NOW, Authority, Memory, Outside
from wallet.errors import UnwantedCredential
from wallet.linked import LinkedKind, draw_renewal
from wallet.ports import Tools
from wallet.renewing import find_late
from wallet.service.receive import read_offer, receive
from wallet.service.renew import needs_renewal, renew
from wallet.service.top_up import top_up
from wallet.state import Copy
from wallet.visiting import ToppedUp

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
TOO_LATE = datetime(2026, 12, 11, tzinfo=UTC)


@pytest.fixture
def tools(outside: Outside, authority: Authority) -> Tools:
    """A wallet that trusts the authority; what it keeps is not written to the disk at each step, as others try it."""
    keeper = Memory()
    keeper.pin(authority)
    return Tools(keeper=keeper, web=outside.web, clock=lambda: NOW, random=secrets.token_bytes)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def coop(outside: Outside, authority: Authority, clock: Clock) -> LinkedIssuer:
    return LinkedIssuer.open(outside, authority, clock=clock)


@pytest.fixture
def mine(tools: Tools, clock: Clock) -> Tools:
    return replace(tools, clock=clock)


async def take(coop: LinkedIssuer, tools: Tools, *identifiers: str) -> tuple[Copy, ...]:
    coop.identifiers = identifiers
    return await receive(await read_offer(coop.offer_link(), tools=tools), tools=tools)


def only(tools: Tools) -> Copy:
    (copy,) = tools.keeper.load().copies
    return copy


def renew_at(tools: Tools) -> datetime:
    (supply,) = tools.keeper.load().supplies
    assert supply.renew_at
    return supply.renew_at


@given(drawn=st.binary(min_size=8, max_size=8), month=st.sampled_from(["2026-11", "2026-12", "2027-02"]))
def test_the_moment_lies_in_the_first_ten_days_of_the_month_after(drawn: bytes, month: str) -> None:
    year, number = map(int, month.split("-"))
    start = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    assert start <= draw_renewal(month, random=lambda _: drawn) < start + timedelta(days=10)


async def test_at_its_moment_one_refresh_and_one_request_for_each_form_renew_everything(
    coop: LinkedIssuer, mine: Tools, outside: Outside, clock: Clock
) -> None:
    await take(coop, mine, "ep.pseudonym", "ep.bbs", "track.pseudonym")
    clock.now = renew_at(mine)
    coop.asked.clear()
    outside.seen.clear()
    report = await renew(tools=mine)
    assert len(report.renewed) == 2
    assert report.not_renewed == ()
    assert sorted(coop.asked) == ["ep.bbs", "ep.pseudonym", "track.pseudonym"]
    assert sum(each.endswith("/token") for each in outside.paths()) == 1
    assert {each.month for copy in mine.keeper.load().copies for each in copy.linked} == {"2026-12"}
    assert renew_at(mine).month == 1
    assert coop.violations == []


async def test_nobody_is_asked_before_that_moment_or_a_second_time_after_it(
    coop: LinkedIssuer, mine: Tools, outside: Outside, clock: Clock
) -> None:
    await take(coop, mine, "ep.bbs")
    outside.seen.clear()
    clock.now = renew_at(mine) - timedelta(seconds=1)
    assert not needs_renewal(mine.keeper.load(), tools=mine)
    assert await renew(tools=mine) == ToppedUp()
    assert (await top_up(tools=mine)).renewed == ()
    assert outside.seen == []
    clock.now += timedelta(seconds=1)
    assert needs_renewal(mine.keeper.load(), tools=mine)
    assert len((await renew(tools=mine)).renewed) == 1
    outside.seen.clear()
    assert await renew(tools=mine) == ToppedUp()
    assert outside.seen == []


async def test_a_key_that_changes_within_a_month_brings_nothing_new_until_the_next_and_takes_nothing_away(
    coop: LinkedIssuer, mine: Tools, clock: Clock
) -> None:
    await take(coop, mine, "ep.bbs", "ep.pseudonym")
    before = only(mine)
    name = "ReleaseOwnershipCredential"
    coop.bbs_keys[name] = BbsSecretKey.generate()
    with pytest.raises(UnwantedCredential, match="another key than others of its type"):
        await take(coop, mine, "ep.bbs")
    assert only(mine).linked == before.linked
    clock.now = max(each.renew_at or DECEMBER for each in mine.keeper.load().supplies)
    report = await renew(tools=mine)
    assert report.not_renewed == ()
    renewed = only(mine)
    assert {each.month for each in renewed.linked} == {"2026-12"}
    assert {each.issuer_key for each in renewed.linked} == {coop.bbs_keys[name].public_key.multikey}
    # The same secret is bound to the same number of the co-op's: gates know the listener under the new key too.
    assert renewed.linked_as(LinkedKind.PSEUDONYM, clock()) is not None
    assert len(mine.keeper.load().nyms) == 1
    assert coop.violations == []


async def test_a_listener_may_renew_before_that_moment(coop: LinkedIssuer, mine: Tools, clock: Clock) -> None:
    await take(coop, mine, "ep.bbs")
    clock.now = DECEMBER
    later = DECEMBER + timedelta(days=9)
    mine.keeper.change(lambda wallet: (wallet.with_supply(replace(wallet.supplies[0], renew_at=later)), None))
    assert await renew(tools=mine) == ToppedUp()
    assert len((await renew(tools=mine, anyway=True)).renewed) == 1
    assert only(mine).linked[0].month == "2026-12"


async def test_a_renewed_pseudonym_is_of_the_same_nym(coop: LinkedIssuer, mine: Tools, clock: Clock) -> None:
    await take(coop, mine, "ep.pseudonym")
    before = mine.keeper.load()
    clock.now = renew_at(mine)
    await renew(tools=mine)
    after = mine.keeper.load()
    assert after.nyms == before.nyms
    assert after.nym_of(only(mine), only(mine).linked[0]) == before.nyms[0]
    assert coop.violations == []


async def test_what_was_refunded_is_not_renewed_and_the_wallet_says_why(
    coop: LinkedIssuer, mine: Tools, clock: Clock, outside: Outside
) -> None:
    await take(coop, mine, "ep.bbs", "track.bbs")
    clock.now = renew_at(mine)
    coop.ended.add("ep.bbs")
    report = await renew(tools=mine)
    assert [copy.text("name") for copy in report.renewed] == ["Night Bus"]
    (told,) = report.not_renewed
    assert told.title == "“Night Bus EP” by The Long Way Home"
    assert "Refunded" in told.reason
    release, track = mine.keeper.load().copies
    assert release.not_renewed == told.reason
    assert track.not_renewed is None
    outside.seen.clear()
    assert await renew(tools=mine) == ToppedUp()
    assert outside.seen == [], "who said no is asked again in a month, not at each run"


async def test_a_co_op_that_cannot_be_reached_is_asked_again_at_the_next_run(
    coop: LinkedIssuer, mine: Tools, clock: Clock, outside: Outside
) -> None:
    await take(coop, mine, "ep.bbs")
    clock.now = renew_at(mine)
    reached = outside.parties.pop("other.localhost:8801")
    (told,) = (await renew(tools=mine)).not_renewed
    assert "other.localhost" in told.reason
    assert only(mine).not_renewed == told.reason
    assert only(mine).linked[0].month == "2026-11", "what is here stays good until it ends"
    outside.parties["other.localhost:8801"] = reached
    assert len((await renew(tools=mine)).renewed) == 1
    assert only(mine).not_renewed is None


async def test_a_renewal_that_is_marked_is_refused_and_the_old_one_stays(
    coop: LinkedIssuer, mine: Tools, clock: Clock
) -> None:
    await take(coop, mine, "ep.bbs")
    clock.now = renew_at(mine)
    coop.said = {"name": "Night Bus E.P."}
    (told,) = (await renew(tools=mine)).not_renewed
    assert "its name is not what the co-op's public catalogue says" in told.reason
    assert only(mine).linked[0].month == "2026-11"


async def test_a_renewal_with_another_entropy_is_refused(coop: LinkedIssuer, mine: Tools, clock: Clock) -> None:
    await take(coop, mine, "ep.pseudonym")
    clock.now = renew_at(mine)
    coop.entropy.clear()
    (told,) = (await renew(tools=mine)).not_renewed
    assert "another number to your secret than before" in told.reason
    assert only(mine).linked[0].month == "2026-11"


async def test_a_record_and_a_membership_that_shall_count_as_one_are_refused(coop: LinkedIssuer, mine: Tools) -> None:
    coop.scopes["member"] = coop.scopes["ep"]
    with pytest.raises(UnwantedCredential, match="count as one with something else"):
        await take(coop, mine, "ep.pseudonym", "member.pseudonym")
    assert [each.kind for each in only(mine).linked] == [LinkedKind.PSEUDONYM]


async def test_a_title_that_the_catalogue_corrected_is_taken_and_the_old_one_goes(
    coop: LinkedIssuer, mine: Tools, clock: Clock
) -> None:
    await take(coop, mine, "ep.bbs", "ep")
    clock.now = renew_at(mine)
    coop.said = coop.listed = {"name": "Night Bus E.P."}
    assert len((await renew(tools=mine)).renewed) == 1
    assert (only(mine).text("name"), only(mine).instances) == ("Night Bus E.P.", ())


async def test_a_members_standing_may_change_with_a_month_but_not_how_a_record_became_theirs(
    coop: LinkedIssuer, mine: Tools, clock: Clock
) -> None:
    await take(coop, mine, "ep.bbs", "member.bbs")
    clock.now = renew_at(mine)
    coop.said = {"shareClass": "founder", "acquired": "2026-10"}
    report = await renew(tools=mine)
    assert [copy.text("shareClass") for copy in report.renewed] == ["founder"]
    (told,) = report.not_renewed
    assert "its acquired differs" in told.reason


async def test_a_form_that_was_denied_for_some_months_comes_with_a_later_renewal(
    coop: LinkedIssuer, mine: Tools, clock: Clock
) -> None:
    coop.ended.add("ep.pseudonym")
    await take(coop, mine, "ep.pseudonym", "ep.bbs")
    coop.ended.clear()
    clock.now = renew_at(mine)
    await renew(tools=mine)
    assert {each.kind for each in only(mine).linked} == {LinkedKind.PSEUDONYM, LinkedKind.BASELINE}


async def test_opened_too_late_the_choice_is_told_with_what_each_reveals(
    coop: LinkedIssuer, mine: Tools, clock: Clock
) -> None:
    await take(coop, mine, "ep.bbs", "ep")
    assert find_late(only(mine), LinkedKind.BASELINE, mine.keeper.load(), clock.now) is None
    clock.now = TOO_LATE
    late = find_late(only(mine), LinkedKind.BASELINE, mine.keeper.load(), clock.now)
    assert late
    assert "has ended and was not renewed" in late.why
    assert late.instance
    assert "together could tell" in late.instance
    assert "not where" in late.renewing
    assert find_late(only(mine), LinkedKind.DOOR, mine.keeper.load(), clock.now) is None
    used_up = replace(only(mine), instances=(), not_renewed="Other.localhost could not be reached.")
    late = find_late(used_up, LinkedKind.BASELINE, mine.keeper.load(), clock.now)
    assert late
    assert late.instance is None
    assert "could not be reached" in late.why


async def test_who_renews_too_late_gets_this_months_cohort_like_everybody(
    coop: LinkedIssuer, mine: Tools, clock: Clock
) -> None:
    await take(coop, mine, "ep.bbs")
    clock.now = datetime(2027, 3, 5, tzinfo=UTC)
    assert len((await top_up(tools=mine)).renewed) == 1
    assert only(mine).linked[0].month == "2027-03"
    assert renew_at(mine).month == 4
