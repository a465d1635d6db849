"""The terminal as the commands write to it: foreign text stays text.

Titles come from tags that anybody may have written, reasons from servers that may lie. A control sequence in one would
move the cursor, hide what was asked or name a link; a mark that turns the order of writing would show another name.
"""

import unicodedata
from collections.abc import Iterable
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from typing_extensions import override

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS: Final = "\u200c\u200d"  # several scripts and many emoji are written with them
_STAND_IN: Final = "\ufffd"


def plain(text: str) -> str:
    """Return `text` with a visible mark in place of every character that could steer a terminal; lines stay lines."""
    if text.isprintable():
        return text
    return "".join(_STAND_IN if _is_unseen(letter) else letter for letter in text)


def _is_unseen(letter: str) -> bool:
    return letter != "\n" and letter not in _JOINERS and unicodedata.category(letter) in _UNSEEN


class Terminal(Console):
    """A console on which only its own styles steer: whatever is printed goes through `plain`."""

    @override
    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(plain(segment.text), segment.style)
