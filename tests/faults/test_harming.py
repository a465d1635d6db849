"""Whoever reads the books of redemption, import and publishing finds whatever is lost or there twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from issuer.publishing import publish
from tests.faults.harming import changed, doubled, lost, unnoticed
from tests.faults.issuing import Counter
from tests.faults.killing import Life, Note, live_and_die, read_notes
from tests.faults.publishing import Publisher
from tests.faults.reading import Books, PublishedList
from tests.faults.redeeming import FREE, MONTHLY, ONCE, begin_passage
from tests.faults.test_import import Importing, contents, importing
from tests.faults.test_publishing import check_last, check_refunds
from tests.faults.test_redemption import (
    books_of,
    check_grants,
    check_limits,
    check_passages,
    check_receipts,
)
from tests.support.databases import fresh_sqlite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.redeeming import Doors

__all__ = ["importing"]
pytestmark = [pytest.mark.sqlite, pytest.mark.flow, pytest.mark.slow]
_RECEIPT = "key, site, gate_id, terms, language, salt, binding, holder_key, made_at, erase_at"
_DOWNLOAD = "id, secret_hash, holder_key, release_id, tracks, formats, expires_at"
_COPY = "id, listener_id, kind, subject, acquisition, month, ended, ended_at"
_ENTRY = "id, key, listener_id, kind, subject, seconds, at, source"
_CHARGE = "entry_id, track_id, listener_id, position, milli, already_owned"
OF_A_SITE = [
    changed("redemptions", "passages = passages - 1"),
    changed("redemptions", "passages = passages + 1"),
    lost("redemptions"),
    lost("marks"),
    changed("marks", "uses = uses - 1"),
    changed("marks", "uses = uses + 1"),
    doubled("marks", "gate_id, period, mark, site, uses, first_use", mark="randomblob(32)"),
    lost("receipts"),
    doubled("receipts", _RECEIPT, key="'again'"),
    "UPDATE visits SET state = 'requested' WHERE state = 'accepted'",
]
OF_A_TRACKSERVER = [
    lost("redeemed_grant"),
    doubled("redeemed_grant", "issuer, jti, expires_at", jti="'again'"),
    lost("ticket"),
    doubled("ticket", "secret_hash, release_id, tracks, formats, used, expires_at", secret_hash="'again'"),
    "UPDATE ticket SET used = 0",
    lost("download"),
    doubled("download", _DOWNLOAD, id="'again'"),
]
OF_AN_IMPORT = [
    *map(lost, ("listener", "entry", "entry_charge", "copy", "membership", "track", "release")),
    doubled("entry", _ENTRY, id="'again'", key="'again'"),
    doubled("entry_charge", _CHARGE, entry_id="'again'"),
    doubled("copy", _COPY, id="'again'", ended="'refunded'"),
    changed("entry_charge", "milli = milli + 1"),
]
OF_PUBLISHING = [
    *map(lost, ("status_end", "status_list", "entry_strike")),
    "DELETE FROM status_entry WHERE copy_id IN (SELECT id FROM copy WHERE ended IS NOT NULL)",
    "DELETE FROM status_entry WHERE copy_id IN (SELECT id FROM copy WHERE ended IS NULL)",
    "UPDATE status_entry SET copy_id = (SELECT id FROM copy WHERE ended IS NULL) WHERE copy_id IS NOT NULL",
    "UPDATE copy SET ended = NULL WHERE ended IS NOT NULL",
    "UPDATE copy SET ended = 'refunded' WHERE ended IS NULL",
    "UPDATE status_list SET token = 'another'",
    "DELETE FROM entry WHERE kind = 'refund'",
    "DELETE FROM entry_charge WHERE milli < 0",
    "UPDATE entry SET kind = 'refund' WHERE kind <> 'refund'",
]


@pytest.fixture
def new_database(tmp_path: Path) -> Callable[[str], str]:
    """Of SQLite: a file can be copied, and harmed."""
    return lambda role: fresh_sqlite(role, tmp_path)


def test_the_reader_finds_a_lost_or_doubled_passage_mark_receipt_and_grant(doors: Doors, tmp_path: Path) -> None:
    async def pass_each_gate(life: Life) -> None:
        doors.begin(life)
        for gate, holder in ((ONCE, next(iter(doors.nyms))), *((name, doors.copies[0]) for name in (MONTHLY, FREE))):
            await begin_passage(life, doors, gate, holder)

    live_and_die(pass_each_gate, tmp_path / "notes", moment=None)
    seen, ids = read_notes(tmp_path / "notes"), {name: gate.gate_id for name, gate in doors.gates.items()}

    def check_site(books: Books) -> None:
        check_passages(books, seen, ids)
        check_limits(books, seen, ids)
        check_receipts(books, seen, ids)

    site, tracks = books_of(doors.site.database), books_of(doors.tracks.database)
    check_site(site)
    check_grants(tracks, seen)
    assert not unnoticed(OF_A_SITE, site.url, check_site, tmp_path)
    assert not unnoticed(OF_A_TRACKSERVER, tracks.url, lambda books: check_grants(books, seen), tmp_path)


def test_the_reader_finds_whatever_of_an_import_is_lost_or_doubled(
    importing: Importing, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    importing.url = new_database("issuer")
    live_and_die(importing.run, tmp_path / "notes", moment=None)
    whole = contents(importing.url)

    def check(books: Books) -> None:
        assert contents(books.url) == whole
        assert books.is_whole()

    check(Books(importing.url))
    assert not unnoticed(OF_AN_IMPORT, importing.url, check, tmp_path)


def test_the_reader_finds_a_lost_or_doubled_entry_of_a_status_list(
    new_database: Callable[[str], str], tmp_path: Path
) -> None:
    counter = Counter.open(tmp_path, new_database("issuer"))
    publisher, notes = Publisher(counter), tmp_path / "notes"

    async def lose_one_of_two(life: Life) -> None:
        coop = counter.begin(life)
        for _ in range(2):
            publisher.issue(life)
        publish(coop.parts, now=coop.now, at_once=True)
        await publisher.look(life, every=True)
        copy = life.found("issued")[0]["copy"]
        life.note("asked back", copy=copy)
        publisher.take_back(life, copy)

    live_and_die(lose_one_of_two, notes, moment=None)
    before = read_notes(notes)
    live_and_die(publisher.publish, notes, moment=None)
    seen, anchor = read_notes(notes), counter.coop.authority.cert_pem.bytes()

    def check(books: Books, seen: list[Note] = seen) -> None:
        handed_out = [PublishedList.read(each["token"], anchor=anchor) for each in seen if each["what"] == "list"]
        check_last(books, seen, {each.id: each for each in handed_out})
        check_refunds(books, seen)

    books = Books(counter.url)
    check(books)
    assert not unnoticed(OF_PUBLISHING, counter.url, check, tmp_path)
    with pytest.raises(AssertionError):  # as if it had never been published that the copy ended
        check(books, before)
