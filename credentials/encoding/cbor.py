"""Deterministic CBOR (RFC 8949 §4.2.1): integers, byte and text strings, arrays, maps, booleans and null, nothing else.

One value has one encoding, and only that one is read: a proof or a pass that could be written in two ways would carry a
mark that no signature sees. Floats, indefinite lengths and tags are refused; only a reader who says so takes bignums
(tag 2), which some published proofs hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from credentials.errors import Malformed

CborKey: TypeAlias = int | str | bytes
Cbor: TypeAlias = "int | bytes | str | list[Cbor] | dict[CborKey, Cbor] | None"  # bool is an int
_EncodableMap: TypeAlias = "Mapping[int, Encodable] | Mapping[str, Encodable] | Mapping[CborKey, Encodable]"
Encodable: TypeAlias = "int | bytes | str | Sequence[Encodable] | _EncodableMap | None"

MAX_BYTES: Final = 65_536
MAX_DEPTH: Final = 8
MAX_ITEMS: Final = 10_000

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_SIMPLE_VALUES: Final[Mapping[int, bool | None]] = {20: False, 21: True, 22: None}
_BIGNUM: Final = 2
_WIDTHS: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_LARGEST: Final = 2**64 - 1


def encode(value: Encodable) -> bytes:
    """Write a value in its one form: shortest lengths, map keys in the order of their encodings.

    Raises:
        Malformed: an integer beyond 64 bits, a float, or something else that is not written here.
    """
    parts: list[bytes] = []
    _write(value, parts)
    return b"".join(parts)


def decode(
    data: bytes,
    *,
    what: str,
    max_bytes: int = MAX_BYTES,
    max_depth: int = MAX_DEPTH,
    max_items: int = MAX_ITEMS,
    bignums: bool = False,
) -> Cbor:
    """Read one value, and nothing behind it, in its one form.

    Args:
        data: the encoded value.
        what: what is being read, for the error's words.
        max_bytes: the largest size.
        max_depth: how many arrays and maps may stand inside one another.
        max_items: how many values there may be in all, map keys included.
        bignums: whether integers beyond 64 bits are taken, as tag 2.

    Raises:
        Malformed: it is too large, too deep, cut short, followed by something, or not in deterministic form.
    """
    if len(data) > max_bytes:
        raise Malformed(what, f"it is larger than {max_bytes} bytes")
    reader = _Reader(data=data, what=what, items_left=max_items, bignums=bignums)
    value = reader.read(max_depth)
    if reader.position != len(data):
        raise Malformed(what, "bytes follow the end of the CBOR value")
    return value


def _write(value: Encodable, parts: list[bytes]) -> None:
    match value:
        case None | bool():
            parts.append(bytes([_SIMPLE << 5 | (22 if value is None else 20 + value)]))
        case int():
            parts.append(_head(_UNSIGNED, value) if value >= 0 else _head(_NEGATIVE, -1 - value))
        case bytes():
            parts += (_head(_BYTES, len(value)), value)
        case str():
            parts += _text_parts(value)
        case Mapping():
            _write_map(value, parts)
        case Sequence():
            parts.append(_head(_ARRAY, len(value)))
            for item in value:
                _write(item, parts)
        case _:
            raise Malformed("value to write", "CBOR here has no form for it")


def _write_map(members: Mapping[Any, Encodable], parts: list[bytes]) -> None:
    parts.append(_head(_MAP, len(members)))
    for key, name in sorted((encode(name), name) for name in members):
        parts.append(key)
        _write(members[name], parts)


def _text_parts(text: str) -> tuple[bytes, bytes]:
    try:
        encoded = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Malformed("value to write", "a text holds half of a surrogate pair") from error
    return _head(_TEXT, len(encoded)), encoded


def _head(major: int, argument: int) -> bytes:
    if argument < min(_WIDTHS):
        return bytes([major << 5 | argument])
    for code, width in _WIDTHS.items():
        if argument < 1 << 8 * width:
            return bytes([major << 5 | code]) + argument.to_bytes(width)
    raise Malformed("value to write", "an integer is beyond 64 bits")


@dataclass(slots=True, kw_only=True)
class _Reader:
    """Where reading stands."""

    data: bytes
    what: str
    items_left: int
    bignums: bool
    position: int = 0

    def read(self, depth_left: int) -> Cbor:
        self.items_left -= 1
        if self.items_left < 0:
            raise Malformed(self.what, "it holds too many CBOR values")
        major, argument = self._read_head()
        if major <= _NEGATIVE:
            return argument if major == _UNSIGNED else -1 - argument
        if major <= _TEXT:
            taken = self._take(argument)
            return taken if major == _BYTES else self._decode_text(taken)
        if major <= _MAP:
            return self._read_collection(major, argument, depth_left)
        if major == _TAG:
            return self._read_bignum(argument)
        if argument not in _SIMPLE_VALUES:
            raise Malformed(self.what, "it holds a kind of CBOR value that is not read here")
        return _SIMPLE_VALUES[argument]

    def _read_head(self) -> tuple[int, int]:
        first = self._take(1)[0]
        major, code = first >> 5, first & 31
        if code < min(_WIDTHS):
            return major, code
        width = _WIDTHS.get(code)
        if width is None or major == _SIMPLE:
            raise Malformed(self.what, "it holds a CBOR length or kind that is not read here")
        argument = int.from_bytes(self._take(width))
        if argument < (min(_WIDTHS) if width == 1 else 1 << 4 * width):
            raise Malformed(self.what, "a CBOR number is written longer than it needs")
        return major, argument

    def _take(self, length: int) -> bytes:
        taken = self.data[self.position : self.position + length]
        if len(taken) != length:
            raise Malformed(self.what, "it ends in the middle of a CBOR value")
        self.position += length
        return taken

    def _decode_text(self, encoded: bytes) -> str:
        try:
            return encoded.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed(self.what, "a CBOR text is not UTF-8") from error

    def _read_collection(self, major: int, length: int, depth_left: int) -> Cbor:
        if not depth_left:
            raise Malformed(self.what, "its CBOR values are nested too deep")
        if major == _ARRAY:
            # Each value counts against the cap before it is read, so that a large length costs nothing.
            return [self.read(depth_left - 1) for _ in range(length)]
        members: dict[CborKey, Cbor] = {}
        last = b""
        for _ in range(length):
            start = self.position
            key = self.read(0)
            encoded = self.data[start : self.position]
            if not isinstance(key, CborKey) or isinstance(key, bool) or encoded <= last:
                raise Malformed(self.what, "a CBOR map has a key twice, out of order, or of an odd kind")
            last = encoded
            members[key] = self.read(depth_left - 1)
        return members

    def _read_bignum(self, tag: int) -> int:
        if not self.bignums or tag != _BIGNUM:
            raise Malformed(self.what, "it holds a CBOR tag, which is not read here")
        major, length = self._read_head()
        digits = self._take(length) if major == _BYTES else b""
        number = int.from_bytes(digits)
        if number <= _LARGEST or not digits[0]:
            raise Malformed(self.what, "a CBOR bignum is not written in its shortest form")
        return number
