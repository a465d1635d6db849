"""Which bytes a request asks for, and whether it needs them at all (RFC 9110 §13 and §14)."""

import re
from dataclasses import dataclass
from typing import Final

_RANGE = re.compile(r"bytes=[ \t]*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))[ \t]*", re.IGNORECASE | re.ASCII)
_ENTITY_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
MAX_HEADER_CHARS: Final = 4096


@dataclass(frozen=True, slots=True)
class Whole:
    """Send everything."""


@dataclass(frozen=True, slots=True)
class Part:
    """Send the bytes from `start` up to but without `stop`."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Send nothing: the client has it (304)."""


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """The client asks for bytes beyond the end (416)."""


Answer = Whole | Part | Unchanged | Unsatisfiable


def choose_answer(
    *, size: int, etag: str, range_header: str | None, if_range: str | None, if_none_match: str | None
) -> Answer:
    """Decide what to send, in the order of RFC 9110 §13.2.2.

    A malformed `Range`, another unit, or several ranges are answered with the whole, which §14.2 allows.

    Args:
        size: the length of the whole.
        etag: the strong entity tag, without quotes.
        range_header: the header `Range`, if sent; the others likewise.
        if_range: only a strong tag can match (§13.1.5); we send no date, so a date never does.
        if_none_match: compared weakly (§13.1.2).
    """
    if if_none_match is not None and _holds(if_none_match, etag):
        return Unchanged()
    if range_header is None or len(range_header) > MAX_HEADER_CHARS:
        return Whole()
    if if_range is not None and if_range.strip() != f'"{etag}"':
        return Whole()
    found = _RANGE.fullmatch(range_header.strip())
    return _within(found, size) if found else Whole()


def _holds(if_none_match: str, etag: str) -> bool:
    text = if_none_match[:MAX_HEADER_CHARS].strip()
    return text == "*" or etag in _ENTITY_TAG.findall(text)


def _within(found: re.Match[str], size: int) -> Answer:
    first, last, suffix = found.groups()
    if suffix is not None:
        length = min(int(suffix), size)
        return Part(size - length, size) if length else Unsatisfiable()
    start = int(first)
    stop = min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return Whole()  # §14.1.1: invalid, so ignored
    return Part(start, stop) if start < size else Unsatisfiable()
