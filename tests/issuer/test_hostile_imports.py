"""Files that an import must not take, or not take half: one file, one exact refusal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from credentials.errors import HandstampError, Malformed
from issuer.connectors.rows import read_source
from issuer.listeners import Listener
from issuer.service.import_ledger import import_source
from issuer.service.import_report import ImportRefused
from issuer.store import Store
from issuer.tables import EntryRow, ListenerRow, MembershipRow
from tests.issuer.conftest import TRACKS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.issuer.conftest import Coop

MIA, NOA = "aaaaaaaa-0000-4000-8000-00000000000a", "bbbbbbbb-0000-4000-8000-00000000000b"


def taken(coop: Coop, file: Path, content: str | bytes) -> None:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with coop.parts.database.write() as session:
        import_source(Store(session), read_source(file), now=coop.now)


def refused(coop: Coop, file: Path, content: str | bytes) -> HandstampError:
    with pytest.raises((Malformed, ImportRefused)) as refusal:
        taken(coop, file, content)
    assert (coop.rows(EntryRow), coop.rows(ListenerRow), coop.rows(MembershipRow)) == (0, 0, 0)
    return refusal.value


def play(**changed: Any) -> dict[str, Any]:
    return {"userId": MIA, "trackId": TRACKS[0], "createdAt": "2026-01-01T00:00:00Z", "type": "paid", **changed}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"createdAt": "0001-01-01T00:00:00+14:00"}, "its `createdAt` is before 1970 or after 9000"),
        ({"createdAt": "0001-01-02T00:00:00Z"}, "its `createdAt` is before 1970 or after 9000"),
        ({"createdAt": "1969-12-31"}, "its `createdAt` is before 1970 or after 9000"),
        ({"createdAt": "9999-12-31T23:59:59-14:00"}, "its `createdAt` is before 1970 or after 9000"),
        ({"createdAt": "2026-11-22"}, "its `createdAt` is still to come"),
        ({"createdAt": "2026-01-01T00:00:00"}, "its `createdAt` has no time zone"),
        ({"createdAt": 1767225600}, "its `createdAt` is no moment like 2026-11-21T08:00:00Z"),
        ({"type": "\x1b[31mpaid"}, "its `type` is neither `paid` nor `free`"),
        ({"trackId": "../../etc/passwd"}, "its `trackId` is missing or no UUID"),
        ({"trackId": [TRACKS[0]]}, "its `trackId` is missing or no UUID"),
        ({"userId": {"$ne": ""}}, "it does not say whose it is"),
        (
            {"userId": "mia\x00@coop.example"},
            "The e-mail address cannot be read: it is not written like name@example.org",
        ),
        (
            {"userId": "\u202eaim@coop.example"},
            "The e-mail address cannot be read: it is not written like name@example.org",
        ),
        (
            {"userId": "=cmd|' /C calc'!A0"},
            "The listener cannot be read: it is neither an id of the co-op (a UUID) nor an e-mail address",
        ),
    ],
)
def test_a_row_that_lies_takes_the_good_ones_with_it(
    coop: Coop, tmp_path: Path, changed: dict[str, Any], why: str
) -> None:
    refusal = refused(coop, tmp_path / "plays.json", json.dumps([play(userId=NOA), play(**changed)]))
    assert isinstance(refusal, ImportRefused)
    assert [(str(line.place), line.why) for line in refusal.report.problems] == [("plays.json:2", why)]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        (
            "plays.csv",
            f"user,listener,track,at\n{MIA},{NOA},{TRACKS[0]},2026-01-01\n",
            "called the same, or mean the same",
        ),
        ("plays.csv", f"user,track,track,at\n{MIA},{TRACKS[0]},{TRACKS[1]},2026-01-01\n", "called the same, or mean"),
        (
            "plays.csv",
            f"user,track,at\n{MIA},{TRACKS[0]},2026-01-01,paid\n",
            "it has 4 fields where the first line names 3",
        ),
        ("plays.csv", f"user,track\n{'a' * 10_001},b\n", "a field is longer than 10000 characters"),
        ("plays.csv", f"user,track\n{'a' * 200_000},b\n", "it is not CSV in UTF-8"),
        ("plays.csv", '"user,track\n', "it is not CSV in UTF-8"),
        ("plays.csv", "user,track\nä,b\n".encode("latin-1"), "it is not CSV in UTF-8"),
        ("plays.csv", "user,track\na,b\n".encode("utf-16"), "it is not CSV in UTF-8"),
        ("plays.json", b'[{"userId":"a","userId":"b"}]', "an object has the same name twice"),
        ("plays.json", b"[" * 100_000, "it is nested deeper than 16 levels"),
        ("plays.json", b'[{"id":1e999}]', "a number is too large"),
        ("plays.json", b'[{"id":"\\ud800"}]', "it holds half of a surrogate pair"),
        ("plays.json", "[]".encode("utf-16"), "it is not UTF-8"),
        ("plays.json", b'[["userId"]]', "it is not an object"),
        ("plays.json", b'{"data":{"userId":"a"}}', "it is not a list"),
    ],
)
def test_a_file_that_can_be_read_in_two_ways_or_in_none_is_refused(
    coop: Coop, tmp_path: Path, name: str, content: str | bytes, why: str
) -> None:
    refusal = refused(coop, tmp_path / name, content)
    assert refusal.code == "malformed"
    assert why in refusal.detail


@pytest.mark.parametrize(
    "email", ["mia\x00@coop.example", "\u202eaim@coop.example", "mia@coop.example\u200b", "mia@\x7f"]
)
def test_an_address_with_what_nobody_sees_is_none(email: str) -> None:
    with pytest.raises(Malformed, match=r"it is not written like name@example\.org"):
        Listener.parse(listener_id=MIA, name=None, email=email, birth_date=None)
