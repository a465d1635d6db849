"""Who may download, and from where: a browser with its cookie, a wallet with its key, and nobody else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from credentials.keys.signer import LocalSigner
from plumbing.logs import configure
from tests.trackserver.listing import listing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

BASE_URL = "http://tracks.localhost:8702"


async def test_another_browser_has_no_way_in(client: httpx.AsyncClient, download_path: str) -> None:
    client.cookies.clear()
    for headers in ({}, {"Cookie": "handstamp_download=guess"}):
        for path in (download_path, f"{download_path}/release.zip", f"{download_path}/files/cover"):
            answer = await client.get(path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "download_not_found")
    page = await client.get(download_path, headers={"Accept": "text/html"})
    assert page.status_code == 403
    assert "Nothing is lost" in page.text


async def test_a_download_closes_after_a_day(client: httpx.AsyncClient, download_path: str, clock: Any) -> None:
    url = (await listing(client, download_path))["zip"]["url"]
    clock.advance(hours=23, minutes=59)
    assert (await client.get(url)).status_code == 200
    clock.advance(minutes=1)
    page = await client.get(download_path, headers={"Accept": "text/html"})
    assert page.status_code == 410
    assert "you own the music as before" in page.text


async def test_a_grant_for_one_track_opens_that_track_alone(client: httpx.AsyncClient, gate: Any) -> None:
    track = gate.release.tracks[1]
    made = await client.post("/grants", json={"grant": gate.grant(tracks=(track.id,), formats=("flac",))})
    path = (await client.get(made.json()["link"])).headers["location"]
    assert [file["name"] for file in (await listing(client, path))["files"]] == ["02 Straße-2.flac", "cover.png"]
    other = gate.release.tracks[0].masters[0].id
    assert (await client.get(f"{path}/files/{other}")).json()["code"] == "file_not_found"


async def bound(client: httpx.AsyncClient, gate: Any) -> tuple[str, str]:
    headers = {"DPoP": gate.proof("POST", f"{BASE_URL}/grants")}
    made = (await client.post("/grants", json={"grant": gate.grant(bound=True)}, headers=headers)).json()
    return made["download"], made["access_token"]


async def test_a_wallet_needs_a_fresh_proof_for_every_request(client: httpx.AsyncClient, gate: Any) -> None:
    url, token = await bound(client, gate)
    address = f"{url}/release.zip"
    headers = {"Authorization": f"DPoP {token}", "DPoP": gate.proof("GET", address, access_token=token)}
    assert (await client.get(address, headers=headers)).status_code == 200
    replayed = await client.get(address, headers=headers)
    assert (replayed.status_code, replayed.json()["code"]) == (401, "dpop_proof_replayed")
    assert replayed.headers["www-authenticate"].startswith("DPoP ")


@pytest.mark.parametrize("tail", ["?", "#", "/../x?"])
async def test_a_host_header_does_not_move_a_proof_to_another_address(
    client: httpx.AsyncClient, gate: Any, tail: str
) -> None:
    """An intercepted proof is good for the address that it was made for, whatever the request says of its host."""
    url, token = await bound(client, gate)
    headers = {"Authorization": f"DPoP {token}", "DPoP": gate.proof("GET", url, access_token=token)}
    moved = await client.get(f"{url}/release.zip", headers=headers | {"Host": f"{url.partition('://')[2]}{tail}"})
    assert (moved.status_code, moved.json()["code"]) == (401, "invalid_dpop_proof")
    assert (await client.get(url, headers=headers)).status_code == 200


async def test_a_stolen_token_opens_nothing(client: httpx.AsyncClient, gate: Any) -> None:
    url, token = await bound(client, gate)
    thief = LocalSigner.generate()
    tries = {
        "no proof": {"Authorization": f"DPoP {token}"},
        "another key": {
            "Authorization": f"DPoP {token}",
            "DPoP": gate.proof("GET", url, signer=thief, access_token=token),
        },
        "no hash of the token": {"Authorization": f"DPoP {token}", "DPoP": gate.proof("GET", url)},
        "another address": {
            "Authorization": f"DPoP {token}",
            "DPoP": gate.proof("GET", f"{url}/release.zip", access_token=token),
        },
        "another token": {"Authorization": "DPoP guess", "DPoP": gate.proof("GET", url, access_token="guess")},
    }
    for what, headers in tries.items():
        answer = await client.get(url, headers=headers)
        assert answer.status_code == 401, what
        assert answer.headers["www-authenticate"].startswith("DPoP error="), what
    as_cookie = await client.get(url, headers={"Cookie": f"handstamp_download={token}"})
    assert as_cookie.json()["code"] == "download_not_found"
    as_bearer = await client.get(url, headers={"Authorization": f"Bearer {token}"})
    assert as_bearer.json()["code"] == "download_not_found"


async def test_a_browsers_cookie_is_no_token(client: httpx.AsyncClient, download_path: str, gate: Any) -> None:
    cookie = next(iter(client.cookies.jar)).value
    url = f"{BASE_URL}{download_path}"
    proof = gate.proof("GET", url, access_token=cookie)
    answer = await client.get(url, headers={"Authorization": f"DPoP {cookie}", "DPoP": proof})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


async def test_anybody_may_know_what_a_release_holds(client: httpx.AsyncClient, gate: Any, album_folder: Path) -> None:
    answer = await client.get(f"/releases/{gate.release.id}")
    release = answer.json()
    assert release["title"] == "Süd: Nord"
    assert release["gtin"] == "2000000000015"
    assert [track["number"] for track in release["tracks"]] == [1, 2, 3]
    assert release["tracks"][0]["files"][0]["bytes"] == (album_folder / "01.flac").stat().st_size
    assert release["tracks"][0]["duration_s"] == 0.3
    assert release["packages"][0]["format"] == "original"
    assert str(album_folder) not in json.dumps(release)
    cover = await client.get(release["cover"])
    assert cover.content == (album_folder / "cover.png").read_bytes()
    assert cover.headers["content-type"] == "image/png"
    assert "content-disposition" not in cover.headers
    missing = await client.get("/releases/nowhere")
    assert (missing.status_code, missing.json()["code"]) == (404, "release_not_found")


@pytest.fixture
def _silence_again() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("_silence_again")
async def test_logs_hold_no_ticket_token_address_or_title(
    client: httpx.AsyncClient, gate: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    configure()  # here, because pytest opens the captured stream anew for the test itself
    made = await client.post("/grants", json={"grant": gate.grant()})
    ticket = made.json()["link"].partition("=")[2]
    opened = await client.get(made.json()["link"])
    await client.get(opened.headers["location"])
    url, token = await bound(client, gate)
    written = capsys.readouterr().err
    assert "/downloads/{download_id}" in written
    secrets = [
        ticket,
        token,
        url.rpartition("/")[2],
        opened.cookies["handstamp_download"],
        "127.0.0.1",
        gate.release.id,
    ]
    assert not [secret for secret in secrets if secret in written]
