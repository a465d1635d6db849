"""Bytes under a passphrase: the format of the wallet file and of an export, version 1.

    magic "handstamp-wallet" or "handstamp-export" | version 1 byte | header length 2 bytes | header JSON |
    SHA-256 of all before | ciphertext with tag

The header names the key derivation (Argon2id, RFC 9106) with its costs and salt, the cipher (AES-256-GCM) with its
nonce, the length of the ciphertext and a check value. Everything before the ciphertext is authenticated by the cipher.
Two things that look alike are told apart: the digest and the length show a damaged or cut file before any passphrase
is tried, and the check value (a MAC under a second derived key) shows a wrong passphrase; what fails after both is a
change to the ciphertext.
"""

import hashlib
import hmac
import struct
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from typing_extensions import override

from credentials.encoding import base64url, strict_json
from credentials.errors import HandstampError, HolderError, Malformed
from wallet.errors import WrongPassphrase

WALLET: Final = b"handstamp-wallet"
EXPORT: Final = b"handstamp-export"
"""Another beginning, so that no export is ever opened, and shown from, as a wallet of its own."""
_VERSION: Final = 1
_PREFIX: Final = struct.Struct(f">{len(WALLET)}sBH")
_DIGEST_BYTES: Final = 32
_SALT_BYTES: Final = 16
_CHECK_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_MAX_HEADER_BYTES: Final = 1024
_PAGE_BYTES: Final = 4096
_MAX_MEMORY_KIB: Final = 1024 * 1024
_MAX_ITERATIONS: Final = 64
_MAX_LANES: Final = 16
# Both at their most would keep somebody waiting for minutes.
_MAX_WORK_KIB: Final = 4 * _MAX_MEMORY_KIB
_OTHERWISE: Final = {
    EXPORT: "it is an export, which only `handstamp wallet import` reads",
    WALLET: "it is a wallet and no export; `handstamp wallet export` makes one of it",
}

Random = Callable[[int], bytes]


class NewerFormat(HolderError):
    """The file was written by a newer version of the wallet."""

    code = "newer_wallet_format"

    def __init__(self, version: int) -> None:
        super().__init__(
            f"The wallet file has format {version}, which this version cannot read. Nothing was changed; "
            "update Handstamp."
        )


class Damaged(HandstampError):
    """The bytes were changed or cut since they were sealed; the vault says so with the file's name."""

    code = "damaged_wallet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """How dear one guess of the passphrase is: Argon2id memory (KiB), passes and lanes."""

    memory_kib: int = 64 * 1024
    iterations: int = 3
    lanes: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What a passphrase becomes for one salt; it never shows itself."""

    salt: bytes
    cost: Cost
    cipher_key: bytes
    check_key: bytes

    @override
    def __repr__(self) -> str:
        return "Key(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    cost: Cost
    salt: bytes
    nonce: bytes
    check: bytes
    length: int


def derive_key(passphrase: str, *, salt: bytes, cost: Cost) -> Key:
    """Return the keys that `passphrase` gives: Argon2id in the cost of RFC 9106 §4, its second choice by default.

    The passphrase is normalised (NFC), so that it is the same from every keyboard.
    """
    text = unicodedata.normalize("NFC", passphrase).encode()
    kdf = Argon2id(salt=salt, length=64, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory_kib)
    derived = kdf.derive(text)
    return Key(salt=salt, cost=cost, cipher_key=derived[:32], check_key=derived[32:])


def new_key(passphrase: str, *, cost: Cost, random: Random) -> Key:
    """Return the keys of a new wallet, with a salt of its own."""
    return derive_key(passphrase, salt=random(_SALT_BYTES), cost=cost)


def pad(plain: bytes) -> bytes:
    """Return `plain` filled up with spaces to whole pages, so that a file's length does not count what is in it."""
    return plain + b" " * (-len(plain) % _PAGE_BYTES)


def seal(plain: bytes, *, key: Key, random: Random, magic: bytes = WALLET) -> bytes:
    """Return `plain`, padded, encrypted under `key` with a fresh nonce; `magic` says what it is."""
    nonce = random(_NONCE_BYTES)
    padded = pad(plain)
    front = _front(key, magic=magic, nonce=nonce, length=len(padded) + _TAG_BYTES)
    return front + AESGCM(key.cipher_key).encrypt(nonce, padded, front)


