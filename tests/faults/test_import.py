"""Killed at any moment of an import and run again, the co-op's own data is in the ledger as if nothing had happened."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from issuer.connectors.rows import Source, read_source
from issuer.service.import_ledger import import_source
from issuer.store import Store
from plumbing.database import Database
from tests.faults.killing import KILLS, Life, kill_often, live_and_die, read_notes
from tests.faults.moments import Fallen, Place
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
        """Do what `handstamp issuer import` does; whoever is to be killed waits for it then."""
        database = life.watch(Database(self.url, pool=2))
        with life.errand():
            life.last()
            with database.write() as session:
                report = import_source(Store(session), self.source, now=NOW)
            life.note("imported", url=self.url, taken=dict(report.taken))
        if life.is_endless:
            await asyncio.Event().wait()


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
    trial = Trial(importing, new_database, tmp_path)
    trial.take_new()
    live_and_die(importing.run, trial.notes, moment=None)
    trial.whole = contents(importing.url)
    assert len(trial.whole["entry"]) > 30
    trial.check()
    kill_often(importing.run, trial.notes, KILLS, is_enough=are_before_and_after, after_each=trial.check)
    assert trial.whole == contents(importing.url)
    assert Books(importing.url).is_whole()


def are_before_and_after(fallen: Fallen, kills: int) -> bool:
    """Whether enough fell within its one transaction, and enough since its commit began."""
    total = fallen.in_time + fallen.at_transaction
    return min(total[Place.BEFORE], total[Place.DURING] + total[Place.AFTER]) >= kills // 4


@dataclass
class Trial:
    """One import after another, each killed until it is whole; then it is run into another empty database."""

    importing: Importing
    new_database: Callable[[str], str]
    folder: Path
    whole: dict[str, Any] = field(default_factory=dict)
    before: list[Row] = field(default_factory=list)

    @property
    def notes(self) -> Path:
        return self.folder / "notes"

    def take_new(self) -> None:
        """Go on with another empty database of the same engine."""
        url = self.new_database("issuer")
        if url.startswith("sqlite"):
            url = fresh_sqlite("issuer", self.folder / secrets.token_hex(4))
        self.importing.url, self.before = url, []

    def check(self) -> None:
        """All of it is there or nothing; all, if it was said to be; and what was there before is the very same."""
        url = self.importing.url
        now, copies = contents(url), Books(url).table("copy")
        was_told = [each for each in read_notes(self.notes) if each["url"] == url]
        assert now == self.whole or (not was_told and not any(now.values()))
        assert [each for each in was_told if each["taken"]] in ([], was_told[:1])
        once_each(row["id"] for row in copies)
        assert self.before in ([], copies)
        self.before = copies
        if copies and not was_told:  # nobody knows, so it is run again
            live_and_die(self.importing.run, self.notes, moment=None)
            self.check()
        elif copies:
            self.take_new()


def contents(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return what an import comes to."""
    questions = [f"SELECT {columns} FROM {name}" for name, columns in TABLES.items()]  # noqa: S608
    answers = zip(TABLES, Books(url).ask_all(questions), strict=True)
    return {name: sorted(tuple(map(str, row.values())) for row in rows) for name, rows in answers}
