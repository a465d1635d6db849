"""Gates: from a trackserver's release to a link, a button and a poster."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from starlette.responses import Response

from credentials.errors import HandstampError, Malformed
from credentials.protocols.dcql import Query
from tests.verifier.conftest import ARTIST, OTHER_RELEASE, PAGE, RELEASE, TRACK, TRACKS, Site, TestClock, make_gate
from verifier.errors import UnusableRelease
from verifier.gates import Gate, Terms
from verifier.proofs import OwnsRelease, OwnsTrack
from verifier.releases import Release
from verifier.requirements import build_asked
from verifier.service.add_gate import NewGate, ReleaseAddress, add_gate
from verifier.web.button import build_button
from verifier.web.poster import build_poster

if TYPE_CHECKING:
    from fastapi import FastAPI

URL = f"{TRACKS}/releases/{RELEASE}"


def description(**changes: Any) -> dict[str, Any]:
    track = {
        "id": TRACK,
        "number": 3,
        "title": "Undertow",
        "artist": "Marrow & Vale",
        "isrc": None,
        "duration_s": 180.5,
        "files": [{"format": "flac", "bytes": 1000}, {"format": "mp3", "bytes": 10}],
    }
    first = track | {"id": OTHER_RELEASE, "number": 1, "title": "Harbour", "files": [{"format": "flac", "bytes": 500}]}
    return {
        "id": RELEASE,
        "title": "Low Tide",
        "artist": "Marrow & Vale",
        "release_type": "EPRelease",
        "gtin": None,
        "tracks": [first, track],
        "packages": [{"format": "original", "bytes": 1600}],
    } | changes


def serve(trackserver: FastAPI, body: bytes, status: int = 200) -> None:
    @trackserver.get("/releases/{release}")
    async def describe(release: str) -> Response:
        assert release == RELEASE
        return Response(body, status_code=status, media_type="application/json")


async def add(site: Site, url: str = URL, **wishes: Any) -> Gate:
    new = NewGate(address=ReleaseAddress.parse(url), **wishes)
    return await add_gate(site.parts.work, new, party=site.parts.party, fetcher=site.parts.fetcher, now=site.clock())


async def test_a_gate_keeps_what_the_trackserver_says_of_the_release(site: Site, trackserver: FastAPI) -> None:
    serve(trackserver, json.dumps(description()).encode())
    gate = await add(site)
    assert gate.requirement == OwnsRelease(release_id=RELEASE)
    assert (gate.opens.title, gate.opens.artist, gate.opens.kind) == ("Low Tide", "Marrow & Vale", "EPRelease")
    assert [(file.format, file.size_bytes) for file in gate.opens.files] == [("flac", 1500), ("mp3", 10)]
    assert (gate.opens.size_bytes, gate.opens.trackserver, gate.opens.track_ids) == (1600, TRACKS, ())
    assert "Low Tide" in gate.terms.text
    with site.parts.work.read() as stores:
        assert stores.load_gates("main") == (gate,)
        assert stores.load_gates("another-site") == ()
        assert stores.load_gate(gate.gate_id) == gate


PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.mark.parametrize("cover", [f"/releases/{RELEASE}/cover", f"{URL}/cover"])
@pytest.mark.parametrize(
    ("image", "media_type"),
    [(PNG, "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg"), (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp")],
)
async def test_the_cover_is_kept_and_shown_from_the_sites_own_address(
    site: Site, trackserver: FastAPI, cover: str, image: bytes, media_type: str
) -> None:
    @trackserver.get("/releases/{release}/cover")
    async def picture(release: str) -> Response:
        assert release == RELEASE
        return Response(image, media_type="text/html")

    serve(trackserver, json.dumps(description(cover=cover)).encode())
    gate = await add(site)
    http = site.visitor().http
    shown = await http.get(f"/gates/{gate.gate_id}/cover")
    assert (shown.content, shown.headers["content-type"]) == (image, media_type)
    assert f'src="/gates/{gate.gate_id}/cover"' in (await http.get(f"/gates/{gate.gate_id}", headers=PAGE)).text


@pytest.mark.parametrize(
    "cover", ["http://evil.localhost:8702/x.png", "/nowhere", "/html", "http://[", "file:///etc/passwd", None]
)
async def test_a_cover_that_cannot_be_shown_is_left_out_and_the_gate_is_made(
    site: Site, trackserver: FastAPI, cover: str | None
) -> None:
    @trackserver.get("/html")
    async def picture() -> Response:
        return Response(b"<script>alert(1)</script>", media_type="image/png")

    serve(trackserver, json.dumps(description(cover=cover)).encode())
    gate = await add(site)
    assert not gate.opens.has_cover
    reply = await site.visitor().http.get(f"/gates/{gate.gate_id}/cover")
    assert (reply.status_code, reply.json()["code"]) == (404, "no_such_cover")


@pytest.mark.parametrize("track", ["3", TRACK])
async def test_a_track_gate_asks_for_the_track_or_its_release(site: Site, trackserver: FastAPI, track: str) -> None:
    serve(trackserver, json.dumps(description()).encode())
    gate = await add(site, f"{URL}#{track}", title="One song", terms=Terms.parse("Be kind.\r\n"))
    assert gate.requirement == OwnsTrack(track_id=TRACK, release_id=RELEASE)
    assert (gate.title, gate.opens.title, gate.opens.size_bytes) == ("One song", "Undertow", 1010)
    assert gate.terms.text == "Be kind."
    query = build_asked(gate.requirement, counting=False).query
    assert Query.parse(query.to_json()) == query
    assert query.credential_sets[0].options == (("track",), ("release",))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{}", 200, "malformed"),
        (b"[]", 200, "malformed"),
        (b"", 404, "unusable_release"),
        (json.dumps(description(id=OTHER_RELEASE)).encode(), 200, "unusable_release"),
        (json.dumps(description(id="../../etc")).encode(), 200, "malformed"),
        (json.dumps(description(id=RELEASE.upper())).encode(), 200, "malformed"),
        (json.dumps(description(tracks=[])).encode(), 200, "malformed"),
        (json.dumps(description(packages=[{"format": "mp3", "bytes": 1}])).encode(), 200, "malformed"),
        (json.dumps(description(packages=[{"format": "original", "bytes": -1}])).encode(), 200, "malformed"),
    ],
)
async def test_a_description_that_cannot_become_a_gate_leaves_none(
    site: Site, trackserver: FastAPI, body: bytes, status: int, code: str
) -> None:
    serve(trackserver, body, status)
    with pytest.raises(HandstampError) as refused:
        await add(site)
    assert refused.value.code == code
    with site.parts.work.read() as stores:
        assert stores.load_gates("main") == ()


async def test_a_track_that_is_not_on_the_release_is_refused(site: Site, trackserver: FastAPI) -> None:
    serve(trackserver, json.dumps(description()).encode())
    with pytest.raises(Malformed, match="no such track"):
        await add(site, f"{URL}#9")


@pytest.mark.parametrize(
    "text",
    ["http://tracks.localhost:8702/", f"{URL}/tracks", f"{URL}?x=1", "http://tracks.example/releases/1", "releases/1"],
)
def test_an_address_that_is_no_releases_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        ReleaseAddress.parse(text)


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(
        lambda value: json.dumps(description(tracks=value)).encode()
    )
)
def test_any_description_is_read_or_malformed(body: bytes) -> None:
    try:
        Release.parse(body)
    except Malformed:
        return


@given(st.text(max_size=200))
def test_any_terms_make_a_handshake_or_are_malformed(text: str) -> None:
    try:
        terms = Terms.parse(text)
    except Malformed:
        return
    assert terms.shake(bytes(16)).text == terms.text


hostile = st.text(max_size=300) | st.sampled_from(
    ["<script>alert(1)</script>", "]]>", "&lt;", "'\"><img src=x>", "\x00"]
)


def read_svg(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314  # our own


def read_code(poster: str) -> str:
    """Read the code of a poster from its picture."""
    path = next(element for element in read_svg(poster).iter() if element.tag.endswith("path")).attrib["d"]
    squares = [tuple(map(int, part.split("h")[0].split())) for part in path.split("M")[1:]]
    side = 6 * (max(max(square) for square in squares) + 5)
    picture = Image.new("L", (side, side), 255)
    draw = ImageDraw.Draw(picture)
    for x, y in squares:
        draw.rectangle((x * 6, y * 6, x * 6 + 5, y * 6 + 5), fill=0)
    return str(zxingcpp.read_barcode(picture).text)


def dressed(title: str, artist: str) -> Gate:
    gate = make_gate(OwnsRelease(release_id=RELEASE), clock=TestClock())
    return replace(gate, opens=replace(gate.opens, title=title, artist=artist))


@given(title=hostile, artist=hostile, site_name=hostile)
def test_a_poster_is_well_formed_and_holds_no_markup_of_others(title: str, artist: str, site_name: str) -> None:
    poster = build_poster(dressed(title, artist), url=f"{ARTIST}/gates/x", site_name=site_name)
    root = read_svg(poster)
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {"svg", "title", "rect", "text", "path"}


def test_a_printed_poster_leads_to_the_gate() -> None:
    url = f"{ARTIST}/gates/AAAAAAAAAAAAAAAAAAAAAA"
    assert read_code(build_poster(dressed("Low Tide", "M"), url=url, site_name="S")) == url


@given(title=hostile)
def test_a_button_is_one_link_whatever_the_title(title: str) -> None:
    button = build_button(dressed(title, "A"), url=f"{ARTIST}/gates/x")
    assert button.startswith(f'<a href="{ARTIST}/gates/x"')
    assert button.count("<") == 2
    assert "script" not in button or "script" in title
    assert html.unescape(button.split(">")[1].split("<")[0]).startswith("Own “")


def test_long_titles_are_cut_and_not_spilled() -> None:
    poster = build_poster(dressed("word " * 60, "artist " * 30), url=f"{ARTIST}/gates/x", site_name="S")
    lines = [element.text or "" for element in read_svg(poster).iter() if "text" in element.tag]
    assert max(len(line) for line in lines[:5]) <= 60
    assert any(line.endswith("…") for line in lines)


def test_a_refused_description_says_who_must_act() -> None:
    assert "No gate can be made" in UnusableRelease("x").detail
