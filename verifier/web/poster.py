"""A poster to print: title, artist, a code to scan, one sentence. A4, black on white with one strong colour."""

from __future__ import annotations

import textwrap
from html import escape
from typing import TYPE_CHECKING, Final

import qrcode
from qrcode.constants import ERROR_CORRECT_M

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verifier.gates import Gate

_QR_MM: Final = 110
_WIDTH_MM: Final = 210
_HEIGHT_MM: Final = 297
_MIDDLE_MM: Final = _WIDTH_MM / 2
# Characters in a line, lines, and size in millimetres: the first that the title fits into.
_TITLE_SIZES: Final = ((14, 2, 22.0), (20, 3, 16.0), (28, 3, 11.5))
_FONT: Final = "system-ui, 'Helvetica Neue', Arial, sans-serif"
_INK: Final = "#1c1b2e"
_STAMP: Final = "#b3124a"


def build_poster(gate: Gate, *, url: str, site_name: str, sentence: str | None = None) -> str:
    """Return the poster as an SVG document. Every text is escaped: a title is whatever an artist wrote."""
    words = sentence or "Do you own this record? Scan, and the files are yours to keep. Nobody asks who you are."
    return _draw(heading=(gate.opens.title, gate.opens.artist), words=words, code=url, url=url, name=site_name)


def build_door_poster(gate: Gate, *, signed: str, url: str, site_name: str) -> str:
    """Return the poster that hangs at a door: its code is the signed text that a wallet makes passes for."""
    words = "Have your stamp? Scan this with your wallet, and show the code that it draws. Nobody asks who you are."
    return _draw(heading=(gate.title, "At the door"), words=words, code=signed, url=url, name=site_name)


def _draw(*, heading: tuple[str, str], words: str, code: str, url: str, name: str) -> str:
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH_MM}mm" height="{_HEIGHT_MM}mm"',
        f'  viewBox="0 0 {_WIDTH_MM} {_HEIGHT_MM}" role="img" aria-labelledby="title">',
        f'<title id="title">{_safe(" · ".join(heading))}</title>',
        f'<rect width="{_WIDTH_MM}" height="{_HEIGHT_MM}" fill="#ffffff"/>',
        f'<rect x="12" y="12" width="186" height="273" rx="8" fill="none" stroke="{_STAMP}" stroke-width="1.6"/>',
        *_heading(*heading),
        _code(code),
        *_lines(textwrap.wrap(words, 44)[:3], top_mm=242, size_mm=7.2, step_mm=10),
        _text(url.partition("://")[2], y_mm=276, size_mm=min(4.2, 300 / max(1, len(url))), colour="#5b5870"),
        *([] if name == heading[1] else [_text(name[:60], y_mm=30, size_mm=6, colour=_STAMP)]),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _heading(title: str, artist: str) -> Iterator[str]:
    for width, most, size_mm in _TITLE_SIZES:  # noqa: B007  # the last one serves if none fits
        lines = textwrap.wrap(title, width)
        if len(lines) <= most:
            break
    else:
        lines = [*lines[: most - 1], f"{lines[most - 1][: width - 1]}…"]
    yield from _lines(lines, top_mm=44 + size_mm / 2, size_mm=size_mm, step_mm=size_mm * 1.15, weight=700)
    artist_line = textwrap.shorten(artist, 48, placeholder="…") or artist[:48]
    yield _text(artist_line, y_mm=48 + len(lines) * size_mm * 1.15 + 8, size_mm=9)


def _lines(lines: list[str], *, top_mm: float, size_mm: float, step_mm: float, weight: int = 400) -> Iterator[str]:
    for index, line in enumerate(lines):
        yield _text(line, y_mm=top_mm + index * step_mm, size_mm=size_mm, weight=weight)


def _text(words: str, *, y_mm: float, size_mm: float, weight: int = 400, colour: str = _INK) -> str:
    look = f'font-family="{_FONT}" font-size="{size_mm:.1f}" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{_MIDDLE_MM:g}" y="{y_mm:.1f}" text-anchor="middle" {look}>{_safe(words)}</text>'


def _code(url: str) -> str:
    """Draw the code with its quiet zone; paper gets dirty, so error correction is M."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=4)
    code.add_data(url)
    code.make(fit=True)
    matrix = code.get_matrix()
    scale = _QR_MM / len(matrix)
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark)
    left_mm = (_WIDTH_MM - _QR_MM) / 2
    return (
        f'<path transform="translate({left_mm:g} 118) scale({scale:.5f})" d="{path}" fill="#000000"'
        ' shape-rendering="crispEdges"/>'
    )


def _safe(words: str) -> str:
    """Escape for XML and leave out the control characters that XML cannot hold at all."""
    return escape("".join(letter for letter in words if letter.isprintable()))
