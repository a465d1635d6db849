"""Every kind of misconfiguration is brought about for real: nothing is found before, and it is found after."""

from __future__ import annotations

import gzip
import os
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from credentials.keys.signer import LocalSigner
from credentials.trust import TrustedIssuer
from handstamp.doctor.machine import Room
from handstamp.doctor.table import KINDS
from plumbing.clock import epoch_s
from plumbing.database import Database
from plumbing.keystore import KeyStore
from plumbing.web import pages
from schemas import RELEASE_OWNERSHIP
from tests.handstamp.doctor.conftest import PASSPHRASE
from tests.handstamp.doctor.front import Exchange, context_of, leaf_of, without
from tests.support import databases
from verifier.proofs import OwnsRelease
from verifier.store import SqlWork

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.handstamp.doctor.conftest import Place
    from verifier.gates import Gate

BROUGHT: dict[str, tuple[str, Any]] = {}
RELEASE = "3f0c2f9e-3a36-4b7e-9a35-0d8f6b7f5a11"


def brings(kind: str, role: str = "") -> Callable[[Any], Any]:
    """Say which kind a function brings about, and for which role."""

    def note(bring: Any) -> Any:
        assert kind not in BROUGHT
        BROUGHT[kind] = (role or KINDS[kind].roles[0], bring)
        return bring

    return note


def machine_fact(kind: str, **facts: Any) -> None:
    """A fact that no test can bring about without being another machine."""

    @brings(kind)
    def _(place: Place, _: pytest.MonkeyPatch) -> None:
        place.facts.update(facts)


# The machine.

machine_fact("runs_as_root", user=0)
machine_fact("clock_unset", is_clock_set=False)
machine_fact("python_old", versions={"python": (3, 10, 1), "openssl": (3, 5, 0), "sqlite": (3, 50, 0)})
machine_fact("openssl_old", versions={"python": (3, 13, 1), "openssl": (1, 1, 1), "sqlite": (3, 50, 0)})
machine_fact("sqlite_old", versions={"python": (3, 13, 1), "openssl": (3, 5, 0), "sqlite": (3, 31, 1)})
machine_fact("disk_full", space=Room(free=10 * 1024**2, total=10 * 1024**3))
machine_fact("inodes_few", entries=Room(free=10, total=10_000))
machine_fact("umask_open", umask=0o002)
machine_fact("local_names_unknown", resolves=False)
machine_fact("audio_missing", has_module=False)


@brings("open_files_few")
def _(_: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource  # noqa: PLC0415

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, before[1]))


