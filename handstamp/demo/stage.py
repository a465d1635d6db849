"""What the demo stands on: free ports, certificates, settings, and every service in a process of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import httpx
import trustme

from credentials.encoding import strict_json
from credentials.errors import OperatorError
from handstamp.demo.forked import run_command
from plumbing.fetch import is_loopback

ROLES: Final = ("issuer", "trackserver", "verifier")
_HOSTS: Final[Mapping[str, str]] = {
    "issuer": "coop.localhost",
    "trackserver": "tracks.localhost",
    "verifier": "artist.localhost",
}
_SERVE: Final[Mapping[str, str]] = {"issuer": "issuer", "trackserver": "tracks", "verifier": "verifier"}
FIRST_PORTS: Final[Mapping[str, int]] = {"issuer": 8701, "trackserver": 8702, "verifier": 8703}
_PORT_TRIES: Final = 200
_START_S: Final = 60.0
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
        addresses: the public address of each role.
        environment: what a `handstamp` command of the demo runs with.
    """

    folder: Path
    addresses: Mapping[str, str]
    environment: Mapping[str, str]

    def run(self, *arguments: str, answer: str | None = None) -> str:
        """Run one `handstamp` command in a process of its own and return what it printed.

        Raises:
            DemoFailed: it ended with another exit code than 0; its own words are the reason.
        """
        done = run_command(arguments, environment=self.environment, folder=self.folder, answer=answer or "")
        if done.exit_code != 0:
            raise DemoFailed(f"handstamp {' '.join(arguments[:2])}", done.complained.strip() or done.printed.strip())
        return done.printed

    def run_json(self, *arguments: str) -> strict_json.Json:
        """Run one command with `--json` and return what it printed, parsed."""
        return strict_json.parse(self.run(*arguments, "--json"), what="command's answer")

    def import_keys(self) -> None:
        """Give the co-op and the site the keys that the demo's authority certified, before they start."""

        def import_one(role: str) -> None:
            files = {part: str(self.folder / "certificates" / f"{role}.{part}.pem") for part in ("key", "chain")}
            self.run(role, "keys", "import", "--key", files["key"], "--chain", files["chain"])

        with ThreadPoolExecutor() as both:
            list(both.map(import_one, ("issuer", "verifier")))

    @contextlib.contextmanager
    def services(self) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
        """Start every service, wait until each answers, and stop whatever runs at the end; yields the processes."""
        running: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for role in ROLES:
                running[role] = self.start(role)
            for role in ROLES:
                self.wait(role, running[role])
            yield running
        finally:
            for process in running.values():
                process.terminate()
            for process in running.values():
                _end(process)

    def log_of(self, role: str) -> Path:
        """Return where the log of one service lies."""
        return self.folder / "logs" / f"{role}.log"

    def start(self, role: str) -> subprocess.Popen[bytes]:
        """Start one service; its log goes on where it ended."""
        self.log_of(role).parent.mkdir(exist_ok=True)
        with self.log_of(role).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "handstamp", _SERVE[role], "serve"],
                env=dict(self.environment),
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
    folder: Path, *, hosts: Literal["names", "ports"] = "names", first_ports: Mapping[str, int] = FIRST_PORTS
) -> Stage:
    """Choose free ports first, then write settings, certificates and the environment below `folder`.

    The search for a free port starts at `first_ports`. A busy port moves before any identifier is made, because
    identifiers hold it. With `hosts="ports"` every service is at plain `localhost`, for clients that cannot resolve
    `*.localhost`.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ports = _free_ports(first_ports)
    host_of = _HOSTS if hosts == "names" else dict.fromkeys(ROLES, "localhost")
    addresses = {role: f"http://{host_of[role]}:{ports[role]}" for role in ROLES}
    config = folder / "handstamp.toml"
    config.write_text(_toml(folder, addresses, ports), "utf-8")
    _write_certificates(folder / "certificates", {role: host_of[role] for role in ("issuer", "verifier")})
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HANDSTAMP_")}
    environment = {**kept, "HANDSTAMP_CONFIG": str(config), "PYTHONUNBUFFERED": "1", "COLUMNS": "100"}
    return Stage(folder=folder, addresses=addresses, environment=environment)


def _free_ports(first_ports: Mapping[str, int]) -> dict[str, int]:
    ports: dict[str, int] = {}
    for role in ROLES:
        ports[role] = _first_free(first_ports[role], set(ports.values()))
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


def _toml(folder: Path, addresses: Mapping[str, str], ports: Mapping[str, int]) -> str:
    lines = [f"data_dir = {_quoted(folder / 'data')}"]
    for role in ROLES:
        lines += ["", f"[{role}]", f"base_url = {_quoted(addresses[role])}", f"port = {ports[role]}"]
    lines += ["", "[wallet]", f"passphrase_file = {_quoted(folder / 'passphrase')}", ""]
    return "\n".join(lines)


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
