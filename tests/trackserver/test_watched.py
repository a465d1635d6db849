"""What a trackserver's metrics say while files go out: how much, and of no release and to nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx

from tests.support.watching import Watched
from tests.trackserver.conftest import BASE_URL
from trackserver.api import build_trackserver_app
from trackserver.counted import DOWNLOADS, GRANTS

if TYPE_CHECKING:
    from trackserver.parts import TrackserverParts


async def test_the_metrics_of_a_busy_trackserver_name_nobody_and_only_what_is_in_closed_tables(
    parts: TrackserverParts, gate: Any
) -> None:
    watched = Watched("trackserver")
    app = build_trackserver_app(replace(parts, meter=watched.meter), observing=watched.observing)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE_URL) as client:
        link = (await client.post("/grants", json={"grant": gate.grant()})).json()["link"]
        path = (await client.get(link)).headers["location"]
        whole = await client.get(f"{path}/release.zip")
        await client.get(f"{path}/release.zip", headers={"Range": "bytes=5-"})
        await client.get(f"{path}/release.zip", headers={"If-None-Match": whole.headers["etag"]})
        await client.get(f"{path}/files/cover")
        await client.head(f"{path}/files/cover")
        assert (await client.get(link)).status_code == 410
    page = watched.page
    assert watched.open_labels(app, (DOWNLOADS, GRANTS)) == set()
    assert not [value for value in (gate.release.id, path.rpartition("/")[2], link[-20:], "Heimfahrt") if value in page]
    assert watched.count("grants_redeemed", by="browser") == 1
    assert [watched.count("downloads_started", what="zip", how=how) for how in ("whole", "part")] == [1, 1]
    assert watched.count("downloads_started", what="file", how="whole") == 1
    sent = watched.count("response_bytes", route="/downloads/{download_id}/release.zip")
    assert sent == 2 * len(whole.content) - 5
    assert watched.count("refusals", code="link_used") == 1
