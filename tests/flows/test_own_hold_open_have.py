"""The whole path, across real processes over HTTP: own a record, hold it, open a gate, have the files."""

import hashlib
import json
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.flows.conftest import World

pytestmark = [pytest.mark.xdist_group("flows"), pytest.mark.slow]


@pytest.fixture
def wallet(world: World, tmp_path: Path) -> Callable[..., str]:
    """A wallet of its own for each test, already trusting the demo's authority."""
    environment = {**world.stage.environment, "HANDSTAMP_WALLET__FILE": str(tmp_path / "wallet.handstamp")}

    def run(*arguments: str, refused: bool = False) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "handstamp", "wallet", *arguments],
            env=environment,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == (1 if refused else 0), done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr if refused else done.stdout

    run("create")
    run("trust", "add", str(world.stage.folder / "certificates" / "authority.pem"), "--name", "Demo")
    return run


@pytest.fixture
def stocked(world: World, wallet: Callable[..., str]) -> Callable[..., str]:
    """A wallet that holds the release."""
    offer = world.json("issuer", "offer", world.listener)
    wallet("receive", offer["link"], "--code", offer["code"], "--yes")
    return wallet


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.flac")}


async def request(method: str, url: str, **options: object) -> httpx.Response:
    """Ask as a browser's network stack would: *.localhost is this machine."""
    parsed = httpx.URL(url)
    headers = {"Host": parsed.netloc.decode(), **options.pop("headers", {})}  # type: ignore[dict-item]
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(method, parsed.copy_with(host="127.0.0.1"), headers=headers, **options)  # type: ignore[arg-type]


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


def test_two_visits_show_two_different_instances(world: World, stocked: Callable[..., str], tmp_path: Path) -> None:
    before = len(world.taps["verifier"].everything())
    for visit in ("one", "two"):
        stocked("open", world.gate, "--yes", "--to", str(tmp_path / visit))
    sent = world.taps["verifier"].everything()[before:]
    bodies = [piece.split(b"\r\n\r\n", 1)[-1] for piece in sent.split(b"POST /responses/")[1:]]
    tokens = [body.split(b"vp_token=")[1].split(b"&")[0][:2000] for body in bodies if b"vp_token=" in body]
    assert len(tokens) == 2
    assert tokens[0] != tokens[1]
    signatures = [token.split(b".")[2].split(b"~")[0] for token in tokens]
    assert signatures[0] != signatures[1]


def test_json_output_of_commands_is_json(world: World, stocked: Callable[..., str]) -> None:
    held = json.loads(stocked("list", "--json"))
    assert json.dumps(held)
    assert uuid.UUID(str(world.release["id"]))
