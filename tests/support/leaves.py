"""Taking apart whatever was sent or stored: down to the values, each with the place where it stands.

A place is a path such as `.shown.proof.proofValue|proof.parts[3]`, so that the same thing in two answers can be
compared: not only what it is, but how long, how many, and in which order. What wraps a value is opened: JSON, forms,
JWTs, base64url, hexadecimal, the CBOR of proofs and of door passes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote_plus

from credentials.encoding import base45, base64url, cbor
from credentials.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

Value: TypeAlias = "bytes | str | int | float | None"
Leaf: TypeAlias = "tuple[str, Value]"

_DEEPEST = 32
_WHAT = "piece"
_BREAKS = re.compile(r"[^A-Za-z0-9_+%-]+")
_DOTS = re.compile(r"[.~]")
_ENCODED = re.compile(r"[A-Za-z0-9_-]{10,}={0,2}")
_FORM = re.compile(r"\w+=[^&\s]*(&\w+=[^&\s]*)*")
_HEX = re.compile(r"([0-9a-f]{2}){8,}")
_PASS = re.compile(r"[0-9A-Z $%*+./:-]{100,}")
_PROOF = b"\xd9\x5d"
_HEAD_BYTES = 3
_SENTENCE = 32
"""Random bytes read as text now and then; so many never do."""


def leaves(raw: object, path: str = "", depth: int = 0) -> Iterator[Leaf]:
    """Yield each value with its place; of containers the number and the order of what is in them, too."""
    if depth > _DEEPEST:
        raise AssertionError(path)
    if isinstance(raw, Mapping):
        yield f"{path}{{}}", " ".join(map(str, raw))
        for name, value in raw.items():
            yield from leaves(value, f"{path}.{name}", depth + 1)
    elif isinstance(raw, list | tuple):
        yield f"{path}[]", len(raw)
        for index, value in enumerate(raw):
            yield from leaves(value, f"{path}[{index}]", depth + 1)
    elif isinstance(raw, bytes):
        yield from _of_bytes(raw, path, depth)
    elif isinstance(raw, str):
        yield from _of_text(raw, path, depth)
    else:
        assert raw is None or isinstance(raw, int | float), (path, type(raw))
        yield path, raw


def _of_bytes(raw: bytes, path: str, depth: int) -> Iterator[Leaf]:
    text = _as_text(raw)
    if text is not None:
        yield from _of_text(text, path, depth)
    else:
        yield f"{path}#", len(raw)
        yield path, raw


def _of_text(text: str, path: str, depth: int) -> Iterator[Leaf]:
    opened = _open(text)
    if opened is not None:
        how, inside = opened
        yield from leaves(inside, f"{path}{how}", depth + 1)
        return
    pieces = [piece for piece in _BREAKS.split(text) if piece]
    if pieces != [text]:
        yield f"{path}/#", " ".join(_BREAKS.findall(text))
        for index, piece in enumerate(pieces):
            yield from _of_text(piece, f"{path}/{index}", depth + 1)
    yield f"{path}#", len(text)
    yield path, text


def _open(text: str) -> tuple[str, object] | None:
    """Return how a text wraps something, and what."""
    for how, reader in _READERS.items():
        found = reader(text)
        if found is not None:
            return how, found
    inside = bytes.fromhex(text) if _HEX.fullmatch(text) else _read_base64(text)
    if inside is not None:
        readable = _as_text(inside)
        if readable is not None and (len(inside) >= _SENTENCE or _read_json(readable) is not None):
            return "|text", readable
        return "|bytes", _Random(inside)
    if "%" in text and (plain := unquote_plus(text)) != text:
        return "|plain", plain
    return None


class _Random(bytes):
    """Bytes that are looked at as they stand."""


def _as_text(raw: bytes) -> str | None:
    if isinstance(raw, _Random):
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if all(letter.isprintable() or letter in "\r\n\t" for letter in text) else None


def _read_json(text: str) -> object:
    if text[:1] not in ("{", "["):
        return None
    try:
        found: object = json.loads(text)
    except ValueError:
        return None
    return found


def _read_form(text: str) -> object:
    if not _FORM.fullmatch(text) or "%" not in text:
        return None
    return {name: unquote_plus(value) for name, _, value in (part.partition("=") for part in text.split("&"))}


def _read_parts(text: str) -> object:
    """Read a JWT, and the disclosures behind it."""
    first, dot, _ = text.partition(".")
    inside = _read_base64(first) if dot else None
    if inside is None or _read_json(inside.decode("utf-8", "replace")) is None:
        return None
    return _DOTS.split(text)


def _read_proof(text: str) -> object:
    inside = _read_base64(text[1:]) if text[:1] == "u" else None
    if inside is None or not inside.startswith(_PROOF):
        return None
    found = _read_cbor(inside[_HEAD_BYTES:])
    return None if found is None else {"kind": inside[_HEAD_BYTES - 1], "parts": found}


def _read_pass(text: str) -> object:
    if not _PASS.fullmatch(text):
        return None
    try:
        return _read_cbor(base45.decode(text, what=_WHAT, max_characters=len(text)))
    except Malformed:
        return None


def _read_cbor(data: bytes) -> object:
    try:
        return cbor.decode(data, what=_WHAT)
    except Malformed:
        return None


def _read_base64(text: str) -> bytes | None:
    if not _ENCODED.fullmatch(text):
        return None
    try:
        return base64url.decode(text.rstrip("="), what=_WHAT)
    except Malformed:
        return None


_READERS = {"": _read_json, "|form": _read_form, "|jwt": _read_parts, "|proof": _read_proof, "|pass": _read_pass}
