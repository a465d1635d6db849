from __future__ import annotations

from datetime import timedelta

import pytest

from issuer.ledger import (
    TRACK_PRICE_MILLI,
    Acquisition,
    BuyRelease,
    BuyTrack,
    Entry,
    KeyReused,
    Play,
    PricedTrack,
    ReleaseTracks,
    derive,
)
from tests.issuer.book import RELEASES, START, Book


def test_nine_plays_cost_2_to_512_and_then_the_track_is_owned_and_free() -> None:
    book = Book()
    assert [book.write(Play(track="two", seconds=45)) for _ in range(11)] == [2, 4, 8, 16, 32, 64, 128, 256, 512, 0, 0]
    standing = book.owned.tracks["two"]
    assert standing.acquired
    assert standing.acquired.acquisition is Acquisition.STREAM_TO_OWN
    assert standing.acquired.at == START + timedelta(days=8)
    assert standing.acquired.month == "2026-11"
    assert standing.paid_milli == TRACK_PRICE_MILLI
    assert standing.paid_plays == 9


def test_after_five_plays_960_milli_credits_remain() -> None:
    book = Book()
    for _ in range(5):
        book.write(Play(track="two", seconds=200))
    assert book.owned.standing("two").paid_plays == 5
    assert book.owned.standing("two").remaining_milli == 960
    assert "two" not in book.owned.owned_tracks


def test_a_play_before_45_seconds_neither_costs_nor_counts() -> None:
    book = Book()
    for _ in range(20):
        assert book.write(Play(track="two", seconds=44)) == 0
    assert book.owned.standing("two").paid_plays == 0


def test_a_free_track_is_never_charged_and_never_bought_with_money() -> None:
    book = Book(free=frozenset({"two"}))
    for _ in range(12):
        assert book.write(Play(track="two", seconds=60)) == 0
    assert "two" not in book.owned.owned_tracks
    assert book.write(BuyTrack(track="two")) == 0
    assert "two" in book.owned.owned_tracks


def test_buying_after_three_plays_pays_what_remains() -> None:
    book = Book()
    for _ in range(3):
        book.write(Play(track="two", seconds=60))
    assert book.write(BuyTrack(track="two")) == 1022 - 14
    assert book.write(BuyTrack(track="two")) == 0
    acquired = book.owned.owned_tracks["two"]
    assert acquired.acquisition is Acquisition.PURCHASE


def test_a_bought_track_is_owned_although_it_was_never_played() -> None:
    book = Book()
    assert book.write(BuyTrack(track="two")) == 1022
    assert set(book.owned.owned_tracks) == {"two"}


def test_the_ninth_play_makes_the_track_owned_not_the_tenth() -> None:
    book = Book()
    for _ in range(8):
        book.write(Play(track="two", seconds=60))
    assert "two" not in book.owned.owned_tracks
    book.write(Play(track="two", seconds=60))
    assert "two" in book.owned.owned_tracks


def test_a_release_purchase_pays_what_remains_of_each_track_and_gives_all_of_them() -> None:
    book = Book()
    book.write(BuyTrack(track="one"))
    book.write(Play(track="two", seconds=60))
    assert book.write(BuyRelease(release="ep")) == (1022 - 2) + 1022
    assert set(book.owned.owned_tracks) == {"one", "two", "three"}
    assert book.owned.releases["ep"].acquisition is Acquisition.PURCHASE


def test_two_bought_tracks_and_a_ninth_play_make_the_release_the_listeners() -> None:
    book = Book()
    book.write(BuyTrack(track="one"))
    book.write(BuyTrack(track="three"))
    for _ in range(9):
        assert "ep" not in book.owned.releases
        book.write(Play(track="two", seconds=60))
    assert book.owned.releases["ep"].acquisition is Acquisition.STREAM_TO_OWN


def test_owning_a_track_completes_every_release_that_holds_only_it() -> None:
    book = Book()
    book.write(BuyTrack(track="one"))
    assert set(book.owned.releases) == {"single"}


def test_a_free_track_does_not_stand_in_the_way_of_the_release() -> None:
    free = [ReleaseTracks(release="ep", tracks=(PricedTrack(id="one"), PricedTrack(id="two", free=True)))]
    book = Book(free)
    assert not book.owned.releases
    book.write(BuyTrack(track="one"))
    assert set(book.owned.releases) == {"ep"}


def test_a_release_of_free_tracks_only_belongs_to_nobody_until_taken() -> None:
    free = [ReleaseTracks(release="ep", tracks=(PricedTrack(id="one", free=True), PricedTrack(id="two", free=True)))]
    assert not Book(free).owned.releases


def test_a_release_bought_before_it_grew_stays_owned() -> None:
    book = Book()
    book.write(BuyRelease(release="single"))
    grown = [ReleaseTracks(release="single", tracks=(PricedTrack(id="one"), PricedTrack(id="bonus")))]
    assert set(derive(book.entries, grown).releases) == {"single"}


def test_one_key_for_two_acts_is_refused() -> None:
    book = Book()
    book.write(BuyTrack(track="one"))
    other = Entry(key="k0000", listener="mia", act=BuyTrack(track="two"), charges=(), at=START)
    with pytest.raises(KeyReused):
        derive([*book.entries, other], RELEASES)
    with pytest.raises(KeyReused):
        other.check_same("mia", BuyTrack(track="three"))
    with pytest.raises(KeyReused):
        other.check_same("noa", BuyTrack(track="two"))
    other.check_same("mia", BuyTrack(track="two"))
