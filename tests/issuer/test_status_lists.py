"""Status lists at the co-op: drawn at random, changed in batches among decoys, signed only when due."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlmodel import select

from credentials.protocols.oauth import ServerError
from credentials.status import INVALID, StatusList
from issuer.publishing import publish
from issuer.service.publish import Published, keep, plan, sign
from issuer.status import ENTRIES, DrawnEntry, StatusSchedule
from issuer.status_tables import StatusEndRow, StatusEntryRow, StatusListRow
from issuer.store import Store
from tests.issuer.conftest import NOW, Coop
from tests.issuer.lists import draw, end, entries, said, some_copy

MONTH = "2026-11"
QUIET = Published(changed=0, renewed=0, lost=0)


def keep_decoys_away(coop: Coop) -> None:
    """Put the decoys that go out by themselves far off, so that a test sees only what it does."""
    with coop.parts.database.write() as session:
        for row in session.exec(select(StatusListRow)):
            row.decoys_at += 10**9


def flipped(coop: Coop) -> set[tuple[str, int]]:
    with coop.parts.database.read() as session:
        ids = Store(session).list_ids()
    return {(each, i) for each in ids for i, v in enumerate_set(said(coop, each)) if v == INVALID}


def enumerate_set(found: StatusList) -> list[tuple[int, int]]:
    packed = found.statuses.packed
    return [
        (i, found.statuses[i]) for byte in range(len(packed)) if packed[byte] for i in range(byte * 8, byte * 8 + 8)
    ]


def as_pairs(drawn: tuple[DrawnEntry, ...]) -> set[tuple[str, int]]:
    return {(entry.list_id, entry.index) for entry in drawn}


def test_entries_are_drawn_at_random_over_all_lists_of_the_month(coop: Coop) -> None:
    copy = some_copy(coop)
    drawn = draw(coop, copy, 400)
    assert len(set(drawn)) == 400
    assert len({entry.list_id for entry in drawn}) == 8
    assert coop.rows(StatusListRow) == 8
    indices = [entry.index for entry in drawn]
    assert sorted(indices) != indices
    assert min(indices) < ENTRIES / 4
    assert max(indices) > ENTRIES * 3 / 4
    # The next draw opens nothing new, another month has lists of its own.
    draw(coop, copy)
    assert coop.rows(StatusListRow) == 8
    coop.wait(days=20)
    assert {entry.list_id for entry in draw(coop, copy)}.isdisjoint({entry.list_id for entry in drawn})


def test_no_entry_is_given_twice_even_when_nearly_all_are_taken(coop: Coop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("issuer.store.status.ENTRIES", 4)
    monkeypatch.setattr("issuer.store.status.LISTS_PER_MONTH", 2)
    copy = some_copy(coop)
    drawn = [entry for _ in range(10) for entry in draw(coop, copy, 2)]
    assert len(set(drawn)) == 20
    # The month's lists were full, so more were opened instead of refusing anybody.
    assert coop.rows(StatusListRow) > 2


def test_two_workers_who_draw_at_once_never_share_an_entry(coop: Coop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("issuer.store.status.ENTRIES", 16)
    copy = some_copy(coop)
    draw(coop, copy, 1)
    found: list[DrawnEntry] = []
    workers = [threading.Thread(target=lambda: found.extend(draw(coop, copy, 5))) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == len(set(found)) == 40


def test_what_ended_waits_for_the_batch_and_goes_out_among_decoys(coop: Coop) -> None:
    kept, ended = (draw(coop, some_copy(coop)) for _ in range(2))
    with coop.parts.database.read() as session:
        copy_id = session.exec(
            select(StatusEntryRow.copy_id).where(
                StatusEntryRow.list_id == ended[0].list_id, StatusEntryRow.position == ended[0].index
            )
        ).one()
    publish(coop.parts, now=coop.now)
    keep_decoys_away(coop)
    before = flipped(coop)
    coop.wait(minutes=3)
    end(coop, copy_id or "")
    end(coop, copy_id or "")  # said twice, it means the same
    assert publish(coop.parts, now=coop.now) == QUIET
    assert flipped(coop) == before
    coop.wait(minutes=7)
    done = publish(coop.parts, now=coop.now)
    assert done.changed >= len({entry.list_id for entry in ended})
    new = flipped(coop) - before
    assert as_pairs(ended) < new
    assert new - as_pairs(ended) <= entries(coop, decoys=True)
    assert new.isdisjoint(as_pairs(kept))


def test_an_unchanged_list_is_not_signed_again(coop: Coop) -> None:
    copy = some_copy(coop)
    draw(coop, copy)
    assert publish(coop.parts, now=coop.now).renewed == 8
    keep_decoys_away(coop)
    coop.wait(minutes=10)
    end(coop, copy)
    coop.wait(minutes=10)
    assert publish(coop.parts, now=coop.now).changed > 0
    keep_decoys_away(coop)
    with coop.parts.database.read() as session:
        tokens = {row.id: row.token for row in session.exec(select(StatusListRow))}
    for _ in range(6):  # the end is looked at again for a while, and is no reason to sign
        coop.wait(minutes=10)
        assert publish(coop.parts, now=coop.now) == QUIET
        assert publish(coop.parts, now=coop.now) == QUIET
    with coop.parts.database.read() as session:
        assert {row.id: row.token for row in session.exec(select(StatusListRow))} == tokens
        assert session.exec(select(StatusEndRow)).one().settled


def test_a_list_is_signed_again_at_half_its_life_and_for_a_new_key(coop: Coop) -> None:
    draw(coop, some_copy(coop))
    publish(coop.parts, now=coop.now)
    keep_decoys_away(coop)
    coop.wait(hours=11, minutes=50)
    assert publish(coop.parts, now=coop.now) == QUIET
    coop.wait(minutes=10)
    assert publish(coop.parts, now=coop.now) == Published(changed=0, renewed=8, lost=0)
    with coop.parts.database.write() as session:
        for row in session.exec(select(StatusListRow)):
            row.signed_by = "the key before"
    assert publish(coop.parts, now=coop.now).renewed == 8


def test_lists_are_there_before_the_month_begins(coop: Coop) -> None:
    publish(coop.parts, now=coop.now)
    assert coop.rows(StatusListRow) == 8
    coop.wait(days=8)  # the 29th of November
    publish(coop.parts, now=coop.now)
    with coop.parts.database.read() as session:
        assert sorted(session.exec(select(StatusListRow.month).distinct())) == ["2026-11", "2026-12"]


def test_decoys_go_out_by_themselves_so_that_a_change_says_nothing(coop: Coop) -> None:
    taken = draw(coop, some_copy(coop), 50)
    for _ in range(13):
        coop.wait(hours=1)
        publish(coop.parts, now=coop.now)
    found = flipped(coop)
    assert {list_id for list_id, _ in found} == {list_id for list_id, _ in as_pairs(taken)}
    assert found <= entries(coop, decoys=True)


def test_a_decoy_is_never_an_entry_that_somebody_has(coop: Coop) -> None:
    copy = some_copy(coop)
    taken = draw(coop, copy, 1)[0]
    with coop.parts.database.write() as session:
        store = Store(session)
        assert store.spend(taken.list_id, frozenset({taken.index})) == frozenset()
        free = (taken.index + 1) % ENTRIES
        assert store.spend(taken.list_id, frozenset({free})) == {free}


def test_of_two_publishers_one_wins_and_nothing_is_lost(coop: Coop) -> None:
    copy = some_copy(coop)
    drawn = draw(coop, copy)
    publish(coop.parts, now=coop.now)
    keep_decoys_away(coop)
    end(coop, copy)
    coop.wait(minutes=20)
    parts = coop.parts
    plans = []
    for _ in range(2):
        with parts.database.write() as session:
            plans.append(
                plan(
                    Store(session),
                    schedule=parts.schedule,
                    by=parts.identity.signing_name,
                    random_below=lambda bound: bound // 2,
                    now=coop.now,
                )
            )
    done = []
    for made in plans:
        signed = [sign(each, identity=parts.identity, schedule=parts.schedule, now=coop.now) for each in made.lists]
        with parts.database.write() as session:
            done.append(keep(Store(session), made, signed, now=coop.now))
    assert done[0].changed == done[1].lost > 0
    assert done[0].lost == done[1].changed == 0
    assert as_pairs(drawn) <= flipped(coop)


def test_an_instance_that_was_being_issued_while_its_copy_ended_is_found_later(coop: Coop) -> None:
    copy = some_copy(coop)
    draw(coop, copy)
    end(coop, copy)
    coop.wait(minutes=10)
    publish(coop.parts, now=coop.now)
    late = draw(coop, copy, 1)  # the other transaction commits only now
    coop.wait(minutes=10)
    publish(coop.parts, now=coop.now)
    assert as_pairs(late) <= flipped(coop)


def test_what_the_operator_publishes_at_once_does_not_wait(coop: Coop) -> None:
    copy = some_copy(coop)
    drawn = draw(coop, copy)
    coop.wait(minutes=3)
    end(coop, copy)
    publish(coop.parts, now=coop.now, at_once=True)
    assert as_pairs(drawn) <= flipped(coop)


def test_batches_start_at_whole_multiples_whatever_happened_when() -> None:
    schedule = StatusSchedule()
    assert schedule.batch_start(NOW + timedelta(minutes=9, seconds=59)) == NOW
    assert schedule.batch_start(NOW + timedelta(minutes=10)) == NOW + timedelta(minutes=10)
    assert schedule.seconds_to_next_batch(NOW + timedelta(minutes=4)) == 360


def test_nothing_is_signed_with_an_expired_certificate(coop: Coop) -> None:
    draw(coop, some_copy(coop))
    assert coop.parts.identity.valid_until is not None
    later = coop.parts.identity.valid_until + timedelta(days=1)
    with pytest.raises(ServerError):
        publish(coop.parts, now=later)
