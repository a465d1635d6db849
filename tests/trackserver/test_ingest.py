import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trackserver.errors import NoSuchFolder
from trackserver.ingest.album import AlbumDraft, draft_album
from trackserver.ingest.covers import find_cover, parse_picture, save_cover
from trackserver.ingest.findings import Weight
from trackserver.ingest.folder import count_audio_bytes, natural_order, read_folder
from trackserver.ingest.tags import READERS, Unreadable

Audio = Callable[..., Path]


def draft(folder: Path, *, title: str | None = None, artist: str | None = None) -> AlbumDraft:
    return draft_album(read_folder(folder, lambda _where, _count: None), title=title, artist=artist)


def codes(album: AlbumDraft) -> set[tuple[str, str]]:
    return {(finding.code, finding.where) for finding in album.findings}


def test_a_complete_album_is_read_with_nothing_to_say(album_folder: Path) -> None:
    album = draft(album_folder)
    assert album.findings == ()
    assert (album.title, album.artist, album.release_type) == ("Süd: Nord", "Die Heimfahrt", "EPRelease")
    assert (album.date, album.gtin) == ("2026-11-06", "2000000000015")
    assert [(track.number, track.title) for track in album.tracks] == [(1, "Nachtlied"), (2, "Straße/2"), (3, "Ende")]
    assert [track.isrc for track in album.tracks] == ["XXHST2600001", "XXHST2600002", "XXHST2600003"]
    codec = album.tracks[0].files[0].facts.codec
    assert (codec.format, codec.sample_rate_hz, codec.bits, codec.channels) == ("flac", 8000, 16, 1)
    assert codec.duration_ms == 300


@pytest.mark.parametrize("extension", ["flac", "wav", "mp3"])
def test_every_format_gives_its_tags_and_its_cover(
    tmp_path: Path, audio: Audio, picture: Audio, extension: str
) -> None:
    cover = picture(tmp_path / "elsewhere" / "x.png").read_bytes()
    path = audio(
        tmp_path / f"a.{extension}",
        picture=cover,
        title="T",
        artist="A",
        album="B",
        albumartist="C",
        tracknumber="4/9",
        discnumber="2",
        isrc="XX-HST-26-00001",
    )
    facts = READERS[extension](path)
    assert (facts.title, facts.artist, facts.album, facts.album_artist) == ("T", "A", "B", "C")
    assert (facts.track, facts.disc, facts.isrc) == (4, 2, "XX-HST-26-00001")
    assert facts.picture == cover
    assert facts.codec.format == extension
    assert 250 <= facts.codec.duration_ms <= 600


def test_the_originals_are_left_as_they_are(album_folder: Path) -> None:
    def state() -> list[tuple[str, str, int, int]]:
        paths = sorted(album_folder.iterdir())
        return [
            (path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns, path.stat().st_mode)
            for path in paths
        ]

    before = state()
    draft(album_folder)
    assert state() == before


def test_checksums_are_those_of_the_file(album_folder: Path) -> None:
    told: list[int] = []
    contents = read_folder(album_folder, lambda _where, count: told.append(count))
    for audio_file in contents.audio:
        assert audio_file.file.sha256 == hashlib.sha256(audio_file.file.path.read_bytes()).hexdigest()
    assert sum(told) == count_audio_bytes(album_folder) == sum(entry.file.size for entry in contents.audio)


def test_what_cannot_be_added_is_left_out_and_said(tmp_path: Path, audio: Audio) -> None:
    folder = tmp_path / "album"
    audio(folder / "01.flac", title="One", artist="A", album="B", tracknumber="1", isrc="XXHST2600001")
    outside = audio(tmp_path / "secret.flac")
    (folder / "02.flac").touch()
    (folder / "03.mp3").write_bytes(b"not music at all")
    (folder / "04.m4a").write_bytes(b"some")
    (folder / "notes.txt").write_text("ignored")
    (folder / ".hidden.flac").write_bytes(b"ignored")
    (folder / "link.flac").symlink_to(outside)
    (folder / "up").symlink_to(tmp_path)
    (folder / "broken.flac").symlink_to(folder / "nowhere.flac")
    album = draft(folder)
    assert codes(album) == {
        ("empty_file", "02.flac"),
        ("unreadable_file", "03.mp3"),
        ("unsupported_format", "04.m4a"),
        ("symlink_outside", "link.flac"),
        ("symlink_outside", "up"),
    }
    assert len(album.tracks) == 1


def test_a_link_within_the_folder_is_read(tmp_path: Path, audio: Audio) -> None:
    audio(tmp_path / "sub" / "real.flac", title="One", tracknumber="1")
    (tmp_path / "again.flac").symlink_to(tmp_path / "sub" / "real.flac")
    assert len(draft(tmp_path).tracks) == 2


def test_a_silent_file_holds_no_sound(tmp_path: Path, audio: Audio) -> None:
    audio(tmp_path / "a.wav", seconds=0)
    assert codes(draft(tmp_path)) >= {("empty_file", "a.wav")}


