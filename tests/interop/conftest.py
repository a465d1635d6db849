"""Independent code as child processes that speak JSON; what runs in Node.js is installed once, from the lock file."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import secrets
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from filelock import FileLock

from credentials.encoding import base64url
from credentials.keys.certificates import load_chain_pem
from credentials.keys.signer import LocalSigner
from credentials.linked_data import load_context
from credentials.sd_jwt import build_sd_jwt_vc
from credentials.trust import TrustedIssuer, TrustPolicy
from schemas import TRACK_OWNERSHIP
from tests.support.bazaar import UNKNOWN_CONTEXTS, Bazaar
from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HERE = Path(__file__).resolve().parent
OLDEST_NODE = 20
INSTALL_S = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and "node" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.node)


@dataclass(frozen=True, slots=True)
class Node:
    """A folder with the packages and our scripts; those that remember nothing are started once for all tests."""

    folder: Path
    stack: ExitStack
    started: dict[str, Peer] = field(default_factory=dict)

    def __call__(self, script: str, action: str, **request: Any) -> Any:
        """Let one script do one thing; return its result."""
        return self._peer(script)(action, **request)

    def refusal(self, script: str, action: str, **request: Any) -> str:
        """Let one script refuse one thing; return its reason, in its own words."""
        return self._peer(script).refusal(action, **request)

    @contextmanager
    def talk(self, script: str) -> Iterator[Peer]:
        """Start a script that remembers, and let it go at the end of the block."""
        with talk_to(["node", f"{script}.mjs"], self.folder) as peer:
            yield peer

    def _peer(self, script: str) -> Peer:
        if script not in self.started:
            self.started[script] = self.stack.enter_context(self.talk(script))
        return self.started[script]


@dataclass(frozen=True, slots=True)
class Peer:
    """A party that lives for a whole module: it remembers, may serve, and does what it is told."""

    requests: IO[str]
    replies: IO[str]

    def __call__(self, action: str, **request: Any) -> Any:
        """Let it do one thing; return its result."""
        reply = self._ask({"action": action, **request})
        assert "refused" not in reply, reply["refused"]
        return reply.get("result")

    def refusal(self, action: str, **request: Any) -> str:
        """Let it refuse one thing; return its reason, in its own words."""
        reply = self._ask({"action": action, **request})
        assert "refused" in reply, "it was accepted"
        return str(reply["refused"])

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self.requests.write(json.dumps(request) + "\n")
        self.requests.flush()
        line = self.replies.readline()
        assert line, "the other process is gone; what it said stands above"
        reply: dict[str, Any] = json.loads(line)
        return reply


@contextmanager
def talk_to(command: list[str], folder: Path) -> Iterator[Peer]:
    """Start a program that reads a request a line and answers each, and let it go at the end of the block."""
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Peer(process.stdin, process.stdout)
        process.stdin.close()
        process.wait(PATIENCE_S)


@pytest.fixture(scope="session")
def bazaar(node: Node) -> Iterator[Bazaar]:
    """Digital Bazaar's packages: one process for all tests."""
    with node.talk("digital_bazaar") as ask:
        for url in UNKNOWN_CONTEXTS:
            ask("know", url=url, document=dict(load_context(url)))
        yield Bazaar(ask)


@pytest.fixture(scope="module")
def didkit() -> Iterator[Peer]:
    """didkit, which is never loaded into this process."""
    if importlib.util.find_spec("didkit") is None:
        pytest.skip("interop: NOT RUN, there is no didkit for this Python")
    with talk_to([sys.executable, "ask_didkit.py"], HERE) as peer:
        yield peer


