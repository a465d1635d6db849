"""A whole world for flow tests: three services in processes of their own, behind wire taps, one release, one gate."""

import contextlib
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from handstamp.demo.stage import ROLES, Stage, build_stage
from tests.support.recording import Recording, free_port, wire_tap
from tests.support.town import build_album

CANARY = {"name": "Quillon Canarybird", "email": "quillon@canary.example", "birth-date": "1987-03-29"}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Running services with one release, one gate and one listener who owns the release."""

    stage: Stage
    taps: dict[str, Recording]
    album: Path
    release: dict[str, Any]
    gate: str
    listener: str
    processes: dict[str, subprocess.Popen[bytes]]

    def kill(self, role: str) -> None:
        """End a service as a power cut does."""
        self.processes[role].kill()
        self.processes[role].wait()

    def start(self, role: str) -> None:
        """Start a service again, and wait until it answers."""
        self.processes[role] = self.stage.start(role)
        self.stage.wait(role, self.processes[role])

    def release_url(self) -> str:
        return f"{self.stage.addresses['trackserver']}/releases/{self.release['id']}"

    def json(self, *arguments: str) -> dict[str, Any]:
        answer = self.stage.run_json(*arguments)
        assert isinstance(answer, dict)
        return answer


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Start everything once for a session; each test brings its own wallet."""
    folder = tmp_path_factory.mktemp("world")
    stage = build_stage(folder / "stage", first_ports={role: free_port() for role in ROLES})
    with contextlib.ExitStack() as stack:
        taps = {role: stack.enter_context(_behind_a_tap(stage, role)) for role in ROLES}
        stage.import_keys()
        processes = stack.enter_context(stage.services())
        yield furnish(stage, taps, build_album(folder / "album"), processes)


def _behind_a_tap(stage: Stage, role: str) -> contextlib.AbstractContextManager[Recording]:
    """Move the service to a port of its own, so that its public port can be tapped."""
    config = stage.folder / "handstamp.toml"
    public = int(stage.addresses[role].rsplit(":", 1)[1])
    inner = free_port()
    text = re.sub(rf"(?m)^port = {public}$", f"port = {inner}", config.read_text("utf-8"))
    config.write_text(text, "utf-8")
    return wire_tap(public, inner)


def furnish(
    stage: Stage, taps: dict[str, Recording], album: Path, processes: dict[str, subprocess.Popen[bytes]]
) -> World:
    """Put one release, one gate and one listener who owns the release into services that run."""
    (stage.folder / "passphrase").touch(mode=0o600)
    (stage.folder / "passphrase").write_text("a long and quiet sentence", "utf-8")
    release = stage.run_json("tracks", "add", str(album))
    assert isinstance(release, dict)
    url = f"{stage.addresses['trackserver']}/releases/{release['id']}"
    stage.run("issuer", "release", "add", url)
    stage.run("verifier", "trust", stage.addresses["issuer"], "--yes")
    stage.run("tracks", "allow", stage.addresses["verifier"], "--release", str(release["id"]), "--yes")
    gate = stage.run_json("gate", "add", "--release", url)
    planted = [part for name, value in CANARY.items() for part in (f"--{name}", value)]
    listener = stage.run_json("issuer", "listener", "add", *planted)
    assert isinstance(gate, dict)
    assert isinstance(listener, dict)
    stage.run("issuer", "buy", str(listener["id"]), str(release["id"]))
    return World(
        stage=stage,
        taps=taps,
        album=album,
        release=release,
        gate=str(gate["link"]),
        listener=str(listener["id"]),
        processes=processes,
    )