def test_files_without_tags_go_by_their_names_and_this_is_said(tmp_path: Path, audio: Audio) -> None:
    folder = tmp_path / "My Tape"
    for name in ("10 - Ten.wav", "2 - Two.wav", "1-01 One.wav"):
        audio(folder / name)
    album = draft(folder)
    assert [track.title for track in album.tracks] == ["One", "Two", "Ten"]
    assert [track.number for track in album.tracks] == [1, 2, 3]
    assert (album.title, album.artist) == ("My Tape", "Unknown artist")
    said = {finding.code for finding in album.findings}
    assert said == {"no_title", "no_track_number", "no_isrc", "no_album_title", "no_artist"}


@pytest.mark.parametrize("where", ["tags", "names"])
def test_what_nobody_sees_in_a_title_is_left_out(tmp_path: Path, audio: Audio, where: str) -> None:
    """Control sequences, marks that turn the writing around, two ways to write one letter: wallets refuse them all."""
    written = "Caf\u0065\u0301\x1b[31m\u202e\u200b\xa0 Noir\x9b"
    if where == "tags":
        audio(tmp_path / "a.flac", title=written, artist=written, album=written, tracknumber="1")
    else:
        audio(tmp_path / written / f"1 {written}.flac")
    album = draft(tmp_path if where == "tags" else tmp_path / written, artist=written)
    assert (album.title, album.artist, album.tracks[0].title) == ("Caf\u00e9[31m Noir",) * 3


@pytest.mark.skipif(os.name != "posix", reason="names of files are bytes on POSIX")
def test_a_name_that_is_no_text_is_left_out_and_said(tmp_path: Path, audio: Audio) -> None:
    audio(tmp_path / "any.flac").rename(tmp_path / os.fsdecode(b"1 Lied\xe4.flac"))
    album = draft(tmp_path)
    assert album.tracks == ()
    assert ("unreadable_file", "1 Lied\ufffd.flac") in codes(album)
    folder = tmp_path / os.fsdecode(b"Tape\xff")
    audio(folder / "a.flac")
    with pytest.raises(NoSuchFolder, match="Tape\ufffd"):
        draft(folder)


def test_discs_come_in_order_by_tag_or_by_folder(tmp_path: Path, audio: Audio) -> None:
    audio(tmp_path / "CD2" / "01.flac", title="Second", tracknumber="1", album="B")
    audio(tmp_path / "CD1" / "01.flac", title="First", tracknumber="1", album="B")
    audio(tmp_path / "z.flac", title="Third", tracknumber="1", discnumber="3", album="B")
    album = draft(tmp_path)
    assert [(track.disc, track.title) for track in album.tracks] == [(1, "First"), (2, "Second"), (3, "Third")]
    assert not [finding for finding in album.findings if finding.code == "same_track_number"]


def test_two_files_with_one_number_are_both_kept_and_said(tmp_path: Path, audio: Audio) -> None:
    audio(tmp_path / "b.flac", title="B", tracknumber="1", album="X")
    audio(tmp_path / "a.flac", title="A", tracknumber="1", album="X")
    album = draft(tmp_path)
    assert [track.title for track in album.tracks] == ["A", "B"]
    assert ("same_track_number", "b.flac") in codes(album)


def test_one_track_in_several_formats_is_one_track(tmp_path: Path, audio: Audio) -> None:
    for extension in ("mp3", "wav", "flac"):
        audio(tmp_path / extension / f"01 One.{extension}", title="One", tracknumber="1", album="X")
    audio(tmp_path / "flac" / "zwei.flac", title="Two", tracknumber="2", album="X")
    audio(tmp_path / "mp3" / "two.mp3", title="two", tracknumber="2", album="X")
    audio(tmp_path / "wav" / "untagged.wav")
    album = draft(tmp_path)
    formats = [[file.facts.codec.format for file in track.files] for track in album.tracks]
    assert formats == [["flac", "wav", "mp3"], ["flac", "mp3"], ["wav"]]


def test_formats_with_other_numbers_are_other_tracks(tmp_path: Path, audio: Audio) -> None:
    audio(tmp_path / "x.flac", title="A", tracknumber="1", album="X")
    audio(tmp_path / "x.mp3", title="A", tracknumber="2", album="X")
    assert len(draft(tmp_path).tracks) == 2


def test_two_albums_in_one_folder_stop_until_a_title_is_given(tmp_path: Path, audio: Audio) -> None:
    audio(tmp_path / "a.flac", title="A", tracknumber="1", album="X", artist="P")
    audio(tmp_path / "b.flac", title="B", tracknumber="2", album="Y", artist="Q")
    stopped = draft(tmp_path)
    assert [finding.code for finding in stopped.stops] == ["mixed_albums"]
    assert stopped.artist == "Various artists"
    named = draft(tmp_path, title="Both", artist="P & Q")
    assert named.stops == ()
    assert (named.title, named.artist) == ("Both", "P & Q")
    assert {finding.weight for finding in named.findings if finding.code == "mixed_albums"} == {Weight.NOTE}


