"""What a migration writes by itself, from rows as the version before really had them, on both databases."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import MetaData, insert, select

from issuer.copies import Copy, CopyKind
from issuer.counting import Mode
from issuer.ledger import Acquisition
from issuer.store import Store
from plumbing.database import Database
from plumbing.migrations import downgrade, upgrade
from tests.support.databases import migrations
from verifier.gates import Counting
from verifier.limits import Monthly
from verifier.proofs import OwnsTrack
from verifier.store import SqlWork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

pytestmark = [pytest.mark.database, pytest.mark.slow]
COOP = "https://coop.example"
Rows = list[dict[str, Any]]
NOW = 1_790_000_000
LISTENERS: Rows = [{"id": each, "created_at": NOW} for each in ("ada", "bo", "cy")]
RELEASE = {"id": "r", "source_url": "http://t/r", "title": "R", "artist": "A", "release_type": "EPRelease"}
TRACKS: Rows = [
    {"id": each, "release_id": "r", "number": n, "title": each, "artist": "A", "duration_s": 60}
    | {"free": False, "withdrawn": False}
    for n, each in enumerate(("t1", "t2"), 1)
]


class Old:
    """A database that stands at some version."""

    def __init__(self, role: str, url: str) -> None:
        self._scripts, self._url = migrations(role), url
        self.database = Database(url)

    def go(self, revision: str = "head") -> None:
        upgrade(self._url, self._scripts, revision)
        self._check_references()

    def back(self, revision: str) -> None:
        downgrade(self._url, self._scripts, revision)
        self._check_references()

    def _check_references(self) -> None:
        """See that no row leads to one that is gone: SQLite looks at none of that while it migrates."""
        if self.database.url.get_backend_name() == "sqlite":
            with self.database.read() as session:
                assert session.connection().exec_driver_sql("PRAGMA foreign_key_check").all() == []

    def put(self, tables: Mapping[str, Rows]) -> None:
        with self.database.write() as session:
            known = MetaData()
            known.reflect(session.connection())
            for table, rows in tables.items():
                for row in rows:
                    session.connection().execute(insert(known.tables[table]).values(row))

    def read(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        with self.database.read() as session:
            known = MetaData()
            known.reflect(session.connection(), only=[table])
            wanted = [known.tables[table].columns[name] for name in columns]
            return [tuple(row) for row in session.connection().execute(select(*wanted).order_by(*wanted))]


@pytest.fixture
def old(role: str, new_database: Callable[[str], str]) -> Iterator[Old]:
    made = Old(role, new_database("empty"))
    yield made
    made.database.close()


def entry(name: str, kind: str, subject: str, listener: str = "ada", **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "key": f"key-{name}",
        "listener_id": listener,
        "kind": kind,
        "subject": subject,
        "at": NOW,
        **more,
    }


def charge(entry_id: str, track: str, milli: int, listener: str = "ada") -> dict[str, Any]:
    return {"entry_id": entry_id, "track_id": track, "listener_id": listener, "position": 1, "milli": milli}


def copy(name: str, kind: str, subject: str, listener: str = "ada", **more: Any) -> dict[str, Any]:
    facts = {"id": name, "listener_id": listener, "kind": kind, "subject": subject, "month": "2026-10"}
    return {**facts, "acquisition": "purchase", **more}


def instances(*copies: str) -> Rows:
    return [{"thumbprint": f"key of {each}", "copy_id": each, "month": "2026-10"} for each in copies]


@pytest.mark.parametrize("role", ["issuer"])
def test_what_was_bought_and_owned_before_anything_could_end_is_good_and_unstruck(old: Old) -> None:
    old.go("0001")
    old.put({"listener": LISTENERS, "release": [RELEASE], "track": TRACKS})
    old.put({"entry": [entry("e", "buy_track", "t1")], "entry_charge": [charge("e", "t1", 1000)]})
    old.put({"copy": [copy("c", "track", "t1")]})
    old.go()
    assert old.read("entry_charge", "entry_id", "milli", "already_owned") == [("e", 1000, False)]
    assert old.read("copy", "id", "ended", "ended_at") == [("c", None, None)]
    assert old.read("track", "id", "taken_down_at") == [("t1", None), ("t2", None)]
    with old.database.read() as session:
        (owned,) = Store(session).copies("ada")
        (written,) = Store(session).entries("ada")
    assert (owned.acquisition, owned.ended) == (Acquisition.PURCHASE, None)
    assert written.key == "key-e"


@pytest.mark.parametrize("role", ["issuer"])
def test_taken_back_by_a_version_what_it_has_no_words_for_is_a_purchase_or_gone(old: Old) -> None:
    old.go("0002")
    old.put({"listener": LISTENERS, "release": [RELEASE], "track": TRACKS})
    acts = [
        entry("bought", "buy_track", "t1"),
        entry("given", "gift_track", "t1", "bo", source="friend"),
        entry("coded", "code_release", "r", "cy", source="hash"),
        entry("returned", "buy_track", "t2"),
        entry("refund", "refund", "t2"),
    ]
    old.put({"entry": acts})
    charges = [
        ("bought", "t1", 1000, "ada"),
        ("given", "t1", 0, "bo"),
        ("coded", "t1", 0, "cy"),
        ("coded", "t2", 0, "cy"),
    ]
    charges += [("returned", "t2", 1000, "ada"), ("refund", "t2", -1000, "ada")]
    old.put({"entry_charge": [charge(*each) | {"already_owned": False} for each in charges]})
    old.put({"entry_strike": [{"entry_id": "refund", "struck_key": "key-returned", "track_id": "t2"}]})
    copies = [
        copy("good", "track", "t1"),
        copy("gift", "track", "t1", "bo", acquisition="gift"),
        copy("played", "track", "t2", "bo", acquisition="stream_to_own"),
        copy("code", "release", "r", "cy", acquisition="download_code"),
        copy("ended", "track", "t2", ended="refunded", ended_at=NOW),
        copy("member", "membership", "m", acquisition="registered"),
    ]
    old.put({"copy": copies, "instance": instances("good", "gift", "ended", "member")})
    old.back("0001")
    kept = [("bought", "buy_track", "t1"), ("coded", "buy_release", "r"), ("given", "buy_track", "t1")]
    assert old.read("entry", "id", "kind", "subject") == kept
    assert old.read("entry_charge", "entry_id", "track_id") == [
        *(("bought", "t1"), ("coded", "t1"), ("coded", "t2"), ("given", "t1")),
    ]
    ways = [("code", "purchase"), ("gift", "purchase"), ("good", "purchase"), ("played", "stream_to_own")]
    assert old.read("copy", "id", "acquisition") == ways
    assert old.read("instance", "copy_id") == [("gift",), ("good",)]
    old.go()
    assert old.read("copy", "id", "acquisition", "ended") == [(*each, None) for each in ways]


@pytest.mark.parametrize("role", ["issuer"])
def test_whoever_holds_a_record_that_names_its_copy_is_counted_by_it_and_nobody_else_is(old: Old) -> None:
    old.go("0005")
    old.put({"listener": LISTENERS, "release": [RELEASE], "track": TRACKS})
    ada = [
        copy("a1", "track", "t1"),
        copy("a2", "track", "t2"),
        copy("a", "release", "r"),
        copy("m", "membership", "x"),
    ]
    others = [copy("b", "track", "t1", "bo"), copy("p", "artist", "p1", "bo"), copy("c", "release", "r", "cy")]
    old.put({"copy": ada + others, "instance": instances("a1", "a2", "a", "m", "b", "p")})
    old.go()
    scopes = [("ada", "membership"), ("ada", "release:r"), ("bo", "artist:p1"), ("bo", "release:r")]
    columns = ("listener_id", "subject", "mode", "from_month", "last_month", "confirmed", "commitment")
    assert old.read("counting_scope", *columns) == [(*each, "copy", "", "", False, None) for each in scopes]
    labels = {label for (label,) in old.read("counting_scope", "label")}
    assert len(labels) == len(scopes)
    assert {len(label) for label in labels} == {22}
    with old.database.read() as session:
        store = Store(session)
        held = next(each for each in store.copies("bo") if each.kind is CopyKind.TRACK)
        scope = store.counting_scope("bo", store.counting_subjects([held])[held.id])
    assert isinstance(held, Copy)
    assert scope is not None
    assert scope.mode is Mode.COPY, "as the version of today looks for it"


def gate(name: str, **more: Any) -> dict[str, Any]:
    inside = {"trackserver": "http://t", "release_id": "r", "track_ids": ["t1"], "kind": "track", "title": "Low Tide"}
    inside |= {"artist": "A", "tracks": [], "package": "original", "files": [], "size_bytes": 1}
    facts = {"key": name, "site": "main", "gate_id": name, "title": "Low Tide", "requirement": "owns_track"}
    facts |= {"release_id": "r", "track_id": "t1", "language": "en", "terms": "Be kind.", "opens": inside}
    return {**facts, "created_at": NOW, **more}


@pytest.mark.parametrize("role", ["verifier"])
def test_a_gate_of_before_opens_as_often_as_it_did_and_visits_of_the_moment_begin_anew(old: Old) -> None:
    old.go("0004")
    visit = {"key": "v", "site": "main", "visit_id": "v", "gate_id": "g", "browser": b"b", "state": "accepted"}
    visit |= {"failed_answers": 0, "met": "t1", "grants_given": 1, "created_at": NOW, "expires_at": NOW + 300}
    asked = {
        "key": "q",
        "site": "main",
        "request_id": "q",
        "visit_id": "v",
        "device": "same",
        "state": "s",
        "salt": b"s",
    }
    passed = {"site": "main", "gate_id": "g", "terms": "Be kind.", "month": "2026-10", "passages": 7}
    coop = {"key": "c", "site": "main", "issuer": COOP, "name": "Coop", "keys": {}, "anchors": [], "types": []}
    old.put({"gates": [gate("g")], "visits": [visit], "requests": [asked], "redemptions": [passed]})
    old.put({"trusted_issuers": [coop | {"added_at": NOW, "did": "did:web:coop.example"}]})
    old.go()
    with SqlWork(old.database, site="main").read() as stores:
        shown = stores.load_gate("g")
        (trusted,) = stores.load_stated("main")
        assert stores.load_passages("g") == (("2026-10", 7),)
    assert shown is not None
    assert (shown.requirement, shown.counting, shown.closed_at) == (
        OwnsTrack(track_id="t1", release_id="r"),
        None,
        None,
    )
    assert (trusted.issuer, trusted.did, trusted.bbs_keys) == (COOP, "did:web:coop.example", {})
    assert old.read("visits", "visit_id") == old.read("requests", "request_id") == []


@pytest.mark.parametrize("role", ["verifier"])
def test_a_gate_that_counted_copies_goes_on_to_and_its_receipts_stay(old: Old) -> None:
    old.go("0005")
    counted = {"limit_times": 3, "limit_monthly": True, "limit_key": b"k" * 32}
    signed = {"site": "main", "gate_id": "g", "terms": "Be kind.", "language": "en", "salt": b"s", "binding": "b"}
    signed |= {"made_at": NOW, "erase_at": NOW + 9}
    mark = {"gate_id": "g", "period": "2026-10", "mark": b"m", "site": "main", "uses": 2, "first_use": NOW}
    old.put({"gates": [gate("g", proofs=None, **counted)], "marks": [mark]})
    old.put({"receipts": [{**signed, "key": "1", "holder_key": "thumbprint"}]})
    old.go()
    with SqlWork(old.database, site="main").read() as stores:
        shown = stores.load_gate("g")
    assert shown is not None
    assert shown.counting == Counting(limit=Monthly(times=3), key=b"k" * 32, takes_other_wallets=True)
    assert old.read("marks", "mark", "uses") == [(b"m", 2)]
    old.put({"receipts": [{**signed, "key": "2", "holder_key": None}]})
    old.back("0005")
    assert old.read("receipts", "key", "holder_key") == [("1", "thumbprint")]
    assert old.read("gates", "gate_id", "limit_times", "limit_key") == [("g", 3, b"k" * 32)]


@pytest.mark.parametrize("role", ["verifier"])
def test_requests_whose_visit_an_older_version_took_away_go_too(old: Old) -> None:
    old.go("0007")
    visit = {"key": "1", "site": "main", "visit_id": "v", "gate_id": "g", "browser": b"b", "state": "requested"}
    visit |= {"failed_answers": 0, "wrong_codes": 0, "grants_given": 0, "created_at": NOW, "expires_at": NOW + 9}
    asked = {"site": "main", "device": "same_device", "state": "requested", "salt": b"s"}
    old.put({"gates": [gate("g", proofs=None)], "visits": [visit]})
    old.put({"requests": [{**asked, "key": "1", "request_id": "asked", "visit_id": "v"}]})
    if old.database.url.get_backend_name() == "sqlite":  # where alone it could happen
        with closing(sqlite3.connect(str(old.database.url.database))) as file:
            file.execute(
                "INSERT INTO requests SELECT '2', site, 'left', 'gone', device, state, salt, NULL FROM requests"
            )
            file.commit()
    old.go()
    assert old.read("requests", "request_id") == [("asked",)]