def unseal(
    sealed: bytes, *, passphrase: str | None = None, key: Key | None = None, magic: bytes = WALLET
) -> tuple[bytes, Key]:
    """Return what was sealed and the key that opened it; give the passphrase, or a key derived earlier, or both.

    Raises:
        Damaged: the bytes were changed or cut.
        NewerFormat: a later version wrote them.
        WrongPassphrase: neither the passphrase nor the key fits.
    """
    header, front, ciphertext = _parse(sealed, magic)
    if key is None or (key.salt, key.cost) != (header.salt, header.cost):
        if passphrase is None:
            raise WrongPassphrase
        key = derive_key(passphrase, salt=header.salt, cost=header.cost)
    if not hmac.compare_digest(_check_value(key), header.check):
        raise WrongPassphrase
    try:
        return AESGCM(key.cipher_key).decrypt(header.nonce, ciphertext, front), key
    except InvalidTag as error:
        raise Damaged("its content was changed after it was written") from error


def describe_key(key: Key) -> dict[str, strict_json.Json]:
    """Return what a header says of how its key comes from the passphrase."""
    return {
        "kdf": "argon2id",
        "memory_kib": key.cost.memory_kib,
        "iterations": key.cost.iterations,
        "lanes": key.cost.lanes,
        "salt": base64url.encode(key.salt),
    }


def _check_value(key: Key) -> bytes:
    return hmac.digest(key.check_key, b"handstamp-wallet passphrase check" + key.salt, "sha256")[:_CHECK_BYTES]


def _front(key: Key, *, magic: bytes, nonce: bytes, length: int) -> bytes:
    header = strict_json.dump(
        {
            **describe_key(key),
            "cipher": "aes-256-gcm",
            "nonce": base64url.encode(nonce),
            "check": base64url.encode(_check_value(key)),
            "length": length,
        }
    )
    front = _PREFIX.pack(magic, _VERSION, len(header)) + header
    return front + hashlib.sha256(front).digest()


def _parse(sealed: bytes, expected: bytes) -> tuple[_Header, bytes, bytes]:
    if len(sealed) < _PREFIX.size:
        raise Damaged("it is cut short" if expected.startswith(sealed[: len(expected)]) else "it is not a wallet file")
    magic, version, header_length = _PREFIX.unpack_from(sealed)
    if magic != expected:
        raise Damaged(_OTHERWISE.get(magic, "it does not begin like a wallet file"))
    if version > _VERSION:
        raise NewerFormat(version)
    end = _PREFIX.size + header_length
    front = sealed[: end + _DIGEST_BYTES]
    if header_length > _MAX_HEADER_BYTES or hashlib.sha256(sealed[:end]).digest() != front[end:]:
        raise Damaged("its first lines were changed or cut")
    header = _parse_header(sealed[_PREFIX.size : end])
    ciphertext = sealed[len(front) :]
    if len(ciphertext) != header.length:
        raise Damaged(f"it should have {header.length} bytes of content and has {len(ciphertext)}")
    return header, front, ciphertext


def _parse_header(data: bytes) -> _Header:
    try:
        match strict_json.parse(data, what="wallet header"):
            case {
                "kdf": "argon2id",
                "memory_kib": int(memory),
                "iterations": int(iterations),
                "lanes": int(lanes),
                "salt": str(salt),
                "cipher": "aes-256-gcm",
                "nonce": str(nonce),
                "check": str(check),
                "length": int(length),
            }:
                return _Header(
                    cost=parse_cost(memory, iterations, lanes),
                    salt=read_exactly(_SALT_BYTES, salt),
                    nonce=read_exactly(_NONCE_BYTES, nonce),
                    check=read_exactly(_CHECK_BYTES, check),
                    length=length,
                )
            case _:
                pass
    except Malformed as error:
        raise Damaged("its first lines cannot be read") from error
    raise Damaged("its first lines name something that is not known")


def parse_cost(memory_kib: int, iterations: int, lanes: int) -> Cost:
    """Take over what a file says of the cost of its key.

    Raises:
        Damaged: it is out of bounds; a file that somebody else made must not make this machine run out of memory, or
            of time.
    """
    in_bounds = (
        0 < iterations <= _MAX_ITERATIONS
        and 0 < lanes <= _MAX_LANES
        and 8 * lanes <= memory_kib <= _MAX_MEMORY_KIB
        and memory_kib * iterations <= _MAX_WORK_KIB
    )
    if not in_bounds:
        raise Damaged("its first lines ask for work beyond all bounds")
    return Cost(memory_kib=memory_kib, iterations=iterations, lanes=lanes)


def read_exactly(count: int, text: str) -> bytes:
    """Read the bytes that a header holds as text.

    Raises:
        Damaged: they are not so many.
        Malformed: it is no base64url.
    """
    value = base64url.decode(text, what="wallet header")
    if len(value) != count:
        raise Damaged("its first lines hold a value of the wrong length")
    return value
