"""Many statuses in a compressed byte array (draft-ietf-oauth-status-list §4)."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from credentials.encoding import base64url
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.protocols.members import Members
from credentials.status.errors import StatusOutOfRange

VALID: Final = 0
INVALID: Final = 1
SUSPENDED: Final = 2
MAX_BYTES: Final = 2 * 1024 * 1024
"""The longest byte array that is unpacked: sixteen million entries of one bit. Behind a cap on what is fetched, too."""

_BITS: Final = (1, 2, 4, 8)
_BYTE: Final = 8
_MAX_LST: Final = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PackedStatuses:
    """One status per index, in `bits` bits each, packed from the least significant bit of each byte (§4.1)."""

    bits: int
    packed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.bits not in _BITS:
            raise Malformed("status list", "`bits` is not 1, 2, 4 or 8")

    @classmethod
    def all_valid(cls, entries: int, *, bits: int = 1) -> Self:
        """Make a list of at least so many entries, each of them valid."""
        return cls(bits, bytes(-(-entries * bits // _BYTE)))

    @classmethod
    def parse(cls, value: Json, *, max_bytes: int = MAX_BYTES) -> Self:
        """Read a status list in JSON (§4.2); `aggregation_uri` is for whoever looks for more lists.

        Raises:
            Malformed: it is none, or unpacks to more than `max_bytes`.
        """
        members = Members(value, what="status list")
        bits = members.integer("bits", maximum=max(_BITS))
        lst = members.text("lst", max_chars=_MAX_LST)
        return cls(bits, _unpack(base64url.decode(lst, what=members.named("lst")), max_bytes))

    def to_json(self) -> dict[str, Json]:
        """Write it in JSON (§4.2); compressed as far as zlib goes, as §4.1 recommends."""
        return {"bits": self.bits, "lst": base64url.encode(zlib.compress(self.packed, level=9))}

    def __len__(self) -> int:
        return len(self.packed) * _BYTE // self.bits

    def __getitem__(self, index: int) -> int:
        """Return the status at an index.

        Raises:
            StatusOutOfRange: the list ends before it.
        """
        place, shift = self._place(index)
        return self.packed[place] >> shift & self._mask

    def replaced(self, statuses: Mapping[int, int]) -> Self:
        """Return the list with other statuses at some indices.

        Raises:
            StatusOutOfRange: the list ends before one of them.
        """
        packed = bytearray(self.packed)
        for index, status in statuses.items():
            place, shift = self._place(index)
            if not 0 <= status <= self._mask:
                raise Malformed("status", f"it does not fit into {self.bits} bits")
            packed[place] = packed[place] & ~(self._mask << shift) | status << shift
        return type(self)(self.bits, bytes(packed))

    @property
    def _mask(self) -> int:
        return (1 << self.bits) - 1

    def _place(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise StatusOutOfRange
        place, beyond = divmod(index * self.bits, _BYTE)
        return place, beyond


def _unpack(compressed: bytes, max_bytes: int) -> bytes:
    # A few kilobytes can unpack to gigabytes: nothing is unpacked beyond the cap, and what follows the end is refused.
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(compressed, max_bytes + 1)
    except zlib.error as error:
        raise Malformed("status list", "`lst` is not compressed with zlib") from error
    if len(unpacked) > max_bytes:
        raise Malformed("status list", f"it unpacks to more than {max_bytes} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise Malformed("status list", "`lst` is cut off, or something follows it")
    return unpacked
