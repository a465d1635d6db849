"""The doctor as a whole: what it prints, what it never does, and that nothing ends it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import resource
import socket
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from handstamp.commands import doctor
from handstamp.doctor import examining
from handstamp.doctor.examining import Question, default_roles, examine
from handstamp.doctor.kinds import Kind, by_id
from handstamp.doctor.machine import Machine, Room
from handstamp.doctor.table import KINDS
from handstamp.doctor.web import Web
from handstamp.settings import Settings
from plumbing.clock import system_clock
from tests.handstamp.doctor.front import context_of, leaf_of
from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from handstamp.doctor.examining import Report
    from tests.handstamp.doctor.conftest import Place

ROOT = Path(__file__).resolve().parents[3]
ALL_ROLES = ["issuer", "verifier", "trackserver", "wallet"]


def test_a_file_that_this_user_may_not_see_is_named_and_a_folder_only_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> list[Any]:
        raise PermissionError(13, "Permission denied", "/srv/x")

    kind = by_id((Kind(id="broken", title="Breaks", roles=("issuer",), look=refuse),))
    (found,) = whole(place, kind).found
    assert "this user may not look at /srv/x" in found.finding.wrong
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert [each.kind.id for each in whole(place, {**kind, **by_id((KINDS["folder_unwritable"],))}).found] == [
        "folder_unwritable"
    ] * 4


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HANDSTAMP_CONFIG", raising=False)
    monkeypatch.setenv("HANDSTAMP_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


def look(*arguments: str) -> Any:
    return CliRunner().invoke(doctor.app, list(arguments))


def whole(place: Place, kinds: Mapping[str, Kind] = KINDS, **about: Any) -> Report:
    async def run() -> Report:
        web = Web(system_clock, addresses=place.addresses, names=place.names, trust=place.trust, timeout_s=PATIENCE_S)
        question = Question(
            settings=place.settings, roles=ALL_ROLES, now=place.now, machine=Machine(), web=web, environment={}
        )
        return await examine(replace(question, **about), kinds)

    return asyncio.run(run())


def digests(folder: Path) -> dict[str, object]:
    def digest(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.stat().st_mtime_ns, digest(path))
        for path in sorted(folder.rglob("*"))
        # What readers of a database tell each other while they read is not of it.
        if path.is_file() and not path.name.endswith("-shm")
    }


def test_services_that_are_set_up_well_have_no_errors_and_nothing_of_theirs_is_changed(place: Place) -> None:
    before = digests(place.folder)
    report = whole(place)
    assert [each for each in report.found if each.finding.severity.value == "error"] == []
    assert report.exit_code == 0
    assert report.left_out == 0
    assert report.checks > 100
    assert digests(place.folder) == before


def test_a_check_that_fails_says_so_and_ends_no_other(place: Place) -> None:
    def fail(_: object) -> list[Any]:
        raise RuntimeError("a listener's name")

    async def hang(_: object) -> list[Any]:
        await asyncio.sleep(60)
        return []

    broken = Kind(id="broken", title="Breaks", roles=("issuer",), look=fail)
    slow = Kind(id="slow", title="Hangs", roles=("issuer",), ask=hang)
    well = KINDS["address_plain"]
    place.change("issuer", base_url="http://coop.example")
    report = whole(place, by_id((broken, well)))
    with pytest.MonkeyPatch.context() as hasty:
        hasty.setattr(examining, "CHECK_TIMEOUT_S", 0.05)
        hung = whole(place, by_id((slow,)))
    said = {each.kind.id: each.finding.wrong for each in [*report.found, *hung.found]}
    assert "RuntimeError" in said["broken"]
    assert "listener" not in said["broken"]
    assert "too long" in said["slow"]
    assert "plain http" in said["address_plain"]


def test_two_kinds_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="address_plain"):
        by_id((KINDS["address_plain"], KINDS["address_plain"]))


def test_offline_asks_nobody(place: Place) -> None:
    place.addresses.clear()
    report = whole(place, web=None)
    asking = sum(1 for kind in KINDS.values() if kind.ask is not None for role in kind.roles if role in ALL_ROLES)
    assert report.left_out == asking


def test_it_works_where_nothing_is_there_yet_and_shows_no_colours_to_a_pipe(home: Path) -> None:
    done = look("--offline")
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.output
    assert "[database_missing]" in done.output
    assert "that ask the network were left out" in done.output
    assert not (home / "data").exists()


def test_settings_that_cannot_be_used_are_named_and_the_rest_is_looked_at(home: Path) -> None:
    Path("handstamp.toml").write_text(
        'nmae = 1\nlog_level = "loud"\n[issuer]\nport = -1\ndatabase_url = "mysql://x:pw@h/d"\n'
    )
    done = look("--offline", "--json")
    assert done.exit_code == 2
    said = json.loads(done.output)
    where = {each["where"] for each in said["findings"]}
    assert {"nmae", "log_level", "issuer.port", "issuer.database_url"} <= where
    assert said["looked_at"] == ["machine"]
    assert "pw" not in done.output
    assert home


@pytest.mark.parametrize("text", ["nonsense", "[issuer"])
def test_a_file_that_is_no_toml_is_named(home: Path, text: str) -> None:
    Path("handstamp.toml").write_text(text)
    done = look("--offline")
    assert done.exit_code == 2
    assert "handstamp.toml" in done.output
    assert home


def test_a_settings_file_that_is_named_and_not_there_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDSTAMP_CONFIG", str(home / "none.toml"))
    monkeypatch.setenv("HANDSTAMP_ISSEUR__PORT", "1")
    done = look("--offline")
    assert done.exit_code == 2
    assert "none.toml" in done.output
    assert "Is issuer meant?" in done.output


def test_an_error_is_exit_code_1_and_one_line_with_what_to_do(home: Path) -> None:
    keys = home / "data" / "issuer" / "keys"
    keys.mkdir(parents=True, mode=0o700)
    (keys / "offers.secret").write_bytes(os.urandom(32))
    (keys / "offers.secret").chmod(0o644)
    done = look("issuer", "--offline")
    assert done.exit_code == 1
    (line,) = [line for line in done.output.splitlines() if "[key_readable]" in line]
    assert line.strip().startswith("error [key_readable] Others on this machine may read this key")
    assert f"chmod 600 '{keys / 'offers.secret'}'" in line
    assert "2 errors" in done.output  # it has no certificate, either
    assert "verifier" not in done.output


def test_the_doctor_looks_at_what_is_in_use(home: Path) -> None:
    settings = Settings(data_dir=home / "data")
    assert default_roles(settings) == ["issuer", "verifier", "trackserver"]
    (home / "data" / "wallet").mkdir(parents=True)
    settings.wallet_file().touch()
    assert default_roles(settings) == ["wallet"]
    (home / "data" / "verifier").mkdir()
    assert default_roles(settings) == ["verifier", "wallet"]


def test_the_page_names_every_kind_and_no_other() -> None:
    page = (ROOT / "docs" / "doctor.md").read_text("utf-8")
    rows = dict(re.findall(r"(?m)^\| `(\w+)` \| (.+?) \|", page))
    assert rows == {kind.id: kind.title for kind in KINDS.values()}


def test_a_certificate_that_is_not_accepted_is_one_finding_and_not_many(place: Place) -> None:
    place.listen(context_of(leaf_of(place.street.authority, "shop.example")))
    found = [each.kind.id for each in whole(place).found if each.role == "issuer"]
    assert [each for each in found if each.startswith(("tls_", "public_", "proxy_", "status_", "keys_"))] == [
        "tls_wrong_host"
    ], found


def test_what_a_worker_may_take_is_seen_of_whoever_listens(tmp_path: Path) -> None:
    machine = Machine()
    with socket.create_server(("127.0.0.1", 0)) as worker:
        port = worker.getsockname()[1]
        assert machine.listener(port) == os.getpid()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert machine.files_of(os.getpid()) == (None if limit == resource.RLIM_INFINITY else limit)
    machine.proc, machine.groups = tmp_path / "proc", tmp_path / "groups"
    assert (machine.listener(port), machine.files_of(7), machine.memory_of(7)) == (None, None, None)
    unit = machine.groups / "system.slice" / "handstamp-issuer@8701.service"
    unit.mkdir(parents=True)
    (machine.proc / "7").mkdir(parents=True)
    (machine.proc / "7" / "cgroup").write_text("0::/system.slice/handstamp-issuer@8701.service\n")
    (unit / "memory.max").write_text("max\n")
    assert machine.memory_of(7) is None
    (unit.parent / "memory.max").write_text("104857600\n")
    assert machine.memory_of(7) == 100 * 1024**2


def test_a_process_that_ends_while_it_is_looked_at_hides_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine()
    machine.proc = tmp_path
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text("sl local\n0: 0100007F:21FD 00000000:0000 0A 0:0 00:0 00000000 0 0 4242 1\n")
    for process in ("7", "8"):
        (tmp_path / process / "fd").mkdir(parents=True)
    (tmp_path / "8" / "fd" / "5").symlink_to("socket:[4242]")
    for name in ("listdir", "scandir"):  # one or the other, as Python's version has it
        monkeypatch.setattr(os, name, partial(list_unless_it_ended, getattr(os, name), tmp_path / "7" / "fd"))
    assert machine.listener(8701) == 8


def list_unless_it_ended(look: Callable[[Any], Any], ended: Path, folder: Any) -> Any:
    if Path(folder) == ended:
        raise ProcessLookupError
    return look(folder)


def test_the_machine_is_read_as_it_is(tmp_path: Path) -> None:
    machine = Machine()
    assert machine.versions()["python"] >= (3, 11)
    assert machine.space(tmp_path / "not" / "there").free > 0
    assert machine.umask() is None or 0 <= machine.umask() <= 0o777  # type: ignore[operator]
    assert machine.is_clock_set() in {True, False, None}
    assert machine.has_module("pydantic")
    assert not machine.has_module("no_such_library")
    assert machine.resolves("localhost")
    assert not machine.resolves("no-such-name.invalid")
    assert machine.user() == os.geteuid()
    assert machine.open_files() is not None
    room = machine.entries(tmp_path)
    assert room is None or room.free <= room.total
    machine.proc = tmp_path / "no-proc"
    assert machine.umask() is None
    assert machine.file_system(tmp_path) == ""
    assert machine.mount_options(tmp_path) == {""}
    assert machine.memory() is None
    assert machine.holder(tmp_path, 120) is None
    machine.proc.mkdir()
    (machine.proc / "meminfo").write_text("MemTotal: 1000 kB\n")
    assert machine.memory() is None
    (machine.proc / "meminfo").write_text("MemTotal: 1000 kB\nMemAvailable: 10 kB\n")
    assert machine.memory() == Room(free=10_240, total=1_024_000)
    about = tmp_path.stat()
    where = f"{os.major(about.st_dev):02x}:{os.minor(about.st_dev):02x}:{about.st_ino}"
    (machine.proc / "locks").write_text(f"1: POSIX  ADVISORY  WRITE 77 {where} 120 120\n")
    assert (machine.holder(tmp_path, 120), machine.holder(tmp_path, 121)) == (77, None)


async def test_a_silent_or_endless_answer_is_said_in_words(place: Place) -> None:
    def endless(exchange: Any) -> bool:
        exchange.body = bytes(2 * 1024 * 1024)
        return True

    web = Web(system_clock, addresses=place.addresses, trust=place.trust, timeout_s=3)
    place.front.before = endless
    assert "more than" in str(await web.ask("GET", "https://coop.example/endless"))
    assert await web.ask("GET", "https://[") != ""
    assert await web.addresses_of("no-such-name.invalid") == []
    assert await web.addresses_of("127.0.0.1") == ["127.0.0.1"]
    assert (await web.certificate("localhost", 1)).trouble is None
    await web.close()
