"""Bitstring Status List 1.0: the statuses of linked credentials, in a credential of their own.

Only what is published names an entry of one. A bbs-2023 credential has no status: an index would tell its holder from
others (design/protocols.md, "What must not link a holder", rule 3).
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Self

from credentials.encoding import base64url
from credentials.encoding.date_time import write_date_time
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.protocols.members import Members, check_items, check_text
from credentials.protocols.urls import parse_service_url
from credentials.status.errors import StatusListTooShort, StatusNotSupported, StatusOutOfRange
from credentials.status.packed import PackedStatuses
from schemas.context import CREDENTIALS_V2_URL

ENTRY_TYPE: Final = "BitstringStatusListEntry"
LIST_TYPE: Final = "BitstringStatusList"
CREDENTIAL_TYPE: Final = "BitstringStatusListCredential"
REVOCATION: Final = "revocation"
SUSPENSION: Final = "suspension"
REFRESH: Final = "refresh"
MIN_ENTRIES: Final = 131_072
"""A list of fewer entries would tell too much of each (§3.2)."""
MAX_BYTES: Final = 2 * 1024 * 1024
"""The longest bitstring that is unpacked: sixteen million entries of one bit."""

_WHAT: Final = "status of the credential"
_LIST: Final = "status list"
_BYTE: Final = 8
_MAX_SIZE: Final = 8
_MAX_ENCODED: Final = 4 * 1024 * 1024
_MAX_ENTRIES: Final = 8
_MULTIBASE_BASE64URL: Final = "u"
_GZIP: Final = 31  # zlib's code for a gzip frame with the largest window
_MIRRORED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_INDEX: Final = re.compile(r"(0|[1-9][0-9]{0,9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class BitstringEntry:
    """One entry of a list, as a credential names it (§2.1)."""

    uri: str
    """Where the list is."""
    index: int
    purpose: str = REVOCATION
    size: int = 1
    """How many bits the entry has."""
    messages: tuple[tuple[str, str], ...] = ()
    """What each value means, as pairs of its hexadecimal form and words for whoever looks for mistakes."""

    @classmethod
    def parse(cls, value: Json) -> Self:
        """Read one entry.

        Raises:
            StatusNotSupported: it is a status of another kind.
            Malformed: it is none.
        """
        members = Members(value, what=_WHAT)
        if members.get("type") != ENTRY_TYPE:
            raise StatusNotSupported
        size = members.optional_integer("statusSize", minimum=1, maximum=_MAX_SIZE) or 1
        return cls(
            uri=parse_service_url(members.text("statusListCredential"), what=members.named("statusListCredential")),
            index=int(members.text("statusListIndex", pattern=_INDEX)),
            purpose=members.text("statusPurpose", max_chars=100),
            size=size,
            messages=_read_messages(members, size),
        )

    def to_json(self) -> dict[str, Json]:
        """Write it as a value of `credentialStatus`."""
        entry: dict[str, Json] = {
            "type": ENTRY_TYPE,
            "statusPurpose": self.purpose,
            "statusListIndex": str(self.index),
            "statusListCredential": self.uri,
        }
        if self.size > 1:
            entry["statusSize"] = self.size
        if self.messages:
            entry["statusMessage"] = [{"status": status, "message": words} for status, words in self.messages]
        return entry


def read_entries(value: Json) -> tuple[BitstringEntry, ...]:
    """Read all entries of a `credentialStatus`; each has a purpose of its own.

    Raises:
        StatusNotSupported: one is a status of another kind.
        Malformed: one cannot be read, or there are too many.
    """
    items = check_items(value if isinstance(value, list) else [value], what=_WHAT, max_items=_MAX_ENTRIES)
    return tuple(BitstringEntry.parse(item) for item in items)


@dataclass(frozen=True, slots=True)
class Bitstring:
    """One status per index, in `size` bits each, from the left-most bit of the first byte on (§2.2)."""

    size: int
    packed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.size <= _MAX_SIZE:
            raise Malformed(_LIST, f"its entries have not 1 to {_MAX_SIZE} bits")

    @classmethod
    def all_valid(cls, entries: int = MIN_ENTRIES, *, size: int = 1) -> Self:
        """Make a list of at least so many entries, each of them zero; never fewer than a crowd needs."""
        return cls(size, bytes(-(-max(entries, MIN_ENTRIES) * size // _BYTE)))

    @classmethod
    def from_token(cls, statuses: PackedStatuses) -> Self:
        """Tell a list of a Status List Token otherwise: the same entries, but from the other end of each byte.

        Raises:
            Malformed: it has more than one bit for each entry.
        """
        if statuses.bits != 1:
            raise Malformed(_LIST, "it has more than one bit for each entry")
        return cls(1, statuses.packed.translate(_MIRRORED))

    @classmethod
    def parse(cls, encoded: Json, *, size: int = 1, max_bytes: int = MAX_BYTES) -> Self:
        """Read `encodedList` (§3.4).

        Raises:
            Malformed: it is none, or unpacks to more than `max_bytes`.
            StatusListTooShort: it has fewer entries than a crowd needs.
        """
        text = check_text(encoded, what=f"`encodedList` of the {_LIST}", max_chars=_MAX_ENCODED)
        if not text.startswith(_MULTIBASE_BASE64URL):
            raise Malformed(_LIST, "its `encodedList` is not base64url, which begins with u")
        packed = _unpack(base64url.decode(text[1:], what=f"`encodedList` of the {_LIST}"), max_bytes)
        found = cls(size, packed)
        if len(found) < MIN_ENTRIES:
            raise StatusListTooShort(MIN_ENTRIES)
        return found

    def write(self) -> str:
        """Write it as `encodedList` (§3.3); the same list is always the same text."""
        packer = zlib.compressobj(level=9, wbits=_GZIP)
        return _MULTIBASE_BASE64URL + base64url.encode(packer.compress(self.packed) + packer.flush())

    def __len__(self) -> int:
        return len(self.packed) * _BYTE // self.size

    def __getitem__(self, index: int) -> int:
        """Return the status at an index.

        Raises:
            StatusOutOfRange: the list ends before it.
        """
        first, last, shift = self._place(index)
        return int.from_bytes(self.packed[first:last]) >> shift & self._mask

    def replaced(self, statuses: Mapping[int, int]) -> Self:
        """Return the list with other statuses at some indices.

        Raises:
            StatusOutOfRange: the list ends before one of them.
            Malformed: a status is too large.
        """
        packed = bytearray(self.packed)
        for index, status in statuses.items():
            first, last, shift = self._place(index)
            if not 0 <= status <= self._mask:
                raise Malformed("status", f"it does not fit into {self.size} bits")
            bits = int.from_bytes(packed[first:last]) & ~(self._mask << shift) | status << shift
            packed[first:last] = bits.to_bytes(last - first)
        return type(self)(self.size, bytes(packed))

    @property
    def _mask(self) -> int:
        return (1 << self.size) - 1

    def _place(self, index: int) -> tuple[int, int, int]:
        """The bytes that hold an entry, and how far from their right end it stands; it may lie across two."""
        if not 0 <= index < len(self):
            raise StatusOutOfRange
        start = index * self.size
        end = start + self.size
        last = -(-end // _BYTE)
        return start // _BYTE, last, last * _BYTE - end


def build_bitstring_credential(
    statuses: Bitstring,
    *,
    uri: str,
    issuer_did: str,
    purpose: str,
    valid_from: datetime,
    valid_until: datetime,
    ttl: timedelta,
) -> dict[str, Json]:
    """Build the credential that holds a list (§2.2), to be signed as the credentials that name it are.

    Args:
        statuses: what it says.
        uri: where it will be; credentials name it by exactly this text.
        issuer_did: who says it.
        purpose: what a status other than zero means.
        valid_from: now, to the second.
        valid_until: when it ends.
        ttl: after how long whoever keeps it should fetch it again.
    """
    return {
        "@context": [CREDENTIALS_V2_URL],
        "id": uri,
        "type": ["VerifiableCredential", CREDENTIAL_TYPE],
        "issuer": issuer_did,
        "validFrom": write_date_time(valid_from),
        "validUntil": write_date_time(valid_until),
        "credentialSubject": {
            "id": f"{uri}#list",
            "type": LIST_TYPE,
            "statusPurpose": purpose,
            "encodedList": statuses.write(),
            # §2.2: in milliseconds.
            "ttl": int(ttl.total_seconds() * 1000),
        },
    }


def _read_messages(members: Members, size: int) -> tuple[tuple[str, str], ...]:
    def read(item: Json, what: str) -> tuple[str, str]:
        message = Members(item, what=what)
        return message.text("status", max_chars=10), message.text("message", max_chars=300)

    found = members.optional_array("statusMessage", read, max_items=1 << size)
    # §2.1: one for each value; they may be left out only where a bit says it all.
    if len(found) not in ({0, 2} if size == 1 else {1 << size}):
        raise Malformed(members.named("statusMessage"), "it does not have one message for each value")
    return found


def _unpack(compressed: bytes, max_bytes: int) -> bytes:
    # A few kilobytes can unpack to gigabytes: nothing is unpacked beyond the cap, and what follows the end is refused.
    unpacker = zlib.decompressobj(wbits=_GZIP)
    try:
        unpacked = unpacker.decompress(compressed, max_bytes + 1)
    except zlib.error as error:
        raise Malformed(_LIST, "its `encodedList` is not compressed with gzip") from error
    if len(unpacked) > max_bytes:
        raise Malformed(_LIST, f"it unpacks to more than {max_bytes} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise Malformed(_LIST, "its `encodedList` is cut off, or something follows it")
    return unpacked
