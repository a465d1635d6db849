"""Random acts in any order, repeated and undone, against a model that a person can check by reading."""

from __future__ import annotations

import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlmodel import select

from credentials.errors import HandstampError
from issuer.codes import CodeUsed
from issuer.ledger import BuyRelease, BuyTrack, Gift, Play, Thing, ThingKind, derive
from issuer.service.codes import make_codes, redeem_code
from issuer.service.losses import CopyOver, give_on, refund
from issuer.service.record import AlreadyTheirs, NotOffered, record
from issuer.status_tables import StatusEndRow
from issuer.store import Store
from issuer.tables import CopyRow
from issuer.undoing import CameWithRelease, NotOneOfAPiece
from tests.issuer.conftest import NOW, RELEASE, TRACKS, description, make_coop

if TYPE_CHECKING:
    from collections.abc import Callable

SINGLE = "9d0f6a1e-2c53-4a4f-8f7d-1a2b3c4d5e70"
B_SIDE = "3f1c2a70-5a1f-4b0e-9b1e-0c6a5f0d7e20"
HELD = {RELEASE: TRACKS, SINGLE: (B_SIDE,)}
EVERY_TRACK = (*TRACKS, B_SIDE)
WHO = st.integers(0, 2)
SUBJECTS = st.sampled_from([*EVERY_TRACK, RELEASE, SINGLE])


def a_thing(subject: str) -> Thing:
    return Thing(kind=ThingKind.RELEASE if subject in HELD else ThingKind.TRACK, id=subject)


@dataclass
class Mine:
    """One listener: what each track cost, and how they have it (by plays, singly, or with a release)."""

    plays: dict[str, int] = field(default_factory=lambda: dict.fromkeys(EVERY_TRACK, 0))
    via: dict[str, str] = field(default_factory=dict)
    price: dict[str, int] = field(default_factory=dict)
    whole: dict[str, set[str]] = field(default_factory=dict)
    paid: int = 0

    def owns(self, subject: str) -> bool:
        if subject in HELD:
            return subject in self.whole or all(track in self.via for track in HELD[subject])
        return subject in self.via

    @property
    def all_owned(self) -> set[str]:
        return {subject for subject in (*EVERY_TRACK, *HELD) if self.owns(subject)}

    def gain(self, track: str, via: str, *, free: bool) -> None:
        price = 0 if free else 1022 - (2 ** (self.plays[track] + 1) - 2)
        self.via[track], self.price[track] = via, price
        self.paid += price

    def gain_thing(self, subject: str, tracks: list[str], *, free: bool) -> None:
        new = [track for track in tracks if track not in self.via]
        for track in new:
            self.gain(track, subject if subject in HELD else "singly", free=free)
        if subject in HELD and new:
            self.whole[subject] = self.whole.get(subject, set()) | set(tracks)

    def came_with_release(self, track: str) -> bool:
        return any(track in tracks for tracks in self.whole.values())

    def drop(self, track: str, *, plays: bool) -> None:
        del self.via[track], self.price[track]
        if plays:
            self.plays[track] = 0


