"""The demo: it does what it tells, it can fail, and it touches nothing that is not its own."""

import base64
import contextlib
import io
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from datetime import timedelta
from multiprocessing import forkserver
from pathlib import Path

import pytest
from rich.console import Console

from handstamp.demo.checks import check_files
from handstamp.demo.command import demo
from handstamp.demo.comparing import find_shared, values_of
from handstamp.demo.forked import run_command
from handstamp.demo.knowledge import Knowledge, check_numbers, check_personal, search
from handstamp.demo.second_half import build_table, check_shown
from handstamp.demo.stage import DOOR, PARTIES, SERVICES, SHOP, DemoFailed, Stage, build_stage
from handstamp.demo.teller import Teller
from plumbing.clock import system_clock
from schemas import RELEASE_OWNERSHIP, TRACK_OWNERSHIP
from tests.support.town import build_album
from tests.support.waiting import PATIENCE_S
from wallet.linked import LinkedKind
from wallet.receipts import Receipt, Shown
from wallet.state import Copy, Wallet


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_album(tmp_path_factory.mktemp("demo") / "album")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return build_stage(tmp_path / "stage")


@pytest.mark.flow
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
    refused = done.stdout.count("Not done.")
    assert refused == 2, done.stdout
    assert done.stdout.index("COME IN") < done.stdout.index("USED BEFORE")
    assert re.search(r"a number that repeats +no +no +no +yes +yes", done.stdout)
    assert "Done." in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
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
        stage = build_stage(tmp_path / "stage", first_ports=dict.fromkeys(SERVICES, taken))
    ports = {int(address.rsplit(":", 1)[1]) for address in stage.addresses.values()}
    assert len(ports) == 4
    assert taken not in ports
    for settings in ("handstamp", SHOP, DOOR):
        assert str(taken) not in (stage.folder / f"{settings}.toml").read_text()


def test_the_shop_and_its_door_share_an_address_and_nothing_else(stage: Stage) -> None:
    files = {party: stage.at(party).environment["HANDSTAMP_CONFIG"] for party in PARTIES}
    assert len(set(files.values())) == 3
    folders = [re.findall(r'data_dir = "(.+)"', Path(files[party]).read_text())[0] for party in (SHOP, DOOR)]
    assert folders == [str(stage.data_of(SHOP)), str(stage.data_of(DOOR))]
    assert all(f'"{stage.addresses[SHOP]}"' in Path(files[party]).read_text() for party in (SHOP, DOOR))


def test_a_stage_can_do_without_a_shop(tmp_path: Path) -> None:
    three = {"issuer": 8701, "trackserver": 8702, "verifier": 8703}
    stage = build_stage(tmp_path / "stage", first_ports=three)
    assert set(stage.addresses) == set(three)
    assert not (stage.folder / "shop.toml").exists()


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


@pytest.mark.slow
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
    teller = Teller(stage, Console(file=told, width=100))
    teller.say("“Night Bus Songs [live] [/]” by Nobody")
    teller.show("1 [live]\n2 [/]")
    assert told.getvalue() == "   “Night Bus Songs [live] [/]” by Nobody\n   1 [live]\n   2 [/]\n"


def test_long_sentences_stay_indented(stage: Stage) -> None:
    told = io.StringIO()
    Teller(stage, Console(file=told, width=20)).say("It is yours for good and all")
    assert [line.rstrip() for line in told.getvalue().splitlines()] == ["   It is yours for", "   good and all"]


def test_a_command_that_should_be_refused_and_is_not_ends_the_demo(stage: Stage) -> None:
    with pytest.raises(DemoFailed, match="was to be refused, and was not"):
        stage.run_refused("gate", "list")


def write(stage: Stage, party: str, *rows: object, log: str = "") -> None:
    """Let a party keep these values in its database, and these lines in its log."""
    folder = stage.data_of(party) / "verifier"
    folder.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(folder / "verifier.sqlite")) as database, database:
        database.execute("CREATE TABLE kept (value)")
        database.executemany("INSERT INTO kept VALUES (?)", [(row,) for row in rows])
    stage.log_of(party).parent.mkdir(exist_ok=True)
    stage.log_of(party).write_text(log)


def test_knowledge_is_found_where_it_was_written(stage: Stage) -> None:
    write(stage, "issuer", "....Robin....")
    write(stage, "verifier", log="Robin was here")
    write(stage, DOOR, b"\x00\x01number\x02")
    name, number = search(stage, {"the name": [b"Robin"], "a number": [b"digits", b"\x01number"]})
    assert {party for party, held in name.held_by.items() if held} == {"issuer", "verifier"}
    assert {party for party, held in number.held_by.items() if held} == {DOOR}


SECRET = bytes(range(200, 216))
ELSEWHERE = {
    "as it was": SECRET,
    "as base64url": base64.urlsafe_b64encode(SECRET).decode().rstrip("="),
    "as base64": base64.b64encode(SECRET).decode(),
    "as hexadecimal": SECRET.hex(),
    "inside JSON": f'{{"deep": [{{"er": "x {SECRET.hex()}"}}]}}',
}


def shared(stage: Stage, *, known: frozenset[bytes] = frozenset()) -> frozenset[bytes]:
    first, second = (values_of(stage, party) for party in ("verifier", SHOP))
    return find_shared(first, second, known=known, began=system_clock() - timedelta(minutes=1))


@pytest.mark.parametrize("form", ELSEWHERE)
def test_a_number_of_robins_in_both_books_is_found_however_it_is_written(stage: Stage, form: str) -> None:
    write(stage, "verifier", "the record 8d1f0c2e", SECRET)
    write(stage, SHOP, "the record 8d1f0c2e", ELSEWHERE[form])
    assert SECRET in shared(stage, known=values_of(stage, "issuer"))


