"""Bytes of any length under a passphrase, sealed and opened piece by piece, so that memory stays flat.

    magic "handstamp-backup" | version 1 byte | header length 2 bytes | header JSON | SHA-256 of all before | pieces

The passphrase becomes a key as the wallet's does (`wallet.sealed`: Argon2id, RFC 9106), under a salt of the file's
own, so the key is met in no other file. Each piece of 64 KiB is sealed by AES-256-GCM with its number and whether it is
the last as the nonce (the STREAM construction; Hoang, Reyhanitabar, Rogaway, Vizár, 2015), and with the digest of
the front as what it belongs to: pieces cannot be changed, left out, cut off, put elsewhere, or taken from another
backup.
"""

import hashlib
import hmac
import struct
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from credentials.encoding import base64url, strict_json
from credentials.errors import Malformed
from handstamp.backup.errors import NewerBackup, UnusableBackup, WrongBackupPassphrase
from wallet.sealed import Cost, Damaged, Key, Random, derive_key, describe_key, new_key, parse_cost, read_exactly

MAGIC: Final = b"handstamp-backup"
VERSION: Final = 1
PIECE_BYTES: Final = 64 * 1024
_PREFIX: Final = struct.Struct(f">{len(MAGIC)}sBH")
_NONCE: Final = struct.Struct(">3xQB")
_DIGEST_BYTES: Final = 32
_TAG_BYTES: Final = 16
_SALT_BYTES: Final = 16
_CHECK_BYTES: Final = 16
_HEADER: Final = "header of the backup"
_MAX_HEADER_BYTES: Final = 1024


class SealedWriter:
    """Writes sealed bytes to a file; `finish` writes the last piece, without which nobody can open it."""

    def __init__(self, file: BinaryIO, passphrase: str, *, cost: Cost, random: Random) -> None:
        key = new_key(passphrase, cost=cost, random=random)
        front = _build_front(key)
        self._file = file
        self._cipher = AESGCM(key.cipher_key)
        self._belongs_to = front[-_DIGEST_BYTES:]
        self._waiting = bytearray()
        self._number = 0
        file.write(front)

    def write(self, data: bytes) -> None:
        """Take more bytes; whole pieces are written, the rest waits for its piece to be full."""
        self._waiting += data
        while len(self._waiting) > PIECE_BYTES:  # a full piece waits, too: it may be the last
            self._write_piece(bytes(self._waiting[:PIECE_BYTES]), last=False)
            del self._waiting[:PIECE_BYTES]

    def finish(self) -> None:
        """Write the last piece."""
        self._write_piece(bytes(self._waiting), last=True)

    def _write_piece(self, piece: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_NONCE.pack(self._number, last), piece, self._belongs_to))
        self._number += 1


class SealedReader:
    """Reads what `SealedWriter` wrote. Whatever it returns was written under the passphrase, in this place.

    Raises:
        UnusableBackup: the file was changed or cut; also by `read` and `finish`.
        NewerBackup: a later version wrote it.
        WrongBackupPassphrase: it is another passphrase.
    """

    def __init__(self, file: BinaryIO, passphrase: str, *, path: Path) -> None:
        self._file = file
        self._path = path
        front, key, check = self._read_front(passphrase)
        if not hmac.compare_digest(_check_value(key), check):
            raise WrongBackupPassphrase(path)
        self._cipher = AESGCM(key.cipher_key)
        self._belongs_to = front
        self._opened = b""
        self._at = 0
        self._number = 0
        self._next = file.read(PIECE_BYTES + _TAG_BYTES)

    def read(self, most: int) -> bytes:
        """Return at least one byte and at most `most`."""
        if self._at == len(self._opened):
            self._open_piece()
        piece = self._opened[self._at : self._at + most]
        self._at += len(piece)
        return piece

    def finish(self) -> None:
        """Check that everything was read, and that nothing follows."""
        if self._at != len(self._opened) or self._next or not self._number:
            raise UnusableBackup(self._path, "there is more in it than it says")

    def _open_piece(self) -> None:
        sealed = self._next
        if not sealed:
            raise UnusableBackup(self._path, "it is cut short")
        self._next = self._file.read(PIECE_BYTES + _TAG_BYTES)
        nonce = _NONCE.pack(self._number, not self._next)
        try:
            self._opened, self._at = self._cipher.decrypt(nonce, sealed, self._belongs_to), 0
        except InvalidTag as error:
            raise UnusableBackup(self._path, "it was changed or cut after it was written") from error
        self._number += 1

    def _read_front(self, passphrase: str) -> tuple[bytes, Key, bytes]:
        prefix = self._file.read(_PREFIX.size)
        if len(prefix) < _PREFIX.size or not prefix.startswith(MAGIC):
            raise UnusableBackup(self._path, "it is not a backup of Handstamp")
        _, version, length = _PREFIX.unpack(prefix)
        if version > VERSION:
            raise NewerBackup(self._path, f"format {version}")
        header, digest = self._file.read(min(length, _MAX_HEADER_BYTES)), self._file.read(_DIGEST_BYTES)
        if hashlib.sha256(prefix + header).digest() != digest:
            raise UnusableBackup(self._path, "its first lines were changed or cut")
        cost, salt, check = self._parse_header(header)
        return digest, derive_key(passphrase, salt=salt, cost=cost), check

    def _parse_header(self, header: bytes) -> tuple[Cost, bytes, bytes]:
        try:
            match strict_json.parse(header, what=_HEADER):
                case {
                    "kdf": "argon2id",
                    "memory_kib": int(memory),
                    "iterations": int(iterations),
                    "lanes": int(lanes),
                    "salt": str(salt),
                    "cipher": "aes-256-gcm-stream",
                    "check": str(check),
                }:
                    cost = parse_cost(memory, iterations, lanes)
                    return cost, read_exactly(_SALT_BYTES, salt), read_exactly(_CHECK_BYTES, check)
                case _:
                    pass
        except (Malformed, Damaged) as error:
            raise UnusableBackup(self._path, "its first lines cannot be read") from error
        raise UnusableBackup(self._path, "its first lines name something that is not known")


def _build_front(key: Key) -> bytes:
    header = strict_json.dump(
        {
            **describe_key(key),
            "cipher": "aes-256-gcm-stream",
            "check": base64url.encode(_check_value(key)),
        }
    )
    front = _PREFIX.pack(MAGIC, VERSION, len(header)) + header
    return front + hashlib.sha256(front).digest()


def _check_value(key: Key) -> bytes:
    return hmac.digest(key.check_key, b"handstamp-backup passphrase check" + key.salt, "sha256")[:_CHECK_BYTES]
