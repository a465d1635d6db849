"""Three public services that are set up well and run behind a front, and copies of their folders to set up wrongly."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
import trustme

from handstamp.composition import issuer_service, trackserver_service, verifier_service
from handstamp.composition.issuer import KEY_NAME, issuer_keys
from handstamp.composition.verifier import REQUEST_KEY, compose_verifier
from handstamp.doctor.examining import Question, examine
from handstamp.doctor.machine import Machine, Room
from handstamp.doctor.table import KINDS
from handstamp.doctor.web import Web
from handstamp.settings import IssuerSettings, Settings, TrackserverSettings, VerifierSettings, WalletSettings
from plumbing.clock import system_clock
from tests.handstamp.doctor.front import Front, context_of, leaf_of, listening
from tests.support.recording import free_port
from tests.support.town import serving
from tests.support.waiting import PATIENCE_S
from wallet.sealed import Cost
from wallet.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handstamp.doctor.kinds import Finding

HOSTS = {"issuer": "coop.example", "verifier": "artist.example", "trackserver": "tracks.example"}
_KINDS = {"issuer": IssuerSettings, "verifier": VerifierSettings, "trackserver": TrackserverSettings}
PASSPHRASE = "four words are enough"


def settings_in(folder: Path, ports: dict[str, int]) -> Settings:
    """Settings of three public services whose proxy is on this machine."""
    services = {
        role: _KINDS[role](
            base_url=f"https://{host}",
            port=ports[role],
            trusted_proxies=("127.0.0.1/32",),
            database_url=f"sqlite:///{folder}/{role}/{role}.sqlite",
        )
        for role, host in HOSTS.items()
    }
    secret = folder / "wallet" / "passphrase"
    return Settings(data_dir=folder, wallet=WalletSettings(passphrase_file=secret), **services)  # type: ignore[arg-type]


@dataclass
class Street:
    """The services that run, and who certifies them."""

    folder: Path
    ports: dict[str, int]
    authority: trustme.CA
    front: Front

    trust: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def __post_init__(self) -> None:
        self.authority.configure_trust(self.trust)


class Sound(Machine):
    """A machine on which nothing is wrong, whatever the one is like on which tests run."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = {name: fact for name, fact in facts.items() if name != "proc"}
        self.proc = facts.get("proc", Machine.proc)

    def __getattribute__(self, name: str) -> Any:
        facts = object.__getattribute__(self, "__dict__").get("facts", {})
        return (lambda *_: facts[name]) if name in facts else super().__getattribute__(name)


@dataclass
class Place:
    """A copy of the services' folders, their settings, and the doctor."""

    street: Street
    settings: Settings
    now: datetime
    folder: Path
    front: Front
    addresses: dict[str, tuple[str, int]]
    trust: ssl.SSLContext
    stack: ExitStack
    names: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict.fromkeys(HOSTS.values(), ("93.184.215.14",)))
    facts: dict[str, Any] = field(
        default_factory=lambda: {
            "user": 1000,
            "umask": 0o077,
            "is_clock_set": True,
            "versions": {"python": (3, 99, 0), "openssl": (3, 5, 0), "sqlite": (3, 50, 0)},
            "resolves": True,
            "memory": Room(free=2 * 1024**3, total=4 * 1024**3),
            "file_system": "ext4",
            "mount_options": frozenset({"rw"}),
            "files_of": 65_536,
            "memory_of": None,
        }
    )

    def change(self, role: str, **changed: Any) -> None:
        """Set settings of a role."""
        service = getattr(self.settings, role)
        update = service.model_copy(update=changed)
        self.settings = self.settings.model_copy(update={role: update})

    def change_all(self, **changed: Any) -> None:
        self.settings = self.settings.model_copy(update=changed)

    def file(self, name: str) -> Path:
        return self.folder / name

    def mount(self, kind: str, options: str = "rw") -> None:
        """Let the system say that the data folder is a file system of its own."""
        del self.facts["file_system"], self.facts["mount_options"]
        self.facts["proc"] = self.folder / "proc"
        (self.folder / "proc" / "self").mkdir(parents=True)
        mounts = f"/dev/sda / ext4 rw 0 0\nnas:/music {self.folder} {kind} {options} 0 0\n"
        (self.folder / "proc" / "self" / "mounts").write_text(mounts)

    def listen(self, context: ssl.SSLContext | None, host: str = "coop.example") -> Front:
        """Let another front stand at a host."""
        front = self.stack.enter_context(listening(context, self.street.front.ports))
        self.addresses[host] = ("127.0.0.1", front.port)
        return front

    def find(self, kind: str, role: str, *, offline: bool = False) -> list[Finding]:
        """Let the doctor look for one kind."""

        async def ask() -> list[Finding]:
            web = Web(system_clock, addresses=self.addresses, names=self.names, trust=self.trust, timeout_s=PATIENCE_S)
            question = Question(
                settings=self.settings,
                roles=["issuer", "verifier", "trackserver", "wallet"],
                now=self.now,
                machine=Sound(self.facts),
                web=None if offline else web,
                environment=dict(os.environ),
            )
            report = await examine(question, {kind: replace(KINDS[kind], roles=(role,))})
            if offline:
                await web.close()
            return [each.finding for each in report.found]

        return asyncio.run(ask())


