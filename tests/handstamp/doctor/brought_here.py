"""What can be wrong on the machine itself: settings, files, keys."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from handstamp.doctor.machine import Room
from plumbing.key_turning import Exchange, KeyTurner
from plumbing.keystore import KeyStore
from plumbing.web import pages
from tests.handstamp.doctor.bringing import brings, install
from tests.handstamp.doctor.conftest import PASSPHRASE
from tests.handstamp.doctor.front import leaf_of

if TYPE_CHECKING:
    import pytest

    from tests.handstamp.doctor.conftest import Place


def machine_fact(kind: str, **facts: Any) -> None:
    """A fact that no test can bring about without being another machine."""

    @brings(kind)
    def _(place: Place, _: pytest.MonkeyPatch) -> None:
        place.facts.update(facts)


machine_fact("runs_as_root", user=0)
machine_fact("clock_unset", is_clock_set=False)
machine_fact("python_old", versions={"python": (3, 10, 1), "openssl": (3, 5, 0), "sqlite": (3, 50, 0)})
machine_fact("openssl_old", versions={"python": (3, 13, 1), "openssl": (1, 1, 1), "sqlite": (3, 50, 0)})
machine_fact("sqlite_old", versions={"python": (3, 13, 1), "openssl": (3, 5, 0), "sqlite": (3, 31, 1)})
machine_fact("disk_full", space=Room(free=10 * 1024**2, total=10 * 1024**3))
machine_fact("inodes_few", entries=Room(free=10, total=10_000))
machine_fact("memory_little", memory=Room(free=50 * 1024**2, total=4 * 1024**3))
machine_fact("umask_open", umask=0o002)
machine_fact("local_names_unknown", resolves=False)
machine_fact("audio_missing", has_module=False)
machine_fact("worker_files_few", files_of=1024)
machine_fact("worker_memory_little", memory_of=100 * 1024**2)


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
set_issuer("workers_on_file", workers=2)
set_issuer("metrics_open", metrics_port=9100, metrics_host="0.0.0.0")  # noqa: S104
set_issuer("haip_shuts_out", haip=True)
set_issuer("certificate_wrong_host", base_url="https://coop.elsewhere.example")
set_issuer("attesters_unreadable", wallet_providers=(Path("no-such.pem"),))


@brings("proxies_wild", "issuer")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    from ipaddress import ip_network  # noqa: PLC0415

    place.change("issuer", trusted_proxies=(ip_network("0.0.0.0/0"),))


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


def mounts(kind: str, *how: str) -> None:
    @brings(kind)
    def _(place: Place, _: pytest.MonkeyPatch) -> None:
        place.mount(*how)


mounts("database_on_network", "nfs4")
mounts("database_in_memory", "tmpfs")
mounts("disk_read_only", "ext4", "ro,relatime")
mounts("disk_unsafe", "ext4", "rw,nobarrier")


@brings("put_aside")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.file("issuer.before-restore-20261121T080000Z").mkdir()


@brings("folder_relative")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.change_all(data_dir=Path("data"))


@brings("ports_shared")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.change("issuer", metrics_port=place.settings.verifier.port)


@brings("database_held", "issuer")
def _(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handstamp.doctor.checks.databases._BETWEEN_LOOKS_S", 0.0)
    held = place.stack.enter_context(closing(sqlite3.connect(place.file("issuer/issuer.sqlite"))))
    held.execute("BEGIN IMMEDIATE")
    about = place.file("issuer/issuer.sqlite-shm").stat()
    if f":{about.st_ino} " not in Path("/proc/locks").read_text():  # some systems show nobody's locks
        place.facts["holder"] = os.getpid()


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


@brings("certificate_incomplete")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    """Only the first certificate of those that a public authority gives, which says where the next one is."""
    signer = ec.generate_private_key(ec.SECP256R1())
    whole = place.file("issuer/keys/issuer.chain.pem")
    leaf = x509.load_pem_x509_certificate(whole.read_bytes())
    at = x509.UniformResourceIdentifier("http://r10.i.lencr.example/")
    there = x509.AccessDescription(x509.AuthorityInformationAccessOID.CA_ISSUERS, at)
    alone = (
        x509.CertificateBuilder()
        .serial_number(7)
        .subject_name(leaf.subject)
        .public_key(leaf.public_key())
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "R10")]))
        .not_valid_before(leaf.not_valid_before_utc)
        .not_valid_after(leaf.not_valid_after_utc)
        .add_extension(x509.AuthorityInformationAccess([there]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    whole.write_bytes(alone.public_bytes(serialization.Encoding.PEM))


@brings("key_waits", "verifier")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    keys = KeyStore(place.file("verifier/keys"))
    made = KeyTurner(keys).make_signer("grant", Exchange(starts=None))
    long_ago = (place.now - timedelta(days=3)).timestamp()
    os.utime(place.file(f"verifier/keys/{made.file}.pem"), (long_ago, long_ago))
