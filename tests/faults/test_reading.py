"""A few kills in every run. And the reader finds whatever is lost, doubled or half there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.faults.issuing import Counter, Errand
from tests.faults.killing import Life, Note, kill_often, live_and_die, read_notes
from tests.faults.reading import Books
from tests.faults.test_issuance import check_instances, check_ledger, check_offers
from tests.support.databases import fresh_sqlite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.sqlite


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Counter, Path]:
    """A co-op after three kills, and what its listeners were told."""
    folder = tmp_path_factory.mktemp("killed")
    counter = Counter.open(folder, fresh_sqlite("issuer", folder, "books"))

    async def one_errand(life: Life) -> None:
        counter.begin(life)
        await Errand(life=life, counter=counter, id="the last").run()

    kill_often(counter.issue, folder / "notes", 3)
    live_and_die(one_errand, folder / "notes", moment=None)
    return counter, folder / "notes"


@pytest.mark.parametrize("check", [check_ledger, check_offers, check_instances])
def test_after_three_kills_the_books_are_as_listeners_were_told(
    check: Callable[[Books, list[Note]], None], notes: tuple[Counter, Path]
) -> None:
    check(Books(notes[0].url), read_notes(notes[1]))


@pytest.mark.parametrize(
    ("check", "harm"),
    [
        (
            check_instances,
            "DELETE FROM status_entry WHERE position = (SELECT min(position) FROM status_entry)",
        ),
        (check_instances, "DELETE FROM instance WHERE rowid = (SELECT min(rowid) FROM instance)"),
        (check_instances, "UPDATE status_entry SET copy_id = 'another'"),
        (check_ledger, "DELETE FROM copy WHERE rowid = (SELECT min(rowid) FROM copy)"),
        (check_ledger, "DELETE FROM entry WHERE rowid = (SELECT min(rowid) FROM entry)"),
        (check_ledger, "DELETE FROM entry_charge WHERE rowid = (SELECT min(rowid) FROM entry_charge)"),
        (check_ledger, "UPDATE entry SET key = 'nobody asked for ' || key"),
        (check_offers, "UPDATE offer SET state = 'open'"),
        (check_offers, "DELETE FROM delivery"),
        (check_offers, "DELETE FROM refresh_token"),
        (check_offers, "DELETE FROM access_token"),
        (check_offers, "DELETE FROM offer_copy"),
    ],
)
def test_the_reader_finds(
    check: Callable[[Books, list[Note]], None], harm: str, notes: tuple[Counter, Path], tmp_path: Path
) -> None:
    harmed = tmp_path / "harmed.sqlite"
    original = notes[0].url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(original)) as whole, closing(sqlite3.connect(harmed)) as copy:
        whole.backup(copy)
        copy.execute(harm)
        copy.commit()
    with pytest.raises((AssertionError, KeyError)):
        check(Books(f"sqlite:///{harmed}"), read_notes(notes[1]))
