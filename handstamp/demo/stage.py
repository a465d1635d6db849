"""What the demo stands on: free ports, certificates, settings, and every service in a process of its own."""

import contextlib
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, Self

import httpx
import trustme

from credentials.encoding import strict_json
from credentials.errors import OperatorError
from handstamp.demo.forked import Done, run_command
from plumbing.fetch import is_loopback

ROLES: Final = ("issuer", "trackserver", "verifier")
SHOP: Final = "shop"
"""A second site, which shares nothing with the artist's: settings, database, keys and process are its own."""
DOOR: Final = "door"
"""A device at the shop's door, which has no network: the shop's gates, and a memory of its own."""
SERVICES: Final = (*ROLES, SHOP)
PARTIES: Final = (*SERVICES, DOOR)
_HOSTS: Final[Mapping[str, str]] = {
    "issuer": "coop.localhost",
    "trackserver": "tracks.localhost",
    "verifier": "artist.localhost",
    SHOP: "shop.localhost",
}
_SERVE: Final[Mapping[str, str]] = {
    "issuer": "issuer",
    "trackserver": "tracks",
    "verifier": "verifier",
    SHOP: "verifier",
}
_CERTIFIED: Final = ("issuer", "verifier", SHOP)
FIRST_PORTS: Final[Mapping[str, int]] = {"issuer": 8701, "trackserver": 8702, "verifier": 8703, SHOP: 8704}
SHOP_NAME: Final = "Corner Records"
_COLUMNS: Final = 97
_PORT_TRIES: Final = 200
_START_S: Final = 180.0
_STOP_S: Final = 5.0


