from pathlib import Path

import av
import pytest
from PIL import Image

from handstamp.demo.album import compose_album
from trackserver.ingest.album import draft_album
from trackserver.ingest.covers import find_cover
from trackserver.ingest.folder import read_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compose_album(tmp_path_factory.mktemp("demo") / "album")


@pytest.mark.slow
def test_the_demos_record_is_complete(folder: Path) -> None:
    contents = read_folder(folder, lambda _where, _count: None)
    album = draft_album(contents, title=None, artist=None)
    cover, found = find_cover(contents)
    assert (album.findings, found) == ((), ())
    assert cover is not None
    assert album.release_type == "EPRelease"
    assert len(album.tracks) == 3
    for track in album.tracks:
        codec = track.files[0].facts.codec
        assert (codec.sample_rate_hz, codec.bits, codec.channels) == (44100, 16, 2)
        assert 12_000 <= codec.duration_ms <= 20_000
        assert track.isrc
        assert track.files[0].facts.picture


@pytest.mark.slow
def test_the_demos_songs_can_be_heard_and_do_not_clip(folder: Path) -> None:
    for path in folder.glob("*.flac"):
        with av.open(str(path)) as container:
            loudest = 0
            for frame in container.decode(audio=0):
                samples = memoryview(bytes(frame.planes[0])[: frame.samples * 4]).cast("h")
                loudest = max(loudest, *samples, -min(samples))
        assert 20_000 < loudest < 32_000


@pytest.mark.slow
def test_composing_again_changes_nothing(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    compose_album(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    with Image.open(folder / "cover.png") as cover:
        assert cover.size == (1400, 1400)