def test_an_isrc_that_cannot_be_one_is_not_used(tmp_path: Path, audio: Audio) -> None:
    audio(tmp_path / "a.flac", title="A", tracknumber="1", album="X", isrc="hello")
    album = draft(tmp_path)
    assert album.tracks[0].isrc is None
    assert ("bad_isrc", "a.flac") in codes(album)


@pytest.mark.parametrize(
    ("tagged", "tracks", "kind"),
    [
        ("album", 1, "AlbumRelease"),
        ("EP; Live", 1, "EPRelease"),
        ("compilation", 1, "CompilationRelease"),
        ("", 1, "SingleRelease"),
        ("", 4, "EPRelease"),
        ("", 7, "AlbumRelease"),
    ],
)
def test_the_kind_of_release_is_tagged_or_counted(
    tmp_path: Path, audio: Audio, tagged: str, tracks: int, kind: str
) -> None:
    for number in range(tracks):
        audio(tmp_path / f"{number}.flac", seconds=0.1, title="A", album="X", releasetype=tagged)
    assert draft(tmp_path).release_type == kind


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoSuchFolder):
        draft(tmp_path / "nowhere")


def test_numbers_in_names_are_compared_as_numbers() -> None:
    assert sorted(["a10", "a9", "A1", "b"], key=natural_order) == ["A1", "a9", "a10", "b"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_and_never_breaks(tmp_path: Path, audio: Audio, data: st.DataObject) -> None:
    extension = data.draw(st.sampled_from(sorted(READERS)))
    whole = tmp_path / f"whole.{extension}"
    if not whole.exists():
        audio(whole, seconds=0.1, title="T", artist="A", tracknumber="1")
    content = bytearray(whole.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, min(len(content) - 1, 400)))] = data.draw(st.integers(0, 255))
    damaged = tmp_path / f"damaged.{extension}"
    damaged.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(Unreadable):
        READERS[extension](damaged)


def test_the_cover_file_is_preferred_then_the_embedded_one(tmp_path: Path, audio: Audio, picture: Audio) -> None:
    embedded = picture(tmp_path / "x" / "e.png", side=20).read_bytes()
    folder = tmp_path / "album"
    audio(folder / "a.flac", picture=embedded)

    def side() -> int | None:
        found, _ = find_cover(read_folder(folder, lambda _where, _count: None))
        return found.page_width if found else None

    assert side() == 20
    picture(folder / "band.png", side=30)
    assert side() == 20
    picture(folder / "Cover.jpg", side=40)
    assert side() == 40
    (folder / "Cover.jpg").write_bytes(b"broken")
    assert side() == 20


def test_the_only_picture_is_the_cover_if_there_is_no_other(tmp_path: Path, audio: Audio, picture: Audio) -> None:
    audio(tmp_path / "a.flac")
    nothing, found = find_cover(read_folder(tmp_path, lambda _where, _count: None))
    assert nothing is None
    assert [finding.code for finding in found] == ["no_cover"]
    picture(tmp_path / "scan.jpeg", side=30)
    only, _ = find_cover(read_folder(tmp_path, lambda _where, _count: None))
    assert only is not None


def test_a_large_cover_is_kept_whole_and_shown_small(tmp_path: Path, picture: Audio) -> None:
    found = parse_picture(picture(tmp_path / "cover.png", side=1600))
    assert found is not None
    assert (found.page_width, found.page_height, found.page_media_type) == (800, 800, "image/jpeg")
    cover = save_cover(found, tmp_path / "covers")
    assert cover.original.path.read_bytes() == (tmp_path / "cover.png").read_bytes()
    assert save_cover(found, tmp_path / "covers") == cover
    assert len(list((tmp_path / "covers").iterdir())) == 2


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"<svg/>"])
def test_what_is_no_picture_is_no_cover(content: bytes) -> None:
    assert parse_picture(content) is None


def test_a_picture_with_too_many_pixels_is_refused(tmp_path: Path, picture: Audio) -> None:
    path = picture(tmp_path / "bomb.png", side=7900)
    assert parse_picture(path) is None
    with path.open("ab") as file:
        file.truncate(40_000_000)
    assert parse_picture(path) is None
    assert parse_picture(bytes(40_000_000)) is None


def test_a_file_that_may_not_be_read_is_left_out(tmp_path: Path, audio: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    path = audio(tmp_path / "a.flac")
    ordinary = open

    def as_the_system_does_for_others(file: Any, *arguments: Any, **options: Any) -> Any:
        """Refuse this file: whoever runs the tests as root may read everything."""
        if str(file) == str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return ordinary(file, *arguments, **options)

    monkeypatch.setattr("builtins.open", as_the_system_does_for_others)
    assert ("unreadable_file", "a.flac") in codes(draft(tmp_path))