def test_a_number_of_robins_in_both_logs_is_found(stage: Stage) -> None:
    for party in ("verifier", SHOP):
        write(stage, party, log=f'{{"visitor": "{SECRET.hex()}", "timestamp": "2026-11-21T15:00:01.5Z"}}\n')
    assert SECRET in shared(stage)


def test_what_is_the_same_for_everybody_is_not_taken_for_robins(stage: Stage) -> None:
    now = int(system_clock().timestamp())
    write(stage, "issuer", "8d1f0c2e-record")
    for party in ("verifier", SHOP):
        write(stage, party, "8d1f0c2e-record", now, "same_device", log="2026-11-21T15:00:01Z /gates/{gate_id}/visits\n")
    assert shared(stage, known=values_of(stage, "issuer")) == frozenset()


def test_books_that_were_not_read_prove_nothing(stage: Stage) -> None:
    write(stage, "verifier", "8d1f0c2e-one")
    write(stage, SHOP, "8d1f0c2e-other")
    with pytest.raises(DemoFailed, match="proves nothing"):
        shared(stage)


def test_the_table_fits_into_80_columns() -> None:
    told = io.StringIO()
    found = [Knowledge(fact="Robin's account number", held_by=held_at(*PARTIES))]
    Console(file=told, width=77).print(build_table(found))
    assert len(told.getvalue().splitlines()) == 2


def shown_at(site: str, copy: str, *, proof: LinkedKind | None, accepted: bool = True) -> Receipt:
    shown = Shown(copy_id=copy, title=copy, claims={}, proof=proof)
    return Receipt(
        id=site, at=system_clock(), site=site, terms=None, salt=None, nonce="", shown=(shown,), bindings=(),
        accepted=accepted,
    )  # fmt: skip


def test_the_demo_fails_if_the_wallet_showed_something_else_than_it_told() -> None:
    copies = tuple(
        Copy(id=name, issuer="http://coop.localhost", vct=kind.vct, claims={}, received_at=system_clock(), instances=())
        for name, kind in (("record", RELEASE_OWNERSHIP), ("track", TRACK_OWNERSHIP))
    )
    good = shown_at("once", "record", proof=LinkedKind.PSEUDONYM, accepted=False)
    check_shown(Wallet(copies=copies, receipts=(good,)))
    single = shown_at("files", "record", proof=None)
    with pytest.raises(DemoFailed, match="single-use stamp"):
        check_shown(Wallet(copies=copies, receipts=(good, single)))
    track = shown_at("once", "track", proof=LinkedKind.PSEUDONYM, accepted=False)
    with pytest.raises(DemoFailed, match="something else"):
        check_shown(Wallet(copies=copies, receipts=(track,)))


@pytest.mark.slow
@pytest.mark.usefixtures("demo_ports")
def test_a_demo_that_is_told_to_end_takes_its_services_with_it(album: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "handstamp", "demo", "--album", str(album)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert any("four processes" in line for line in running.stdout)
        running.terminate()
        assert running.wait(PATIENCE_S) == 143
        running.stdout.read()
    settings = [(tmp_path / ".demo" / f"{name}.toml").read_text() for name in ("handstamp", SHOP)]
    ports = re.findall(r"(?m)^port = (\d+)$", "\n".join(settings))
    assert len(ports) == 4
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", int(port))) != 0


def held_at(*parties: str) -> dict[str, bool]:
    return {party: party in parties for party in PARTIES}


@pytest.mark.parametrize(
    ("held_by", "reason"),
    [
        (held_at(), "proves nothing"),
        (held_at("issuer", "trackserver"), "was found at the trackserver"),
        (held_at("issuer", "verifier"), "was found at the verifier"),
        (held_at("issuer", DOOR), "was found at the door"),
    ],
)
def test_the_demo_fails_if_a_fact_about_the_person_leaked(held_by: dict[str, bool], reason: str) -> None:
    with pytest.raises(DemoFailed, match=reason):
        check_personal([Knowledge(fact="the name", held_by=held_by)])


@pytest.mark.parametrize(
    ("held_by", "reason"),
    [
        (held_at(SHOP), "did not even find the number at the door"),
        (held_at(SHOP, DOOR, "issuer"), "was found at the issuer"),
        (held_at(SHOP, DOOR, "verifier"), "was found at the verifier"),
    ],
)
def test_the_demo_fails_if_a_number_that_repeats_is_elsewhere(held_by: dict[str, bool], reason: str) -> None:
    with pytest.raises(DemoFailed, match=reason):
        check_numbers(Knowledge(fact="the number", held_by=held_by))


def test_a_number_where_gates_count_and_a_name_at_the_co_op_are_as_they_should_be() -> None:
    check_numbers(Knowledge(fact="the number", held_by=held_at(SHOP, DOOR)))
    check_personal([Knowledge(fact="the name", held_by=held_at("issuer"))])


@pytest.mark.slow
def test_ctrl_c_does_not_reach_the_process_that_loads_for_all_commands(tmp_path: Path) -> None:
    done = run_command(["--version"], environment=os.environ, folder=tmp_path)
    assert done.printed.startswith("handstamp 0.")
    told = Path(f"/proc/{forkserver._forkserver._forkserver_pid}/status")  # type: ignore[attr-defined]  # noqa: SLF001
    if not told.exists():
        pytest.skip("what a process waits for cannot be seen here: NOT RUN")
    (blocked,) = re.findall(r"SigBlk:\s(\w+)", told.read_text("utf-8"))
    assert int(blocked, 16) & 1 << signal.SIGINT - 1
