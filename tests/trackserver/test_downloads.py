import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credentials.keys.signer import LocalSigner
from plumbing.logs import configure
from trackserver import packages
from trackserver.grants import Scope
from trackserver.packages import ZipLayouts, build_package
from trackserver.service.add_release import Added
from trackserver.zip_layout import Member, ZipLayout, build_zip_layout

BASE_URL = "http://tracks.localhost:8702"


async def listing(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.get(path)
    assert answer.status_code == 200
    return dict(answer.json())


async def test_every_file_arrives_byte_for_byte(
    client: httpx.AsyncClient, download_path: str, album_folder: Path
) -> None:
    files = (await listing(client, download_path))["files"]
    assert [file["name"] for file in files] == ["01 Nachtlied.flac", "02 Straße-2.flac", "03 Ende.flac", "cover.png"]
    originals = [album_folder / name for name in ("01.flac", "02.flac", "03.flac", "cover.png")]
    for file, path in zip(files, originals, strict=True):
        answer = await client.get(file["url"])
        assert answer.content == path.read_bytes()
        assert hashlib.sha256(answer.content).hexdigest() == file["sha256"]
        assert answer.headers["content-length"] == str(file["bytes"])
        assert answer.headers["content-type"] == file["media_type"]
        assert answer.headers["etag"] == f'"{file["sha256"]}"'
        assert answer.headers["accept-ranges"] == "bytes"


async def test_the_zip_holds_every_file_the_cover_and_a_friendly_text(
    client: httpx.AsyncClient, download_path: str, album_folder: Path
) -> None:
    zipped = (await listing(client, download_path))["zip"]
    answer = await client.get(zipped["url"])
    assert answer.headers["content-length"] == str(zipped["bytes"]) == str(len(answer.content))
    assert answer.headers["content-type"] == "application/zip"
    assert "filename*=UTF-8''Die%20Heimfahrt%20-%20S%C3%BCd-%20Nord.zip" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        folder = "Die Heimfahrt - Süd- Nord"
        assert archive.read(f"{folder}/01 Nachtlied.flac") == (album_folder / "01.flac").read_bytes()
        assert archive.read(f"{folder}/cover.png") == (album_folder / "cover.png").read_bytes()
        assert "This music is yours." in archive.read(f"{folder}/README.txt").decode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(data=st.data())
async def test_a_zip_goes_on_from_any_byte(client: httpx.AsyncClient, download_path: str, data: st.DataObject) -> None:
    url = f"{download_path}/release.zip"
    whole = await client.get(url)
    place = data.draw(st.integers(0, len(whole.content) - 1))
    rest = await client.get(url, headers={"Range": f"bytes={place}-", "If-Range": whole.headers["etag"]})
    assert rest.status_code == 206
    assert rest.headers["content-range"] == f"bytes {place}-{len(whole.content) - 1}/{len(whole.content)}"
    assert whole.content[:place] + rest.content == whole.content


async def test_conditions_and_ranges_of_a_file(client: httpx.AsyncClient, download_path: str) -> None:
    url = (await listing(client, download_path))["files"][0]["url"]
    whole = await client.get(url)
    size, tag = len(whole.content), whole.headers["etag"]
    unchanged = await client.get(url, headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["etag"] == tag
    part = await client.get(url, headers={"Range": "bytes=-10"})
    assert (part.status_code, part.content) == (206, whole.content[-10:])
    beyond = await client.get(url, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    several = await client.get(url, headers={"Range": "bytes=0-1,4-5"})
    assert (several.status_code, several.content) == (200, whole.content)
    stale = await client.get(url, headers={"Range": "bytes=5-", "If-Range": '"old"'})
    assert (stale.status_code, stale.content) == (200, whole.content)
    head = await client.head(url, headers={"Range": "bytes=0-1"})
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(size))


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One entry for each time that a zip is laid out."""
    seen: list[object] = []

    def counting(members: Sequence[Member]) -> ZipLayout:
        seen.append(members)
        return build_zip_layout(members)

    monkeypatch.setattr(packages, "build_zip_layout", counting)
    return seen


async def test_a_single_file_lays_out_no_zip(
    client: httpx.AsyncClient, download_path: str, built: list[object]
) -> None:
    for part in ("bytes=0-9", "bytes=10-19", "bytes=20-"):
        answer = await client.get(f"{download_path}/files/cover", headers={"Range": part})
        assert answer.status_code == 206
    assert built == []


async def test_a_zip_is_laid_out_once_for_all_its_ranges(
    client: httpx.AsyncClient, download_path: str, built: list[object]
) -> None:
    for start in range(0, 100, 10):
        part = {"Range": f"bytes={start}-{start + 9}"}
        assert (await client.get(f"{download_path}/release.zip", headers=part)).status_code == 206
    await listing(client, download_path)
    assert len(built) == 1


async def test_a_changed_release_gives_a_new_zip(
    client: httpx.AsyncClient,
    download_path: str,
    built: list[object],
    album_folder: Path,
    audio: Callable[..., Path],
    add: Callable[..., Added],
) -> None:
    before = await client.get(f"{download_path}/release.zip")
    audio(album_folder / "01.flac", seconds=0.4, title="Nachtlied", album="Süd: Nord", tracknumber="1")
    add(album_folder, title="Süd: Nord", artist="Die Heimfahrt")
    after = await client.get(f"{download_path}/release.zip")
    assert (after.status_code, len(built)) == (200, 2)
    assert after.headers["etag"] != before.headers["etag"]
    with zipfile.ZipFile(io.BytesIO(after.content)) as archive:
        held = archive.read("Die Heimfahrt - Süd- Nord/01 Nachtlied.flac")
    assert held == (album_folder / "01.flac").read_bytes()


def test_only_so_many_zips_are_remembered(gate: Any, built: list[object]) -> None:
    layouts = ZipLayouts(max_kept=2)
    first, second, third = (
        build_package(gate.release, Scope(release_id=gate.release.id, tracks=(track.id,), formats=()))
        for track in gate.release.tracks
    )
    assert len({layouts.of(package).etag for package in (first, second, first, third)}) == 3
    assert len(built) == 3
    layouts.of(first)
    assert len(built) == 3
    layouts.of(second)
    assert len(built) == 4


def test_many_threads_may_ask_for_zips_at_once(gate: Any) -> None:
    layouts = ZipLayouts(max_kept=2)
    scopes = [Scope(release_id=gate.release.id, tracks=(track.id,), formats=()) for track in gate.release.tracks]
    chosen = [build_package(gate.release, scope) for scope in scopes]
    with ThreadPoolExecutor(8) as pool:
        asked = [(package, pool.submit(layouts.of, package)) for package in chosen * 100]
    assert len({(package.scope, laid_out.result().etag) for package, laid_out in asked}) == 3


async def test_a_changed_original_is_not_sent(
    client: httpx.AsyncClient, download_path: str, album_folder: Path
) -> None:
    files = (await listing(client, download_path))["files"]
    path = album_folder / "01.flac"
    path.write_bytes(path.read_bytes() + b"x")
    for url in (files[0]["url"], f"{download_path}/release.zip"):
        answer = await client.get(url)
        assert (answer.status_code, answer.json()["code"]) == (503, "file_changed")
    assert (await client.get(files[1]["url"])).status_code == 200
    path.unlink()
    assert (await client.get(files[0]["url"])).json()["code"] == "file_changed"


async def test_an_original_with_another_date_is_not_sent(
    client: httpx.AsyncClient, download_path: str, album_folder: Path
) -> None:
    url = (await listing(client, download_path))["files"][0]["url"]
    os.utime(album_folder / "01.flac", ns=(5, 5))
    assert (await client.get(url)).json()["code"] == "file_changed"


async def test_a_file_that_is_not_in_the_download_is_not_found(client: httpx.AsyncClient, download_path: str) -> None:
    for name in ("nothing", "..%2f..%2fetc%2fpasswd", "%00"):
        assert (await client.get(f"{download_path}/files/{name}")).status_code == 404


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


async def test_the_page_says_what_there_is_and_how_large(
    client: httpx.AsyncClient, download_path: str, gate: Any
) -> None:
    page = await client.get(download_path, headers={"Accept": "text/html,*/*"})
    html = page.text
    assert page.headers["content-type"].startswith("text/html")
    assert "Süd: Nord" in html
    assert "Die Heimfahrt" in html
    assert re.search(r"Get everything, \d+(\.\d)?\xa0kB", html)
    assert html.count('class="button primary"') == 1
    assert html.count('class="button secondary small"') == 3
    assert f'src="/releases/{gate.release.id}/cover"' in html
    assert 'alt="Cover of Süd: Nord by Die Heimfahrt"' in html
    assert "<script>" not in html
    assert "style=" not in html
    assert "2026-11-22T09:00:00Z" in html
    assert "set-cookie" not in page.headers


async def test_titles_cannot_become_markup(
    client: httpx.AsyncClient, gate: Any, add: Callable[..., Added], audio: Callable[..., Path], tmp_path: Path
) -> None:
    for extension in ("flac", "mp3"):
        title = "<script>alert(1)</script>"
        audio(tmp_path / "x" / f"1.{extension}", title=title, tracknumber="1", album="<b>x", artist="B")
    audio(tmp_path / "x" / "2.flac", title="Duet", tracknumber="2", album="<b>x", artist="B & C", albumartist="B")
    release = add(tmp_path / "x").release
    gate.allow(release.id)
    made = await client.post("/grants", json={"grant": gate.grant(release=release.id)})
    path = (await client.get(made.json()["link"])).headers["location"]
    html = (await client.get(path, headers={"Accept": "text/html"})).text
    assert "<script>alert" not in html
    assert "<b>x" not in html
    assert "B &amp; C" in html
    assert "MP3, " in html
    assert (await client.get(f"/releases/{release.id}/cover")).json()["code"] == "cover_not_found"


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


async def test_the_service_says_that_it_is_well(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health")).json() == {"status": "ok"}


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
