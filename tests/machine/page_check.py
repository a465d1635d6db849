"""Follow `docs/operations.md` on a machine of its own: what its blocks say is typed there, word by word, as root.

What the page leaves to the operator is done here: names, music, certificates of TLS, answers to questions. Its `pip`
finds each locked package already there (`make wheel-check` installs them by their hashes). At the end systemd must have
nothing to complain of, no log of ours a warning or an address, and a killed worker must be back.
"""

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from pathlib import Path

from tests.machine.machine import GIVEN, Machine, NoMachine, booted, check_possible

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "operations.md").read_text("utf-8"), re.DOTALL)
ROLES = {"issuer": ("coop", "8701 8711"), "verifier": ("artist", "8703 8713"), "tracks": ("tracks", "8702 8712")}
NEXT = "0.2.0"
ALBUM = "from pathlib import Path; from handstamp.demo.album import compose_album; compose_album(Path('{}'))"


def main() -> int:
    """Return 0 if the page is true; or if no machine can be booted here, where not everything is required."""
    try:
        check_possible()
        _check_python()
        with tempfile.TemporaryDirectory(prefix="handstamp-units-") as name:
            given = Path(name) / "given"
            given.mkdir()
            _build(given)
            with booted(given, packages=Path(sysconfig.get_paths()["purelib"])) as machine:
                _follow(machine)
    except NoMachine as error:
        print(f"systemd units: NOT RUN (no machine can be booted here: {error})", flush=True)
        return int(os.environ.get("CI") == "true")
    return 0


def _follow(machine: Machine) -> None:
    started = time.monotonic()
    for words, step in _STEPS.items():
        step(machine)
        _say(started, words)
    print("The operator's page works as it stands.", flush=True)


def _say(started: float, words: str) -> None:
    print(f"{words} ({time.monotonic() - started:.0f} s).", flush=True)


def _check_python() -> None:
    """Refuse where the system's Python cannot use the packages of the one that runs this."""
    ours = ".".join(map(str, sys.version_info[:2]))
    asked = subprocess.run(["/usr/bin/python3", "-c", "import ensurepip"], check=False, capture_output=True)
    if asked.returncode or not Path(f"/usr/bin/python{ours}").exists():
        raise NoMachine(f"/usr/bin/python3 is not Python {ours} with venv")