class DemoFailed(OperatorError):
    """A step of the demo did not do what it should."""

    code = "demo_failed"

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"{step} did not work: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The demo's folder, addresses and environment.

    Attributes:
        folder: everything the demo writes lies below it.
        addresses: the public address of each service.
        environment: what a `handstamp` command of the demo runs with.
    """

    folder: Path
    addresses: Mapping[str, str]
    environment: Mapping[str, str]

    def at(self, party: str) -> Self:
        """Return this stage as the commands of one party see it: the shop and its door have settings of their own."""
        if party not in {SHOP, DOOR}:
            return self
        return self._with(HANDSTAMP_CONFIG=str(self.folder / f"{party}.toml"))

    def with_wallet(self, file: Path) -> Self:
        """Return this stage as its commands see it with another wallet file."""
        return self._with(HANDSTAMP_WALLET__FILE=str(file))

    def _with(self, **changed: str) -> Self:
        return replace(self, environment={**self.environment, **changed})

    def run(self, *arguments: str, answer: str | None = None) -> str:
        """Run one `handstamp` command in a process of its own and return what it printed.

        Raises:
            DemoFailed: it ended with another exit code than 0; its own words are the reason.
        """
        done = self._run(arguments, answer or "")
        if done.exit_code != 0:
            raise DemoFailed(f"handstamp {' '.join(arguments[:2])}", done.complained.strip() or done.printed.strip())
        return done.printed

    def run_refused(self, *arguments: str) -> str:
        """Run one command that must be refused, and return the words in which it was.

        Raises:
            DemoFailed: it did what it was told.
        """
        done = self._run(arguments, "")
        if done.exit_code != 1:
            raise DemoFailed(f"handstamp {' '.join(arguments[:2])}", "it was to be refused, and was not")
        return done.complained.strip()

    def _run(self, arguments: Sequence[str], answer: str) -> Done:
        return run_command(arguments, environment=self.environment, folder=self.folder, answer=answer)

    def run_json(self, *arguments: str) -> strict_json.Json:
        """Run one command with `--json` and return what it printed, parsed."""
        return strict_json.parse(self.run(*arguments, "--json"), what="command's answer")

    def import_keys(self) -> None:
        """Give the co-op and the sites the keys that the demo's authority certified, before they start."""

        def import_one(service: str) -> None:
            files = {part: str(self.folder / "certificates" / f"{service}.{part}.pem") for part in ("key", "chain")}
            keys = ("keys", "import", "--key", files["key"], "--chain", files["chain"])
            self.at(service).run(_SERVE[service], *keys)

        with ThreadPoolExecutor() as all_at_once:
            list(all_at_once.map(import_one, [service for service in _CERTIFIED if service in self.addresses]))

    @contextlib.contextmanager
    def services(self) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
        """Start every service, wait until each answers, and stop whatever runs at the end; yields the processes."""
        running: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for service in self.addresses:
                running[service] = self.start(service)
            for service in self.addresses:
                self.wait(service, running[service])
            yield running
        finally:
            for process in running.values():
                process.terminate()
            for process in running.values():
                _end(process)

    def take_to_the_door(self) -> None:
        """Copy the shop's gates and keys, as they are now, to the device at its door.

        It has a database of its own, in which only what was scanned there comes to lie.
        """
        shop, door = (self.data_of(party) / "verifier" for party in (SHOP, DOOR))
        shutil.copytree(shop / "keys", door / "keys")
        reading, writing = (sqlite3.connect(folder / "verifier.sqlite") for folder in (shop, door))
        with contextlib.closing(reading), contextlib.closing(writing):
            reading.backup(writing)

    def data_of(self, party: str) -> Path:
        """Return the folder in which one party keeps everything that it keeps."""
        return self.folder / "data" / party

    def log_of(self, role: str) -> Path:
        """Return where the log of one service lies."""
        return self.folder / "logs" / f"{role}.log"

    def start(self, role: str) -> subprocess.Popen[bytes]:
        """Start one service; its log goes on where it ended."""
        self.log_of(role).parent.mkdir(exist_ok=True)
        with self.log_of(role).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "handstamp", _SERVE[role], "serve"],
                env=dict(self.at(role).environment),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self, role: str, process: subprocess.Popen[bytes]) -> None:
        """Wait until a service that was started answers.

        Raises:
            DemoFailed: it ended, or does not answer in time.
        """
        url = httpx.URL(self.addresses[role])
        give_up = time.monotonic() + _START_S
        while time.monotonic() < give_up:
            if process.poll() is not None:
                break
            with contextlib.suppress(httpx.HTTPError):
                health = f"http://127.0.0.1:{url.port}/health"
                answered = httpx.get(health, headers={"Host": url.netloc.decode()}, timeout=2).is_success
                if answered and process.poll() is None:  # else somebody else answers on this port
                    return
            time.sleep(0.1)
        tail = self.log_of(role).read_text("utf-8", "replace")[-2000:]
        raise DemoFailed(
            f"Starting the {role}", f"it did not answer within {_START_S:.0f} seconds. Its log ends:\n{tail}"
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def build_stage(
    folder: Path,
    *,
    hosts: Literal["names", "ports"] = "names",
    first_ports: Mapping[str, int] = FIRST_PORTS,
    columns: int = _COLUMNS,
) -> Stage:
    """Choose free ports first, then write settings, certificates and the environment below `folder`.

    The search for a free port starts at `first_ports`, which also says which services there are. A busy port moves
    before any identifier is made, because identifiers hold it. With `hosts="ports"` every service is at plain
    `localhost`, for clients that cannot resolve `*.localhost`. Commands write lines of at most so many `columns`.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ports = _free_ports(first_ports)
    host_of = _HOSTS if hosts == "names" else dict.fromkeys(SERVICES, "localhost")
    addresses = {service: f"http://{host_of[service]}:{port}" for service, port in ports.items()}
    _write_settings(folder, addresses, ports)
    _write_certificates(folder / "certificates", {each: host_of[each] for each in _CERTIFIED if each in ports})
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HANDSTAMP_")}
    config = str(folder / "handstamp.toml")
    environment = {**kept, "HANDSTAMP_CONFIG": config, "PYTHONUNBUFFERED": "1", "COLUMNS": str(columns)}
    return Stage(folder=folder, addresses=addresses, environment=environment)


def _free_ports(first_ports: Mapping[str, int]) -> dict[str, int]:
    ports: dict[str, int] = {}
    for service, first in first_ports.items():
        ports[service] = _first_free(first, set(ports.values()))
    return ports


def _first_free(wanted: int, taken: set[int]) -> int:
    for port in range(wanted, wanted + _PORT_TRIES):
        if port not in taken and _is_free(port):
            return port
    raise DemoFailed("Finding a free port", f"{wanted} to {wanted + _PORT_TRIES - 1} are all busy.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _write_settings(folder: Path, addresses: Mapping[str, str], ports: Mapping[str, int]) -> None:
    """Write a file for the three roles, and one each for the shop and its door, which is no service."""
    roles = {role: {"base_url": addresses[role], "port": ports[role]} for role in ROLES}
    wallet = {"wallet": {"passphrase_file": folder / "passphrase"}}
    (folder / "handstamp.toml").write_text(_toml(folder / "data", {**roles, **wallet}), "utf-8")
    if SHOP in addresses:
        shop = {"verifier": {"name": SHOP_NAME, "base_url": addresses[SHOP], "port": ports[SHOP]}}
        for party in (SHOP, DOOR):
            (folder / f"{party}.toml").write_text(_toml(folder / "data" / party, shop), "utf-8")


def _toml(data: Path, tables: Mapping[str, Mapping[str, object]]) -> str:
    lines = [f"data_dir = {_quoted(data)}"]
    for name, values in tables.items():
        lines += ["", f"[{name}]"]
        lines += [f"{key} = {value if isinstance(value, int) else _quoted(value)}" for key, value in values.items()]
    return "\n".join([*lines, ""])


def _quoted(value: object) -> str:
    return strict_json.dump(str(value)).decode()  # a JSON string is a TOML string


def _write_certificates(folder: Path, hosts: Mapping[str, str]) -> None:
    """Make a certificate authority that only the demo's wallet and site trust, and certify each host."""
    folder.mkdir(mode=0o700)
    authority = trustme.CA(organization_name="Handstamp demo", key_type=trustme.KeyType.ECDSA)
    authority.cert_pem.write_to_path(folder / "authority.pem")
    for role, host in hosts.items():
        if not is_loopback(host):
            raise DemoFailed("Making certificates", f"{host} is not on this machine")
        leaf = authority.issue_cert(host, key_type=trustme.KeyType.ECDSA)
        _write_private(folder / f"{role}.key.pem", leaf.private_key_pem.bytes())
        (folder / f"{role}.chain.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))


def _write_private(path: Path, data: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(data)
