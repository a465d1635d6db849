"""A lost wallet is replaced when its credentials are over, so often a year, and by whoever decides first."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from credentials.protocols.oauth import CredentialRequestDenied, InvalidProof
from issuer.counting import CountingScope, Mode, NothingToReset, TooManyResets
from issuer.service.counting import (
    commit,
    confirm_wallet,
    is_counted_by_copy,
    reset_commitment,
    scope_of,
)
from issuer.service.registers import add_member
from issuer.service.wallets import replace_wallet
from issuer.store import Store
from tests.issuer.acts import copy_of
from tests.issuer.conftest import RELEASE, Coop
from tests.issuer.counting import MONTH, OTHER, POINT, by_copy, scope, take, writing

if TYPE_CHECKING:
    from collections.abc import Iterator


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
