"""Who counts: one commitment for life, whatever is given, refunded, lost or asked for in another form."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlmodel import select
from typing_extensions import override

from credentials.bbs.curve import ORDER
from credentials.protocols.oauth import CredentialRequestDenied, InvalidProof
from issuer.counting import CountingScope, Mode, NothingToReset, TooManyResets, month_after
from issuer.counting_tables import CommitmentRow, CountingScopeRow
from issuer.parts import MIGRATIONS
from issuer.service.counting import (
    commit,
    confirm_wallet,
    is_counted_by_copy,
    labels_of,
    reset_commitment,
    scope_of,
)
from issuer.service.registers import add_member, end_member
from issuer.service.wallets import replace_wallet
from issuer.store import Store
from plumbing.migrations import downgrade, upgrade
from tests.issuer.acts import copy_of, give, take_back
from tests.issuer.conftest import RELEASE, TRACKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from issuer.copies import Copy
    from tests.issuer.conftest import Coop

POINT, OTHER = b"\x8a" * 48, b"\x8b" * 48
MONTH = "2026-11"


@contextmanager
def writing(coop: Coop) -> Iterator[Store]:
    with coop.parts.database.write() as session:
        yield Store(session)


def take(coop: Coop, copy: Copy, point: bytes = POINT, month: str = MONTH) -> bytes:
    with writing(coop) as store:
        return commit(store, copy, point, month=month, random=secrets.token_bytes)


def by_copy(coop: Coop, copy: Copy, month: str = MONTH) -> bool:
    with writing(coop) as store:
        return is_counted_by_copy(store, copy, month=month)


def scope(coop: Coop, copy: Copy) -> CountingScope:
    with writing(coop) as store:
        return scope_of(store, copy)


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


def reset(coop: Coop, listener: str, label: str) -> CountingScope:
    with writing(coop) as store:
        return reset_commitment(store, label, listener=listener, now=coop.now)


def test_a_lost_wallet_is_replaced_when_its_credentials_are_over(coop: Coop) -> None:
    robin = coop.owner()
    copy = copy_of(coop, robin, RELEASE)
    take(coop, copy)
    after = reset(coop, robin, scope(coop, copy).label)
    assert (after.from_month, after.commitment, after.mode) == ("2027-01", None, Mode.PSEUDONYM)
    with pytest.raises(CredentialRequestDenied, match="2027-01"):
        take(coop, copy, OTHER, month="2026-12")
    assert not by_copy(coop, copy, month="2027-01"), "it is never counted by its copy"
    take(coop, copy, OTHER, month="2027-01")
    with pytest.raises(InvalidProof, match="Another wallet"):
        take(coop, copy, POINT, month="2027-02")


def test_a_commitment_that_was_given_up_is_taken_again_from_nobody(coop: Coop) -> None:
    robin, mia = coop.owner(), coop.owner()
    copy = copy_of(coop, robin, RELEASE)
    entropy = take(coop, copy)
    reset(coop, robin, scope(coop, copy).label)
    for each in (copy_of(coop, mia, RELEASE), copy):
        with pytest.raises(InvalidProof, match="was given up"):
            take(coop, each, month="2027-01")
    assert take(coop, copy, OTHER, month="2027-01") == entropy


def test_a_wallet_is_replaced_twice_a_year_and_once_more_if_it_was_never_confirmed(coop: Coop) -> None:
    robin = coop.owner()
    copy = copy_of(coop, robin, RELEASE)
    label, month = scope(coop, copy).label, MONTH
    for n in range(3):
        take(coop, copy, bytes([n]) * 48, month=month)
        month = reset(coop, robin, label).from_month
    take(coop, copy, POINT, month=month)
    with pytest.raises(TooManyResets):
        reset(coop, robin, label)
    coop.wait(days=366)
    reset(coop, robin, label)


def test_a_confirmed_wallet_is_replaced_twice_a_year(coop: Coop) -> None:
    robin = coop.owner()
    copy = copy_of(coop, robin, RELEASE)
    label, month = scope(coop, copy).label, MONTH
    for n in range(3):
        take(coop, copy, bytes([n]) * 48, month=month)
        with writing(coop) as store:
            confirm_wallet(store, label, listener=robin)
        if n < 2:
            month = reset(coop, robin, label).from_month
    with pytest.raises(TooManyResets):
        reset(coop, robin, label)


def test_nobody_resets_or_confirms_what_is_not_theirs_or_not_bound(coop: Coop) -> None:
    robin, mia = coop.owner(), coop.owner()
    label = scope(coop, copy_of(coop, robin, RELEASE)).label
    with pytest.raises(NothingToReset):
        reset(coop, robin, label)
    take(coop, copy_of(coop, robin, RELEASE))
    with pytest.raises(NothingToReset):
        reset(coop, mia, label)
    with writing(coop) as store, pytest.raises(NothingToReset):
        confirm_wallet(store, label, listener=mia)
    with pytest.raises(NothingToReset):
        reset(coop, robin, "unknown")


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


class Late(Store):
    """Somebody who read a scope just before another wrote it, as two workers at one database do."""

    read: CountingScope | None = None
    reads = 0

    @override
    def counting_scope(self, listener: str, subject: str) -> CountingScope | None:
        self.reads += 1
        return self.read if self.reads == 1 else super().counting_scope(listener, subject)

    @override
    def scope_of_label(self, label: str) -> CountingScope | None:
        self.reads += 1
        return self.read if self.reads == 1 else super().scope_of_label(label)


@contextmanager
def late(coop: Coop, read: CountingScope | None) -> Iterator[Store]:
    with coop.parts.database.write() as session:
        store = Late(session)
        store.read = read
        yield store


def test_who_is_second_to_decide_what_is_counted_by_finds_what_the_first_decided(coop: Coop) -> None:
    robin, mia = coop.owner(), coop.owner()
    mine, theirs = copy_of(coop, robin, RELEASE), copy_of(coop, mia, RELEASE)
    before = scope(coop, mine)
    with late(coop, None) as store:
        assert scope_of(store, mine) == before
    undecided, hers = scope(coop, mine), scope(coop, theirs)
    take(coop, mine)
    with late(coop, undecided) as store:
        assert not is_counted_by_copy(store, mine, month=MONTH)
    with late(coop, undecided) as store, pytest.raises(InvalidProof, match="Another wallet"):
        commit(store, mine, OTHER, month=MONTH, random=secrets.token_bytes)
    by_copy(coop, theirs)
    with late(coop, hers) as store, pytest.raises(CredentialRequestDenied, match="one way for life"):
        commit(store, theirs, OTHER, month=MONTH, random=secrets.token_bytes)


def test_who_is_second_to_replace_a_wallet_replaces_nothing(coop: Coop) -> None:
    robin = coop.owner()
    copy = copy_of(coop, robin, RELEASE)
    take(coop, copy)
    bound = scope(coop, copy)
    reset(coop, robin, bound.label)
    with late(coop, bound) as store, pytest.raises(NothingToReset):
        reset_commitment(store, bound.label, listener=robin, now=coop.now)
    assert scope(coop, copy).from_month == "2027-01"


def test_of_several_records_those_are_replaced_that_a_year_allows(coop: Coop) -> None:
    robin = coop.owner()
    with writing(coop) as store:
        add_member(store, listener=robin, share_class="listener", now=coop.now)
    copy, member = copy_of(coop, robin, RELEASE), next(c for c in coop.copies(robin) if c.kind.value == "membership")
    month = MONTH
    for n in range(3):
        take(coop, copy, bytes([n]) * 48, month=month)
        month = reset(coop, robin, scope(coop, copy).label).from_month
    take(coop, copy, POINT, month=month)
    take(coop, member, OTHER, month=month)
    with writing(coop) as store:
        done = replace_wallet(store, listener=robin, now=coop.now)
        assert (len(done.scopes), done.too_often) == (1, 1)
        with pytest.raises(TooManyResets):
            replace_wallet(store, listener=robin, now=coop.now, copies=[copy])


@pytest.mark.parametrize(
    ("month", "count", "after"),
    [("2026-11", 1, "2026-12"), ("2026-11", 2, "2027-01"), ("2026-12", 2, "2027-02"), ("2026-01", 0, "2026-01")],
)
def test_months_are_counted_over_the_turn_of_the_year(month: str, count: int, after: str) -> None:
    assert month_after(month, count) == after
