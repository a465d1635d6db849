"""What can be wrong with databases and between parties."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from credentials.keys.signer import LocalSigner
from credentials.trust import TrustedIssuer
from plumbing.clock import epoch_s
from plumbing.database import Database
from schemas import RELEASE_OWNERSHIP
from tests.handstamp.doctor.bringing import brings, install, run, trusting_rows
from tests.handstamp.doctor.front import leaf_of
from verifier.proofs import OwnsRelease
from verifier.store import SqlWork

if TYPE_CHECKING:
    import pytest

    from tests.handstamp.doctor.conftest import Place
    from verifier.gates import Gate

RELEASE = "3f0c2f9e-3a36-4b7e-9a35-0d8f6b7f5a11"


@brings("database_missing")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.file("issuer/issuer.sqlite").unlink()


@brings("database_damaged")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    file = place.file("issuer/issuer.sqlite")
    damaged = bytearray(file.read_bytes())
    damaged[4096 * 3 : 4096 * 9] = os.urandom(4096 * 6)
    file.write_bytes(damaged)


@brings("database_torn")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    run(place, "issuer", "INSERT INTO hold VALUES ('no such copy', 1)")


@brings("database_not_wal")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    run(place, "issuer", "PRAGMA journal_mode=DELETE")


@brings("database_log_large")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    with place.file("issuer/issuer.sqlite-wal").open("wb") as log:
        log.truncate(300 * 1024**2)  # a hole: no byte of it is on the disk


@brings("database_behind")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    run(place, "issuer", "UPDATE issuer_version SET version_num = '0001'")


@brings("database_ahead")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    run(place, "issuer", "UPDATE issuer_version SET version_num = '9999'")


@brings("clock_back", "verifier")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    later = epoch_s(place.now + timedelta(hours=1))
    run(place, "verifier", *trusting_rows(), f"UPDATE status_lists SET fetched_at = {later}")  # noqa: S608


@brings("keys_differ")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    install(place, leaf_of(place.street.authority, "coop.example"))


@brings("did_differs")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    install(place, leaf_of(place.street.authority, "coop.example"))


def status_list(place: Place, *, ends: timedelta, token: str = "NULL") -> str:
    end, signed = epoch_s(place.now + ends), epoch_s(place.now - timedelta(hours=1))
    return f"INSERT INTO status_list VALUES ('x', '2026-11', 1, x'00', {end}, {token}, {signed}, {end}, 'key')"  # noqa: S608


@brings("publishing_behind")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    run(place, "issuer", status_list(place, ends=timedelta(hours=1)))


@brings("status_moved")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    claims = "eyJzdWIiOiJodHRwczovL29sZC5leGFtcGxlL3N0YXR1c2xpc3RzL3gifQ"  # of https://old.example/statuslists/x
    run(place, "issuer", status_list(place, ends=timedelta(hours=20), token=f"'e30.{claims}.AA'"))


@brings("status_refused")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    install(place, leaf_of(place.street.authority, "coop.example"))


def release_row(release: str, url: str) -> str:
    return f"INSERT INTO release VALUES ('{release}', '{url}', 't', 'a', 'EP', NULL, NULL)"  # noqa: S608


@brings("catalogue_unreachable")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    run(
        place,
        "issuer",
        release_row("gone", "https://tracks.example/releases/gone"),
        release_row("silent", "https://silent.example/releases/silent"),
    )
    place.addresses["silent.example"] = ("127.0.0.1", 1)


def site(place: Place) -> tuple[SqlWork, Database]:
    database = Database(str(place.settings.verifier.database_url))
    return SqlWork(database, site="main"), database


def trust(place: Place, **about: Any) -> None:
    work, database = site(place)
    key = LocalSigner.generate().public_key
    about = {"types": frozenset({RELEASE_OWNERSHIP.vct}), "public_keys": {key.thumbprint: key}, **about}
    with work.write() as stores:
        stores.save_issuer("main", TrustedIssuer(issuer="https://coop.example", name="Co-op", **about), now=place.now)
    database.close()


def add_gate(place: Place) -> None:
    from tests.verifier.conftest import TestClock, make_gate  # noqa: PLC0415

    gate: Gate = make_gate(OwnsRelease(release_id=RELEASE), clock=TestClock())
    from dataclasses import replace  # noqa: PLC0415

    gate = replace(gate, opens=replace(gate.opens, trackserver="https://tracks.example"))
    work, database = site(place)
    with work.write() as stores:
        stores.save_gate(gate, now=place.now)
    database.close()


@brings("coops_none")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    add_gate(place)


@brings("gate_unpassable")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    add_gate(place)
    trust(place, types=frozenset({"urn:other"}))


@brings("coop_keys_changed")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    trust(place)


@brings("lists_stale")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    run(place, "verifier", *trusting_rows())


@brings("coop_list_ended")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    from tests.handstamp.doctor.lists import follow_an_ended_list  # noqa: PLC0415

    work, database = site(place)
    follow_an_ended_list(work, now=place.now)
    database.close()


@brings("gate_release_gone")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    add_gate(place)


def add_release(place: Place) -> None:
    run(
        place,
        "trackserver",
        "INSERT INTO release (id, folder, content_digest, title, artist, release_type, added_at) "
        "VALUES ('one', '/music', 'd', 't', 'a', 'EP', 1)",
    )


@brings("sites_none")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    add_release(place)


@brings("site_keys_changed")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    add_release(place)
    run(
        place,
        "trackserver",
        "INSERT INTO allowed_verifier VALUES ('p', 'https://artist.example', 'one', 'an old key', '{}', 1)",
    )
