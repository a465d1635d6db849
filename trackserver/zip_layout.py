"""A zip whose every byte is known before the first is sent.

Members are stored, not deflated (audio does not shrink), and their sizes and CRCs are known since they were added. So
the length of the archive and the offset of every byte follow, a download resumes anywhere, and memory stays flat: the
archive is a list of pieces that are either a few bytes of header or a whole file. One release always makes the same
bytes.

Numbers below cite PKWARE's APPNOTE.TXT 6.3.10.
"""

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from trackserver.catalogue import StoredFile

_LIMIT_16: Final = 0xFFFF
_LIMIT_32: Final = 0xFFFFFFFF
_UTF8_NAMES: Final = 1 << 11  # §4.4.4, bit 11
_VERSION: Final = 20
_VERSION_ZIP64: Final = 45  # §4.4.3.2
_MADE_BY_UNIX: Final = 3 << 8
_PLAIN_FILE: Final = 0o100644 << 16
_ZIP64_EXTRA: Final = 0x0001  # §4.5.3
_TIME_OF_DAY: Final = 0
_NO_DATE: Final = (0 << 9) | (1 << 5) | 1  # 1980-01-01, the earliest that fits


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of the archive.

    Attributes:
        name: its safe path inside, with `/` between folders.
        content: a file on disk, or a short text of our own.
    """

    name: str
    content: StoredFile | bytes
    crc32: int

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.size

    @property
    def digest(self) -> bytes:
        """What tells its bytes from others."""
        if isinstance(self.content, bytes):
            return hashlib.sha256(self.content).digest()
        return bytes.fromhex(self.content.sha256)


@dataclass(frozen=True, slots=True)
class FileSlice:
    """`length` bytes of a file, from `offset` on."""

    file: StoredFile
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class ZipLayout:
    """The archive as pieces: `starts[i]` is where `pieces[i]` begins.

    Attributes:
        size: the length of the whole archive.
        etag: the strong entity tag, without quotes: the same for the same bytes and for no others.
    """

    starts: tuple[int, ...]
    pieces: tuple[bytes | StoredFile, ...]
    size: int
    etag: str

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """Every file that the archive is read from."""
        return tuple(piece for piece in self.pieces if isinstance(piece, StoredFile))

    def slices(self, start: int, stop: int) -> Iterator[bytes | FileSlice]:
        """Give the bytes from `start` up to but without `stop`, as header bytes and slices of files."""
        index = bisect_right(self.starts, start) - 1
        while start < stop:
            piece, begins = self.pieces[index], self.starts[index]
            length = _length(piece)
            first, last = start - begins, min(stop - begins, length)
            if first < last:
                yield piece[first:last] if isinstance(piece, bytes) else FileSlice(piece, first, last - first)
            start = begins + last
            index += 1


def build_zip_layout(members: Sequence[Member]) -> ZipLayout:
    """Lay out an archive of these members, in this order; their names must be distinct and safe."""
    pieces: list[bytes | StoredFile] = []
    directory = bytearray()
    digest = hashlib.sha256()
    offset = 0
    for member in members:
        header = _local_header(member)
        directory += _central_header(member, offset)
        pieces += [header, member.content]
        digest.update(header + member.digest)
        offset += len(header) + member.size
    tail = bytes(directory) + _end_of_directory(len(members), len(directory), offset)
    pieces.append(tail)
    digest.update(tail)
    kept = tuple(piece for piece in pieces if _length(piece))
    starts: list[int] = []
    size = 0
    for piece in kept:
        starts.append(size)
        size += _length(piece)
    return ZipLayout(tuple(starts), kept, size, digest.hexdigest())


def _length(piece: bytes | StoredFile) -> int:
    return len(piece) if isinstance(piece, bytes) else piece.size


def _local_header(member: Member) -> bytes:
    """§4.3.7. Both sizes stand in the zip64 field as soon as one does not fit (§4.5.3)."""
    name = member.name.encode()
    big = member.size >= _LIMIT_32
    extra = struct.pack("<HHQQ", _ZIP64_EXTRA, 16, member.size, member.size) if big else b""
    size = _LIMIT_32 if big else member.size
    return (
        struct.pack(
            "<4s5H3I2H",
            b"PK\x03\x04",
            _VERSION_ZIP64 if big else _VERSION,
            _UTF8_NAMES,
            0,  # stored
            _TIME_OF_DAY,
            _NO_DATE,
            member.crc32,
            size,
            size,
            len(name),
            len(extra),
        )
        + name
        + extra
    )


def _central_header(member: Member, offset: int) -> bytes:
    """§4.3.12. Only the numbers that do not fit stand in the zip64 field, in this order (§4.5.3)."""
    name = member.name.encode()
    numbers: list[int] = []
    if member.size >= _LIMIT_32:
        numbers += [member.size, member.size]
    if offset >= _LIMIT_32:
        numbers.append(offset)
    extra = struct.pack(f"<HH{len(numbers)}Q", _ZIP64_EXTRA, 8 * len(numbers), *numbers) if numbers else b""
    version = _VERSION_ZIP64 if numbers else _VERSION
    size = min(member.size, _LIMIT_32)
    return (
        struct.pack(
            "<4s6H3I5H2I",
            b"PK\x01\x02",
            _MADE_BY_UNIX | version,
            version,
            _UTF8_NAMES,
            0,  # stored
            _TIME_OF_DAY,
            _NO_DATE,
            member.crc32,
            size,
            size,
            len(name),
            len(extra),
            0,  # no comment
            0,  # first disk
            0,  # internal attributes
            _PLAIN_FILE,
            min(offset, _LIMIT_32),
        )
        + name
        + extra
    )


def _end_of_directory(count: int, length: int, offset: int) -> bytes:
    """§4.3.14 to §4.3.16: the zip64 records only when a number does not fit."""
    end = struct.pack(
        "<4s4H2IH",
        b"PK\x05\x06",
        0,
        0,
        min(count, _LIMIT_16),
        min(count, _LIMIT_16),
        min(length, _LIMIT_32),
        min(offset, _LIMIT_32),
        0,
    )
    if count < _LIMIT_16 and length < _LIMIT_32 and offset < _LIMIT_32:
        return end
    made_by = _MADE_BY_UNIX | _VERSION_ZIP64
    record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, made_by, _VERSION_ZIP64, 0, 0, count, count, length, offset)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, offset + length, 1)
    return record + locator + end
