"""File names that every system takes: Windows, macOS, Linux, and the people who read them.

A title comes from a tag that anybody may have written, so it may hold path separators, device names, control characters
or the bidirectional marks that make `exe.gpj` look like a picture.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

MAX_NAME_BYTES: Final = 150
_FORBIDDEN = re.compile(r'[\\/:*?"<>|]+')
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)


def written_plainly(text: str) -> str:
    """Return a text on one line, in the one way that Unicode calls normal, without characters that nobody sees.

    A co-op signs titles as they are written here, and a wallet takes whatever hides in one for a mark on its holder.
    """
    composed = unicodedata.normalize("NFC", text)
    return " ".join("".join(char for char in composed if _kept(char)).split())


def safe_name(text: str, *, fallback: str, max_bytes: int = MAX_NAME_BYTES) -> str:
    """Turn any text into one component of a path, without an extension; `fallback` stands in when nothing is left."""
    composed = unicodedata.normalize("NFC", text)
    seen = "".join(" " if char.isspace() else char for char in composed if _kept(char))
    plain = re.sub(r"\s+", " ", _FORBIDDEN.sub("-", seen))
    name = _cut(plain.strip(" ."), max_bytes).strip(" .")
    if not name:
        return fallback
    return f"_{name}" if _DEVICES.fullmatch(name) else name


def _kept(char: str) -> bool:
    # A tab or a line break becomes a space below; every other character that nobody sees goes.
    return char in "\t\n\r" or unicodedata.category(char) not in _UNSEEN


def _cut(text: str, max_bytes: int) -> str:
    return text.encode("utf-8")[:max_bytes].decode("utf-8", errors="ignore")


def distinct_names(names: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Join stems and extensions to names of which no two are one file on a system that ignores case.

    Args:
        names: pairs of a safe stem and an extension without its dot.
    """
    taken: set[str] = set()
    result: list[str] = []
    for stem, extension in names:
        name, count = f"{stem}.{extension}", 1
        while _folded(name) in taken:
            count += 1
            name = f"{stem} ({count}).{extension}"
        taken.add(_folded(name))
        result.append(name)
    return tuple(result)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def content_disposition(name: str) -> str:
    """Build the header that names a download (RFC 6266 §4.1), for old readers in ASCII and for all others in UTF-8."""
    decomposed = unicodedata.normalize("NFKD", name).encode("ascii", errors="ignore").decode("ascii")
    ascii_name = re.sub(r"[^A-Za-z0-9 ._()\-!&+,]", "_", decomposed).strip()
    if ascii_name.startswith(".") or not ascii_name:
        ascii_name = f"download{ascii_name}"
    # RFC 8187 §3.2.1: attr-char is narrower than what `quote` leaves alone by default, hence safe="".
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"
