"""Releases come from a trackserver's description; hostile ones change nothing."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import HandstampError, Malformed
from issuer.catalogue import MAX_COVER_BYTES, Cover, UnusableCover, parse_description
from issuer.service.catalogue import Fetched, ReleaseElsewhere, fetch_release, keep_release
from issuer.store import Store
from issuer.store.catalogue import TrackElsewhere
from plumbing.fetch import FetchFailed, FetchRefused, HttpFetcher, Reach
from tests.issuer.conftest import PNG, RELEASE, SOURCE, TRACKS, Coop, description

OTHER = "9d0f6a1e-2c53-4a4f-8f7d-1a2b3c4d5e70"


def trackserver(body: Any, cover: httpx.Response | None = None, status: int = 200) -> HttpFetcher:
    """A trackserver in memory, behind the real fetcher with all its caps."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/cover"):
            return cover or httpx.Response(404)
        return httpx.Response(status, content=body if isinstance(body, bytes) else json.dumps(body).encode())

    return HttpFetcher(Reach.LOOPBACK, transport=httpx.MockTransport(answer))


async def test_a_release_is_fetched_with_the_co_ops_own_copy_of_its_cover(coop: Coop) -> None:
    body = description(cover=f"{SOURCE}/cover", gtin="4006381333931")
    async with trackserver(body, httpx.Response(200, content=PNG)) as fetcher:
        fetched = await fetch_release(fetcher, SOURCE)
    with coop.parts.database.write() as session:
        keep_release(Store(session), fetched)
    with coop.parts.database.read() as session:
        store = Store(session)
        release = store.release(RELEASE)
        assert store.cover(RELEASE) == Cover(media_type="image/png", content=PNG)
        assert store.cover(OTHER) is None
        assert [each.id for each in store.all_releases()] == [RELEASE]
    assert release
    assert (release.has_cover, release.gtin, release.release_type) == (True, "4006381333931", "EPRelease")
    coop.add_release()
    with coop.parts.database.read() as session:
        assert Store(session).cover(RELEASE), "a description without a cover leaves the one that is there"


async def test_a_relative_cover_address_is_understood() -> None:
    async with trackserver(description(cover=f"/releases/{RELEASE}/cover"), httpx.Response(200, content=PNG)) as there:
        assert (await fetch_release(there, SOURCE)).cover


async def test_a_cover_on_another_host_is_not_fetched() -> None:
    async with trackserver(description(cover="http://evil.localhost:8702/x/cover")) as there:
        with pytest.raises(FetchFailed, match="not on the trackserver itself"):
            await fetch_release(there, SOURCE)


@pytest.mark.parametrize("content", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"GIF85a"])
async def test_a_cover_that_is_no_image_is_refused(content: bytes) -> None:
    claimed = httpx.Response(200, content=content, headers={"Content-Type": "image/png"})
    async with trackserver(description(cover=f"{SOURCE}/cover"), claimed) as there:
        with pytest.raises(UnusableCover):
            await fetch_release(there, SOURCE)


async def test_a_cover_above_5_mb_is_refused() -> None:
    async with trackserver(
        description(cover=f"{SOURCE}/cover"), httpx.Response(200, content=PNG + bytes(MAX_COVER_BYTES))
    ) as there:
        with pytest.raises(FetchFailed, match="longer than"):
            await fetch_release(there, SOURCE)
    with pytest.raises(UnusableCover):
        Cover.parse(PNG + bytes(MAX_COVER_BYTES))


@pytest.mark.parametrize(
    ("start", "media_type"),
    [(b"\xff\xd8\xff\xe0", "image/jpeg"), (b"RIFF1234WEBPVP8 ", "image/webp"), (b"GIF89a", "image/gif")],
)
def test_the_first_bytes_decide_what_a_cover_is(start: bytes, media_type: str) -> None:
    assert Cover.parse(start + bytes(20)).media_type == media_type


