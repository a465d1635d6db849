"""Killed at any moment of an import and run again, the co-op's own data is in the ledger as if nothing had happened."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from issuer.connectors.rows import Source, read_source
from issuer.service.import_ledger import import_source
from issuer.store import Store
from plumbing.database import Database
from tests.faults.killing import KILLS, Life, Moment, live_and_die, read_notes
from tests.faults.reading import Books, Row, once_each
from tests.issuer.conftest import NOW
from tests.issuer.test_import import FREE, HIDDEN, LP, ONE, SINGLE, TWO, bought, group, play, track
from tests.support.databases import fresh_sqlite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LISTENERS = tuple(f"{number:08x}-0000-4000-8000-00000000000a" for number in range(1, 4))
TABLES = {
    "listener": "id, name, email, birth_date",
    "release": "id, title, artist, release_type",
    "track": "id, release_id, number, title, free",
    "entry": "key, listener_id, kind, subject, seconds, source, at",
    "entry_charge": (
        "(SELECT key FROM entry WHERE entry.id = entry_id) AS key, "
        "track_id, listener_id, position, milli, already_owned"
    ),
    "copy": (
        "listener_id, kind, CASE kind WHEN 'membership' THEN kind ELSE subject END AS subject, "
        "acquisition, month, ended"
    ),
    "membership": "listener_id, share_class, since, started_at, ends_at, ended_at",
}
"""What an import comes to, without what is drawn at random."""


def data() -> dict[str, Any]:
    """Plays, purchases and members of three listeners, as a co-op's API gives them."""
    return {
        "tracks": [track(each, f"Song {n}") for n, each in enumerate((ONE, TWO, HIDDEN, FREE))],
        "trackGroups": [group(SINGLE, "The Single", "single", ONE), group(LP, "The LP", "lp", ONE, TWO, HIDDEN, FREE)],
        "plays": [{**play(each, ONE, day), "id": f"{each[:8]}-{day}"} for each in LISTENERS for day in range(1, 10)],
        "userTrackPurchases": [bought(each, HIDDEN, n) for n, each in enumerate(LISTENERS)],
        "userTrackGroupPurchases": [
            {"id": n, "userId": each, "trackGroupId": LP, "createdAt": "2025-04-01"}
            for n, each in enumerate(LISTENERS[::2])
        ],
        "membershipClasses": [{"id": 3, "name": "Listener"}],
        "userMemberships": [
            {"userId": each, "membershipClassId": 3, "start": "2021-02-03", "end": None} for each in LISTENERS
        ],
    }


@dataclass
class Importing:
    """The import, of one file into one database, again and again."""

    source: Source
    url: str = ""

    async def run(self, life: Life) -> None:
        """Do what `handstamp issuer import` does, once more and once more."""
        database = life.watch(Database(self.url, pool=2))
        while True:
            with database.write() as session:
                report = import_source(Store(session), self.source, now=NOW)
            life.note("imported", url=self.url, taken=dict(report.taken))
            if not life.is_endless:
                return


@pytest.fixture
def importing(tmp_path: Path) -> Importing:
    file = tmp_path / "coop.json"
    file.write_text(json.dumps(data()))
    return Importing(source=read_source(file))


@pytest.mark.flow
@pytest.mark.slow
def test_an_import_that_was_killed_and_run_again_is_the_import(
    importing: Importing, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    importing.url = new_database("issuer")
    live_and_die(importing.run, tmp_path / "whole", moment=None)
    whole = contents(importing.url)
    assert len(whole["entry"]) > 30
    for number in range(KILLS):
        if number % 5 == 0:
            importing.url = one_more(new_database, tmp_path / str(number))
        before = Books(importing.url).table("copy")
        moment = Moment.draw(commits=2, within_us=100_000)
        live_and_die(importing.run, notes, moment=moment)
        check_all_or_nothing(importing.url, whole, before, notes, moment)
    live_and_die(importing.run, notes, moment=None)
    assert contents(importing.url) == whole
    assert Books(importing.url).is_whole()


def one_more(new_database: Callable[[str], str], folder: Path) -> str:
    """Return another empty database of the same engine."""
    url = new_database("issuer")
    return fresh_sqlite("issuer", folder) if url.startswith("sqlite") else url


def check_all_or_nothing(url: str, whole: dict[str, Any], before: list[Row], notes: Path, moment: Moment) -> None:
    """All of it is there or nothing; all, if it was said to be; and what was there before is the very same."""
    now = contents(url)
    was_told = [each for each in read_notes(notes) if each["url"] == url]
    assert now == whole or (not was_told and not any(now.values())), moment
    assert [each for each in was_told if each["taken"]] in ([], was_told[:1])
    copies = Books(url).table("copy")
    once_each(row["id"] for row in copies)
    assert before in ([], copies)


def contents(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return what an import comes to."""
    questions = [f"SELECT {columns} FROM {name}" for name, columns in TABLES.items()]  # noqa: S608
    answers = zip(TABLES, Books(url).ask_all(questions), strict=True)
    return {name: sorted(tuple(map(str, row.values())) for row in rows) for name, rows in answers}
