"""The co-op's own data with all its traps: read whole or not at all, and twice is as good as once."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import select

from credentials.errors import Malformed
from issuer.connectors.facts import Unreadable, parse_row
from issuer.connectors.rows import Kind, NothingToImport, Place, Row, read_source
from issuer.ledger import Acquisition
from issuer.service.collection import collect
from issuer.service.import_ledger import import_source
from issuer.service.import_report import ImportRefused
from issuer.store import Store
from issuer.tables import EntryRow, ListenerRow
from tests.issuer.conftest import NOW, RELEASE, TRACKS, description
from tests.issuer.test_ledger_command import prepared, terminal

if TYPE_CHECKING:
    from issuer.service.import_report import Report
    from tests.issuer.conftest import Coop
    from tests.issuer.test_command import Terminal

pytestmark = pytest.mark.database

__all__ = ["prepared", "terminal"]
MIA, NOA = "aaaaaaaa-0000-4000-8000-00000000000a", "bbbbbbbb-0000-4000-8000-00000000000b"
LP, SINGLE = "11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002"
ONE, TWO, HIDDEN, FREE, LONE = (f"22222222-0000-4000-8000-00000000000{n}" for n in range(1, 6))


def track(identifier: str, title: str, status: str = "paid", **more: Any) -> dict[str, Any]:
    return {"id": identifier, "title": title, "artist": "Ensemble", "status": status, "duration": 61.4, **more}


def group(identifier: str, title: str, kind: str, *tracks: str, **more: Any) -> dict[str, Any]:
    items = [{"index": n, "trackId": each} for n, each in enumerate(tracks)]
    named = {"id": identifier, "title": title, "type": kind, "display_artist": "Ensemble"}
    return {**named, "releaseDate": "2024-05-01T00:00:00Z", "items": items[::-1], **more}


def play(user: str, which: str, number: int, kind: str = "paid") -> dict[str, Any]:
    at = f"2025-03-{number:02}T10:00:00Z"
    return {"id": f"p-{user[:1]}-{which[-1]}-{number}", "userId": user, "trackId": which, "type": kind, "createdAt": at}


def bought(user: str, which: str, number: int, kind: str | None = "purchase") -> dict[str, Any]:
    at = "2025-03-09T10:00:00Z"
    return {"id": f"b{number}", "userId": user, "trackId": which, "type": kind, "createdAt": at}


def dump() -> dict[str, Any]:
    """Mia owns One by nine plays, Two by a purchase, the LP by both; Noa bought the single, and a lone track."""
    return {
        "tracks": [
            track(ONE, "One"),
            track(TWO, "Two", "free+paid"),
            track(HIDDEN, "Hidden", "hidden"),
            track(FREE, "Free", "free"),
            track(LONE, "Lone", "deleted"),
            track(ONE, "One again"),
        ],
        "trackGroups": [
            group(SINGLE, "The Single", "single", ONE),
            group(LP, "The LP", "lp", ONE, TWO, HIDDEN, FREE),
        ],
        "plays": [
            *(play(MIA, ONE, n) for n in range(1, 10)),
            play(MIA, ONE, 9),
            play(MIA, FREE, 1, "free"),
            play(NOA, TWO, 1),
        ],
        "userTrackPurchases": [
            bought(MIA, ONE, 1, "plays"),
            bought(MIA, TWO, 2),
            bought(MIA, TWO, 3),
            bought(MIA, HIDDEN, 4),
            bought(NOA, LONE, 5, "plays"),
            bought(NOA, "99999999-0000-4000-8000-000000000009", 6),
        ],
        "userTrackGroupPurchases": [
            {"id": 7, "userId": NOA, "trackGroupId": SINGLE, "createdAt": "2025-04-01"},
            {"id": 8, "userId": NOA, "trackGroupId": MIA, "createdAt": "2025-04-01"},
        ],
        "membershipClasses": [{"id": 3, "name": "Listener"}],
        "userMemberships": [
            {"userId": MIA, "membershipClassId": 3, "start": "2021-02-03", "end": None},
            {"userId": NOA, "membershipClassId": 3, "start": "2019-01-01", "end": "2020-01-01"},
        ],
        "credits": [{"total": 12}],
    }


def read(folder: Path, data: dict[str, Any], coop: Coop, *, keep: bool = True) -> Report:
    file = folder / "coop.json"
    file.write_text(json.dumps(data))
    rows = read_source(file)
    with coop.parts.database.write() if keep else coop.parts.database.rehearse() as session:
        return import_source(Store(session), rows, now=coop.now)


def owned(coop: Coop, listener: str) -> dict[str, Acquisition]:
    return {copy.subject: copy.acquisition for copy in coop.copies(listener) if copy.kind.is_owned}


def test_what_the_co_op_sold_is_owned_whatever_its_data_forgets(coop: Coop, tmp_path: Path) -> None:
    report = read(tmp_path, dump(), coop)
    mia, noa = owned(coop, MIA), owned(coop, NOA)
    assert mia == {
        ONE: Acquisition.STREAM_TO_OWN,
        TWO: Acquisition.PURCHASE,
        HIDDEN: Acquisition.PURCHASE,
        LP: Acquisition.STREAM_TO_OWN,
    }
    assert noa[LONE] is Acquisition.STREAM_TO_OWN
    assert noa[ONE] is Acquisition.PURCHASE
    assert report.taken["plays"] == 10
    assert report.taken["plays that only their purchase row tells of"] == 9
    assert report.taken["members"] == 1
    assert report.unread == ("coop.json, credits",)
    with coop.parts.database.read() as session:
        shelves = collect(Store(session), MIA).shelves
        (member,) = Store(session).members()
    assert [each.track.title for each in shelves[0].owned] == ["One", "Two", "Hidden"]
    assert (member.share_class, member.since) == ("Listener", "2021")
    assert {copy.month for copy in coop.copies(MIA) if copy.subject == ONE} == {"2025-03"}


def test_what_was_left_out_is_told_with_its_place_and_reason(coop: Coop, tmp_path: Path) -> None:
    report = read(tmp_path, dump(), coop)
    why = {str(line.place): line.why for line in report.skipped}
    assert why == {
        "coop.json, tracks:6": "it is there twice; the first stands",
        "coop.json, trackGroups:1": f"track {ONE} has its home in another release",
        "coop.json, plays:10": "it was taken before",
        "coop.json, plays:11": "a free play counts for nothing",
        "coop.json, userTrackPurchases:1": "the ninth play wrote this row, and its plays are here",
        "coop.json, userTrackPurchases:3": "it was owned already, so there is nothing to add",
        "coop.json, userTrackPurchases:6": "neither this import nor the catalogue knows the track",
        "coop.json, userTrackGroupPurchases:2": "neither this import nor the catalogue knows the release",
        "coop.json, userMemberships:2": "the membership is over",
    }


def test_importing_twice_changes_nothing(coop: Coop, tmp_path: Path) -> None:
    read(tmp_path, dump(), coop)
    before = [coop.copies(each) for each in (MIA, NOA)]
    entries = coop.rows(EntryRow)
    coop.wait(days=3)
    assert not read(tmp_path, dump(), coop).taken
    assert [coop.copies(each) for each in (MIA, NOA)] == before
    assert coop.rows(EntryRow) == entries


def test_a_dry_run_says_the_same_and_keeps_nothing(coop: Coop, tmp_path: Path) -> None:
    dry = read(tmp_path, dump(), coop, keep=False)
    assert coop.rows(EntryRow) == coop.rows(ListenerRow) == 0
    assert read(tmp_path, dump(), coop).taken == dry.taken


UNREADABLE: list[tuple[str, dict[str, Any], str]] = [
    ("plays", {"trackId": ONE, "createdAt": "2025-01-01"}, "it does not say whose it is"),
    ("plays", {**play(MIA, ONE, 1), "trackId": "7"}, "its `trackId` is missing or no UUID"),
    ("plays", {**play(MIA, ONE, 1), "type": ["paid"]}, "its `type` is neither `paid` nor `free`"),
    ("plays", {**play(MIA, ONE, 1), "createdAt": "yesterday"}, "is no moment like"),
    ("plays", {**play(MIA, ONE, 1), "createdAt": "2025-01-01T00:00:00"}, "has no time zone"),
    ("plays", {**play(MIA, ONE, 1), "createdAt": "2027-01-01"}, "is still to come"),
    ("plays", {**play("Mia", ONE, 1)}, "neither an id of the co-op (a UUID) nor an e-mail address"),
    ("tracks", track(ONE, " "), "its `title` is not a line"),
    ("trackGroups", {**group(LP, "LP", "lp"), "items": "all"}, "its `items` is not a list"),
    ("users", {"displayName": "Mia"}, "it names nobody"),
    ("users", {"id": MIA, "birthDate": "1.2.1990"}, "not written like 1990-12-31"),
    ("userMemberships", {"userId": MIA, "membershipClassId": "x" * 61, "start": "2021-01-01"}, "membership class"),
]


def test_one_row_that_cannot_be_read_and_nothing_is_taken(coop: Coop, tmp_path: Path) -> None:
    for kind, row, why in UNREADABLE:
        data: dict[str, Any] = {"tracks": [track(ONE, "One")], "plays": [play(MIA, ONE, 1)]}
        data[kind] = [row, *data.get(kind, ())]
        with pytest.raises(ImportRefused) as refused:
            read(tmp_path, data, coop)
        (problem,) = refused.value.report.problems
        assert why in problem.why
        assert str(problem.place) == f"coop.json, {kind}:1"
        assert coop.rows(EntryRow) == coop.rows(ListenerRow) == 0


def test_a_folder_of_csv_files_is_read_and_its_people_stay_in_the_register(coop: Coop, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "plays.csv").write_text(
        "listener,track,at\n" + "".join(f"mia@x.example,{TRACKS[0]},2025-01-01T10:00:00Z\n" for _ in range(9)), "utf-8"
    )
    (folder / "purchases.csv").write_text(
        f"Listener,Track,Release,At\nMia@x.example,{TRACKS[1]},,2025-01-02\nnoa@x.example,,{RELEASE},2025-01-02\n"
    )
    (folder / "members.csv").write_text(
        "\ufeffemail,name,birth_date,class,since,until\nmia@x.example,Mia,1990-01-02,listener,2022-05-01,2031-01-01\n",
        "utf-8",
    )
    (folder / "notes.txt").write_text("x")
    for _ in range(2):
        with coop.parts.database.write() as session:
            report = import_source(Store(session), read_source(folder), now=coop.now)
    assert not report.taken
    assert report.unread == ("notes.txt",)
    with coop.parts.database.read() as session:
        mia, noa = (Store(session).find_listener(f"{name}@x.example") for name in ("mia", "noa"))
        keys = repr(session.exec(select(EntryRow)).all())
    assert (mia.name, str(mia.birth_date)) == ("Mia", "1990-01-02")
    assert set(owned(coop, mia.id)) == {TRACKS[0], TRACKS[1]}
    assert set(owned(coop, noa.id)) == {RELEASE, *TRACKS}
    assert "x.example" not in keys
    assert coop.rows(EntryRow) == 11


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plays.csv", b"listener,track\nonly one\n"),
        ("plays.csv", b"\xff\xfe"),
        ("plays.csv", b'listener,track\n"open,x\n'),
        ("plays.json", b"{}"),
        ("plays.json", b"[1]"),
        ("plays.json", b'[{"a":1,"a":2}]'),
        ("coop.json", b'{"plays":{"data":7}}'),
    ],
)
def test_a_file_that_is_none_is_refused_whole(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Malformed):
        read_source(tmp_path / name)


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"credits": []}')
    (tmp_path / "songs.csv").write_text("a,b\n")
    (tmp_path / "plays.csv").write_text("")
    for path in (tmp_path, tmp_path / "other.json"):
        with pytest.raises(NothingToImport):
            read_source(path)


@settings(max_examples=40)
@given(st.sampled_from(["plays.csv", "members.json", "dump.json"]), st.binary(max_size=200))
def test_any_bytes_are_rows_or_refused(name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(content)
        with contextlib.suppress(Malformed, NothingToImport):
            assert read_source(Path(folder)).rows


VALUE = st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.lists(st.integers(), max_size=2)
NAMES = ["id", "userId", "trackId", "trackGroupId", "type", "createdAt", "start", "end", "items", "title", "artist"]


@given(
    st.sampled_from(Kind),
    st.dictionaries(
        st.sampled_from([*NAMES, "status", "duration", "name", "email", "display_artist", "membershipClassId"]),
        VALUE | st.sampled_from([ONE, "2025-01-01", "paid"]) | st.lists(st.just({"trackId": ONE}), max_size=2),
    ),
)
def test_any_row_is_a_fact_or_says_why_not(kind: Kind, values: dict[str, Any]) -> None:
    with contextlib.suppress(Unreadable):
        assert parse_row(Row(kind=kind, place=Place(file="x", line=1), values=values), now=NOW).place.line == 1


def test_a_play_is_imported_with_few_questions_to_the_database(coop: Coop, tmp_path: Path) -> None:
    def count(plays: int) -> int:
        asked: list[str] = []
        data = {"tracks": [track(LONE, "Lone")], "plays": [play(MIA, LONE, n) for n in range(1, plays + 1)]}
        (tmp_path / "coop.json").write_text(json.dumps(data))
        rows = read_source(tmp_path / "coop.json")
        with coop.parts.database.rehearse() as session:
            event.listen(session.connection(), "before_cursor_execute", lambda *seen: asked.append(seen[2]))
            import_source(Store(session), rows, now=coop.now)
        return len(asked)

    assert count(6) - count(5) <= 6


def test_a_trackserver_may_describe_later_what_was_imported_first(coop: Coop, tmp_path: Path) -> None:
    read(tmp_path, dump(), coop)
    release = coop.add_release(description(LP, (ONE, TWO), title="The LP, described"), source="https://t.example/lp")
    assert release.title == "The LP, described"
    assert set(owned(coop, MIA)) == {ONE, TWO, HIDDEN, LP}


def test_an_import_in_a_terminal_is_tried_first_and_reported(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "coop.json"
    file.write_text(json.dumps(dump()))
    tried = terminal.say("import", str(file), "--dry-run")
    assert "Would take: 2 listeners, 1 members, 10 plays" in tried
    assert "Skipped 1, the membership is over: coop.json, userMemberships:2" in tried
    assert "Not read: coop.json, credits" in tried
    assert terminal.json("import", str(file))["taken"]["purchases"] == 2
    assert "Taken: nothing new." in terminal.say("import", str(file))
    assert {each["subject"] for each in terminal.json("copies", MIA)} > {ONE, TWO}
    (tmp_path / "plays.csv").write_text("listener,track,at\nRobin,x,never\n")
    with pytest.raises(ImportRefused, match="Nothing was taken: 1 row cannot be read: "):
        terminal.say("import", str(tmp_path / "plays.csv"))
