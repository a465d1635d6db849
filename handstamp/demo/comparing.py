"""Two sites lay their books side by side: what stands in both that could be one listener's own?

Every row of a database and every line of a log is taken apart down to single values of eight bytes or more, each as it
stands and as the bytes that it may be another spelling of: base64url, base64 or hexadecimal. What one site had before
anybody came is nobody's own, nor is a word that stands in the program itself, nor what a co-op publishes for everybody
and sites fetch at their own hours.
"""

import base64
import binascii
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

import credentials
import plumbing
import schemas
import verifier
from credentials.encoding import strict_json
from credentials.errors import Malformed
from handstamp.demo.stage import DemoFailed, Stage

LEAST: Final = 8
_FARTHEST: Final = timedelta(days=400)
"""How far ahead a site writes a time: a year, for what it erases then."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?")
_BREAKS: Final = re.compile(r"[^A-Za-z0-9_+/=-]+")
_JOINTS: Final = re.compile(r"[-_/]")
_HEX: Final = re.compile(r"([0-9a-f]{2})+|([0-9A-F]{2})+")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_PUBLISHED: Final = frozenset({"status_lists"})
_PROGRAM: Final = (verifier, plumbing, credentials, schemas)


def values_of(stage: Stage, party: str) -> frozenset[bytes]:
    """Return every value of eight bytes or more that a party keeps now."""
    found: set[bytes] = set()
    for path in stage.data_of(party).rglob("*.sqlite"):
        for cell in _cells(path):
            found.update(_values(cell))
    log = stage.log_of(party)
    for line in log.read_text("utf-8", "replace").splitlines() if log.exists() else ():
        found.update(_values(line))
    return frozenset(found)


def find_shared(
    first: frozenset[bytes], second: frozenset[bytes], *, known: frozenset[bytes], began: datetime
) -> frozenset[bytes]:
    """Return what stands in both books and could be somebody's own.

    Args:
        first: what one site keeps.
        second: what the other keeps.
        known: what the second kept before anybody had come to it, so that it is nobody's.
        began: when the first of it was written: a time is nobody's, for many come at one time.

    Raises:
        DemoFailed: the books have nothing at all in common, not even what everybody knows; then nothing was read.
    """
    both = first & second
    if not both:
        raise DemoFailed("Comparing the books", "not even the record was found in both, so it proves nothing")
    return frozenset(each for each in both - known if not _is_time(each, began))


def _cells(path: Path) -> Iterator[object]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in (row for row in tables if row[0] not in _PUBLISHED):
            for row in database.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - its own tables' names
                yield from row


def _values(cell: object) -> Iterator[bytes]:
    if isinstance(cell, bytes):
        yield from _long(cell)
        yield from _in_text(cell.decode("utf-8", "replace"))
    elif isinstance(cell, str | int | float):
        yield from _in_text(str(cell))
    elif isinstance(cell, dict):
        for name, value in cell.items():
            yield from _values(name)
            yield from _values(value)
    elif isinstance(cell, list):
        for value in cell:
            yield from _values(value)


def _in_text(text: str) -> Iterator[bytes]:
    if text[:1] in {"{", "["}:
        try:
            yield from _values(strict_json.parse(text.encode(), what="cell"))
        except Malformed:
            pass
        else:
            return
    timeless = _TIME.sub(" ", text).strip()
    # What holds a slash is a path, or base64.
    pieces = {piece for part in _BREAKS.split(timeless) for piece in (part, *part.split("/")) if not _is_word(piece)}
    if pieces:
        yield from _long(timeless.encode())
    for piece in pieces:
        yield from _long(piece.encode())
        yield from _spelt(piece)


def _spelt(piece: str) -> Iterator[bytes]:
    """Yield the bytes that a piece may be another spelling of."""
    if _HEX.fullmatch(piece):
        yield from _long(bytes.fromhex(piece))
    if _BASE64.fullmatch(piece):
        plain = piece.rstrip("=").replace("-", "+").replace("_", "/")
        try:
            yield from _long(base64.b64decode(plain + "=" * (-len(plain) % 4)))
        except binascii.Error:
            return


def _long(data: bytes) -> Iterator[bytes]:
    if len(data) >= LEAST:
        yield data


def _is_time(value: bytes, began: datetime) -> bool:
    if not value.isdigit():
        return False
    return began.timestamp() - 1 <= int(value) <= (began + _FARTHEST).timestamp()


def _is_word(piece: str) -> bool:
    return piece in _program() or all(part in _program() for part in _JOINTS.split(piece))


@cache
def _program() -> frozenset[str]:
    """Return the words in the sources that sites run: they are the same for everybody."""
    folders = [Path(str(package.__file__)).parent for package in _PROGRAM]
    texts = (path.read_text("utf-8") for folder in folders for path in sorted(folder.rglob("*.py")))
    return frozenset(word for text in texts for part in _BREAKS.split(text) for word in (part, *_JOINTS.split(part)))
