"""A trackserver that stumbles, sends other bytes or leads elsewhere: no wrong file gets its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from credentials.errors import HandstampError, Malformed
from plumbing.fetch import FetchFailed
from tests.support.hostile_tracks import ONE, HostileTracks
from tests.support.outside import Outside, endless, says
from tests.wallet.fetching import WHOLE, fetch, files_in, look, other
from wallet import errors
from wallet.service.download import find_delivery

if TYPE_CHECKING:
    from pathlib import Path

    from wallet.ports import Tools
    from wallet.state import Delivery


@pytest.mark.parametrize(
    "data", [ONE[:-1] + b"!", ONE + b"more", b"", ONE[:500]], ids=["other", "longer", "empty", "shorter"]
)
async def test_wrong_bytes_never_get_the_files_name(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, tmp_path: Path, data: bytes
) -> None:
    tracks.routes.answers["GET /downloads/d/files/1"] = other(data)
    with pytest.raises((errors.DownloadFailed, FetchFailed)):
        await fetch(delivery, tools, tmp_path)
    assert not (tmp_path / "01 Night Bus.flac").exists()


async def test_an_endless_file_is_cut_at_its_announced_size(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, tmp_path: Path
) -> None:
    tracks.routes.answers["GET /downloads/d/files/1"] = endless()
    with pytest.raises(errors.DownloadFailed, match="more bytes than announced"):
        await fetch(delivery, tools, tmp_path)
    assert files_in(tmp_path) == {}


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_closed_download_says_to_open_the_gate_again(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, tmp_path: Path, status: int
) -> None:
    tracks.routes.answers["GET /downloads/d/files/1"] = says({}, status)
    with pytest.raises(errors.DownloadFailed, match="open the gate again"):
        await fetch(delivery, tools, tmp_path)
    tracks.routes.answers["GET /downloads/d"] = says({}, status)
    with pytest.raises(errors.DownloadFailed, match="open the gate again"):
        await fetch(find_delivery(None, tools=tools), tools, tmp_path)


async def test_a_server_that_stumbles_is_asked_again(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, tmp_path: Path
) -> None:
    stumbles = [503, 500]

    def stumbling(request: httpx.Request) -> httpx.Response:
        return httpx.Response(stumbles.pop()) if stumbles else tracks.send(request, "1")

    tracks.routes.answers["GET /downloads/d/files/1"] = stumbling
    await fetch(delivery, tools, tmp_path)
    assert files_in(tmp_path) == WHOLE


@pytest.mark.parametrize("content_range", ["", "bytes 0-9/10", "bytes 100-99999/100000", "nonsense"])
async def test_another_part_than_was_asked_for_is_not_taken(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, tmp_path: Path, content_range: str
) -> None:
    (tmp_path / "01 Night Bus.flac.part").write_bytes(ONE[:100])
    (tmp_path / "01 Night Bus.flac.part.etag").write_text('"one"')

    def lying(request: httpx.Request) -> httpx.Response:
        if "Range" in request.headers:
            return httpx.Response(206, content=b"?" * 10, headers={"Content-Range": content_range})
        return tracks.send(request, "1")

    tracks.routes.answers["GET /downloads/d/files/1"] = lying
    await fetch(delivery, tools, tmp_path)
    assert files_in(tmp_path) == WHOLE


async def test_a_range_that_no_longer_fits_starts_anew(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, tmp_path: Path
) -> None:
    (tmp_path / "01 Night Bus.flac.part").write_bytes(ONE[:100])
    (tmp_path / "01 Night Bus.flac.part.etag").write_text('"one"')

    def refusing(request: httpx.Request) -> httpx.Response:
        return httpx.Response(416) if "Range" in request.headers else tracks.send(request, "1")

    tracks.routes.answers["GET /downloads/d/files/1"] = refusing
    await fetch(delivery, tools, tmp_path)
    assert files_in(tmp_path) == WHOLE


ELSEWHERE = "http://shop.localhost:8702/f"


@pytest.mark.parametrize(
    "lie",
    [
        {"url": ELSEWHERE},
        {"url": "https://tracks.localhost:8702/f"},
        {"url": "file:///etc/passwd"},
        {"sha256": "A" * 64},
        {"sha256": None},
        {"bytes": -1},
        {"bytes": 2**50},
        {"bytes": "7"},
        {"name": ""},
        {"name": "x" * 2000},
    ],
    ids=str,
)
async def test_a_list_that_leads_elsewhere_or_cannot_be_true_is_refused_whole(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, outside: Outside, lie: dict[str, Any]
) -> None:
    tracks.routes.answers["GET /downloads/d"] = says(tracks.listing(files=[tracks.entry("1", **lie)]))
    with pytest.raises(Malformed):
        await look(delivery, tools)
    assert outside.sent_to("shop.localhost") == []


@pytest.mark.parametrize(
    ("route", "lie"),
    [
        ("POST /grants", {"download": ELSEWHERE}),
        ("POST /grants", {"token_type": "Bearer"}),
        ("POST /grants", {"expires_in": 10**12}),
        ("GET /downloads/d", {"files": []}),
        ("GET /downloads/d", {"files": "all"}),
        ("GET /downloads/d", {"zip": {"bytes": 1, "url": ELSEWHERE}}),
        ("GET /downloads/d", {"title": 7}),
    ],
    ids=str,
)
async def test_a_trackserver_that_lies_about_a_download_is_refused(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, route: str, lie: dict[str, Any]
) -> None:
    honest = tracks.opened() if route == "POST /grants" else tracks.listing()
    tracks.routes.answers[route] = says(honest | lie, 201)
    with pytest.raises(HandstampError):
        await look(delivery, tools)


async def test_a_grant_that_is_not_taken_says_so_and_what_to_do(
    tools: Tools, tracks: HostileTracks, delivery: Delivery
) -> None:
    tracks.routes.answers["POST /grants"] = says({"title": "Forbidden", "detail": "The grant was used."}, 409)
    with pytest.raises(errors.DownloadFailed, match=r"The grant was used\..*open the gate again"):
        await look(delivery, tools)
