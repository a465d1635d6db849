"""The demo: it does what it tells, it can fail, and it touches nothing that is not its own."""

import io
import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from handstamp.demo.album import compose_album
from handstamp.demo.checks import check_files
from handstamp.demo.command import demo
from handstamp.demo.knowledge import Knowledge, search
from handstamp.demo.stage import ROLES, DemoFailed, Stage, build_stage
from handstamp.demo.story import Story, check_knowledge


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compose_album(tmp_path_factory.mktemp("album"))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return build_stage(tmp_path / "stage")


@pytest.mark.slow
def test_the_whole_story_holds_with_an_album_of_ones_own(album: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in album.iterdir()}
    done = subprocess.run(
        [sys.executable, "-m", "handstamp", "demo", "--check", "--album", str(album)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 of 3 are identical to what the artist put in" in done.stdout
    assert "Done." in done.stdout
    assert {path: path.read_bytes() for path in album.iterdir()} == before
    assert list(tmp_path.iterdir()) == []


def test_an_album_that_is_not_there_is_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(DemoFailed, match="is not a folder"):
        demo(album=tmp_path / "nowhere", check=True)


def test_a_folder_that_the_demo_did_not_make_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".demo").mkdir()
    (tmp_path / ".demo" / "precious").write_text("mine")
    with pytest.raises(DemoFailed, match="not made by the demo"):
        demo()
    assert (tmp_path / ".demo" / "precious").read_text() == "mine"


def test_a_busy_port_moves_before_any_identifier_is_made(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        taken = busy.getsockname()[1]
        stage = build_stage(tmp_path / "stage", first_ports=dict.fromkeys(ROLES, taken))
    ports = {int(address.rsplit(":", 1)[1]) for address in stage.addresses.values()}
    assert len(ports) == 3
    assert taken not in ports
    assert str(taken) not in (stage.folder / "handstamp.toml").read_text()


def test_hosts_can_be_plain_localhost(tmp_path: Path) -> None:
    stage = build_stage(tmp_path / "stage", hosts="ports")
    assert {address.rsplit(":", 1)[0] for address in stage.addresses.values()} == {"http://localhost"}


def test_make_hands_album_and_hosts_on() -> None:
    root = Path(__file__).parents[2]
    asked = ["make", "-n", "demo-check", "ALBUM=/my album", "HOSTS=ports"]
    planned = subprocess.run(asked, cwd=root, capture_output=True, text=True, check=True).stdout
    assert 'demo --check --album "/my album" --hosts "ports"' in planned


def test_private_keys_are_for_their_owner_only(stage: Stage) -> None:
    for path in (stage.folder / "certificates").glob("*.key.pem"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_settings_of_the_person_who_tries_it_do_not_leak_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDSTAMP_ISSUER__NAME", "My real co-op")
    stage = build_stage(tmp_path / "stage")
    assert "HANDSTAMP_ISSUER__NAME" not in stage.environment
    assert stage.environment["PATH"] == os.environ["PATH"]


def test_a_command_that_fails_says_why_in_its_own_words(stage: Stage) -> None:
    with pytest.raises(DemoFailed, match=r"handstamp tracks add did not work: Not done\."):
        stage.run("tracks", "add", str(stage.folder / "nowhere"))


def test_a_service_that_does_not_start_shows_the_end_of_its_log(stage: Stage) -> None:
    (stage.folder / "handstamp.toml").write_text("nonsense = true\n")

    def start() -> None:
        with stage.services():
            pytest.fail("a service with unusable settings must not start")

    with pytest.raises(DemoFailed, match="The setting nonsense cannot be used"):
        start()


def test_a_missing_or_changed_file_is_noticed(album: Path, tmp_path: Path) -> None:
    for path in album.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert len(check_files(tmp_path, album)) == 3
    changed = next(tmp_path.glob("*.flac"))
    changed.write_bytes(changed.read_bytes()[:-1] + b"x")
    with pytest.raises(DemoFailed, match="did not arrive as it was put in"):
        check_files(tmp_path, album)
    with pytest.raises(DemoFailed, match="no audio file"):
        check_files(tmp_path, tmp_path / "nothing")


def test_a_hidden_file_beside_the_music_is_passed_over(album: Path, tmp_path: Path) -> None:
    for folder in ("originals", "received"):
        (tmp_path / folder).mkdir()
        for path in album.glob("*.flac"):
            (tmp_path / folder / path.name).write_bytes(path.read_bytes())
    (tmp_path / "originals" / "._01 Last Bus.flac").write_bytes(b"a Mac was here")
    assert len(check_files(tmp_path / "received", tmp_path / "originals")) == 3


def test_a_title_with_brackets_is_told_whole(stage: Stage) -> None:
    told = io.StringIO()
    Story(stage, Console(file=told, width=100), album=None).say("“Night Bus Songs [live] [/]” by Nobody")
    assert told.getvalue() == "   “Night Bus Songs [live] [/]” by Nobody\n"


def test_knowledge_is_found_where_it_was_written(stage: Stage) -> None:
    for role in ROLES:
        (stage.folder / "data" / role).mkdir(parents=True)
        stage.log_of(role).parent.mkdir(exist_ok=True)
        stage.log_of(role).touch()
    (stage.folder / "data" / "issuer" / "issuer.sqlite").write_bytes(b"....Robin....")
    stage.log_of("verifier").write_text("Robin was here")
    found = search(stage, {"the name": "Robin"})
    assert found == [Knowledge(fact="the name", held_by={"issuer": True, "trackserver": False, "verifier": True})]


@pytest.mark.slow
def test_a_demo_that_is_told_to_end_takes_its_services_with_it(album: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "handstamp", "demo", "--album", str(album)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert any("three processes" in line for line in running.stdout)
        running.terminate()
        assert running.wait(20) == 143
        running.stdout.read()
    toml = (tmp_path / ".demo" / "handstamp.toml").read_text()
    for port in re.findall(r"(?m)^port = (\d+)$", toml):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", int(port))) != 0


@pytest.mark.parametrize(
    ("held_by", "reason"),
    [
        ({"issuer": False, "trackserver": False, "verifier": False}, "proves nothing"),
        ({"issuer": True, "trackserver": True, "verifier": False}, "was found at the trackserver"),
        ({"issuer": True, "trackserver": False, "verifier": True}, "was found at the verifier"),
    ],
)
def test_the_demo_fails_if_a_fact_about_the_person_leaked(held_by: dict[str, bool], reason: str) -> None:
    with pytest.raises(DemoFailed, match=reason):
        check_knowledge([Knowledge(fact="the name", held_by=held_by)])