class LedgerMachine(RuleBasedStateMachine):
    """Every rule does an act to the co-op's books and to the model, and expects the same of both."""

    @initialize()
    def open_the_books(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.coop = make_coop(Path(self.folder.name))
        self.coop.add_release()
        self.coop.add_release(description(SINGLE, (B_SIDE,), title="B Side"))
        self.listeners = [self.coop.listener() for _ in range(3)]
        self.model = [Mine() for _ in range(3)]
        self.down: set[str] = set()
        self.codes: list[tuple[str, str, int | None]] = []
        self.seen: dict[str, bool] = {}
        self.number = 0
        # One transaction for all, never committed: what a test of rules needs is the database's answers, not its disk.
        self.transaction = self.coop.parts.database.write()
        self.session = self.transaction.__enter__()
        self.store = Store(self.session)

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.session.rollback()
            self.session.close()
            self.coop.parts.database.close()
            self.folder.cleanup()

    def do(self, act: Callable[[str], Any], refused: type[HandstampError] | None = None) -> None:
        """Do something, twice with one key; the second time must change nothing."""
        self.number += 1
        self.coop.now = NOW + timedelta(hours=self.number)
        for _ in range(2):
            happened: type[HandstampError] | None = None
            try:
                act(f"k{self.number}")
            except HandstampError as error:
                happened = type(error)
            assert happened is refused

    @rule(who=WHO, track=st.sampled_from(EVERY_TRACK), seconds=st.sampled_from([44, 45, 300]), times=st.integers(1, 9))
    def play(self, who: int, track: str, seconds: int, times: int) -> None:
        mine = self.model[who]
        refused = NotOffered if track in self.down and track not in mine.via else None
        for _ in range(times):
            self._record(who, Play(track=track, seconds=seconds), refused)
            if seconds >= 45 and not refused and track not in mine.via:
                mine.paid += 2 << mine.plays[track]
                mine.plays[track] += 1
                if mine.plays[track] == 9:
                    mine.via[track], mine.price[track] = "plays", 1022

    @rule(who=WHO, subject=SUBJECTS, gift=st.booleans())
    def get(self, who: int, subject: str, gift: bool) -> None:
        mine = self.model[who]
        held = HELD.get(subject, (subject,))
        offered = [t for t in held if t not in self.down or (subject not in HELD and not gift and t in mine.via)]
        refused: type[HandstampError] | None = NotOffered if not offered else None
        if gift and (mine.owns(subject) or (offered and all(track in mine.via for track in offered))):
            refused = AlreadyTheirs
        buy = BuyRelease(release=subject) if subject in HELD else BuyTrack(track=subject)
        self._record(who, Gift(thing=a_thing(subject)) if gift else buy, refused)
        if refused is None:
            mine.gain_thing(subject, offered, free=gift)

    @rule(subject=SUBJECTS)
    def make_a_code(self, subject: str) -> None:
        with suppress(NotOffered):
            made = make_codes(
                self.store, a_thing(subject), count=1, label=None, now=self.coop.now, random=secrets.token_bytes
            )
            self.codes.append((made[0], subject, None))

    @rule(who=WHO, which=st.integers(0, 100))
    def use_a_code(self, who: int, which: int) -> None:
        if not self.codes:
            return
        place = which % len(self.codes)
        code, subject, user = self.codes[place]
        mine = self.model[who]
        refused: type[HandstampError] | None = None
        if user not in {None, who}:
            refused = CodeUsed
        elif user is None and mine.owns(subject):
            refused = AlreadyTheirs
        self.do(
            lambda _: redeem_code(self.store, code.lower(), listener=self.listeners[who], now=self.coop.now), refused
        )
        if refused is None and user is None:
            self.codes[place] = (code, subject, who)
            mine.gain_thing(subject, list(HELD.get(subject, (subject,))), free=True)

    @rule(who=WHO, subject=SUBJECTS, repeat=st.booleans())
    def refund(self, who: int, subject: str, repeat: bool) -> None:
        copy_id = self._copy(who, subject)
        mine = self.model[who]
        if copy_id is None:
            return
        lost: list[str] = []
        refused: type[HandstampError] | None = None
        if subject in HELD:
            refused = None if subject in mine.whole else NotOneOfAPiece
            lost = [track for track, via in mine.via.items() if via == subject]
        elif mine.came_with_release(subject):
            refused = CameWithRelease
        else:
            lost = [subject]
        self.do(lambda _: refund(self.store, copy_id=copy_id, now=self.coop.now), refused)
        if refused is None:
            mine.whole.pop(subject, None)
            for track in lost:
                mine.paid -= mine.price[track]
                mine.drop(track, plays=mine.via[track] == "plays")
            if repeat:
                self.do(lambda key: refund(self.store, copy_id=copy_id, key=key, now=self.coop.now), CopyOver)

    @rule(who=WHO, to=WHO, subject=SUBJECTS)
    def give_on(self, who: int, to: int, subject: str) -> None:
        copy_id = self._copy(who, subject)
        if copy_id is None:
            return
        mine, theirs = self.model[who], self.model[to]
        given = [track for track in HELD.get(subject, (subject,)) if track in mine.via]
        refused: type[HandstampError] | None = None
        if theirs.owns(subject):
            refused = AlreadyTheirs
        elif subject not in HELD and mine.came_with_release(subject):
            refused = CameWithRelease
        elif all(track in theirs.via for track in given):
            refused = AlreadyTheirs
        self.do(lambda _: give_on(self.store, copy_id=copy_id, to=self.listeners[to], now=self.coop.now), refused)
        if refused is None:
            mine.whole.pop(subject, None)
            for track in given:
                mine.drop(track, plays=True)
            theirs.gain_thing(subject, given, free=True)

    @rule(track=st.sampled_from(EVERY_TRACK), back=st.booleans())
    def take_down(self, track: str, back: bool) -> None:
        if back:
            self.store.put_back([track])
            self.down.discard(track)
        else:
            self.store.take_down([track], at=self.coop.now)
            self.down.add(track)

    @invariant()
    def everybody_has_what_they_should(self) -> None:
        for listener, mine in zip(getattr(self, "listeners", ()), getattr(self, "model", ()), strict=True):
            assert {copy.subject for copy in self.store.copies(listener)} == mine.all_owned
            entries = self.store.entries(listener)
            assert sum(entry.total_milli for entry in entries) == mine.paid
            assert derive([*reversed(entries), *entries], ()) == derive(entries, ())

    @invariant()
    def an_ended_copy_stays_ended_and_its_instances_are_taken_back(self) -> None:
        if not hasattr(self, "session"):
            return
        rows = self.session.exec(select(CopyRow)).all()
        now = {row.id: row.ended is None for row in rows}
        assert self.seen.keys() <= now.keys()
        assert not [each for each, good in now.items() if good and self.seen.get(each) is False]
        told = {row.copy_id for row in self.session.exec(select(StatusEndRow))}
        assert told == {each for each, good in now.items() if not good}
        self.seen = now

    def _record(self, who: int, act: Any, refused: type[HandstampError] | None) -> None:
        now = NOW + timedelta(hours=self.number + 1)
        self.do(lambda key: record(self.store, listener=self.listeners[who], act=act, key=key, now=now), refused)

    def _copy(self, who: int, subject: str) -> str | None:
        mine = (copy.id for copy in self.store.copies(self.listeners[who]) if copy.subject == subject)
        return next(mine, None)


LedgerMachine.TestCase.settings = settings(max_examples=5, stateful_step_count=20, deadline=None)
TestLedger = LedgerMachine.TestCase
