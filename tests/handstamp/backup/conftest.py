"""A co-op, a site and a trackserver on a folder of their own, as their settings file says, and room for another."""

from __future__ import annotations

import atexit
import shutil
import signal
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from handstamp.backup.making import Made, Wish, make_backup
from handstamp.backup.restoring import Restored, RestoreWish, restore_backup
from handstamp.composition.issuer import KEY_NAME, issuer_keys
from handstamp.composition.issuer_service import compose_service
from handstamp.composition.trackserver import compose_trackserver
from handstamp.composition.verifier import compose_verifier
from handstamp.settings import IssuerSettings, Settings, TrackserverSettings, VerifierSettings, load_settings
from issuer.app import build_app
from plumbing.clock import system_clock
from tests.issuer.conftest import Coop
from wallet.sealed import Cost

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSPHRASE = "four words are enough"
CHEAP = Cost(memory_kib=64, iterations=1, lanes=1)


@cache
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@cache
def first_start() -> Path:
    """The data folder of three services that started once."""
    folder = Path(tempfile.mkdtemp(prefix="handstamp-backup-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    services = {
        role: kind(database_url=f"sqlite:///{folder}/{role}/{role}.sqlite")
        for role, kind in (
            ("issuer", IssuerSettings),
            ("verifier", VerifierSettings),
            ("trackserver", TrackserverSettings),
        )
    }
    settings = Settings(data_dir=folder, **services)  # type: ignore[arg-type]
    leaf = authority().issue_cert("coop.localhost", key_type=trustme.KeyType.ECDSA)
    chain = b"".join(part.bytes() for part in leaf.cert_chain_pems)
    issuer_keys(settings).install(KEY_NAME, key_pem=leaf.private_key_pem.bytes(), chain_pem=chain)
    for tools in (compose_service(settings), compose_verifier(settings), compose_trackserver(settings)):
        tools.database.close()
    return folder


def settings_toml(folder: Path, **urls: str) -> str:
    """Settings whose databases are SQLite files, unless a URL says otherwise, and whose data lie below `folder`."""
    roles = {
        role: urls.get(role, f"sqlite:///{folder}/data/{role}/{role}.sqlite")
        for role in ("issuer", "verifier", "trackserver")
    }
    tables = "".join(f'[{role}]\nport = 0\ndatabase_url = "{url}"\n' for role, url in roles.items())
    return f'data_dir = "{folder}/data"\n{tables}'


@dataclass
class Machine:
    """A folder with a settings file; whoever works there does so as a person in a shell does."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def set_up(self, **urls: str) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "handstamp.toml").write_text(settings_toml(self.folder, **urls))

    def enter(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.monkeypatch.chdir(self.folder)

    @property
    def settings(self) -> Settings:
        self.enter()
        return load_settings()

    def furnish(self, *roles: str) -> None:
        """Let these roles have what they have after their first start."""
        for role in roles:
            shutil.copytree(first_start() / role, self.folder / "data" / role)
        (self.folder / "data").chmod(0o700)

    def coop(self) -> Coop:
        """The co-op as it would start now."""
        if not (self.folder / "data" / "issuer").exists():
            self.furnish("issuer")
        parts = compose_service(self.settings)
        return Coop(parts=parts, app=build_app(parts), authority=authority(), now=system_clock())

    def back_up(self, name: str = "backup", **wishes: object) -> Made:
        wish = Wish(path=self.folder / name, passphrase=PASSPHRASE, cost=CHEAP, **wishes)  # type: ignore[arg-type]
        return make_backup(self.settings, wish, now=system_clock())

    def restore(self, backup: Path, **wishes: object) -> Restored:
        self.enter()
        return restore_backup(
            RestoreWish(path=backup, passphrase=PASSPHRASE, **wishes),  # type: ignore[arg-type]
            now=system_clock(),
        )


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.delenv("HANDSTAMP_CONFIG", raising=False)
    machine = Machine(tmp_path / "old", monkeypatch)
    machine.set_up()
    return machine


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Another machine with settings and nothing else."""
    other = Machine(tmp_path / "new", monkeypatch)
    other.set_up()
    return other


@pytest.fixture
def _endings() -> Iterator[None]:
    """Let what ends a command reach it: a shell's background is deaf to Ctrl-C, and nohup to a lost terminal."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for each in before:
        signal.signal(each, signal.default_int_handler if each is signal.SIGINT else signal.SIG_DFL)
    yield
    for each, handler in before.items():
        signal.signal(each, handler)
