"""Killed at any moment, whoever publishes status lists has taken back in the end what was to be, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.issuing import Counter
from tests.faults.killing import KILLS, Note, kill_often, read_notes
from tests.faults.publishing import Publisher
from tests.faults.reading import Books, PublishedList, once_each
from tests.issuer.conftest import URL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Entry = tuple[str, int]


@pytest.mark.flow
@pytest.mark.slow
def test_every_copy_that_ended_is_taken_back_and_no_other(new_database: Callable[[str], str], tmp_path: Path) -> None:
    counter = Counter.open(tmp_path, new_database("issuer"))
    fallen = kill_often(Publisher(counter).publish, tmp_path / "notes", KILLS)
    seen, books = read_notes(tmp_path / "notes"), Books(counter.url)
    assert books.is_whole(), fallen
    anchor = counter.coop.authority.cert_pem.bytes()
    handed_out = [PublishedList.read(each["token"], anchor=anchor) for each in of(seen, "list")]
    check_going_forward(handed_out)
    check_last(books, seen, {each.id: each for each in handed_out})
    check_refunds(books, seen)


def of(seen: list[Note], what: str) -> list[Note]:
    return [each for each in seen if each["what"] == what]


def check_going_forward(handed_out: list[PublishedList]) -> None:
    """What was published once is never unset, and no list is followed by an older one."""
    last: dict[str, PublishedList] = {}
    for each in handed_out:
        before = last.get(each.id, each)
        assert before.taken_back <= each.taken_back
        assert before.issued_at <= each.issued_at < each.expires_at
        assert each.uri == f"{URL}/statuslists/{each.id}"
        last[each.id] = each


def check_last(books: Books, seen: list[Note], last: dict[str, PublishedList]) -> None:
    """After one more publish all that ended is set; what else is set is a decoy, which nobody has."""
    entries: dict[Entry, str | None] = {
        (row["list_id"], row["position"]): row["copy_id"] for row in books.table("status_entry")
    }
    given = [(list_id, index) for each in of(seen, "issued") for list_id, index in each["entries"]]
    once_each(given)
    for each in of(seen, "issued"):
        assert {entries[list_id, index] for list_id, index in each["entries"]} == {each["copy"]}
    ended = {row["id"] for row in books.table("copy") if row["ended"] is not None}
    taken_back = {(each.id, index) for each in last.values() for index in each.taken_back}
    assert {row["id"] for row in books.table("status_list")} == set(last)
    assert {entry for entry, copy in entries.items() if copy in ended} == {e for e in taken_back if entries[e]}
    assert taken_back <= entries.keys()
    stored = {row["id"]: row for row in books.table("status_list")}
    tokens = {each["id"]: each["token"] for each in of(seen, "list")}
    assert all(stored[list_id]["token"] == token for list_id, token in tokens.items())


def check_refunds(books: Books, seen: list[Note]) -> None:
    """A copy ended with its line in the ledger, what it gives back, and the word to the status lists; once."""
    asked = {each["copy"] for each in of(seen, "asked back")}
    assert asked == {each["copy"] for each in of(seen, "taken back")}
    refunds = [row for row in books.table("entry") if row["kind"] == "refund"]
    assert once_each(row["subject"] for row in refunds) == asked
    assert {row["id"] for row in books.table("copy") if row["ended"] is not None} == asked
    assert once_each(row["copy_id"] for row in books.table("status_end")) == asked
    strikes = once_each((row["entry_id"], row["struck_key"]) for row in books.table("entry_strike"))
    assert {entry for entry, _ in strikes} == {row["id"] for row in refunds}
    balance = books.ask("SELECT entry_id, milli FROM entry_charge WHERE milli < 0")
    assert once_each(row["entry_id"] for row in balance) == {row["id"] for row in refunds}
