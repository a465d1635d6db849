"""JSON that means the same to every reader (RFC 8259, and the limits of I-JSON, RFC 7493 §2).

Duplicate names, `NaN`, lone surrogates and integers beyond 53 bits are read differently by different parsers; a
signature over such a text protects nothing. They are refused, as are texts that are too large or nested too deep.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from credentials.errors import Malformed

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_BYTES = 65_536
MAX_DEPTH = 16
_BLANKS = " \t\n\r"
_MAX_INTEGER = 2**53 - 1
_MAX_INTEGER_DIGITS = 17


class _Refused(ValueError):
    """A reason to refuse, on its way from a hook of the decoder to `parse`."""


def _object_without_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("an object has the same name twice")
    return members


def _integer(digits: str) -> int:
    # The length is tested first, so that nobody makes us convert thousands of digits.
    if len(digits) > _MAX_INTEGER_DIGITS or abs(number := int(digits)) > _MAX_INTEGER:
        raise _Refused("an integer is beyond 53 bits, where readers disagree")
    return number


def _finite(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise _Refused("a number is too large")
    return number


def _constant(name: str) -> float:
    raise _Refused(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object_without_duplicates,
    parse_int=_integer,
    parse_float=_finite,
    parse_constant=_constant,
)
_SCAN: Callable[[str, int], tuple[Json, int]] = cast("Any", _DECODER).scan_once
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def parse(data: bytes | str, *, what: str, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Json:
    """Read one JSON text.

    Args:
        data: UTF-8 bytes, or text.
        what: what is being read, for the error's words.
        max_bytes: the largest size, in bytes (in characters, if given text).
        max_depth: how many objects and arrays may stand inside one another.

    Raises:
        Malformed: it is not JSON, or not JSON that every reader reads alike.
    """
    if len(data) > max_bytes:
        raise Malformed(what, f"it is larger than {max_bytes} bytes")
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data.encode("utf-8").decode("utf-8")
        value = _decode(text)
    except UnicodeError as error:
        raise Malformed(what, "it is not UTF-8") from error
    except _Refused as refused:
        raise Malformed(what, str(refused)) from refused
    except RecursionError as error:
        raise Malformed(what, f"it is nested deeper than {max_depth} levels") from error
    except ValueError as error:
        raise Malformed(what, "it is not JSON") from error
    # No text is deeper than it has opening brackets: almost every message is cleared by this count, without a walk.
    if text.count("{") + text.count("[") > max_depth:
        _check_depth(value, what=what, max_depth=max_depth)
    # Only an escape can smuggle a lone surrogate past the UTF-8 decoder.
    if "\\u" in text:
        _check_unicode(value, what=what)
    return value


def parse_object(
    data: bytes | str, *, what: str, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH
) -> dict[str, Json]:
    """Read one JSON text that must be an object; as `parse` otherwise."""
    value = parse(data, what=what, max_bytes=max_bytes, max_depth=max_depth)
    if not isinstance(value, dict):
        raise Malformed(what, "it is not a JSON object")
    return value


def dump(value: "Json | Mapping[str, Json] | Sequence[Json]") -> bytes:
    """Write JSON as compact UTF-8, members in the order given.

    Raises:
        Malformed: it holds `NaN`, an infinity, a lone surrogate, or something that JSON does not know.
    """
    try:
        return _ENCODER.encode(value).encode("utf-8")
    except (ValueError, TypeError, RecursionError) as error:
        raise Malformed("value to write", "JSON cannot express it") from error


def _decode(text: str) -> Json:
    # What `json.JSONDecoder.decode` does, without its two searches for blanks: hardly any message has them.
    text = text.strip(_BLANKS)
    try:
        value, end = _SCAN(text, 0)
    except StopIteration as error:
        raise ValueError from error
    if end != len(text):
        raise ValueError
    return value


def _check_depth(value: Json, *, what: str, max_depth: int) -> None:
    level = [value]
    for _ in range(max_depth):
        level = [child for node in level for child in _children(node) if isinstance(child, dict | list)]
        if not level:
            return
    raise Malformed(what, f"it is nested deeper than {max_depth} levels")


def _children(node: Json) -> Sequence[Json]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else ()


def _check_unicode(value: Json, *, what: str) -> None:
    try:
        _ENCODER.encode(value).encode("utf-8")
    except UnicodeEncodeError as error:
        raise Malformed(what, "it holds half of a surrogate pair, which is not a character") from error
