from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trackserver.listing import listing
from trackserver import packages
from trackserver.grants import Scope
from trackserver.packages import ZipLayouts, build_package
from trackserver.zip_layout import Member, ZipLayout, build_zip_layout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import httpx

    from trackserver.service.add_release import Added


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
        assert (answer.status_code, answer.json()["code"]) == (500, "file_changed")
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


async def test_the_service_says_that_it_is_well(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health")).json() == {"status": "ok"}
