"""What an operator copies from deploy/: settings that load, units that systemd takes and that may do little."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from handstamp.settings import load_settings

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = DEPLOY / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
MOST_EXPOSED = 15
"""Of a hundred, as `systemd-analyze security` counts: a service that may reach the network has 8 by that alone."""


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = shutil.which("systemd-analyze")
    if command is None:
        pytest.skip("systemd units: NOT RUN (no systemd-analyze)")
    return subprocess.run([command, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Copy the units, with a command that is there on every machine."""
    copied = shutil.copytree(UNITS, tmp_path / "units")
    for unit in copied.glob("*.service"):
        unit.write_text(unit.read_text("utf-8").replace("/opt/handstamp/bin/handstamp", "/bin/true"), "utf-8")
    return copied


def test_systemd_takes_every_unit_without_a_word(units: Path) -> None:
    named = [str(each) for each in sorted(units.glob("handstamp-*.*")) if each.is_file()]
    done = analyze("verify", "--man=no", *named)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_service_may_do_little_more_than_reach_the_network(units: Path) -> None:
    for service in sorted(units.glob("*.service")):
        done = analyze("security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", str(service))
        assert done.returncode == 0, f"{service.name}: {done.stdout[-300:]}{done.stderr}"


@pytest.mark.parametrize("service", SERVICES, ids=lambda each: each.name)
def test_a_unit_names_a_user_a_settings_file_and_a_folder_of_its_own_role(service: Path) -> None:
    text = service.read_text("utf-8")
    role = "%i" if "backup" in service.name else re.sub(r"handstamp-(\w+).*", r"\1", service.name)
    assert f"User=handstamp-{role}\n" in text
    assert f"HANDSTAMP_CONFIG=/etc/handstamp/{role}.toml" in text
    assert f"StateDirectory=handstamp-{role}\n" in text
    assert "StateDirectoryMode=0700" in text


@pytest.mark.parametrize("role", ["issuer", "verifier", "tracks"])
def test_the_worker_of_a_template_is_the_single_service_but_for_its_port(role: str) -> None:
    single, template = (
        [line for line in (UNITS / name).read_text("utf-8").splitlines() if "=" in line and not line.startswith("#")]
        for name in (f"handstamp-{role}.service", f"handstamp-{role}@.service")
    )
    more = [line.replace(", port %i", "") for line in template if "__PORT=%i" not in line]
    assert more == single
    assert len(template) == len(single) + 1


@pytest.mark.parametrize("role", ["issuer", "verifier", "tracks"])
def test_the_settings_that_are_handed_out_load(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDSTAMP_CONFIG", str(DEPLOY / "settings" / f"{role}.toml"))
    settings = load_settings()
    assert settings.data_dir == Path(f"/var/lib/handstamp-{role}")
    name = "trackserver" if role == "tracks" else role
    assert settings.database_url(name).startswith("postgresql")  # type: ignore[arg-type]
    assert getattr(settings, name).trusted_proxies
    port = re.search(r"Environment=(HANDSTAMP_\w+__PORT)=%i", (UNITS / f"handstamp-{role}@.service").read_text("utf-8"))
    assert port is not None
    monkeypatch.setenv(port[1], "8799")
    assert getattr(load_settings(), name).port == 8799


def test_users_and_folders_stand_for_every_role() -> None:
    users, folders = ((UNITS / name).read_text("utf-8") for name in ("sysusers.conf", "tmpfiles.conf"))
    for role in ("issuer", "verifier", "tracks"):
        assert f"u handstamp-{role} " in users
        assert f"0700 handstamp-{role} handstamp-{role}" in folders
