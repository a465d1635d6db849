"""Killed at any moment of a visit, a site counted each passage once, and a trackserver opened for each grant once."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter as Tally
from typing import TYPE_CHECKING

import pytest

from tests.faults.killing import KILLS, Note, kill_often, read_notes
from tests.faults.reading import Books, once_each, unpacked
from tests.faults.redeeming import FREE, MONTHLY, ONCE
from tests.verifier.conftest import COOP

if TYPE_CHECKING:
    from pathlib import Path

    from plumbing.database import Database
    from tests.faults.redeeming import Doors

TIMES = {ONCE: 1, MONTHLY: 3}


@pytest.mark.flow
@pytest.mark.slow
def test_no_passage_receipt_or_grant_is_lost_or_doubled(doors: Doors, tmp_path: Path) -> None:
    fallen = kill_often(doors.redeem, tmp_path / "notes", KILLS)
    seen = read_notes(tmp_path / "notes")
    site, tracks = books_of(doors.site.database), books_of(doors.tracks.database)
    assert site.is_whole(), fallen
    assert tracks.is_whole(), fallen
    ids = {name: gate.gate_id for name, gate in doors.gates.items()}
    check_passages(site, seen, ids)
    check_limits(site, seen, ids)
    check_receipts(site, seen, ids)
    check_grants(tracks, seen)
    assert {each["visit"] for each in of(seen, "shown")} == {each["visit"] for each in of(seen, "done")}


def books_of(database: Database) -> Books:
    return Books(database.url.render_as_string(hide_password=False))


def of(seen: list[Note], what: str, **facts: str) -> list[Note]:
    wanted = {"what": what, **facts}
    return [each for each in seen if all(each.get(name) == value for name, value in wanted.items())]


def check_passages(site: Books, seen: list[Note], ids: dict[str, str]) -> None:
    """As many are counted as doors were seen open."""
    counted: Tally[str] = Tally()
    for row in site.table("redemptions"):
        counted[row["gate_id"]] += row["passages"]
    once_each(each["visit"] for each in of(seen, "open"))
    assert counted == Tally(ids[each["gate"]] for each in of(seen, "open"))
    states = {row["visit_id"]: row["state"] for row in site.table("visits")}
    opened = {each["visit"].rpartition("/")[2] for each in of(seen, "open")}
    assert {visit for visit, state in states.items() if state == "accepted"} == opened


def check_limits(site: Books, seen: list[Note], ids: dict[str, str]) -> None:
    """Each holder passed as often as was counted, never more often than allowed, and was refused only after that."""
    marks: dict[str, dict[bytes, int]] = {gate: {} for gate in ids.values()}
    for row in site.table("marks"):
        marks[row["gate_id"]][bytes(row["mark"])] = row["uses"]
    assert not marks[ids[FREE]]
    for name, times in TIMES.items():
        passed = Tally(each["holder"] for each in of(seen, "open", gate=name))
        assert sorted(marks[ids[name]].values()) == sorted(passed.values())
        assert all(count <= times for count in passed.values())
        assert all(passed[each["holder"]] == times for each in of(seen, "refused", gate=name))
    (key,) = (bytes(row["limit_key"]) for row in site.table("gates") if row["gate_id"] == ids[MONTHLY])
    passed = Tally(each["holder"] for each in of(seen, "open", gate=MONTHLY))
    assert marks[ids[MONTHLY]] == {mark_of(key, copy): count for copy, count in passed.items()}
    assert not of(seen, "refused", gate=FREE)


def mark_of(key: bytes, copy: str) -> bytes:
    """Compute what a gate remembers of a copy, as docs say it does."""
    parts = [part.encode() for part in (COOP, "copy", copy)]
    return hmac.digest(key, b"".join(len(part).to_bytes(4, "big") + part for part in parts), hashlib.sha256)


def check_receipts(site: Books, seen: list[Note], ids: dict[str, str]) -> None:
    """Each passage at a gate with a limit has the one receipt that its listener signed."""
    kept = site.table("receipts")
    assert {row["gate_id"] for row in kept} <= {ids[ONCE], ids[MONTHLY]}
    signed = once_each(row["binding"] for row in kept if row["gate_id"] == ids[MONTHLY])
    assert signed == once_each(each["binding"] for each in of(seen, "open", gate=MONTHLY))
    proofs = once_each(unpacked(row["binding"]) for row in kept if row["gate_id"] == ids[ONCE])
    shown = [unpacked(each["binding"][1:]) for each in of(seen, "open", gate=ONCE)]
    assert len(proofs) == len(shown)
    assert all(any(proof in value for value in shown) for proof in proofs)


def check_grants(tracks: Books, seen: list[Note]) -> None:
    """Each grant opened something once, and each link one download."""
    redeemed = once_each(row["jti"] for row in tracks.table("redeemed_grant"))
    answered = once_each(each["jti"] for what in ("downloading", "linked") for each in of(seen, what))
    lost = once_each(each["jti"] for each in of(seen, "grant lost"))
    assert not answered & lost
    assert answered | lost <= redeemed <= {each["jti"] for each in of(seen, "grant sent")}
    tickets, downloads = tracks.table("ticket"), tracks.table("download")
    by_wallet = [row for row in downloads if row["holder_key"] is not None]
    assert len(redeemed) == len(by_wallet) + len(tickets)
    opened = once_each(each["link"] for each in of(seen, "opened"))
    used = {row["secret_hash"] for row in tickets if row["used"]}
    assert len(downloads) - len(by_wallet) == len(used)
    assert len(opened) <= len(used) <= len({each["link"] for each in of(seen, "opening")})
    of_link = {hashlib.sha256(link.rpartition("=")[2].encode()).hexdigest() for link in opened}
    assert of_link <= used
