"""Pictures of others that a page shows under its own name: recognised by their first bytes, never by a header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PICTURE_BYTES: Final = 5 * 1024 * 1024
_STARTS: Final[Mapping[str, re.Pattern[bytes]]] = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "image/gif": re.compile(rb"GIF8[79]a"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Our own copy of a picture that every browser shows."""

    media_type: str
    content: bytes

    @classmethod
    def recognise(cls, content: bytes) -> Picture | None:
        """Return the picture, or None if it is none of the four types that every browser shows, or above 5 MB."""
        for media_type, start in _STARTS.items():
            if start.match(content) and len(content) <= MAX_PICTURE_BYTES:
                return cls(media_type=media_type, content=content)
        return None