class _Shared:
    """The street, while tests of this folder follow each other."""

    def __init__(self) -> None:
        self.stack = ExitStack()
        self.street: Street | None = None

    def close(self) -> None:
        """Let everybody go home; the next who asks finds another street."""
        self.street = None
        self.stack.close()


_SHARED = _Shared()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    """Close the street behind the last test here: what runs there by itself says so into whatever others read."""
    try:
        yield
    finally:
        if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
            _SHARED.close()


@pytest.fixture
def street(tmp_path_factory: pytest.TempPathFactory) -> Street:
    if _SHARED.street is None:
        _SHARED.street = open_street(tmp_path_factory.mktemp("street") / "data", _SHARED.stack)
    return _SHARED.street


def open_street(folder: Path, stack: ExitStack) -> Street:
    """Start the services; `stack` ends them. What they say goes nowhere: it would stand among what commands say."""
    ports = {role: free_port() for role in HOSTS}
    settings = settings_in(folder, ports)
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    for role, keys, name in (
        ("issuer", issuer_keys(settings), KEY_NAME),
        ("verifier", compose_verifier(settings).keys, REQUEST_KEY),
    ):
        leaf = leaf_of(authority, HOSTS[role], not_after=system_clock() + timedelta(days=80))
        chain = b"".join(part.bytes() for part in leaf.cert_chain_pems)
        keys.install(name, key_pem=leaf.private_key_pem.bytes(), chain_pem=chain)
    Vault.create(settings.wallet_file(), PASSPHRASE, cost=Cost(memory_kib=64, iterations=1, lanes=1))
    secret = folder / "wallet" / "passphrase"
    secret.write_text(PASSPHRASE)
    secret.chmod(0o600)
    builders: dict[str, Callable[[Settings], Any]] = {
        "issuer": issuer_service.build_app,
        "verifier": verifier_service.build_app,
        "trackserver": trackserver_service.build_app,
    }
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    stack.callback(structlog.reset_defaults)
    for role, build in builders.items():
        stack.enter_context(serving(lambda _, build=build: build(settings), ports[role]))  # type: ignore[misc]
    by_host = {host: ports[role] for role, host in HOSTS.items()}
    context = context_of(leaf_of(authority, *HOSTS.values(), not_after=system_clock() + timedelta(days=80)))
    front = stack.enter_context(listening(context, by_host))
    return Street(folder, ports, authority, front)


@pytest.fixture
def place(
    street: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Place]:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    # Of one kind only whose it is need be there: there are many kinds.
    callspec = getattr(request.node, "callspec", None)
    role = callspec.params.get("of") if callspec else None
    for each in street.folder.iterdir():
        if each.is_dir() and role in {None, each.name}:
            shutil.copytree(each, folder / each.name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HANDSTAMP_CONFIG", raising=False)
    with ExitStack() as stack:
        yield Place(
            street=street,
            settings=settings_in(folder, street.ports),
            now=system_clock(),
            folder=folder,
            front=street.front,
            addresses=dict.fromkeys(HOSTS.values(), ("127.0.0.1", street.front.port)),
            trust=street.trust,
            stack=stack,
        )
        street.front.tamper = street.front.before = None
        street.front.holds_back = False