async def test_a_trackserver_that_does_not_know_the_release_is_said_so() -> None:
    async with trackserver(description(), status=404) as there:
        with pytest.raises(FetchFailed, match="status 404"):
            await fetch_release(there, SOURCE)


async def test_a_public_trackserver_is_not_asked_from_a_trial() -> None:
    async with trackserver(description()) as there:
        with pytest.raises(FetchRefused):
            await fetch_release(there, f"https://tracks.example/releases/{RELEASE}")
        with pytest.raises(Malformed):
            await fetch_release(there, "file:///etc/passwd")


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "not-a-uuid"},
        {"id": RELEASE.upper()},
        {"id": None},
        {"title": ""},
        {"title": "x" * 301},
        {"title": "line\nbreak"},
        {"title": 7},
        {"artist": None},
        {"tracks": []},
        {"tracks": None},
        {"tracks": ["x"]},
        {"tracks": [{}]},
        {"tracks": description()["tracks"] * 2},
        {"tracks": [{**description()["tracks"][0], "duration_s": -1}]},
        {"tracks": [{**description()["tracks"][0], "number": "1"}]},
    ],
)
def test_a_description_that_cannot_be_used_is_malformed(changed: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse_description(json.dumps(description(**changed)).encode(), source_url=SOURCE)


def test_a_title_is_kept_in_the_one_writing_that_wallets_accept() -> None:
    body = json.dumps(description(title=" Cafe\u0301  Noir ")).encode()
    assert parse_description(body, source_url=SOURCE).release.title == "Caf\u00e9 Noir"


def test_codes_are_read_as_people_write_them_and_a_wrong_one_counts_as_not_known() -> None:
    tracks = [
        {**track, "isrc": isrc}
        for track, isrc in zip(description()["tracks"], ["de-a12-34-56789", "x", []], strict=True)
    ]
    described = parse_description(
        json.dumps(description(tracks=tracks, gtin=12, release_type="live bootleg", date="soon")).encode(),
        source_url=SOURCE,
    )
    assert [track.isrc for track in described.release.tracks] == ["DEA123456789", None, None]
    assert (described.release.gtin, described.release.release_type, described.release.date) == (None, "none", None)


def test_a_track_without_an_artist_has_that_of_the_release() -> None:
    tracks = [{**track, "artist": None} for track in description()["tracks"]]
    described = parse_description(json.dumps(description(tracks=tracks)).encode(), source_url=SOURCE)
    assert {track.artist for track in described.release.tracks} == {"The Long Way Home"}


def test_a_trackserver_cannot_take_over_another_ones_release(coop: Coop) -> None:
    with pytest.raises(ReleaseElsewhere):
        coop.add_release(source=f"http://evil.localhost:8702/releases/{RELEASE}")


def test_a_release_cannot_claim_another_ones_track(coop: Coop) -> None:
    with pytest.raises(TrackElsewhere):
        coop.add_release(description(OTHER, (TRACKS[0],)))
    with coop.parts.database.read() as session:
        assert Store(session).release(OTHER) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(
    changed=st.dictionaries(st.sampled_from(list(description())), JSON),
    track=st.dictionaries(st.sampled_from(list(description()["tracks"][0])), JSON),
)
def test_any_description_is_read_or_malformed(changed: dict[str, Any], track: dict[str, Any]) -> None:
    body = description(**changed)
    if isinstance(body["tracks"], list) and body["tracks"] and isinstance(body["tracks"][0], dict):
        body["tracks"][0].update(track)
    with contextlib.suppress(Malformed):
        assert parse_description(json.dumps(body).encode(), source_url=SOURCE).release.tracks


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_a_description(body: bytes) -> None:
    with pytest.raises(HandstampError):
        parse_description(body, source_url=SOURCE)


def test_keeping_is_repeatable(coop: Coop) -> None:
    described = parse_description(json.dumps(description()).encode(), source_url=SOURCE)
    for _ in range(2):
        with coop.parts.database.write() as session:
            release = keep_release(Store(session), Fetched(described=described, cover=None))
    assert len(release.tracks) == 3
