"""The ledger in the database: idempotent, append-only, and copies whose ids are drawn once."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from issuer.ledger import BuyRelease, BuyTrack, KeyReused, Play
from issuer.service.collection import collect
from issuer.service.record import NotOffered, settle
from issuer.store import Store
from issuer.tables import EntryRow
from tests.issuer.conftest import RELEASE, TRACKS, Coop, description

if TYPE_CHECKING:
    from issuer.service.collection import Collection

FIRST, SECOND, THIRD = TRACKS


def collection(coop: Coop, listener: str) -> Collection:
    with coop.parts.database.read() as session:
        return collect(Store(session), listener)


def owned(coop: Coop, listener: str) -> dict[str, tuple[str, str]]:
    return {copy.subject: (copy.acquisition.value, copy.month) for copy in coop.copies(listener)}


def test_the_demo_story_ends_with_three_tracks_and_the_release(coop: Coop) -> None:
    listener = coop.listener()
    coop.buy(listener, FIRST)
    coop.buy(listener, THIRD)
    coop.play(listener, SECOND, 8)
    assert set(owned(coop, listener)) == {FIRST, THIRD}
    coop.play(listener, SECOND)
    assert owned(coop, listener) == {
        FIRST: ("purchase", "2026-11"),
        THIRD: ("purchase", "2026-11"),
        SECOND: ("stream_to_own", "2026-11"),
        RELEASE: ("stream_to_own", "2026-11"),
    }


def test_the_owned_album_is_found_however_it_came_to_be_owned(coop: Coop) -> None:
    """The trap of the shop that says "no purchase found" to somebody who bought every track."""
    by_release, by_tracks, by_plays = coop.listener(), coop.listener(), coop.listener()
    coop.buy(by_release, RELEASE)
    for track in TRACKS:
        coop.buy(by_tracks, track)
        coop.play(by_plays, track, 9)
    for listener in (by_release, by_tracks, by_plays):
        assert set(owned(coop, listener)) == {RELEASE, *TRACKS}
        shelf = collection(coop, listener).shelves[0]
        assert shelf.copy
        assert len(shelf.owned) == 3


def test_a_bought_track_is_in_the_collection_although_it_was_never_played(coop: Coop) -> None:
    listener = coop.listener()
    coop.buy(listener, SECOND)
    shelf = collection(coop, listener).shelves[0]
    assert [each.track.id for each in shelf.owned] == [SECOND]
    assert shelf.copy is None
    assert shelf.nearly == ()


def test_what_was_taken_down_stays_owned_and_visible(coop: Coop) -> None:
    listener = coop.owner()
    before = owned(coop, listener)
    coop.add_release(description(track_ids=(FIRST,)))
    assert owned(coop, listener) == before
    shelf = collection(coop, listener).shelves[0]
    assert {each.track.id for each in shelf.owned} == set(TRACKS)
    assert shelf.copy
    assert coop.offer(listener)


def test_what_was_taken_down_can_be_neither_bought_nor_played_by_others(coop: Coop) -> None:
    owner, other = coop.owner(), coop.listener()
    coop.add_release(description(track_ids=(FIRST,)))
    for act in (Play(track=SECOND, seconds=60), BuyTrack(track=SECOND)):
        with pytest.raises(NotOffered):
            coop.write(other, act)
    assert coop.write(owner, Play(track=SECOND, seconds=60)).total_milli == 0
    assert coop.write(other, BuyRelease(release=RELEASE)).total_milli == 1022
    assert set(owned(coop, other)) == {FIRST, RELEASE}


def test_a_track_that_comes_back_is_offered_again(coop: Coop) -> None:
    coop.add_release(description(track_ids=(FIRST,)))
    coop.add_release()
    assert coop.buy(coop.listener(), SECOND).total_milli == 1022


def test_a_takedown_does_not_give_the_release_to_who_has_the_rest(coop: Coop) -> None:
    listener = coop.listener()
    coop.buy(listener, FIRST)
    coop.add_release(description(track_ids=(FIRST,)))
    coop.play(listener, FIRST)
    assert set(owned(coop, listener)) == {FIRST}


def test_a_release_that_grows_stays_owned(coop: Coop) -> None:
    listener = coop.listener()
    for track in TRACKS:
        coop.buy(listener, track)
    ids = {copy.subject: copy.id for copy in coop.copies(listener)}
    coop.add_release(description(track_ids=(*TRACKS, "3f1c2a70-5a1f-4b0e-9b1e-0c6a5f0d7e19")))
    assert {copy.subject: copy.id for copy in coop.copies(listener)} == ids


def test_a_track_that_becomes_free_completes_the_release_for_those_who_have_the_rest(coop: Coop) -> None:
    listener = coop.listener()
    coop.buy(listener, FIRST)
    coop.buy(listener, SECOND)
    coop.add_release(free={3})
    assert RELEASE in owned(coop, listener)
    assert coop.write(listener, Play(track=THIRD, seconds=60)).total_milli == 0
    coop.add_release()
    assert coop.write(listener, Play(track=THIRD, seconds=60)).total_milli == 0


def test_the_same_key_writes_once_and_answers_alike(coop: Coop) -> None:
    listener = coop.listener()
    first = coop.write(listener, Play(track=FIRST, seconds=60), key="play-1")
    coop.wait(hours=3)
    assert coop.write(listener, Play(track=FIRST, seconds=60), key="play-1") == first
    assert coop.rows(EntryRow) == 1


@pytest.mark.parametrize(
    "other",
    [Play(track=SECOND, seconds=60), Play(track=FIRST, seconds=61), BuyTrack(track=FIRST), BuyRelease(release=RELEASE)],
)
def test_the_same_key_for_another_act_is_refused(coop: Coop, other: Play | BuyTrack | BuyRelease) -> None:
    listener = coop.listener()
    coop.write(listener, Play(track=FIRST, seconds=60), key="play-1")
    with pytest.raises(KeyReused):
        coop.write(listener, other, key="play-1")
    with pytest.raises(KeyReused):
        coop.write(coop.listener(), Play(track=FIRST, seconds=60), key="play-1")
    assert coop.rows(EntryRow) == 1


def test_entries_come_back_as_they_were_written(coop: Coop) -> None:
    listener = coop.listener()
    written = [
        coop.write(listener, act)
        for act in (Play(track=FIRST, seconds=44), Play(track=FIRST, seconds=46), BuyTrack(track=SECOND))
    ]
    written.append(coop.buy(listener, RELEASE))
    assert [entry.total_milli for entry in written] == [0, 2, 1022, 1020 + 1022]
    with coop.parts.database.read() as session:
        assert sorted(Store(session).entries(listener), key=lambda entry: entry.key) == sorted(
            written, key=lambda entry: entry.key
        )


def test_an_unknown_track_or_release_is_not_offered(coop: Coop) -> None:
    for act in (Play(track="?", seconds=60), BuyTrack(track=RELEASE), BuyRelease(release=FIRST)):
        with pytest.raises(NotOffered):
            coop.write(coop.listener(), act)
    assert coop.rows(EntryRow) == 0


def test_a_kind_from_the_future_is_not_taken_for_another(coop: Coop) -> None:
    listener = coop.listener()
    coop.buy(listener, FIRST)
    with coop.parts.database.write() as session:
        session.exec(select(EntryRow)).one().kind = "lend"
    with pytest.raises(ValueError, match="does not know"):
        coop.write(listener, BuyTrack(track=SECOND))


def test_every_copy_has_128_random_bits_that_never_change(coop: Coop) -> None:
    listeners = [coop.owner() for _ in range(5)]
    ids = [copy.id for listener in listeners for copy in coop.copies(listener)]
    assert len(set(ids)) == 20
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", each) for each in ids)
    coop.wait(days=70)
    for listener in listeners:
        coop.play(listener, FIRST)
    assert [copy.id for listener in listeners for copy in coop.copies(listener)] == ids
    assert {copy.month for listener in listeners for copy in coop.copies(listener)} == {"2026-11"}


def test_a_copy_is_made_once_also_under_a_race(coop: Coop) -> None:
    """Two deliveries of the same events, and eight workers that settle the same listener at once."""
    listener = coop.listener()
    barrier = threading.Barrier(8)
    failures: list[Exception] = []

    def run(number: int) -> None:
        barrier.wait()
        try:
            coop.write(listener, BuyRelease(release=RELEASE), key=f"buy-{number % 2}")
            with coop.parts.database.write() as session:
                settle(Store(session), listener)
        except Exception as error:  # noqa: BLE001  # whatever it is, the test shows it
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(coop.copies(listener)) == 4
    assert coop.rows(EntryRow) == 2


def test_a_copy_that_is_there_keeps_its_id_when_another_worker_draws_one_too(coop: Coop) -> None:
    from dataclasses import replace  # noqa: PLC0415

    listener = coop.owner()
    before = coop.copies(listener)
    with coop.parts.database.write() as session:
        Store(session).keep_copies([replace(before[0], id="A" * 22), replace(before[0], id="B" * 22, subject="C")])
    after = {copy.subject: copy.id for copy in coop.copies(listener)}
    assert after == {"C": "B" * 22} | {copy.subject: copy.id for copy in before}


def test_what_is_nearly_owned_is_told_in_plays_and_credits(coop: Coop) -> None:
    listener = coop.listener()
    coop.play(listener, FIRST, 5)
    coop.play(listener, SECOND, 3, seconds=20)
    shelves = collection(coop, listener).shelves
    assert [each.track.id for each in shelves[0].nearly] == [FIRST]
    nearly = shelves[0].nearly[0]
    assert (nearly.standing.paid_plays, nearly.plays_to_own, nearly.standing.remaining_milli) == (5, 9, 960)
    assert collection(coop, listener).copies == ()


def test_a_large_collection_passes_the_engines_limits(coop: Coop) -> None:
    many = tuple(f"3f1c2a70-5a1f-4b0e-9b1e-{n:012x}" for n in range(450))
    release = "9d0f6a1e-2c53-4a4f-8f7d-1a2b3c4d5e70"
    coop.add_release(description(release, many, title="Everything"))
    listener = coop.listener()
    coop.write(listener, BuyRelease(release=release))
    coop.buy(listener, RELEASE)
    assert len(collection(coop, listener).copies) == 455
