"""File names that another party chose, made safe to write: always one name inside one folder, on every system."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_MAX_BYTES: Final = 180
_FORBIDDEN: Final = re.compile(r'[/\\:*?"<>|]')
_DEVICES: Final = frozenset(
    {
        "con",
        "prn",
        "aux",
        "nul",
        "conin$",
        "conout$",
        *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"),
    }
)
_NAMELESS: Final = "file"


def safe_name(untrusted: str) -> str:
    r"""Return `untrusted` as a name that cannot leave its folder, hide, or mean a device.

    Separators (`/`, `\`, `:`) and what Windows forbids become `_`; control, format and private characters go (a
    right-to-left override would show `gpj.exe` as `exe.jpg`); leading dots and underscores and trailing dots go; at
    most 180 bytes of UTF-8 stay, with the extension.
    """
    text = unicodedata.normalize("NFC", untrusted)
    visible = "".join(
        " " if letter.isspace() else letter
        for letter in text
        if unicodedata.category(letter)[0] != "C" or letter in "\t\n"
    )
    name = _FORBIDDEN.sub("_", " ".join(visible.split())).lstrip("._ ").rstrip(". ")
    stem, dot, extension = name.rpartition(".")
    if not dot:
        stem, extension = name, ""
    if stem.split(".")[0].rstrip().lower() in _DEVICES or not stem.strip("._ "):
        stem = f"{_NAMELESS}_{stem}".rstrip("_. ")
    tail = f".{extension}" if extension else ""
    return (
        _cut(stem, _MAX_BYTES - len(tail.encode())) + tail
        if len(tail.encode()) < _MAX_BYTES // 2
        else _cut(stem, _MAX_BYTES)
    )


def safe_names(untrusted: Iterable[str]) -> list[str]:
    """Return safe names, one for each, no two of them one file anywhere (letter case does not tell files apart)."""
    taken: set[str] = set()
    names = []
    for each in untrusted:
        name = _free(safe_name(each), taken)
        taken.add(_folded(name))
        names.append(name)
    return names


def _free(name: str, taken: set[str]) -> str:
    stem, dot, extension = name.rpartition(".")
    if not dot:
        stem, extension = name, ""
    candidate, number = name, 2
    while _folded(candidate) in taken:
        candidate = f"{stem} ({number}){dot}{extension}"
        number += 1
    return candidate


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _cut(text: str, max_bytes: int) -> str:
    return text.encode()[:max_bytes].decode(errors="ignore").rstrip(". ")
