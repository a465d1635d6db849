"""The other sides of single kinds: what is right is not complained of, and what is nearly right is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from credentials.keys.signer import LocalSigner
from credentials.trust import TrustedIssuer
from handstamp.composition.issuer import KEY_NAME
from handstamp.doctor.machine import Room
from plumbing.keystore import KeyStore
from schemas import CONTRIBUTION, COOP_MEMBERSHIP, TRACK_OWNERSHIP, VERIFIED_ARTIST
from tests.handstamp.doctor.bringing import install, run
from tests.handstamp.doctor.brought_in_rows import add_gate, site, trust
from tests.handstamp.doctor.front import Exchange, leaf_of
from tests.support import databases
from tests.verifier.conftest import TestClock, make_gate
from verifier.proofs import AllOf, AnyOf, Contributed, MemberOf, OwnsTrack, SpeaksFor

if TYPE_CHECKING:
    from tests.handstamp.doctor.conftest import Place
    from verifier.proofs import Requirement

COOP = "https://coop.example"
MEMBER = MemberOf(coop=COOP, name="Co-op")
GAVE = Contributed(coop=COOP, name="Co-op", contribution="mixing")
SPEAKS = SpeaksFor(persona="00000000-0000-4000-8000-000000000001", name="Marrow & Vale")
TRACK = OwnsTrack(track_id="t", release_id="r")


@pytest.mark.parametrize(
    ("requirement", "types", "passable"),
    [
        (MEMBER, {COOP_MEMBERSHIP.vct}, True),
        (MEMBER, {CONTRIBUTION.vct}, False),
        (MemberOf(coop="https://other.example", name="Other"), {COOP_MEMBERSHIP.vct}, False),
        (GAVE, {CONTRIBUTION.vct}, True),
        (SPEAKS, {VERIFIED_ARTIST.vct}, True),
        (TRACK, {TRACK_OWNERSHIP.vct}, True),
        (TRACK, {VERIFIED_ARTIST.vct}, False),
        (AnyOf(proofs=(MEMBER, SPEAKS)), {VERIFIED_ARTIST.vct}, True),
        (AllOf(proofs=(MEMBER, SPEAKS)), {VERIFIED_ARTIST.vct}, False),
    ],
)
def test_a_gate_is_passable_if_a_trusted_coop_may_say_what_it_asks(
    place: Place, requirement: Requirement, types: set[str], passable: bool
) -> None:
    trust(place, types=frozenset(types))
    work, database = site(place)
    with work.write() as stores:
        stores.save_gate(make_gate(requirement, clock=TestClock()), now=place.now)
    database.close()
    assert bool(place.find("gate_unpassable", "verifier")) is not passable


def test_a_coop_whose_pinned_key_is_the_one_it_states_is_well(place: Place) -> None:
    own = KeyStore(place.file("issuer/keys")).signer(KEY_NAME).public_key
    trust(place, public_keys={own.thumbprint: own}, keys=frozenset({own.thumbprint}))
    assert place.find("coop_keys_changed", "verifier") == []


def test_a_coop_that_is_silent_or_known_by_its_authority_is_told_apart(place: Place) -> None:
    work, database = site(place)
    with work.write() as stores:
        for issuer in ("https://silent.example", "did:jwk:e30"):
            key = LocalSigner.generate().public_key
            known = TrustedIssuer(
                issuer=issuer, name="Co-op", types=frozenset({"urn:a"}), public_keys={key.thumbprint: key}
            )
            stores.save_issuer("main", known, now=place.now)
    database.close()
    place.addresses["silent.example"] = ("127.0.0.1", 1)
    (found,) = place.find("coop_keys_changed", "verifier")
    assert "does not answer" in found.wrong
    assert place.find("clock_off", "verifier") == []


def test_a_site_that_is_not_trusted_by_anybody_and_has_no_gates_gets_a_note(place: Place) -> None:
    (found,) = place.find("coops_none", "verifier")
    assert found.severity.value == "note"
    add_gate(place)
    (found,) = place.find("coops_none", "verifier")
    assert found.severity.value == "error"


def test_a_database_that_takes_too_long_is_not_called_damaged(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    run(
        place,
        "issuer",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) "
        "INSERT INTO commitment_reset SELECT 'x' || i, 'y', i, 0 FROM n",
    )
    monkeypatch.setattr("handstamp.doctor.case.PATIENCE_S", -1)
    (found,) = place.find("database_damaged", "issuer")
    assert found.severity.value == "note"
    assert "too large" in found.wrong
    assert place.find("database_torn", "issuer") == []


def test_of_a_file_nothing_is_said_that_is_of_servers(place: Place) -> None:
    for kind in ("clock_off", "read_only", "not_owned", "held", "unreachable", "superuser", "unencrypted"):
        assert place.find(f"postgresql_{kind}", "issuer") == []


def test_a_database_without_tables_is_called_empty(place: Place) -> None:
    assert place.find("database_missing", "issuer") == []
    place.file("issuer/issuer.sqlite").write_bytes(b"")
    for beside in place.file("issuer").glob("issuer.sqlite-*"):
        beside.unlink()
    (found,) = place.find("database_missing", "issuer")
    assert "is empty" in found.wrong


@pytest.mark.slow
def test_an_empty_database_of_a_server_is_called_empty(place: Place) -> None:
    place.change("issuer", database_url=databases.fresh_postgresql(databases.EMPTY))
    (found,) = place.find("database_missing", "issuer")
    assert "is empty" in found.wrong
    place.change("issuer", database_url=databases.fresh_postgresql("issuer"))
    assert place.find("database_missing", "issuer") == []
    for kind in ("database_behind", "database_ahead", "clock_back", "publishing_behind", "postgresql_unreachable"):
        assert place.find(kind, "issuer") == []


@pytest.mark.parametrize("role", ["issuer", "verifier", "trackserver"])
def test_each_service_is_known_by_what_only_it_says(place: Place, role: str) -> None:
    assert place.find("public_stranger", role) == []
    assert place.find("port_taken", role) == []
    others = {"issuer": "tracks.example", "verifier": "coop.example", "trackserver": "artist.example"}
    place.change(role, base_url=f"https://{others[role]}")
    assert place.find("public_stranger", role)


def test_a_free_port_and_a_port_that_the_system_picks_are_well(place: Place) -> None:
    place.change("issuer", port=0)
    assert place.find("port_taken", "issuer") == []
    place.change("issuer", port=1, bind_host="0.0.0.0")  # noqa: S104
    assert place.find("port_taken", "issuer") == []


def test_a_site_whose_grant_key_was_never_made_is_not_taken_for_a_stranger(place: Place) -> None:
    place.file("verifier/keys/grant.pem").unlink()
    assert place.find("public_stranger", "verifier") == []


def test_a_certificate_that_has_not_begun_is_said(place: Place) -> None:
    later = {"not_before": place.now + timedelta(days=1), "not_after": place.now + timedelta(days=80)}
    install(place, leaf_of(place.street.authority, "coop.example", **later))
    (found,) = place.find("certificate_ended", "issuer")
    assert "begins only on" in found.wrong


def test_a_site_known_by_its_did_needs_no_certificate(place: Place) -> None:
    from credentials.protocols.openid4vp import Prefix  # noqa: PLC0415

    place.file("verifier/keys/request.chain.pem").unlink()
    place.change("verifier", client_id_prefix=Prefix.DECENTRALIZED_IDENTIFIER)
    for kind in ("certificate_missing", "certificate_wrong_key", "certificate_ended", "certificate_unreadable"):
        assert place.find(kind, "verifier") == []


def test_a_headers_second_copy_is_said(place: Place) -> None:
    def double(exchange: Exchange) -> None:
        exchange.headers.append(("X-Frame-Options", "SAMEORIGIN"))

    place.front.tamper = double
    (found,) = place.find("proxy_headers", "issuer")
    assert "added once more: X-Frame-Options" in found.wrong


def test_a_backup_is_told_by_its_age(place: Place) -> None:
    (never,) = place.find("backup_old", "issuer")
    assert never.severity.value == "note"
    record = place.file("issuer/last-backup.json")
    record.write_text(f'{{"made_at": "{place.now.isoformat()}"}}')
    assert place.find("backup_old", "issuer") == []
    record.write_text("nonsense")
    (odd,) = place.find("backup_old", "issuer")
    assert "made long ago" in odd.wrong


def test_originals_that_are_as_they_were_are_well(place: Place) -> None:
    master = place.file("a.flac")
    master.write_bytes(b"1234567")
    about = master.stat()
    run(
        place,
        "trackserver",
        f"INSERT INTO stored_file VALUES ('a', '{master}', 7, {about.st_mtime_ns}, 'aa', 1)",  # noqa: S608
    )
    assert place.find("masters_lost", "trackserver") == []


def test_what_was_taken_back_and_waits_for_long_is_said(place: Place) -> None:
    run(place, "issuer", "PRAGMA foreign_keys=OFF", "INSERT INTO status_end VALUES ('copy', 1, 0)")
    (found,) = place.find("publishing_behind", "issuer")
    assert "has waited" in found.wrong


def test_a_disk_that_counts_no_files_and_one_with_room_are_well(place: Place) -> None:
    place.facts.update(entries=None, space=Room(free=50 * 1024**3, total=100 * 1024**3))
    assert place.find("inodes_few", "settings") == []
    assert place.find("disk_full", "settings") == []


def test_a_private_name_is_right_in_a_coops_own_network(place: Place) -> None:
    place.names["coop.example"] = ("10.0.0.7",)
    assert place.find("public_name_private", "issuer")
    place.change("issuer", private_network=True)
    assert place.find("public_name_private", "issuer") == []
