"""Killed at any moment of issuance, the co-op has lost nothing and given nothing twice."""

from __future__ import annotations

from collections import Counter as Tally
from typing import TYPE_CHECKING

import pytest

from tests.faults.issuing import Counter
from tests.faults.killing import KILLS, Note, kill_often, read_notes
from tests.faults.reading import Books, entry_of, hashed, once_each, payload_of, thumbprint_of
from tests.issuer.conftest import RELEASE, TRACKS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.flow
@pytest.mark.slow
def test_nothing_that_was_issued_is_lost_or_doubled(new_database: Callable[[str], str], tmp_path: Path) -> None:
    counter = Counter.open(tmp_path, new_database("issuer"))
    fallen = kill_often(counter.issue, tmp_path / "notes", KILLS)
    seen, books = read_notes(tmp_path / "notes"), Books(counter.url)
    assert books.is_whole(), fallen
    check_ledger(books, seen)
    check_offers(books, seen)
    check_instances(books, seen)
    check_everybody_got_theirs(seen)


def of(seen: list[Note], what: str) -> list[Note]:
    return [each for each in seen if each["what"] == what]


def check_ledger(books: Books, seen: list[Note]) -> None:
    """Every act that was answered is there once, none that nobody asked for; copies are what the acts come to."""
    entries = books.table("entry")
    keys = once_each(row["key"] for row in entries)
    assert {each["key"] for each in of(seen, "written")} <= keys <= {each["key"] for each in of(seen, "asked to write")}
    charged = Tally(row["entry_id"] for row in books.table("entry_charge"))
    of_key = {row["key"]: row for row in entries}
    for row in entries:
        assert charged[row["id"]] == (len(TRACKS) if row["kind"] == "buy_release" else 1), row
    costs: Tally[str] = Tally()
    for row in books.table("entry_charge"):
        costs[row["entry_id"]] += row["milli"]
    for each in of(seen, "written"):
        assert costs[of_key[each["key"]]["id"]] == each["charged"]
    copies = books.table("copy")
    assert once_each((row["listener_id"], row["kind"], row["subject"]) for row in copies) == owned(entries)
    there = {row["id"] for row in copies}
    assert all(set(each["copies"]) <= there for each in of(seen, "owned"))


def owned(entries: list[Note]) -> set[tuple[str, str, str]]:
    """Return what the entries give to whom: what was bought, and what was played nine times."""
    found: set[tuple[str, str, str]] = set()
    plays = Tally((row["listener_id"], row["subject"]) for row in entries if row["kind"] == "play")
    found |= {(listener, "track", track) for (listener, track), count in plays.items() if count == 9}
    for row in entries:
        if row["kind"] == "buy_track":
            found.add((row["listener_id"], "track", row["subject"]))
        elif row["kind"] == "buy_release":
            found |= {(row["listener_id"], "track", track) for track in TRACKS}
            found.add((row["listener_id"], "release", RELEASE))
    return found


def check_offers(books: Books, seen: list[Note]) -> None:
    """An offer was redeemed with its delivery and its tokens, or nothing of it happened."""
    offers = {row["id"]: row for row in books.table("offer")}
    held = Tally(row["offer_id"] for row in books.table("offer_copy"))
    deliveries = books.table("delivery")
    redeemed = once_each(row["offer_id"] for row in deliveries)
    first = once_each(row["delivery_id"] for row in books.table("refresh_token") if row["parent_hash"] == "")
    tokens = {row["delivery_id"] for row in books.table("access_token")}
    assert {row["id"] for row in deliveries} == first == tokens
    assert {each for each, row in offers.items() if row["state"] == "redeemed"} == redeemed
    assert (
        {each["offer"] for each in of(seen, "token got")} <= redeemed <= {e["offer"] for e in of(seen, "token asked")}
    )
    for each in of(seen, "offered"):
        assert held[each["offer"]] == len(each["copies"])
    kept = once_each(row["token_hash"] for row in books.table("refresh_token"))
    answered = [*of(seen, "token got"), *of(seen, "refreshed")]
    assert {hashed(each["refresh"]) for each in answered} <= kept
    assert {hashed(each["access"]) for each in answered} <= {row["token_hash"] for row in books.table("access_token")}
    once_each(each["offer"] for each in of(seen, "token got"))


def check_instances(books: Books, seen: list[Note]) -> None:
    """Every key has one instance and every instance one entry, of the same copy; what was sent is among them."""
    of_key = {row["thumbprint"]: row["copy_id"] for row in books.table("instance")}
    of_entry = {(row["list_id"], row["position"]): row["copy_id"] for row in books.table("status_entry")}
    assert Tally(of_key.values()) == Tally(of_entry.values())
    sent = [(each["copy"], credential) for each in of(seen, "instances") for credential in each["credentials"]]
    once_each(entry_of(credential) for _, credential in sent)
    once_each(credential for _, credential in sent)
    for copy, credential in sent:
        assert of_entry[entry_of(credential)] == copy
        assert of_key[thumbprint_of(payload_of(credential)["cnf"]["jwk"])] == copy
    asked = of(seen, "keys sent")
    assert set(of_key) <= {key for each in asked for key in each["keys"]}
    for each in asked:
        assert len({key in of_key for key in each["keys"]}) == 1, "half of a request"


def check_everybody_got_theirs(seen: list[Note]) -> None:
    """Nobody was left without what is theirs, whatever answers were lost."""
    assert {each["errand"] for each in of(seen, "begun")} == {each["errand"] for each in of(seen, "done")}
    for each in of(seen, "begun"):
        owned_copies = [note["copies"] for note in of(seen, "owned") if note["errand"] == each["errand"]]
        assert all(copies == owned_copies[0] for copies in owned_copies)
