"""Taking apart what was sent and stored, down to single values, to find those that come back.

A value is looked at as it stands and inside whatever it wraps: JSON members and their names, the parts of a JWT, an
SD-JWT or a JWE, base64url of text, percent-encoding, header fields, query parameters, form fields, path segments, rows
of a database, lines of a log. What has fewer than eight characters is not a value here: too many share it. Sizes are
not compared, nor parts of random values: a mark that is only a piece of one would not be seen.
"""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from credentials.encoding import base64url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

LEAST = 8
_DEEPEST = 12
_BREAKS = re.compile(r"[^A-Za-z0-9_+%-]+")
_ENCODED = re.compile(r"[A-Za-z0-9_-]{4,}={0,2}")

Row = tuple[str, tuple[Any, ...]]


def values(raw: object, depth: int = 0) -> Iterator[str]:
    """Yield every value of eight characters or more in a text, in bytes, or in what JSON reads as."""
    if depth > _DEEPEST or raw is None or isinstance(raw, bool):
        return
    if isinstance(raw, dict):
        if "uri" in raw and "idx" in raw:  # an index alone is too short to be a value; with its list it is one
            yield f"{raw['uri']}#{raw['idx']}"
        for name, value in raw.items():
            yield from values(name, depth + 1)
            yield from values(value, depth + 1)
    elif isinstance(raw, list | tuple):
        for value in raw:
            yield from values(value, depth + 1)
    elif isinstance(raw, bytes):
        yield from _in_bytes(raw, depth)
    else:
        yield from _in_text(str(raw), depth)


def _in_bytes(raw: bytes, depth: int) -> Iterator[str]:
    text = _as_text(raw)
    if text is None:
        if len(raw) >= LEAST:
            yield raw.hex()
    else:
        yield from _in_text(text, depth)


def _in_text(text: str, depth: int) -> Iterator[str]:
    text = text.strip()
    parsed = _as_json(text)
    if parsed is not None:
        yield from values(parsed, depth + 1)
        return
    plain = unquote_plus(text)
    if "%" in text and plain != text:
        yield from values(plain, depth + 1)
        return
    inside = _inside_base64(text)
    if inside is not None:
        yield from values(inside, depth + 1)
        return
    pieces = [piece for piece in _BREAKS.split(text) if piece]
    wrapped = {piece: inside for piece in pieces if (inside := _inside_base64(piece)) is not None}
    if len(text) >= LEAST and not wrapped and "%" not in text:
        yield text
    if pieces == [text]:
        return
    for piece in pieces:
        yield from values(wrapped.get(piece, piece), depth + 1)


def _as_json(text: str) -> Any:
    if text[:1] not in ("{", "[", '"'):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def _inside_base64(text: str) -> str | None:
    """Return the JSON that a piece of base64url holds; anything else in it is random, and looked at as it stands."""
    if not _ENCODED.fullmatch(text):
        return None
    try:
        inside = _as_text(base64url.decode(text.rstrip("="), what="piece"))
    except Exception:  # noqa: BLE001  # no base64url: looked at as it stands
        return None
    # Eight letters are base64url of something; only what reads as text is more than they are.
    return inside if inside is not None and (_as_json(inside) is not None or len(inside) >= LEAST) else None


def _as_text(raw: bytes) -> str | None:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if all(letter.isprintable() or letter in "\r\n\t" for letter in text) else None


def http_values(stream: bytes) -> Iterator[str]:
    """Yield the values of the requests that one connection carried."""
    while stream:
        head, _, rest = stream.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        length = 0
        yield from values(first.split(" ")[1])
        for line in fields:
            name, _, value = line.partition(":")
            yield from values(name.lower())
            yield from values(value)
            if name.lower() == "content-length":
                length = int(value)
        body, stream = rest[:length], rest[length:]
        yield from values(body)


def rows(folder: Path) -> set[Row]:
    """Return every row of every database below a folder, as it stands now."""
    found: set[Row] = set()
    for path in folder.rglob("*.sqlite"):
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            found |= {(table, row) for row in database.execute(f'SELECT * FROM "{table}"')}  # noqa: S608
        database.close()
    return found


@dataclass(slots=True)
class Trace:
    """What one errand left behind: everything that was sent, and every row and line that was written."""

    name: str
    found: set[str] = field(default_factory=set)

    def add(self, found: Iterable[str]) -> None:
        self.found |= set(found)


def repeated(traces: Sequence[Trace], *, public: frozenset[str]) -> dict[str, list[str]]:
    """Return each value that more than one trace holds and that is not public, with the traces that hold it."""
    everything = {value for trace in traces for value in trace.found}
    places = {value: [trace.name for trace in traces if value in trace.found] for value in everything}
    return {value: names for value, names in sorted(places.items()) if len(names) > 1 and value not in public}
