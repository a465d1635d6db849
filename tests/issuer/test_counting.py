"""Who counts: one commitment for life, whatever is given, refunded or asked for in another form."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text
from sqlmodel import select

from credentials.bbs.curve import ORDER
from credentials.protocols.oauth import CredentialRequestDenied, InvalidProof
from issuer.counting import Mode, month_after
from issuer.counting_tables import CommitmentRow, CountingScopeRow
from issuer.parts import MIGRATIONS
from issuer.service.counting import (
    labels_of,
)
from issuer.service.registers import add_member, end_member
from plumbing.migrations import downgrade, upgrade
from tests.issuer.acts import copy_of, give, take_back
from tests.issuer.conftest import RELEASE, TRACKS, Coop
from tests.issuer.counting import OTHER, POINT, by_copy, scope, take, writing


def test_a_release_and_its_tracks_count_once_and_other_listeners_apart(coop: Coop) -> None:
    robin, mia = coop.owner(), coop.owner()
    with writing(coop) as store:
        labels = labels_of(store, coop.copies(robin))
        assert len(labels) == 4
        assert len(set(labels.values())) == 1
        assert labels == labels_of(store, coop.copies(robin))
        assert set(labels_of(store, coop.copies(mia)).values()).isdisjoint(labels.values())


def test_the_same_commitment_keeps_its_entropy_in_the_next_month(coop: Coop) -> None:
    robin = coop.owner()
    first = take(coop, copy_of(coop, robin, RELEASE))
    assert take(coop, copy_of(coop, robin, TRACKS[0]), month="2026-12") == first
    assert scope(coop, copy_of(coop, robin, RELEASE)).last_month == "2026-12"
    assert 0 < int.from_bytes(first) < ORDER


@pytest.mark.parametrize("subject", [RELEASE, TRACKS[1]])
def test_who_commits_anew_is_refused_for_the_release_and_for_its_tracks(coop: Coop, subject: str) -> None:
    robin = coop.owner()
    take(coop, copy_of(coop, robin, RELEASE))
    with pytest.raises(InvalidProof, match="Another wallet"):
        take(coop, copy_of(coop, robin, subject), OTHER)


def test_one_commitment_is_never_taken_for_two_listeners(coop: Coop) -> None:
    robin, mia = coop.owner(), coop.owner()
    take(coop, copy_of(coop, robin, RELEASE))
    with pytest.raises(InvalidProof, match="something else"):
        take(coop, copy_of(coop, mia, RELEASE))
    assert scope(coop, copy_of(coop, mia, RELEASE)).mode is Mode.UNDECIDED


def test_a_copy_is_counted_in_one_way_for_life(coop: Coop) -> None:
    robin, mia = coop.owner(), coop.owner()
    assert by_copy(coop, copy_of(coop, robin, TRACKS[0]))
    with pytest.raises(CredentialRequestDenied, match="one way for life"):
        take(coop, copy_of(coop, robin, RELEASE))
    assert by_copy(coop, copy_of(coop, robin, RELEASE))
    take(coop, copy_of(coop, mia, RELEASE), OTHER)
    assert not by_copy(coop, copy_of(coop, mia, TRACKS[0]))


def test_a_commitment_that_came_to_nothing_takes_no_point(coop: Coop) -> None:
    robin = coop.owner()
    by_copy(coop, copy_of(coop, robin, RELEASE))
    label = scope(coop, copy_of(coop, robin, RELEASE)).label
    with writing(coop) as store:
        assert not store.take_commitment(label, POINT, entropy=bytes(32))
    assert coop.rows(CommitmentRow) == 0


def test_of_two_wallets_at_once_one_is_bound(coop: Coop) -> None:
    robin = coop.owner()
    label = scope(coop, copy_of(coop, robin, RELEASE)).label
    with writing(coop) as store:
        assert store.take_commitment(label, POINT, entropy=bytes(32))
        assert not store.take_commitment(label, OTHER, entropy=bytes(32))
        assert not store.count_by_copy(label)


def test_a_member_who_comes_back_counts_as_before(coop: Coop) -> None:
    robin = coop.listener()
    with writing(coop) as store:
        add_member(store, listener=robin, share_class="listener", now=coop.now)
    [before] = coop.copies(robin)
    entropy = take(coop, before)
    with writing(coop) as store:
        end_member(store, listener=robin, now=coop.now)
        add_member(store, listener=robin, share_class="listener", now=coop.now)
    [after] = coop.copies(robin)
    assert before.id != after.id
    assert take(coop, after) == entropy


def test_what_was_given_counts_for_its_receiver_when_nothing_of_its_giver_counts_any_more(coop: Coop) -> None:
    robin, mia, noor = coop.owner(), coop.listener(), coop.listener()
    take(coop, copy_of(coop, robin, RELEASE))
    give(coop, copy_of(coop, robin, RELEASE).id, mia)
    received = copy_of(coop, mia, RELEASE)
    assert not by_copy(coop, received, month="2026-12")
    with pytest.raises(CredentialRequestDenied, match="2027-01"):
        take(coop, received, OTHER, month="2026-12")
    give(coop, received.id, noor)
    assert not by_copy(coop, copy_of(coop, noor, RELEASE), month="2026-12")
    take(coop, copy_of(coop, noor, RELEASE), OTHER, month="2027-01")


def test_who_has_numbers_or_a_commitment_of_old_waits_for_a_gift_as_well(coop: Coop) -> None:
    robin, mia, noor = coop.owner(), coop.listener(), coop.owner()
    take(coop, copy_of(coop, robin, RELEASE))
    coop.buy(mia, TRACKS[0])
    assert by_copy(coop, copy_of(coop, mia, TRACKS[0]))
    give(coop, copy_of(coop, robin, RELEASE).id, mia)
    assert not by_copy(coop, copy_of(coop, mia, RELEASE), month="2026-12"), "its number would count at once"
    assert by_copy(coop, copy_of(coop, mia, RELEASE), month="2027-01")
    take(coop, copy_of(coop, noor, RELEASE), OTHER)
    take_back(coop, copy_of(coop, noor, RELEASE).id)
    lee = coop.owner()
    take(coop, copy_of(coop, lee, RELEASE), b"\x8c" * 48)
    give(coop, copy_of(coop, lee, RELEASE).id, noor)
    with pytest.raises(CredentialRequestDenied, match="2027-01"):
        take(coop, copy_of(coop, noor, RELEASE), OTHER, month="2026-12")


def test_who_counts_for_a_track_already_does_so_when_the_release_is_given_to_them(coop: Coop) -> None:
    robin, mia = coop.owner(), coop.listener()
    take(coop, copy_of(coop, robin, RELEASE))
    coop.buy(mia, TRACKS[0])
    entropy = take(coop, copy_of(coop, mia, TRACKS[0]), OTHER)
    give(coop, copy_of(coop, robin, RELEASE).id, mia)
    assert take(coop, copy_of(coop, mia, RELEASE), OTHER) == entropy


def test_what_no_wallet_was_bound_to_is_given_on_without_waiting(coop: Coop) -> None:
    robin, mia = coop.owner(), coop.listener()
    by_copy(coop, copy_of(coop, robin, RELEASE))
    give(coop, copy_of(coop, robin, RELEASE).id, mia)
    assert by_copy(coop, copy_of(coop, mia, RELEASE))


def test_who_gives_their_money_back_and_buys_again_counts_as_before(coop: Coop) -> None:
    robin = coop.owner()
    entropy = take(coop, copy_of(coop, robin, RELEASE))
    take_back(coop, copy_of(coop, robin, RELEASE).id)
    coop.buy(robin, RELEASE)
    with pytest.raises(InvalidProof, match="Another wallet"):
        take(coop, copy_of(coop, robin, RELEASE), OTHER)
    assert take(coop, copy_of(coop, robin, RELEASE)) == entropy


def test_what_was_issued_before_pseudonyms_came_is_counted_by_its_copy(coop: Coop) -> None:
    robin, mia = coop.owner(), coop.owner()
    with writing(coop) as store:
        add_member(store, listener=robin, share_class="listener", now=coop.now)
    mine = {copy.subject: copy for copy in coop.copies(robin)}
    member = next(copy for copy in mine.values() if copy.kind.value == "membership")
    coop.parts.database.close()
    url = str(coop.parts.database.url)
    downgrade(url, MIGRATIONS, "0005")
    engine = create_engine(url)
    with engine.begin() as connection:
        for number, copy in enumerate((mine[TRACKS[0]], mine[TRACKS[1]], member)):
            connection.execute(
                text("INSERT INTO instance (thumbprint, copy_id, month) VALUES (:key, :copy, '2026-10')"),
                {"key": str(number), "copy": copy.id},
            )
    engine.dispose()
    upgrade(url, MIGRATIONS)
    with coop.parts.database.read() as session:
        scopes = {(each.listener_id, each.subject, each.mode) for each in session.exec(select(CountingScopeRow))}
    assert scopes == {(robin, f"release:{RELEASE}", "copy"), (robin, "membership", "copy")}
    with pytest.raises(CredentialRequestDenied):
        take(coop, mine[RELEASE])
    take(coop, copy_of(coop, mia, RELEASE))


@pytest.mark.parametrize(
    ("month", "count", "after"),
    [("2026-11", 1, "2026-12"), ("2026-11", 2, "2027-01"), ("2026-12", 2, "2027-02"), ("2026-01", 0, "2026-01")],
)
def test_months_are_counted_over_the_turn_of_the_year(month: str, count: int, after: str) -> None:
    assert month_after(month, count) == after
