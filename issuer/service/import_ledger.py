"""Take the co-op's own data into the ledger and the registers: all of it or nothing, and twice is as good as once.

Owned is what had nine paid plays, or a purchase of the track, or a purchase of a release that holds it. So it does not
matter that a ninth play wrote a purchase row of a kind of its own, that buying wrote no plays, that rows are there
twice, or that a track was hidden or deleted since.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, TypeVar

from credentials.errors import HandstampError, Malformed
from issuer.connectors.facts import (
    ClassFact,
    Fact,
    GroupFact,
    MemberFact,
    PersonFact,
    PlayFact,
    PurchaseFact,
    TrackFact,
    Unreadable,
    is_uuid,
    parse_row,
)
from issuer.connectors.rows import Source
from issuer.ledger import COUNTS_AFTER_S, PLAYS_TO_OWN, BuyRelease, BuyTrack, Gain, Play, derive
from issuer.listeners import Listener
from issuer.ports import Importing
from issuer.service.import_catalogue import Groups, import_catalogue
from issuer.service.import_report import ImportRefused, Report
from issuer.service.record import settle, write
from issuer.service.registers import add_member
from plumbing.ids import new_internal_id

_Described = TypeVar("_Described", TrackFact, GroupFact)
_UNKNOWN_TRACK: Final = "neither this import nor the catalogue knows the track"
_BEFORE: Final = "it was taken before"
_OWNED: Final = "it was owned already, so there is nothing to add"


def import_source(store: Importing, source: Source, *, now: datetime) -> Report:
    """Take everything in, in the order in which it happened.

    Args:
        store: every port, in one transaction: nothing of it is kept if this raises.
        source: the rows.
        now: the moment of the import; nothing may be later.

    Raises:
        ImportRefused: rows cannot be read; its report names all of them.
    """
    report = Report(unread=source.unread)
    facts: list[Fact] = []
    for row in source.rows:
        try:
            facts.append(parse_row(row, now=now))
        except Unreadable as error:
            report.refuse(row.place, str(error))
    work = _Import(store, report, now)
    work.run(facts)
    if report.problems:
        raise ImportRefused(report)
    return report


class _Import:
    """One run; it remembers who is who, and which rows look alike."""

    def __init__(self, store: Importing, report: Report, now: datetime) -> None:
        self._store, self._report, self._now = store, report, now
        self._people: dict[str, str] = {}
        self._alike: Counter[str] = Counter()
        self._groups = Groups()
        self._touched: set[str] = set()
        self._known: dict[str, bool] = {}

    def run(self, facts: Sequence[Fact]) -> None:
        tracks = [fact for fact in facts if isinstance(fact, TrackFact)]
        groups = [fact for fact in facts if isinstance(fact, GroupFact)]
        report = self._report
        self._groups = import_catalogue(self._store, _once(tracks, report), _once(groups, report), report)
        for fact in facts:
            if isinstance(fact, PersonFact):
                self._person(fact)
        members = [fact for fact in facts if isinstance(fact, MemberFact)]
        for member in members:
            self._listener(member.person)  # before any act of theirs makes a listener who is only an address
        acts = [fact for fact in facts if isinstance(fact, PlayFact | PurchaseFact)]
        # A ninth play and the row that it wrote may share a moment: the play comes first.
        for act in sorted(acts, key=lambda act: (act.at, isinstance(act, PurchaseFact))):
            if isinstance(act, PlayFact):
                self._play(act)
            else:
                self._purchase(act)
        for listener in sorted(self._touched):
            settle(self._store, listener)  # once, however many acts: each would read all of theirs
        classes = {fact.id: fact.name for fact in facts if isinstance(fact, ClassFact) and fact.name}
        for member in sorted(members, key=lambda member: member.start):
            self._member(member, classes)

    def _person(self, fact: PersonFact) -> None:
        before = self._report.taken["listeners"]
        if self._listener(fact) is not None and self._report.taken["listeners"] == before:
            self._report.skip(fact.place, "the co-op knows this listener already")

    def _listener(self, fact: PersonFact) -> str | None:
        """Find whom a row means, or add them; what names them goes into the register and nowhere else."""
        if fact.user in self._people:
            return self._people[fact.user]
        found = self._store.known_listener(fact.user, email=fact.email)
        if found is None:
            try:
                found = self._new_listener(fact)
            except HandstampError as error:
                self._report.refuse(fact.place, error.detail.rstrip("."))
                return None
        self._people[fact.user] = found
        return found

    def _new_listener(self, fact: PersonFact) -> str:
        has_address = "@" in fact.user
        if not has_address and not is_uuid(fact.user):
            raise Malformed("listener", "it is neither an id of the co-op (a UUID) nor an e-mail address")
        listener = Listener.parse(
            listener_id=new_internal_id(self._now) if has_address else fact.user,
            name=fact.name,
            email=fact.user if has_address else fact.email,
            birth_date=fact.birth_date,
        )
        self._store.add_listener(listener, now=self._now)
        self._report.take("listeners")
        return listener.id

    def _play(self, fact: PlayFact) -> None:
        if not fact.paid:
            self._report.skip(fact.place, "a free play counts for nothing")
        elif (listener := self._listener(PersonFact(place=fact.place, user=fact.user))) is not None:
            key = self._key("play", fact.row_id, listener, fact.track, fact.at)
            self._act(fact, listener, Play(track=fact.track, seconds=COUNTS_AFTER_S), key, "plays")

    def _purchase(self, fact: PurchaseFact) -> None:
        listener = self._listener(PersonFact(place=fact.place, user=fact.user))
        if listener is None:
            return
        key = self._key("group" if fact.is_group else "purchase", fact.row_id, listener, fact.subject, fact.at)
        if fact.is_group:
            self._group_purchase(fact, listener, key)
        elif fact.how == "purchase":
            if self._is_new(key) and self._owns(listener, fact.subject):
                self._report.skip(fact.place, _OWNED)
            else:
                self._act(fact, listener, BuyTrack(track=fact.subject), key, "purchases")
        else:
            self._plays_row(fact, listener, key)

    def _plays_row(self, fact: PurchaseFact, listener: str, key: str) -> None:
        """The row that a ninth play wrote, whatever its own enum made of the type: it vouches for nine paid plays."""
        if self._owns(listener, fact.subject):
            self._report.skip(fact.place, "the ninth play wrote this row, and its plays are here")
            return
        track = self._store.track(fact.subject)
        if track is not None and track.free:
            self._report.skip(fact.place, "a free track is everybody's")
            return
        paid = self._standing_plays(listener, fact.subject)
        for number in range(paid, PLAYS_TO_OWN):
            play = Play(track=fact.subject, seconds=COUNTS_AFTER_S)
            if not self._act(fact, listener, play, f"{key}:{number}", "plays that only their purchase row tells of"):
                return

    def _group_purchase(self, fact: PurchaseFact, listener: str, key: str) -> None:
        """A release purchase gives every track that the release holds, also one that has its home in another."""
        release = self._store.release(fact.subject)
        here = {track.id for track in release.tracks} if release else set()
        borrowed = [track for track in self._groups.tracks.get(fact.subject, ()) if track not in here]
        if release is not None:
            if self._is_new(key) and all(self._owns(listener, track) for track in here):
                self._report.skip(fact.place, _OWNED)
            else:
                self._act(fact, listener, BuyRelease(release=fact.subject), key, "purchases")
        elif not borrowed:
            self._report.skip(fact.place, "neither this import nor the catalogue knows the release")
        for track in borrowed:
            if not self._owns(listener, track):
                self._act(fact, listener, BuyTrack(track=track), f"{key}:{track}", "tracks of a bought release")

    def _act(self, fact: PlayFact | PurchaseFact, listener: str, act: Gain, key: str, what: str) -> bool:
        if not self._is_new(key):
            self._report.skip(fact.place, _BEFORE)
            return True
        if isinstance(act, Play | BuyTrack) and not self._is_known(act.track):
            self._report.skip(fact.place, _UNKNOWN_TRACK)
            return False
        write(self._store, listener=listener, act=act, key=key, now=fact.at, even_withdrawn=True)
        self._touched.add(listener)
        self._report.take(what)
        return True

    def _member(self, fact: MemberFact, classes: dict[str, str]) -> None:
        listener = self._listener(fact.person)
        if listener is None:
            return
        if fact.end is not None and fact.end <= self._now:
            self._report.skip(fact.place, "the membership is over")
            return
        share_class = classes.get(fact.share_class, fact.share_class)
        if self._store.running_membership(listener) is not None:
            self._report.skip(fact.place, "they are a member already")
            return
        try:
            add_member(
                self._store,
                listener=listener,
                share_class=share_class,
                now=self._now,
                started=fact.start,
                ends=fact.end,
            )
        except HandstampError as error:
            self._report.refuse(fact.place, error.detail.rstrip("."))
        else:
            self._report.take("members")

    def _key(self, kind: str, row_id: str | None, listener: str, subject: str, at: datetime) -> str:
        """A row's own id, else what it says and how many before it said the same: so twice is as good as once."""
        if row_id is not None:
            return f"import:{kind}:{row_id}"
        said = f"{kind}|{listener}|{subject}|{at.isoformat()}"
        self._alike[said] += 1
        return f"import:{kind}:{hashlib.sha256(f'{said}|{self._alike[said]}'.encode()).hexdigest()}"

    def _is_known(self, track: str) -> bool:
        """Whether the catalogue has the track; asked once, for each of them is played many times."""
        if track not in self._known:
            self._known[track] = self._store.track(track) is not None
        return self._known[track]

    def _is_new(self, key: str) -> bool:
        return self._store.entry(key) is None

    def _owns(self, listener: str, track: str) -> bool:
        return track in derive(self._store.entries_for(listener, [track]), ()).owned_tracks

    def _standing_plays(self, listener: str, track: str) -> int:
        return derive(self._store.entries_for(listener, [track]), ()).standing(track).paid_plays


def _once(facts: Iterable[_Described], report: Report) -> list[_Described]:
    seen: dict[str, _Described] = {}
    for fact in facts:
        if fact.id in seen:
            report.skip(fact.place, "it is there twice; the first stands")
        else:
            seen[fact.id] = fact
    return list(seen.values())
