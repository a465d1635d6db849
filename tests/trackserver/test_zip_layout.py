import hashlib
import io
import shutil
import subprocess
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from trackserver.catalogue import StoredFile
from trackserver.zip_layout import FileSlice, Member, ZipLayout, build_zip_layout

GIB = 1 << 30


def text_member(name: str, content: bytes) -> Member:
    return Member(name=name, content=content, crc32=zlib.crc32(content))


def file_member(path: Path, name: str) -> Member:
    data = path.read_bytes()
    stored = StoredFile(
        path=path,
        size=len(data),
        modified_ns=path.stat().st_mtime_ns,
        sha256=hashlib.sha256(data).hexdigest(),
        crc32=zlib.crc32(data),
    )
    return Member(name=name, content=stored, crc32=stored.crc32)


def read(layout: ZipLayout, start: int = 0, stop: int | None = None) -> bytes:
    out = bytearray()
    for piece in layout.slices(start, layout.size if stop is None else stop):
        if isinstance(piece, FileSlice):
            with piece.file.path.open("rb") as file:
                file.seek(piece.offset)
                out += file.read(piece.length)
        else:
            out += piece
    return bytes(out)


class LayoutFile(io.RawIOBase):
    """Lets `zipfile` read a layout as if it were a file."""

    def __init__(self, layout: ZipLayout) -> None:
        self._layout = layout
        self._place = 0

    @override
    def seekable(self) -> bool:
        return True

    @override
    def readable(self) -> bool:
        return True

    @override
    def seek(self, offset: int, whence: int = 0) -> int:
        self._place = (0, self._place, self._layout.size)[whence] + offset
        return self._place

    @override
    def tell(self) -> int:
        return self._place

    @override
    def read(self, size: int = -1) -> bytes:
        stop = self._layout.size if size < 0 else min(self._place + size, self._layout.size)
        data = read(self._layout, self._place, stop)
        self._place += len(data)
        return data


@pytest.fixture
def layout(tmp_path: Path) -> ZipLayout:
    (tmp_path / "one").write_bytes(bytes(range(256)) * 300)
    (tmp_path / "two").write_bytes(b"short")
    members = [
        file_member(tmp_path / "one", "Süd/01 Straße.flac"),
        file_member(tmp_path / "two", "Süd/02 日本.flac"),
        text_member("Süd/README.txt", b"yours"),
        text_member("Süd/empty.txt", b""),
    ]
    return build_zip_layout(members)


def test_python_reads_the_zip_and_every_checksum_holds(layout: ZipLayout) -> None:
    data = read(layout)
    assert len(data) == layout.size
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["Süd/01 Straße.flac", "Süd/02 日本.flac", "Süd/README.txt", "Süd/empty.txt"]
        assert archive.read("Süd/02 日本.flac") == b"short"
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip: NOT RUN, it is not installed")
def test_unzip_finds_nothing_wrong(layout: ZipLayout, tmp_path: Path) -> None:
    target = tmp_path / "x.zip"
    target.write_bytes(read(layout))
    done = subprocess.run(["unzip", "-t", str(target)], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    assert b"No errors detected" in done.stdout


def test_the_same_files_make_the_same_bytes_and_the_same_tag(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1")
    first = build_zip_layout([file_member(tmp_path / "one", "a")])
    again = build_zip_layout([file_member(tmp_path / "one", "a")])
    other = build_zip_layout([file_member(tmp_path / "one", "b")])
    assert read(first) == read(again)
    assert first.etag == again.etag != other.etag


@given(st.data())
def test_a_resume_from_any_byte_equals_the_whole(tmp_path_factory: Any, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("zip")
    contents = data.draw(st.lists(st.binary(max_size=300), max_size=5))
    members = []
    for number, content in enumerate(contents):
        (folder / str(number)).write_bytes(content)
        members.append(file_member(folder / str(number), f"{number}.bin"))
    made = build_zip_layout([*members, text_member("t", b"text")])
    whole = read(made)
    assert len(whole) == made.size
    start = data.draw(st.integers(0, made.size))
    stop = data.draw(st.integers(start, made.size))
    assert read(made, start, stop) == whole[start:stop]
    assert zipfile.ZipFile(io.BytesIO(whole)).testzip() is None


def sparse(path: Path, size: int) -> StoredFile:
    with path.open("wb") as file:
        file.truncate(size)
    return StoredFile(path=path, size=size, modified_ns=path.stat().st_mtime_ns, sha256="00" * 32, crc32=0)


def test_an_archive_beyond_four_gigabytes_uses_zip64(tmp_path: Path) -> None:
    big, other = sparse(tmp_path / "big", 5 * GIB), sparse(tmp_path / "other", 3 * GIB)
    layout = build_zip_layout(
        [
            text_member("first.txt", b"first"),
            Member(name="big.wav", content=big, crc32=0),
            Member(name="other.wav", content=other, crc32=0),
            text_member("last.txt", b"after eight gigabytes"),
        ]
    )
    with zipfile.ZipFile(LayoutFile(layout)) as archive:  # type: ignore[arg-type]  # a raw file will do
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        assert sizes == {"first.txt": 5, "big.wav": 5 * GIB, "other.wav": 3 * GIB, "last.txt": 21}
        assert archive.read("last.txt") == b"after eight gigabytes"
        assert archive.getinfo("last.txt").header_offset > 8 * GIB
    assert layout.size > 8 * GIB


@pytest.mark.parametrize("size", [0xFFFFFFFE, 0xFFFFFFFF, 0x100000000])
def test_the_boundary_of_zip64_is_exact(tmp_path: Path, size: int) -> None:
    layout = build_zip_layout(
        [Member(name="edge.wav", content=sparse(tmp_path / "edge", size), crc32=0), text_member("t.txt", b"end")]
    )
    with zipfile.ZipFile(LayoutFile(layout)) as archive:  # type: ignore[arg-type]  # a raw file will do
        assert archive.getinfo("edge.wav").file_size == size
        assert archive.read("t.txt") == b"end"


def test_more_than_65535_files_use_zip64() -> None:
    layout = build_zip_layout([text_member(f"{number}", b"") for number in range(0x10000)])
    with zipfile.ZipFile(io.BytesIO(read(layout))) as archive:
        assert len(archive.namelist()) == 0x10000