@pytest.fixture(scope="session")
def node(pytestconfig: pytest.Config) -> Iterator[Node]:
    """The packages of package-lock.json, installed once into pytest's cache folder, for all workers and runs."""
    _skip_without_node()
    packages = [HERE / "package.json", HERE / "package-lock.json", HERE / ".npmrc"]
    scripts = sorted(HERE.glob("*.mjs"))
    assert pytestconfig.cache is not None
    cache = pytestconfig.cache.mkdir("interop")
    installed = cache / _digest(packages)
    folder = installed / _digest(scripts)
    with FileLock(cache / "lock"):
        if not (installed / "complete").exists():
            _install(installed, packages)
            (installed / "complete").touch()
        # Beside their packages, where Node.js looks for these.
        folder.mkdir(exist_ok=True)
        for script in scripts:
            shutil.copy(script, folder)
    with ExitStack() as stack:
        yield Node(folder, stack)


def _digest(files: list[Path]) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _skip_without_node() -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("interop: NOT RUN, there is no Node.js with npm here")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"interop: NOT RUN, Node.js {version} is older than {OLDEST_NODE}")


def _install(folder: Path, sources: list[Path]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for source in sources:
        shutil.copy(source, folder)
    command = ["npm", "ci", "--prefer-offline"]
    home = Path(os.environ.get("HOME", "/"))
    own = home / ".npm"
    if not os.access(own if own.exists() else home, os.W_OK):  # npm begins by writing there
        command += ["--cache", str(folder / "downloaded")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    if done.returncode:
        pytest.fail(f"`npm ci` failed in {folder}:\n{done.stderr}", pytrace=False)


@dataclass(frozen=True, kw_only=True)
class Party:
    """A certified host with a key that both sides may use; made for these tests only."""

    host: str
    signer: LocalSigner
    private_jwk: dict[str, Any]
    x5c: list[str]

    @property
    def url(self) -> str:
        return f"https://{self.host}"

    @property
    def public_jwk(self) -> Mapping[str, Any]:
        return self.signer.public_key.jwk


@dataclass(frozen=True, kw_only=True)
class World:
    """One co-op, one site, one holder: each can be played by our code or by theirs."""

    anchor: bytes
    coop: Party
    site: Party
    holder: Party
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    vct = TRACK_OWNERSHIP.vct
    nonce = "XpQ0c4Kq8mVv1yJ7bRr2Zg"

    @property
    def policy(self) -> TrustPolicy:
        trusted = TrustedIssuer(
            issuer=self.coop.url, name="Co-op", anchors=(self.anchor,), types=frozenset({TRACK_OWNERSHIP.vct})
        )
        return TrustPolicy((trusted,))

    @property
    def audience(self) -> str:
        return f"x509_san_dns:{self.site.host}"

    @property
    def now_s(self) -> int:
        return int(self.now.timestamp())

    @property
    def month_s(self) -> int:
        return int(self.now.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp())

    @property
    def claims(self) -> dict[str, Any]:
        """The disclosable claims of the type's example."""
        return {name: TRACK_OWNERSHIP.example[name] for name in TRACK_OWNERSHIP.claim_names}

    def issue(self) -> str:
        """Issue with our code."""
        return build_sd_jwt_vc(
            vct=self.vct,
            issuer=self.coop.url,
            holder_key=self.holder.signer.public_key,
            issued_at=self.month_s,
            disclosable=self.claims,
            digest_count=TRACK_OWNERSHIP.digest_count,
            signer=self.coop.signer,
            x5c=self.coop.x5c,
            random=secrets.token_bytes,
        )


@pytest.fixture(scope="session")
def world() -> World:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    parties = {
        name: _certify(authority, host)
        for name, host in (("coop", "coop.example"), ("site", "site.example"), ("holder", "holder.example"))
    }
    return World(anchor=authority.cert_pem.bytes(), **parties)


def _certify(authority: trustme.CA, host: str) -> Party:
    leaf = authority.issue_cert(host, key_type=trustme.KeyType.ECDSA)
    pem = leaf.private_key_pem.bytes()
    key = load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signer = LocalSigner.from_pem(pem, None)
    secret = base64url.encode(key.private_numbers().private_value.to_bytes(32))
    return Party(
        host=host,
        signer=signer,
        private_jwk={**signer.public_key.jwk, "d": secret},
        x5c=load_chain_pem(leaf.cert_chain_pems[0].bytes()).x5c(),
    )
