"""What refunds, gifts and codes make of a record, and what holds whatever the order of its entries."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.ledger import (
    TRACK_PRICE_MILLI,
    Acquisition,
    BuyRelease,
    BuyTrack,
    Charge,
    Gain,
    Gift,
    Ownership,
    Play,
    PricedTrack,
    Thing,
    ThingKind,
    UseCode,
    derive,
    price_act,
)
from issuer.undoing import CameWithRelease, NotOneOfAPiece
from tests.issuer.book import HELD, RELEASES, Book

ONE, TWO = Thing(kind=ThingKind.TRACK, id="one"), Thing(kind=ThingKind.TRACK, id="two")
EP, SINGLE = Thing(kind=ThingKind.RELEASE, id="ep"), Thing(kind=ThingKind.RELEASE, id="single")


def test_a_refund_of_a_bought_track_pays_the_purchase_back_and_keeps_the_plays() -> None:
    book = Book()
    for _ in range(3):
        book.write(Play(track="two", seconds=60))
    book.write(BuyTrack(track="two"))
    assert book.lose(TWO) == -(1022 - 14)
    standing = book.owned.standing("two")
    assert (standing.acquired, standing.paid_plays, standing.remaining_milli) == (None, 3, 1022 - 14)
    assert book.write(Play(track="two", seconds=60)) == 16


def test_a_refund_of_nine_plays_pays_all_of_them_back_and_starts_anew() -> None:
    book = Book()
    for _ in range(12):
        book.write(Play(track="two", seconds=60))
    assert book.lose(TWO) == -1022
    assert book.owned.standing("two").paid_plays == 0
    assert book.write(Play(track="two", seconds=60)) == 2


def test_a_track_bought_again_for_nothing_is_not_kept_when_the_purchase_is_refunded() -> None:
    book = Book()
    book.write(BuyRelease(release="ep"))
    assert [book.write(BuyTrack(track=track)) for track in HELD["ep"]] == [0, 0, 0]
    assert book.lose(EP) == -3 * 1022
    assert not book.owned.owned_tracks
    assert not book.owned.releases


def test_a_refund_of_a_release_leaves_the_track_that_was_bought_before_it() -> None:
    book = Book()
    book.write(BuyTrack(track="two"))
    book.write(BuyRelease(release="ep"))
    assert book.lose(EP) == -2 * 1022
    assert set(book.owned.owned_tracks) == {"two"}


def test_a_track_that_came_with_a_release_goes_only_with_it() -> None:
    book = Book()
    book.write(BuyRelease(release="ep"))
    for give in (False, True):
        with pytest.raises(CameWithRelease):
            book.lose(TWO, give=give)
    book.write(BuyRelease(release="single"))
    with pytest.raises(CameWithRelease):
        book.lose(SINGLE, give=True)
    assert book.lose(EP) == -3 * 1022
    assert not book.owned.releases


def test_a_track_bought_before_its_release_is_not_refunded_from_under_it() -> None:
    """Else the release would be had for the price of its other tracks."""
    book = Book()
    book.write(BuyTrack(track="two"))
    book.write(BuyRelease(release="ep"))
    with pytest.raises(CameWithRelease):
        book.lose(TWO)


def test_a_release_put_together_from_tracks_is_refunded_track_by_track() -> None:
    book = Book()
    for track in HELD["ep"]:
        book.write(BuyTrack(track=track))
    with pytest.raises(NotOneOfAPiece):
        book.lose(EP)
    assert book.write(BuyRelease(release="ep")) == 0
    with pytest.raises(NotOneOfAPiece):
        book.lose(EP)
    assert book.lose(TWO) == -1022
    assert set(book.owned.releases) == {"single"}


def test_a_gift_and_a_code_cost_nothing_and_say_how_it_came() -> None:
    book = Book()
    assert book.write(Gift(thing=TWO)) == 0
    assert book.write(UseCode(thing=EP, code="7")) == 0
    how = {track: acquired.acquisition for track, acquired in book.owned.owned_tracks.items()}
    assert how == {"one": Acquisition.DOWNLOAD_CODE, "two": Acquisition.GIFT, "three": Acquisition.DOWNLOAD_CODE}
    assert book.owned.releases["ep"].acquisition is Acquisition.DOWNLOAD_CODE
    assert book.lose(EP) == 0
    assert set(book.owned.owned_tracks) == {"two"}


def test_giving_a_track_on_takes_its_plays_along_and_pays_nothing_back() -> None:
    book = Book()
    for _ in range(9):
        book.write(Play(track="two", seconds=60))
    assert book.lose(TWO, give=True) == 0
    assert book.owned.standing("two").paid_plays == 0


TRACKS = st.sampled_from(["one", "two", "three"])
ACTS = st.one_of(
    st.builds(Play, track=TRACKS, seconds=st.sampled_from([0, 44, 45, 46, 300])),
    st.builds(Play, track=TRACKS, seconds=st.just(100)),
    st.builds(BuyTrack, track=TRACKS),
    st.builds(BuyRelease, release=st.sampled_from(["ep", "single"])),
)
GIVEN = st.builds(Gift, thing=st.sampled_from([ONE, TWO, EP])) | st.builds(
    UseCode, thing=st.sampled_from([ONE, EP]), code=st.just("7")
)


@given(acts=st.lists(ACTS | GIVEN, max_size=40), data=st.data())
def test_any_order_and_repetition_of_entries_gives_the_same_ownership(acts: list[Gain], data: st.DataObject) -> None:
    book = Book()
    for act in acts:
        book.write(act)
        if data.draw(st.booleans()):
            with contextlib.suppress(CameWithRelease, NotOneOfAPiece):
                thing = data.draw(st.sampled_from([ONE, TWO, EP, SINGLE]))
                if thing.id in {**book.owned.owned_tracks, **book.owned.releases}:
                    book.lose(thing, give=data.draw(st.booleans()))
    repeated = data.draw(st.lists(st.sampled_from(book.entries), max_size=10)) if book.entries else []
    shuffled = data.draw(st.permutations([*book.entries, *repeated]))
    assert derive(shuffled, reversed(RELEASES)) == book.owned


@given(acts=st.lists(ACTS, max_size=60), free=st.frozensets(TRACKS))
def test_what_was_paid_for_a_track_is_the_sum_of_its_prices_and_never_above_1022(
    acts: list[Gain], free: frozenset[str]
) -> None:
    book = Book(free=free)
    total = sum(book.write(act) for act in acts)
    assert total == sum(standing.paid_milli for standing in book.owned.tracks.values())
    for track, standing in book.owned.tracks.items():
        assert 0 <= standing.paid_milli <= TRACK_PRICE_MILLI
        if track in free:
            assert standing.paid_milli == 0
        else:
            assert (standing.paid_milli == TRACK_PRICE_MILLI) == (track in book.owned.owned_tracks)
            assert standing.paid_milli + standing.remaining_milli == TRACK_PRICE_MILLI


@given(acts=st.lists(ACTS, max_size=40), more=ACTS)
def test_nothing_owned_is_ever_lost_by_another_act(acts: list[Gain], more: Gain) -> None:
    book = Book()
    for act in acts:
        book.write(act)
    before = book.owned
    book.write(more)
    assert before.owned_tracks.items() <= book.owned.owned_tracks.items()
    assert before.releases.keys() <= book.owned.releases.keys()


def test_charges_name_their_track() -> None:
    assert price_act(BuyTrack(track="one"), [PricedTrack(id="one")], Ownership()) == (Charge(track="one", milli=1022),)
