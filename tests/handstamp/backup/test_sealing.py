"""Sealed bytes: any length comes back, nothing changed does, and memory stays flat."""

import io
import secrets
import tracemalloc
from pathlib import Path

import pytest

from handstamp.backup.errors import NewerBackup, UnusableBackup, WrongBackupPassphrase
from handstamp.backup.sealing import MAGIC, PIECE_BYTES, SealedReader, SealedWriter
from tests.handstamp.backup.conftest import CHEAP, PASSPHRASE

WHERE = Path("backup")


def seal(plain: bytes) -> bytes:
    out = io.BytesIO()
    writer = SealedWriter(out, PASSPHRASE, cost=CHEAP, random=secrets.token_bytes)
    writer.write(plain)
    writer.finish()
    return out.getvalue()


def unseal(sealed: bytes, count: int, passphrase: str = PASSPHRASE) -> bytes:
    reader = SealedReader(io.BytesIO(sealed), passphrase, path=WHERE)
    read = b""
    while len(read) < count:
        read += reader.read(count - len(read))
    reader.finish()
    return read


@pytest.mark.parametrize("length", [1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_what_was_sealed_comes_back(length: int) -> None:
    plain = secrets.token_bytes(length)
    assert unseal(seal(plain), length) == plain


def test_another_passphrase_is_told_from_a_damaged_file() -> None:
    with pytest.raises(WrongBackupPassphrase):
        unseal(seal(b"keys"), 4, "another sentence")


@pytest.mark.parametrize("at", [len(MAGIC) + 1, len(MAGIC) + 20, 250, -1, -PIECE_BYTES])
def test_one_changed_bit_is_found_wherever_it_is(at: int) -> None:
    sealed = bytearray(seal(bytes(2 * PIECE_BYTES)))
    sealed[at] ^= 1
    with pytest.raises(UnusableBackup):
        unseal(bytes(sealed), 2 * PIECE_BYTES)


@pytest.mark.parametrize("left", [0, 5, 100, 300, -1, -PIECE_BYTES - 16, -2 * (PIECE_BYTES + 16)])
def test_a_sealed_file_that_was_cut_anywhere_is_refused(left: int) -> None:
    with pytest.raises(UnusableBackup):
        unseal(seal(bytes(3 * PIECE_BYTES))[:left], 3 * PIECE_BYTES)


def test_what_follows_the_last_piece_is_refused() -> None:
    with pytest.raises(UnusableBackup):
        unseal(seal(b"keys") + b"more", 4)


def test_pieces_in_another_order_are_refused() -> None:
    plain = bytes(4 * PIECE_BYTES)
    sealed, piece = seal(plain), PIECE_BYTES + 16
    front = len(sealed) - 4 * piece
    swapped = sealed[:front] + sealed[front + piece : front + 2 * piece] + sealed[front : front + piece]
    with pytest.raises(UnusableBackup):
        unseal(swapped + sealed[front + 2 * piece :], len(plain))


def test_less_read_than_there_is_is_no_end() -> None:
    reader = SealedReader(io.BytesIO(seal(b"keys and more")), PASSPHRASE, path=WHERE)
    assert reader.read(4) == b"keys"
    with pytest.raises(UnusableBackup):
        reader.finish()


def test_a_newer_format_is_refused_by_its_number() -> None:
    sealed = bytearray(seal(b"keys"))
    sealed[len(MAGIC)] = 2
    with pytest.raises(NewerBackup, match="format 2"):
        unseal(bytes(sealed), 4)


def test_a_header_that_asks_for_endless_work_is_refused_before_any_is_done() -> None:
    import hashlib  # noqa: PLC0415
    import json  # noqa: PLC0415
    import struct  # noqa: PLC0415

    sealed = seal(b"keys")
    _, _, length = struct.unpack_from(">16sBH", sealed)
    header = json.loads(sealed[19 : 19 + length])
    for changed in ({"iterations": 10**6}, {"salt": "AAAA"}, {"kdf": "none"}, {"salt": "!"}):
        forged = json.dumps({**header, **changed}).encode()
        front = struct.pack(">16sBH", MAGIC, 1, len(forged)) + forged
        with pytest.raises(UnusableBackup, match="first lines"):
            unseal(front + hashlib.sha256(front).digest() + sealed[51 + length :], 4)


def test_memory_stays_flat_however_long_the_backup_is() -> None:
    class Sink(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            return len(data)  # type: ignore[arg-type]

    writer = SealedWriter(Sink(), PASSPHRASE, cost=CHEAP, random=secrets.token_bytes)  # type: ignore[arg-type]
    piece = bytes(256 * 1024)
    tracemalloc.start()
    for _ in range(64):
        writer.write(piece)
    writer.finish()
    assert tracemalloc.get_traced_memory()[1] < 2 * 1024 * 1024
    tracemalloc.stop()
