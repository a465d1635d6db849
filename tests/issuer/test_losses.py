"""Refunds and gifts: what ends, what stays, and that nothing which ended is ever handed out."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from issuer.copies import Ended
from issuer.ledger import Acquisition, Gift, KeyReused
from issuer.service.deferred import hold_copy
from issuer.service.losses import CopyHeldBack, CopyOver, NoSuchCopy
from issuer.service.offers import NothingToOffer, OfferGone, open_offer
from issuer.service.record import AlreadyTheirs, NotOffered
from issuer.store import Store
from issuer.tables import EntryRow
from issuer.undoing import CameWithRelease
from tests.issuer.acts import copy_of, ended_entries, give, take_back, thing
from tests.issuer.conftest import RELEASE, TRACKS

if TYPE_CHECKING:
    from tests.issuer.conftest import Coop, Wallet

FIRST, SECOND, THIRD = TRACKS


def test_a_refunded_release_ends_with_its_tracks_and_takes_every_instance_back(coop: Coop) -> None:
    listener = coop.owner()
    before = coop.copies(listener)
    lost = take_back(coop, copy_of(coop, listener, RELEASE).id)
    assert lost.entry.total_milli == -3 * 1022
    assert coop.copies(listener) == []
    assert {copy.id for copy in lost.copies} == {copy.id for copy in before} == ended_entries(coop)
    with coop.parts.database.read() as session:
        past = Store(session).past_copies(listener)
    assert {(copy.ended, copy.ended_month) for copy in past} == {(Ended.REFUNDED, "2026-11")}


def test_a_refund_said_twice_is_done_once(coop: Coop) -> None:
    listener = coop.owner()
    copy = copy_of(coop, listener, RELEASE)
    first = take_back(coop, copy.id)
    again = take_back(coop, copy.id)
    assert again.entry == first.entry
    assert again.copies == ()
    assert coop.rows(EntryRow) == 2
    with pytest.raises(CopyOver, match="refunded"):
        take_back(coop, copy.id, key="another")


def test_what_is_bought_again_after_a_refund_is_a_new_copy(coop: Coop) -> None:
    listener = coop.listener()
    coop.buy(listener, FIRST)
    old = copy_of(coop, listener, FIRST)
    take_back(coop, old.id)
    coop.wait(days=40)
    assert coop.buy(listener, FIRST).total_milli == 1022
    new = copy_of(coop, listener, FIRST)
    assert new.id != old.id
    assert new.month == "2026-12"


def test_a_refund_of_one_track_ends_the_release_that_was_whole_with_it(coop: Coop) -> None:
    listener = coop.listener()
    for track in TRACKS:
        coop.buy(listener, track)
    lost = take_back(coop, copy_of(coop, listener, SECOND).id)
    assert {copy.subject for copy in lost.copies} == {SECOND, RELEASE}
    assert {copy.subject for copy in coop.copies(listener)} == {FIRST, THIRD}


def test_a_copy_that_nobody_has_is_neither_refunded_nor_given(coop: Coop) -> None:
    with pytest.raises(NoSuchCopy):
        take_back(coop, "nothing")
    with pytest.raises(NoSuchCopy):
        give(coop, "A" * 22, coop.listener())


def test_a_copy_given_on_becomes_another_copy_of_somebody_else(coop: Coop) -> None:
    giver, friend = coop.owner(), coop.listener()
    old = {copy.id for copy in coop.copies(giver)}
    given = give(coop, copy_of(coop, giver, RELEASE).id, friend)
    assert given.entry.total_milli == 0
    assert coop.copies(giver) == []
    new = coop.copies(friend)
    assert {copy.subject for copy in new} == {RELEASE, *TRACKS}
    assert {copy.acquisition for copy in new} == {Acquisition.GIFT}
    assert not old & {copy.id for copy in new}
    assert ended_entries(coop) == old
    assert coop.write(giver, Gift(thing=thing(FIRST))).total_milli == 0


def test_a_copy_that_is_held_back_is_not_given_on(coop: Coop) -> None:
    giver, friend = coop.owner(), coop.listener()
    copy = copy_of(coop, giver, RELEASE)
    with coop.parts.database.write() as session:
        hold_copy(Store(session), copy.id, now=coop.now)
    with pytest.raises(CopyHeldBack):
        give(coop, copy.id, friend)
    assert coop.copies(friend) == []
    assert ended_entries(coop) == set()


def test_giving_twice_gives_once_and_only_to_the_first(coop: Coop) -> None:
    giver, friend, other = coop.owner(), coop.listener(), coop.listener()
    copy = copy_of(coop, giver, RELEASE)
    first = give(coop, copy.id, friend)
    assert give(coop, copy.id, friend).entry == first.entry
    with pytest.raises(KeyReused):
        give(coop, copy.id, other)
    with pytest.raises(CopyOver, match="gifted away"):
        give(coop, copy.id, other, key="another")
    with pytest.raises(CopyOver):
        take_back(coop, copy.id)
    assert coop.copies(other) == []


def test_nobody_is_given_what_they_own(coop: Coop) -> None:
    giver, owner = coop.owner(), coop.owner()
    for to in (owner, giver):
        with pytest.raises(AlreadyTheirs):
            give(coop, copy_of(coop, giver, RELEASE).id, to)
    with pytest.raises(AlreadyTheirs):
        coop.write(owner, Gift(thing=thing(FIRST)))
    with pytest.raises(CameWithRelease):
        give(coop, copy_of(coop, giver, FIRST).id, coop.listener())
    assert len(coop.copies(giver)) == 4


def test_the_co_op_gives_what_is_on_offer_and_nothing_else(coop: Coop) -> None:
    listener = coop.listener()
    coop.write(listener, Gift(thing=thing(RELEASE)), key="prize")
    coop.write(listener, Gift(thing=thing(RELEASE)), key="prize")
    assert {copy.acquisition for copy in coop.copies(listener)} == {Acquisition.GIFT}
    with coop.parts.database.write() as session:
        assert Store(session).take_down([FIRST, SECOND], at=coop.now) == 2
        assert Store(session).take_down([FIRST, SECOND], at=coop.now) == 0
    with pytest.raises(NotOffered):
        coop.write(coop.listener(), Gift(thing=thing(FIRST)))
    other = coop.listener()
    coop.buy(other, THIRD)
    with pytest.raises(AlreadyTheirs):
        coop.write(other, Gift(thing=thing(RELEASE)))


def test_a_takedown_stands_although_the_trackserver_still_lists_the_track_and_owners_keep_it(coop: Coop) -> None:
    owner = coop.owner()
    copies = coop.copies(owner)
    with coop.parts.database.write() as session:
        Store(session).take_down(TRACKS, at=coop.now)
    coop.add_release()
    with pytest.raises(NotOffered):
        coop.buy(coop.listener(), RELEASE)
    assert coop.copies(owner) == copies
    assert len(coop.offer(owner).copies) == 4
    with coop.parts.database.write() as session:
        assert Store(session).put_back(TRACKS) == 3
    assert coop.buy(coop.listener(), FIRST).total_milli == 1022


async def test_what_ended_is_neither_offered_nor_given_for_a_code_nor_signed(coop: Coop, wallet: Wallet) -> None:
    listener = coop.listener()
    for track in TRACKS[:2]:
        coop.buy(listener, track)
    kept, refunded = copy_of(coop, listener, FIRST), copy_of(coop, listener, SECOND)
    both, only, before = coop.offer(listener), coop.offer(listener, [refunded.id]), coop.offer(listener)
    early = (await wallet.token(before)).json()["access_token"]
    take_back(coop, refunded.id)
    with pytest.raises(NothingToOffer):
        coop.offer(listener, [refunded.id])
    with coop.parts.database.read() as session, pytest.raises(OfferGone):
        open_offer(Store(session), only.id, now=coop.now)
    assert (await wallet.token(only)).json()["error"] == "invalid_grant"
    token = (await wallet.token(both)).json()
    named = [each for one in token["authorization_details"] for each in one["credential_identifiers"]]
    assert {each.partition(".")[0] for each in named} == {kept.id}
    for access_token in (early, token["access_token"]):
        refused = await wallet.ask(access_token, refunded.id)
        assert refused.json()["error"] == "unknown_credential_identifier"
    assert (await wallet.ask(early, kept.id)).status_code == 200


def test_two_refunds_of_one_copy_at_once_pay_back_once(coop: Coop) -> None:
    import threading  # noqa: PLC0415

    listener = coop.owner()
    copy_id = copy_of(coop, listener, RELEASE).id
    outcomes: list[str] = []
    barrier = threading.Barrier(4)

    def run() -> None:
        barrier.wait()
        try:
            take_back(coop, copy_id, key=secrets.token_hex(8))
        except CopyOver as error:
            outcomes.append(error.code)
        else:
            outcomes.append("paid back")

    threads = [threading.Thread(target=run) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes) == ["copy_over"] * 3 + ["paid back"]
    assert coop.rows(EntryRow) == 2
