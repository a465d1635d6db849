"""Files come home whole, resumed, under names that cannot leave the folder, and never over other files."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from credentials.errors import Malformed
from plumbing.fetch import FetchFailed
from tests.support.hostile_site import TRACKS
from tests.support.hostile_tracks import ONE, TWO, HostileTracks
from tests.support.outside import NOW, Outside, says
from tests.wallet.fetching import WHOLE, fetch, files_in, look, other
from wallet import errors
from wallet.service.download import fetch_files, find_delivery, list_files, open_download

if TYPE_CHECKING:
    from pathlib import Path

    from wallet.ports import Tools
    from wallet.state import Delivery


async def test_files_arrive_unchanged_and_nothing_unfinished_stays(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, tmp_path: Path
) -> None:
    told: dict[str, int] = {}
    paths = await fetch(
        delivery, tools, tmp_path / "a" / "b", progress=lambda file, count: told.update({file.name: count})
    )
    assert files_in(tmp_path / "a" / "b") == WHOLE
    assert [path.name for path in paths] == list(WHOLE)
    assert told == {"01 Night Bus.flac": len(ONE), "02 Last Bus.mp3": len(TWO)}
    assert tracks.ranges_asked == ["", ""]


async def test_the_grant_is_exchanged_once_and_its_download_is_kept(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, outside: Outside
) -> None:
    await look(delivery, tools)
    kept = find_delivery(None, tools=tools)
    assert (await look(kept, tools)).total_bytes == len(ONE) + len(TWO)
    assert outside.paths().count("POST tracks.localhost:8702/grants") == 1
    assert kept.expires_at == NOW + timedelta(days=1)
    assert tracks.routes.answers


async def test_every_request_proves_the_key_and_none_carries_a_cookie(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, outside: Outside, tmp_path: Path
) -> None:
    tracks.routes.answers["POST /grants"] = says(tracks.opened(), 201, **{"Set-Cookie": "tag=you"})
    await fetch(delivery, tools, tmp_path)
    proofs = [request.headers["DPoP"] for request in outside.seen]
    assert len(set(proofs)) == len(proofs) == 4
    assert [request.headers.get("Authorization") for request in outside.seen] == [None, *["DPoP t"] * 3]
    assert all("cookie" not in request.headers and "referer" not in request.headers for request in outside.seen)


async def test_a_broken_download_goes_on_where_it_stopped(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, tmp_path: Path
) -> None:
    tracks.cut_after = 1000
    with pytest.raises(FetchFailed):
        await fetch(delivery, tools, tmp_path)
    assert (tmp_path / "01 Night Bus.flac.part").stat().st_size == 4000
    tracks.cut_after, tracks.ranges_asked[:] = None, []

    await fetch(find_delivery(None, tools=tools), tools, tmp_path)

    assert files_in(tmp_path) == WHOLE
    assert tracks.ranges_asked == ["bytes=4000-", ""]


@pytest.mark.usefixtures("tracks")
async def test_a_file_that_changed_meanwhile_is_fetched_anew(tools: Tools, delivery: Delivery, tmp_path: Path) -> None:
    (tmp_path / "01 Night Bus.flac.part").write_bytes(b"old" * 100)
    (tmp_path / "01 Night Bus.flac.part.etag").write_text('"old"')
    await fetch(delivery, tools, tmp_path)
    assert files_in(tmp_path) == WHOLE


async def test_an_unfinished_file_of_unknown_version_or_too_long_is_fetched_anew(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, tmp_path: Path
) -> None:
    (tmp_path / "01 Night Bus.flac.part").write_bytes(b"?" * 100)
    (tmp_path / "02 Last Bus.mp3.part").write_bytes(b"?" * 100_000)
    (tmp_path / "02 Last Bus.mp3.part.etag").write_text("W/weak")
    await fetch(delivery, tools, tmp_path)
    assert files_in(tmp_path) == WHOLE
    assert tracks.ranges_asked == ["", ""]


async def test_rotten_bytes_in_an_unfinished_file_are_found_and_the_file_is_fetched_anew(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, tmp_path: Path
) -> None:
    (tmp_path / "01 Night Bus.flac.part").write_bytes(b"?" * 100)
    (tmp_path / "01 Night Bus.flac.part.etag").write_text('"one"')
    await fetch(delivery, tools, tmp_path)
    assert files_in(tmp_path) == WHOLE
    assert tracks.ranges_asked == ["bytes=100-", "", ""]


async def test_a_whole_unfinished_file_needs_no_request(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, tmp_path: Path
) -> None:
    (tmp_path / "01 Night Bus.flac.part").write_bytes(ONE)
    await fetch(delivery, tools, tmp_path)
    assert files_in(tmp_path) == WHOLE
    assert tracks.ranges_asked == [""]


async def test_a_file_that_is_there_already_is_not_fetched_again(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, tmp_path: Path
) -> None:
    (tmp_path / "01 Night Bus.flac").write_bytes(ONE)
    await fetch(delivery, tools, tmp_path)
    assert files_in(tmp_path) == WHOLE
    assert tracks.ranges_asked == [""]


@pytest.mark.usefixtures("tracks")
@pytest.mark.parametrize("content", [b"mine", b"x" * len(ONE)])
async def test_another_file_of_the_same_name_is_left_alone(
    tools: Tools, delivery: Delivery, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "01 Night Bus.flac").write_bytes(content)
    with pytest.raises(errors.FileInTheWay, match="not touched"):
        await fetch(delivery, tools, tmp_path)
    assert (tmp_path / "01 Night Bus.flac").read_bytes() == content


@pytest.mark.usefixtures("tracks")
@pytest.mark.parametrize("name", ["01 Night Bus.flac", "01 Night Bus.flac.part", "01 Night Bus.flac.part.etag"])
async def test_a_link_in_the_folder_does_not_make_the_wallet_write_elsewhere(
    tools: Tools, delivery: Delivery, tmp_path: Path, name: str
) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / name).symlink_to(tmp_path / "precious")
    with pytest.raises(errors.FileInTheWay):
        await fetch(delivery, tools, tmp_path / "to")
    assert (tmp_path / "precious").read_bytes() == b"precious"


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/passwd", "..\\..\\evil.exe", "C:\\evil", "..", ".bashrc", "a/../../b", "con", "a\x00b"]
)
async def test_a_name_never_leads_out_of_the_folder_or_hides(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, tmp_path: Path, name: str
) -> None:
    tracks.names["1"] = name
    folder = tmp_path / "deep" / "to"
    try:
        paths = await fetch(delivery, tools, folder)
    except Malformed:
        return
    assert all(path.parent == folder for path in paths)
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in paths)
    assert not any(path.name.startswith(".") for path in paths)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["to"]


async def test_two_files_of_one_name_are_both_fetched(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, tmp_path: Path
) -> None:
    tracks.names = {"1": "Song.flac", "2": "SONG.flac"}
    await fetch(delivery, tools, tmp_path)
    assert files_in(tmp_path) == {"Song.flac": ONE, "SONG (2).flac": TWO}


def packed(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize("broken", [False, True])
async def test_a_zip_is_checked_by_its_own_checksums(
    tools: Tools, tracks: HostileTracks, delivery: Delivery, tmp_path: Path, broken: bool
) -> None:
    whole = packed(one=ONE)
    sent = whole.replace(ONE[:50], b"!" * 50) if broken else whole
    package = {"name": "../Night Bus.zip", "bytes": len(whole), "url": f"{TRACKS}/downloads/d/release.zip"}
    tracks.routes.answers["GET /downloads/d"] = says(tracks.listing(zip=package))
    tracks.routes.answers["GET /downloads/d/release.zip"] = other(sent)
    opened = await open_download(delivery, tools=tools)
    archive = (await list_files(opened, tools=tools)).zip
    assert archive is not None
    if broken:
        with pytest.raises(errors.DownloadFailed):
            await fetch_files(opened, [archive], tmp_path, tools=tools)
        assert files_in(tmp_path) == {}
        return
    (path,) = await fetch_files(opened, [archive], tmp_path, tools=tools)
    assert path.parent == tmp_path
    assert path.read_bytes() == whole
    assert await fetch_files(opened, [archive], tmp_path, tools=tools) == (path,)


@pytest.mark.usefixtures("tracks")
async def test_a_folder_that_cannot_take_the_files_is_said_before_anything_is_fetched(
    tools: Tools, delivery: Delivery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(errors.UnwritableFolder, match="--to"):
        await fetch(delivery, tools, tmp_path / "file")
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("wallet.service.download.shutil.disk_usage", lambda _: usage)
    with pytest.raises(errors.UnwritableFolder, match="room for 10 bytes"):
        await fetch(delivery, tools, tmp_path / "to")


async def test_files_cannot_be_listed_before_the_grant_was_exchanged(tools: Tools, delivery: Delivery) -> None:
    with pytest.raises(errors.NoSuchThing):
        await list_files(delivery, tools=tools)


def test_a_delivery_is_found_by_gate_or_title_and_not_after_its_end(tools: Tools, delivery: Delivery) -> None:
    assert find_delivery("ARTIST", tools=tools) == delivery
    assert find_delivery("night bus", tools=tools) == delivery
    with pytest.raises(errors.NoSuchThing, match="No opened files"):
        find_delivery("other", tools=tools)
    tools.keeper.change(lambda wallet: (wallet.pruned(NOW + timedelta(hours=1)), None))
    with pytest.raises(errors.NoSuchThing, match="open one with"):
        find_delivery(None, tools=tools)


def test_the_digests_of_this_test_are_sha256() -> None:
    assert HostileTracks().listing()["files"][0]["sha256"] == hashlib.sha256(ONE).hexdigest()