def _build(given: Path) -> None:
    """Build the wheel, and one that calls itself newer; put the lock and songs beside them."""
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(given)]
    subprocess.run([*build, "-t", "wheel", "-t", "sdist"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    sdist = next(given.glob("*.tar.gz"))
    with tarfile.open(sdist) as packed:
        packed.extractall(given / "source", filter="data")
    source = next((given / "source").iterdir())
    project = (source / "pyproject.toml").read_text("utf-8")
    (source / "pyproject.toml").write_text(re.sub(r"(?m)^version = .*$", f'version = "{NEXT}"', project), "utf-8")
    subprocess.run([*build, "-t", "wheel"], cwd=source, check=True, stdout=subprocess.DEVNULL)
    (given / "run.lock").write_bytes((ROOT / "requirements" / "run.lock").read_bytes())


def _block(*marks: str) -> str:
    """The one block of the page in which all of these words stand."""
    (found,) = (each for each in BLOCKS if all(mark in each for mark in marks))
    return str(found)


def _as_roles(script: str) -> str:
    """Let the page's short words for the commands stand before a script."""
    return f"cd /root/keys\n{_block('coop()')}\n{script}"


def _install(machine: Machine) -> None:
    """Put in what `apt` would have, and let the page's `pip` see the packages that are there."""
    block = _block("run.lock", "/opt/handstamp/bin/handstamp --version")
    first, *rest = (line for line in block.splitlines() if not line.startswith("apt install"))
    assert first == "python3 -m venv /opt/handstamp"
    there = "echo /opt/packages > /opt/handstamp/lib/python3*/site-packages/there.pth"
    pip = "export PIP_NO_INDEX=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1"
    said = machine.run("\n".join((f"cd {GIVEN}", pip, first, there.replace("3*", "3.11"), *rest)))
    assert "handstamp 0.1.0" in said
    machine.run(_block("sysusers"))
    machine.run("systemctl enable --now --quiet postgresql nginx")
    names = " ".join(f"{name}.example" for name, _ in ROLES.values())
    machine.run(f"echo 11.0.0.10 {names} >> /etc/hosts")
    machine.run(_block("createuser"))


def _certify(machine: Machine) -> None:
    """Make the page's certificates, by the same lines for each other name, and hand them out."""
    block = _block("openssl req")
    lines = block.replace("\\\n", " ").splitlines()
    of_the_coop = [line for line in lines if "coop.csr" in line or "coop.ext" in line]
    assert len(of_the_coop) == 3
    more = [line.replace("coop", name) for name in ("artist", "tracks") for line in of_the_coop]
    machine.run("\n".join(("mkdir -m 0700 /root/keys && cd /root/keys", block, *more)))
    machine.run(_block("update-ca-certificates").join(("cd /root/keys\n", "")))
    for name, _ in ROLES.values():
        place = f"/etc/handstamp/tls/{name}.example"
        machine.run(
            f"cd /root/keys && install -D -m 0600 {name}.key {place}/privkey.pem && cp {name}.pem {place}/fullchain.pem"
        )
    machine.run("cd /root/keys && mv artist.key site.key && mv artist.pem site.pem")
    machine.run(_as_roles(_block("install -m 0640 -g handstamp-issuer coop.key")))


def _start(machine: Machine) -> None:
    machine.run(_block("cp nginx/"))
    machine.run(_block("nginx -t"))
    machine.run(_block("enable --now handstamp-issuer@8701"))
    _wait(machine)


def _wait(machine: Machine) -> None:
    """Wait until each worker is ready by itself, and each name behind nginx."""
    ports = [port for _, both in ROLES.values() for port in both.split()]
    for url in [f"http://127.0.0.1:{port}" for port in ports] + [
        f"https://{name}.example" for name, _ in ROLES.values()
    ]:
        machine.wait(f"curl -fsS --max-time 20 {url}/health/ready")


def _meet(machine: Machine) -> None:
    """Add an album, and let the parties trust each other; every question is answered with yes."""
    album = "/srv/music/night-bus-songs"
    machine.run(f'cd / && mkdir /srv/music && /opt/handstamp/bin/python -c "{ALBUM.format(album)}"')
    before, rest = _block("site verifier trust").split("tracks tracks allow", 1)
    release = re.search(r"releases/([0-9a-f-]{36})", machine.run(_as_roles(before), said="y\n"))
    assert release is not None
    said = machine.run(_as_roles(f"tracks tracks allow{rest}".replace("RELEASE", release[1])), said="y\n")
    assert "https://artist.example/gates/" in said


def _back_up(machine: Machine) -> None:
    """Let the timers' services back up, and restore what the page's own command wrote."""
    machine.run(_block("backup.passphrase"))
    told = "install -m 0600 -o handstamp-issuer /etc/handstamp/backup.passphrase /run/told"
    block = re.sub(r"(coop (backup|restore) .*)", r"\1 --passphrase-file /run/told", _block("coop restore"))
    machine.run(_as_roles(f"{told}\n{block}"))
    _wait(machine)
    kept = machine.run("stat -c '%a %U' /var/backups/handstamp/*/*.backup").split("\n")
    assert sorted(kept)[1:] == sorted(f"600 handstamp-{each}" for each in ("issuer", "issuer", "tracks", "verifier"))


def _upgrade(machine: Machine) -> None:
    """Follow the page's upgrade; between its lines, wait until the worker answers."""
    script = _block("--force-reinstall").replace(
        "curl -fsS", "curl -fsS --retry 60 --retry-delay 1 --retry-connrefused"
    )
    script = re.sub(r"(coop backup .*)", r"\1 --passphrase-file /run/told", script).replace("cd /root/keys", "")
    pip = f"cd {GIVEN}; export PIP_NO_INDEX=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1"
    said = machine.run(_as_roles(f"{pip}\n{script}\n/opt/handstamp/bin/handstamp --version"))
    assert f"handstamp {NEXT}" in said
    _wait(machine)


def _exchange(machine: Machine) -> None:
    """Exchange the key of grants and the co-op's own while workers of both versions serve."""
    machine.run(_as_roles(_block("tracks tracks allow https://artist.example --again")), said="y\n")
    machine.run("install -m 0640 -g handstamp-issuer /root/keys/coop.key /etc/handstamp/")
    machine.run(_as_roles(_block("--at-once")))
    _wait(machine)


def _look(machine: Machine) -> None:
    """Kill a worker, which comes back; then systemd, processes and logs must be as the page says."""
    unit = "handstamp-issuer@8711"
    machine.run(f"systemctl kill -s KILL {unit}")
    machine.wait(f"test $(systemctl show -P NRestarts {unit}) = 1 && curl -fsS http://127.0.0.1:8711/health/ready")
    assert machine.run("systemctl list-units --failed --no-legend 'handstamp-*' 'nginx*' 'postgresql*'") == ""
    status = machine.run(f"cat /proc/$(systemctl show -P MainPID {unit})/status")
    for line in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
        assert line in status, line
    logged = machine.run("journalctl --no-pager -o cat -u 'handstamp-*'")
    for never in ('"level": "error"', "Traceback", r"11\.0\.0\.10", r"/(releases|gates)/[\w-]{20}"):
        assert re.search(never, logged) is None, never


_STEPS = {
    "Installed": _install,
    "Certificates made and imported": _certify,
    "Two workers of each role serve behind nginx": _start,
    "The parties know each other": _meet,
    "Backed up and restored": _back_up,
    "Upgraded": _upgrade,
    "Keys exchanged": _exchange,
    "Nothing failed, nothing leaked, and who was killed is back": _look,
}

if __name__ == "__main__":
    sys.exit(main())
