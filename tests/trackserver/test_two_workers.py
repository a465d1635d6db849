"""Two workers of a trackserver: whoever opened a download at one goes on at the other."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.rush import two_workers
from tests.support.spreading import BITS, Spread
from tests.trackserver.conftest import BASE_URL
from tests.trackserver.listing import listing
from trackserver.api import build_trackserver_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI

    from trackserver.parts import TrackserverParts


@pytest.fixture
def apps(parts: TrackserverParts) -> Iterator[tuple[FastAPI, ...]]:
    with two_workers(parts.database.url.render_as_string(hide_password=False)) as databases:
        yield tuple(build_trackserver_app(replace(parts, database=each)) for each in databases)


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("bit", BITS)
async def test_a_browser_downloads_from_both(
    bit: int, apps: tuple[FastAPI, ...], gate: Any, album_folder: Path
) -> None:
    spread, grant = Spread(*apps, bit=bit), gate.grant()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(spread), base_url=BASE_URL) as web:
        link = (await web.post("/grants", json={"grant": grant})).json()["link"]
        assert said(await web.post("/grants", json={"grant": grant})) == (409, "grant_used")
        path = (await web.get(link)).headers["location"]
        assert said(await web.get(link)) == (410, "link_used")
        assert "Süd: Nord" in (await web.get(path, headers={"Accept": "text/html"})).text
        held = await listing(web, path)
        track = held["files"][0]
        parts = [await web.get(track["url"], headers={"Range": wanted}) for wanted in ("bytes=0-99", "bytes=100-")]
        assert [part.status_code for part in parts] == [206, 206]
        digest = hashlib.sha256((album_folder / "01.flac").read_bytes()).digest()
        assert hashlib.sha256(b"".join(part.content for part in parts)).digest() == digest
        begun = await web.get(held["zip"]["url"], headers={"Range": "bytes=0-4999"})
        resumed = {"Range": "bytes=5000-", "If-Range": begun.headers["etag"]}
        rest = await web.get(held["zip"]["url"], headers=resumed)
        assert (begun.status_code, rest.status_code) == (206, 206)
        assert zipfile.ZipFile(io.BytesIO(begun.content + rest.content)).testzip() is None
        web.cookies.clear()
        assert said(await web.get(path)) == (403, "download_not_found")
    spread.check()


@pytest.mark.parametrize("bit", BITS)
async def test_a_wallet_downloads_from_both_and_shows_each_proof_once(
    bit: int, apps: tuple[FastAPI, ...], gate: Any
) -> None:
    spread, grant = Spread(*apps, bit=bit), gate.grant(bound=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(spread), base_url=BASE_URL) as web:
        made = await web.post(
            "/grants", json={"grant": grant}, headers={"DPoP": gate.proof("POST", f"{BASE_URL}/grants")}
        )
        url, token = made.json()["download"], made.json()["access_token"]

        def proven(address: str, **more: str) -> dict[str, str]:
            return {"Authorization": f"DPoP {token}", "DPoP": gate.proof("GET", address, access_token=token), **more}

        again = {"DPoP": gate.proof("POST", f"{BASE_URL}/grants")}
        assert said(await web.post("/grants", json={"grant": grant}, headers=again)) == (409, "grant_used")
        first = proven(url)
        held = (await web.get(url, headers=first)).json()
        assert said(await web.get(url, headers=first)) == (401, "dpop_proof_replayed")
        zipped = held["zip"]["url"]
        begun = await web.get(zipped, headers=proven(zipped, Range="bytes=0-4999"))
        rest = await web.get(zipped, headers=proven(zipped, Range="bytes=5000-"))
        assert zipfile.ZipFile(io.BytesIO(begun.content + rest.content)).testzip() is None
        for file in held["files"][:3]:
            assert (await web.get(file["url"], headers=proven(file["url"]))).status_code == 200
    spread.check()
