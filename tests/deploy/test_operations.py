"""Every command and every setting on the operator's page is true."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer

from credentials.keys.certificates import check_chain, load_chain_pem
from handstamp.cli import app
from handstamp.settings import IssuerSettings, Settings, TrackserverSettings, VerifierSettings, WalletSettings
from plumbing.keystore import KeyStore

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
SPOKEN = ("handstamp", "coop", "site", "tracks")
"""What begins a command line of ours: the command, and the page's short words for it as each role's user."""
FENCED = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
OF_OTHERS = {"max_connections", "worker_connections", "limit_conn", "pg_dump"}
"""Words that are written as settings of ours are, and are PostgreSQL's or nginx's."""
INLINE = re.findall(r"`([^`\n]+)`", PAGE)
FILE = re.compile(r"[\w-]+\.(key|pem|backup)")
FOLDERS = re.compile(r"^(/var/backups/handstamp/issuer|/etc/handstamp|/srv/music)/")


def command_lines() -> list[str]:
    lines = [line.strip() for block in FENCED for line in block.replace("\\\n", " ").splitlines()]
    found = [line for line in (*lines, *INLINE) if line.split(" ", 1)[0] in SPOKEN and " " in line and "()" not in line]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("line", command_lines())
def test_a_command_line_of_the_page_is_understood(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read it as the command does, up to where it would begin; files that it names are there."""
    monkeypatch.chdir(tmp_path)
    _, *typed = (FOLDERS.sub("", each) for each in shlex.split(line))
    (tmp_path / "night-bus-songs").mkdir()
    for each in typed:
        if FILE.fullmatch(each):
            (tmp_path / each).touch()
    if typed == ["--version"]:
        return
    command: Any = typer.main.get_command(app)
    while hasattr(command, "list_commands"):
        name = typed.pop(0)
        found = command.get_command(None, name)
        assert found is not None, f"there is no command {name}"
        command = found
    if line in INLINE and not typed:  # it is only spoken of; what it needs stands elsewhere
        return
    command.make_context(command.name, typed)


def test_the_page_has_commands_to_try() -> None:
    assert len(command_lines()) > 25


def settings_of(model: type[Any]) -> set[str]:
    return set(model.model_fields)


def test_every_setting_that_the_page_names_exists() -> None:
    known = {"issuer": IssuerSettings, "verifier": VerifierSettings, "trackserver": TrackserverSettings}
    for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL):
        for role, table in tomllib.loads(block).items():
            assert set(table) <= settings_of(known[role])
    every = set().union(*(settings_of(each) for each in (*known.values(), WalletSettings, Settings)))
    named = {word for word in INLINE if re.fullmatch(r"[a-z]+(_[a-z]+)+", word)} - OF_OTHERS
    assert named <= every, named - every
    for name in re.findall(r"HANDSTAMP_(?!CONFIG)[A-Z_]+", PAGE):
        role, _, field = name.removeprefix("HANDSTAMP_").lower().partition("__")
        assert field in settings_of(known[role])


def test_every_file_that_the_page_names_is_there() -> None:
    for path in re.findall(r"`(tests/[\w/.]+)`", PAGE):
        assert (ROOT / path).exists(), path
    for unit in re.findall(r"handstamp-(?:issuer|verifier|tracks|backup)@?[\w]*\.(?:service|timer)", PAGE):
        name = re.sub(r"@\w+\.", "@.", unit)
        assert (ROOT / "deploy" / "systemd" / name).is_file(), name
    for path in re.findall(r"(?<![/\w])(?:nginx|systemd|settings)/[\w.$-]+\.(?:conf|inc)", PAGE):
        assert (ROOT / "deploy" / path).is_file(), path


def test_the_certificates_that_the_page_makes_are_taken_for_years(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("NOT RUN: there is no openssl here")
    (script,) = (block for block in FENCED if "openssl req" in block)
    subprocess.run(["sh", "-e", "-c", script], cwd=tmp_path, check=True, capture_output=True)
    key, chain, authority = ((tmp_path / name).read_bytes() for name in ("coop.key", "coop.pem", "authority.pem"))
    KeyStore(tmp_path / "keys").install("issuer", key_pem=key, chain_pem=chain)
    for days in (0, 1800):
        at = datetime.now(UTC) + timedelta(days=days, minutes=1)
        check_chain(load_chain_pem(chain), anchors=(authority,), dns_name="coop.example", at=at)


def test_the_pages_command_lets_every_server_of_nginx_listen_on_ipv6_too() -> None:
    written = ROOT / "deploy" / "nginx" / "handstamp.conf"
    assert not re.search(r"^ *listen \[", written.read_text("utf-8"), re.MULTILINE)
    (command,) = (line for line in INLINE if line.startswith("sed -i ") and "listen" in line)
    _, _, change, _ = shlex.split(command)
    changed = subprocess.run(["sed", change, str(written)], check=True, capture_output=True, text=True).stdout
    listens = re.findall(r"^    listen (\[::\]:)?(.+;)$", changed, re.MULTILINE)
    assert {address for address, _ in listens[1::2]} == {"[::]:"}
    assert listens[::2] == [("", where) for _, where in listens[1::2]]


def test_the_pages_command_gives_debians_nginx_room_for_a_crowd() -> None:
    (command,) = (line for line in INLINE if line.startswith("sed -i ") and "worker_connections" in line)
    _, _, change, _ = shlex.split(command)
    debian = "user www-data;\n\nevents {\n\tworker_connections 768;\n\t# multi_accept on;\n}\n\nhttp {\n}\n"
    done = subprocess.run(["sed", change], input=debian, check=True, capture_output=True, text=True)
    assert done.stdout == debian.replace("768", "4096").replace("events", "worker_rlimit_nofile 8192;\nevents")