@brings("catalogues_uncompiled")
def _(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    source = place.folder / "locales" / "de" / "LC_MESSAGES" / "messages.po"
    source.parent.mkdir(parents=True)
    source.touch()
    assert pages.LOCALES.is_dir()
    monkeypatch.setattr("handstamp.doctor.checks.machine.LOCALES", place.folder / "locales")


# Settings.


@brings("setting_unknown")
def _(_: Place, __: pytest.MonkeyPatch) -> None:
    Path("handstamp.toml").write_text("[issuer]\nbase_ulr = 'https://coop.example'\n")


@brings("setting_unusable")
def _(_: Place, __: pytest.MonkeyPatch) -> None:
    Path("handstamp.toml").write_text("[issuer]\nport = 99999\n")


@brings("settings_readable")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    Path("handstamp.toml").write_text("")
    Path("handstamp.toml").chmod(0o644)
    place.change("issuer", database_url=f"postgresql://coop:{PASSPHRASE.replace(' ', '-')}@localhost/coop")


@brings("database_shared")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.change("verifier", database_url=place.settings.issuer.database_url)


@brings("address_shared")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.change("verifier", base_url="https://coop.example")


@brings("log_debug")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.change_all(log_level="debug")


@brings("tracing_missing")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.change_all(tracing_endpoint="http://127.0.0.1:4318/v1/traces")
    place.facts["has_module"] = False


def set_issuer(kind: str, **changed: Any) -> None:
    @brings(kind, "issuer")
    def _(place: Place, _: pytest.MonkeyPatch) -> None:
        place.change("issuer", **changed)


set_issuer("address_plain", base_url="http://coop.example")
set_issuer("address_numeric", base_url="https://10.1.2.3")
set_issuer("bound_openly", bind_host="0.0.0.0")  # noqa: S104
set_issuer("proxies_untrusted", trusted_proxies=())
set_issuer("limits_off", tries_per_minute=0)
set_issuer("metrics_open", metrics_port=9100, metrics_host="0.0.0.0")  # noqa: S104
set_issuer("haip_shuts_out", haip=True)
set_issuer("certificate_wrong_host", base_url="https://coop.elsewhere.example")
set_issuer("attesters_unreadable", wallet_providers=(Path("no-such.pem"),))


@brings("proxies_wild", "issuer")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    from ipaddress import ip_network  # noqa: PLC0415

    place.change("issuer", trusted_proxies=(ip_network("0.0.0.0/0"),))


# Files.


def chmod(kind: str, role: str, name: str, mode: int = 0o644) -> None:
    @brings(kind, role)
    def _(place: Place, _: pytest.MonkeyPatch) -> None:
        place.file(name).chmod(mode)


chmod("folder_open", "issuer", "issuer", 0o755)
chmod("passphrase_readable", "wallet", "wallet/passphrase")
chmod("wallet_readable", "wallet", "wallet/wallet.handstamp")
chmod("key_readable", "issuer", "issuer/keys/issuer.pem")
chmod("key_file_readable", "issuer", "issuer/keys/key-encryption-key")
chmod("database_readable", "verifier", "verifier/verifier.sqlite")


@brings("folder_unwritable", "issuer")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.file("a-file").touch()
    place.change_all(data_dir=place.file("a-file"))


@brings("files_foreign", "issuer")
def _(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(place.file("issuer/issuer.sqlite"), 12345, 12345)
    else:  # only root gives files away; the folder is then what seems to be another's
        real = Path.stat
        other = os.stat_result((0o40700, 0, 0, 1, 12345, 12345, 0, 0, 0, 0))
        folder = place.file("issuer")
        monkeypatch.setattr(Path, "stat", lambda path, **how: other if path == folder else real(path, **how))


@brings("backup_left_over")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.file(".backup-0123").mkdir()


@brings("backup_old")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    long_ago = place.now - timedelta(days=30)
    place.file("issuer/last-backup.json").write_text(f'{{"made_at": "{long_ago.isoformat()}"}}')


@brings("database_on_network")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    mounts = place.folder / "proc" / "self"
    assert place.folder.is_absolute()
    mounts.mkdir(parents=True)
    (mounts / "mounts").write_text(f"/dev/sda / ext4 rw 0 0\nnas:/music {place.folder} nfs4 rw 0 0\n")
    place.facts["proc"] = place.folder / "proc"


@brings("masters_lost")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    changed = place.file("changed.flac")
    changed.write_bytes(b"other bytes")
    add_files(place, place.file("gone.flac"), changed)


def add_files(place: Place, *paths: Path) -> None:
    with closing(sqlite3.connect(place.file("trackserver/trackserver.sqlite"))) as connection:
        for number, path in enumerate(paths):
            connection.execute("INSERT INTO stored_file VALUES (?, ?, 7, 1, 'aa', 1)", (str(number), str(path)))
        connection.commit()


@brings("passphrase_missing")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.file("wallet/passphrase").unlink()


@brings("wallet_damaged")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    file = place.file("wallet/wallet.handstamp")
    file.write_bytes(file.read_bytes()[:-100])


# Keys and certificates.


@brings("key_file_missing")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.file("issuer/keys/key-encryption-key").unlink()


@brings("key_unusable")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.file("issuer/keys/key-encryption-key").write_text("0" * 64)


@brings("certificate_missing")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.file("issuer/keys/issuer.chain.pem").unlink()


@brings("certificate_unreadable", "verifier")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.file("verifier/keys/request.chain.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n")


def install(place: Place, leaf: trustme.LeafCert) -> None:
    chain = b"".join(part.bytes() for part in leaf.cert_chain_pems)
    KeyStore(place.file("issuer/keys")).install("issuer", key_pem=leaf.private_key_pem.bytes(), chain_pem=chain)


@brings("certificate_ended")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    install(place, leaf_of(place.street.authority, "coop.example", not_after=place.now - timedelta(hours=1)))


@brings("certificate_ends_soon")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    install(place, leaf_of(place.street.authority, "coop.example", not_after=place.now + timedelta(days=5)))


@brings("certificate_wrong_key")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    leaf = leaf_of(place.street.authority, "coop.example", not_after=place.now + timedelta(days=80))
    place.file("issuer/keys/issuer.chain.pem").write_bytes(leaf.cert_chain_pems[0].bytes())


@brings("certificate_self_signed")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    own = trustme.CA(key_type=trustme.KeyType.ECDSA)
    place.file("issuer/keys/issuer.chain.pem").write_bytes(own.cert_pem.bytes())


# Databases.


@brings("database_missing")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.file("issuer/issuer.sqlite").unlink()


@brings("database_damaged")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    file = place.file("issuer/issuer.sqlite")
    damaged = bytearray(file.read_bytes())
    damaged[4096 * 3 : 4096 * 9] = os.urandom(4096 * 6)
    file.write_bytes(damaged)


def run(place: Place, role: str, *statements: str) -> None:
    with closing(sqlite3.connect(place.file(f"{role}/{role}.sqlite"))) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


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


def trusting_rows() -> tuple[str, ...]:
    return ("INSERT INTO status_lists VALUES ('main', 'https://coop.example/statuslists/x', 'i', 't', NULL, 1, 1, 1)",)


@brings("postgresql_unreachable")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.change("issuer", database_url=f"postgresql:///coop?host={place.folder}/no-socket")


@brings("postgresql_unencrypted")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.change("issuer", database_url="postgresql://coop@db.example/coop")


def on_a_server(kind: str, *patches: tuple[str, Any], statement: str = "") -> None:
    @brings(kind, "issuer")
    def _(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in patches:
            monkeypatch.setattr(f"handstamp.doctor.checks.databases.{name}", value)
        url = databases.fresh_postgresql(databases.EMPTY)
        place.change("issuer", database_url=url)
        if statement:
            import psycopg  # noqa: PLC0415

            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("DROP DATABASE IF EXISTS doctored")
                connection.execute(statement)
            place.change("issuer", database_url=re.sub(r"@/\w+", "@/doctored", url))


on_a_server("postgresql_old", ("_POSTGRESQL", 990000))
on_a_server("postgresql_not_durable")  # the tests' server keeps nothing for ever
on_a_server("postgresql_superuser")  # and lets them in as its owner
on_a_server("postgresql_few_connections", ("_SPARE", 10_000))
on_a_server(
    "postgresql_encoding",
    statement="CREATE DATABASE doctored ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0",
)
_ON_A_SERVER = {"old", "not_durable", "superuser", "few_connections", "encoding"}


# The public address.


@brings("public_unreachable")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.addresses["coop.example"] = ("127.0.0.1", 1)


@brings("public_stranger")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    def welcome(exchange: Exchange) -> bool:
        exchange.body, exchange.headers = b"<h1>Welcome to nginx!</h1>", [("Content-Type", "text/html")]
        return True

    place.front.before = welcome


@brings("port_taken")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.change("issuer", port=place.street.ports["verifier"])


@brings("public_name_private")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.names["coop.example"] = "192.168.1.20"


def shows(kind: str, make: Callable[[Place], Any]) -> None:
    @brings(kind, "issuer")
    def _(place: Place, _: pytest.MonkeyPatch) -> None:
        place.listen(make(place))


shows(
    "tls_ended",
    lambda place: context_of(leaf_of(place.street.authority, "coop.example", not_after=place.now - timedelta(days=1))),
)
shows(
    "tls_ends_soon",
    lambda place: context_of(leaf_of(place.street.authority, "coop.example", not_after=place.now + timedelta(days=3))),
)
shows("tls_wrong_host", lambda place: context_of(leaf_of(place.street.authority, "shop.example")))
shows(
    "tls_incomplete",
    lambda place: context_of(leaf_of(place.street.authority.create_child_ca(), "coop.example"), with_chain=False),
)


def _stranger(_: Place) -> Any:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    return context_of(leaf_of(authority, "coop.example"), also=authority.cert_pem.bytes())


shows("tls_untrusted", _stranger)


def tampers(kind: str, role: str = "issuer") -> Callable[[Any], Any]:
    """Let the front do something to what passes."""

    def note(tamper: Callable[[Exchange], None]) -> Any:
        @brings(kind, role)
        def _(place: Place, _: pytest.MonkeyPatch) -> None:
            place.front.tamper = tamper

        return tamper

    return note


@tampers("clock_off")
def _(exchange: Exchange) -> None:
    without(exchange, "Date")
    exchange.headers.append(("Date", "Sat, 21 Nov 2026 03:00:00 GMT"))


@tampers("proxy_headers")
def _(exchange: Exchange) -> None:
    without(exchange, "Strict-Transport-Security")


_kept: dict[str, Exchange] = {}


@tampers("proxy_caches")
def _(exchange: Exchange) -> None:
    first = _kept.setdefault(exchange.path, exchange)
    exchange.headers, exchange.body = first.headers, first.body


@brings("proxy_limits_body")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    def refuse(exchange: Exchange) -> bool:
        too_large = len(exchange.sent) > 1000
        exchange.status = 413 if too_large else 200
        return too_large

    place.front.before = refuse


@tampers("proxy_packs")
def _(exchange: Exchange) -> None:
    exchange.body = gzip.compress(exchange.body)
    exchange.headers.append(("Content-Encoding", "gzip"))


@brings("proxy_plain_too")
def _(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = place.listen(None, "in-plain.example")
    from handstamp.doctor.web import Web  # noqa: PLC0415

    lead = Web.lead

    def by_port(web: Web, host: str, port: int) -> tuple[str, int]:
        return ("127.0.0.1", plain.port) if port == 80 else lead(web, host, port)

    monkeypatch.setattr(Web, "lead", by_port)


@tampers("proxy_tells")
def _(exchange: Exchange) -> None:
    exchange.headers.append(("Server", "nginx/1.22.1"))
    exchange.headers.append(("Location", "http://coop.example:8701/health/live"))


@brings("metrics_public")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    def show(exchange: Exchange) -> bool:
        exchange.body = b"# HELP requests How many.\nrequests_total 3\n"
        return exchange.path == "/metrics"

    place.front.before = show


@tampers("service_not_ready")
def _(exchange: Exchange) -> None:
    if exchange.path == "/health/ready":
        exchange.status, exchange.body = 503, b'{"status":"not ready","checks":{"database":"failed"}}'


# Between parties.


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


@tampers("status_unreachable")
def _(exchange: Exchange) -> None:
    if exchange.path.startswith("/statuslists"):
        exchange.status, exchange.body = 404, b""


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


NOT_WELL_BEFORE = {"coops_none", "backup_old"}
"""Kinds of which a note is right even where all is well."""


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=pytest.mark.slow if kind.removeprefix("postgresql_") in _ON_A_SERVER else ())
        for kind in sorted(BROUGHT)
    ],
)
def test_a_misconfiguration_is_found_and_nothing_where_all_is_well(
    kind: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    role, bring = BROUGHT[kind]
    before = place.find(kind, role)
    assert kind in NOT_WELL_BEFORE or before == [], before
    bring(place, monkeypatch)
    found = [each for each in place.find(kind, role) if each not in before]
    assert found, kind
    for each in found:
        assert each.wrong.endswith((".", "?"))
        assert each.do.strip()
        assert each.where
        assert "could not be looked at" not in each.wrong
        assert PASSPHRASE.replace(" ", "-") not in f"{each.wrong} {each.where} {each.do}"


def test_every_kind_is_brought_about_by_a_test() -> None:
    assert set(BROUGHT) == set(KINDS)
    assert len(KINDS) >= 25
