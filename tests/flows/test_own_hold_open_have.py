"""The whole path, across real processes over HTTP: own a record, hold it, open a gate, have the files."""

import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote_plus

import httpx
import pytest

from handstamp.demo.forked import run_command
from tests.flows.conftest import World
from tests.support.holder import request

pytestmark = pytest.mark.slow


def runner(world: World, folder: Path) -> Callable[..., str]:
    """Run wallet commands on a file of their own."""
    environment = {**world.stage.environment, "HANDSTAMP_WALLET__FILE": str(folder / "wallet.handstamp")}

    def run(*arguments: str, refused: bool = False) -> str:
        done = run_command(("wallet", *arguments), environment=environment, folder=folder)
        assert done.exit_code == (1 if refused else 0), done.printed + done.complained
        assert "Traceback" not in done.complained
        return done.complained if refused else done.printed

    return run


@pytest.fixture(scope="session")
def kept(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two wallets that trust the demo's authority: an empty one, and one that holds the release."""
    folder = tmp_path_factory.mktemp("kept")
    run = runner(world, folder)
    run("create")
    run("trust", "add", str(world.stage.folder / "certificates" / "authority.pem"), "--name", "Demo")
    empty = shutil.copy2(folder / "wallet.handstamp", folder / "empty")
    offer = world.json("issuer", "offer", world.listener)
    run("receive", offer["link"], "--code", offer["code"], "--yes")
    return {"empty": empty, "stocked": folder / "wallet.handstamp"}


@pytest.fixture
def wallet(world: World, kept: dict[str, Path], tmp_path: Path) -> Callable[..., str]:
    """An empty wallet of its own for each test."""
    shutil.copy2(kept["empty"], tmp_path / "wallet.handstamp")
    return runner(world, tmp_path)


@pytest.fixture
def stocked(world: World, kept: dict[str, Path], tmp_path: Path) -> Callable[..., str]:
    """A wallet of its own for each test, which holds the release."""
    shutil.copy2(kept["stocked"], tmp_path / "wallet.handstamp")
    return runner(world, tmp_path)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.flac")}


def test_a_record_is_received_shown_at_a_gate_and_its_files_arrive_unchanged(
    world: World, stocked: Callable[..., str], tmp_path: Path
) -> None:
    listed = stocked("list")
    assert world.release["title"] in listed
    stocked("open", world.gate, "--yes", "--to", str(tmp_path / "received"))
    assert digests(tmp_path / "received") == digests(world.album)


def test_the_whole_release_comes_as_one_zip_too(world: World, stocked: Callable[..., str], tmp_path: Path) -> None:
    stocked("open", world.gate, "--yes", "--zip", "--to", str(tmp_path / "received"))
    packed = next((tmp_path / "received").rglob("*.zip"))
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "unpacked")
    assert digests(tmp_path / "unpacked") == digests(world.album)


def test_an_offer_is_taken_once(world: World, wallet: Callable[..., str]) -> None:
    offer = world.json("issuer", "offer", world.listener)
    wallet("receive", offer["link"], "--code", offer["code"], "--yes")
    assert "offer" in wallet("receive", offer["link"], "--code", offer["code"], "--yes", refused=True)


def test_a_photographed_qr_without_the_code_gives_nothing_and_burns_nothing(
    world: World, wallet: Callable[..., str]
) -> None:
    offer = world.json("issuer", "offer", world.listener)
    wrong = f"{(int(offer['code']) + 1) % 1_000_000:06}"
    wallet("receive", offer["link"], "--code", wrong, "--yes", refused=True)
    assert world.release["title"] not in wallet("list")
    wallet("receive", offer["link"], "--code", offer["code"], "--yes")
    assert world.release["title"] in wallet("list")


def test_a_wallet_that_does_not_own_the_record_is_told_so_in_words(world: World, wallet: Callable[..., str]) -> None:
    words = wallet("open", world.gate, "--yes", refused=True)
    assert "credential" not in words.lower()
    assert "own" in words


async def test_a_gate_opened_from_another_device_updates_the_waiting_page_and_leads_to_the_files(
    world: World, stocked: Callable[..., str]
) -> None:
    started = await request("POST", f"{world.gate}/visits", headers={"Accept": "application/json"})
    assert started.status_code == 201
    cookies = dict(started.cookies)
    visit = started.json()
    waiting = await request("GET", visit["visit"], cookies=cookies, headers={"Accept": "text/html"})
    assert "Waiting for your wallet" in waiting.text
    stocked("answer", visit["cross_device"], "--yes")
    accepted = await request("GET", visit["visit"], cookies=cookies, headers={"Accept": "text/html"})
    assert "Get the files" in accepted.text
    field = accepted.text.split('name="csrf" value="')[1].split('"')[0]
    opened = await request("POST", f"{visit['visit']}/grant", cookies=cookies, data={"csrf": field})
    assert opened.status_code == 303
    assert opened.headers["location"].startswith(world.stage.addresses["trackserver"])
    inside = await request("GET", opened.headers["location"])
    assert inside.status_code == 303
    page = await request(
        "GET", httpx.URL(opened.headers["location"]).join(inside.headers["location"]).__str__(),
        cookies=dict(inside.cookies), headers={"Accept": "text/html"},
    )  # fmt: skip
    assert world.release["title"] in page.text
    again = await request("GET", opened.headers["location"], headers={"Accept": "text/html"})
    assert again.status_code in {403, 404, 409, 410}


async def test_a_foreign_browser_cannot_use_somebody_elses_return(world: World, stocked: Callable[..., str]) -> None:
    started = await request("POST", f"{world.gate}/visits", headers={"Accept": "application/json"})
    stranger = await request("POST", f"{world.gate}/visits", headers={"Accept": "application/json"})
    stocked("answer", started.json()["cross_device"], "--yes")
    for cookies in ({}, dict(stranger.cookies)):
        peek = await request("GET", started.json()["visit"], cookies=cookies, headers={"Accept": "text/html"})
        assert "Get the files" not in peek.text
        assert peek.status_code in {403, 404}


def test_two_visits_show_the_same_words_and_two_proofs(
    world: World, stocked: Callable[..., str], tmp_path: Path
) -> None:
    before = len(world.taps["verifier"].everything())
    for visit in ("one", "two"):
        stocked("open", world.gate, "--yes", "--to", str(tmp_path / visit))
    sent = world.taps["verifier"].everything()[before:].decode("latin-1")
    answers = re.findall(r"vp_token=([^&\s]+)", sent)
    one, two = (next(iter(json.loads(unquote_plus(answer)).values()))[0] for answer in answers)
    assert one["proof"].pop("proofValue") != two["proof"].pop("proofValue")
    # What is left says the same of every holder of that month.
    assert one == two


def test_what_a_command_prints_for_scripts_is_json(world: World, stocked: Callable[..., str]) -> None:
    assert str(world.release["title"]) in json.dumps(json.loads(stocked("list", "--json")))
