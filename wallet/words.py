"""Copies, gates and numbers in the words of a listener."""

from datetime import date
from typing import Final

import schemas
from wallet.state import Copy

FEW_USES: Final = 3
"""From this many uses left on, the wallet says so."""

CATALOGUE_NUMBERS: Final = frozenset({"release", "track", "inAlbum"})
"""Claims that say which record it is, in a way that only machines read."""

_NOT_KNOWN: Final = "none"
_KINDS: Final = {
    "AlbumRelease": "album",
    "EPRelease": "EP",
    "SingleRelease": "single",
    "CompilationRelease": "compilation",
}
_HOW: Final = {
    "stream_to_own": "yours by listening",
    "purchase": "bought",
    "gift": "given to you",
    "download_code": "from a download code",
}
_STEP: Final = 1000


def kind_of(vct: str, claims: dict[str, str]) -> str:
    """Return what is owned: track, album, EP, single, compilation or release."""
    if vct == schemas.TRACK_OWNERSHIP.vct:
        return "track"
    return _KINDS.get(claims.get("albumReleaseType", ""), "release")


def kind_in_words(kind: str) -> str:
    """Return a catalogue's word for a kind, such as `EPRelease`, as a listener says it."""
    return _KINDS.get(kind, kind)


def kind_of_type(configuration_id: str) -> str:
    """Return what an offer's configuration brings, before anything else is known of it."""
    return "a track" if configuration_id == schemas.TRACK_OWNERSHIP.configuration_id else "a release"


def title_of(copy: Copy) -> str:
    """Return the title and the artist."""
    return f"“{copy.claims['name']}” by {copy.claims['byArtist']}"


def described(copy: Copy) -> str:
    """Return the title, the artist and what kind of thing it is."""
    return f"the {kind_of(copy.vct, copy.claims)} {title_of(copy)}"


def how_acquired(copy: Copy) -> str:
    """Return how and when it became the listener's, such as "bought, November 2026"."""
    return f"{_HOW[copy.claims['acquisition']]}, {month(copy.claims['acquired'])}"


def month(text: str) -> str:
    """Return "2026-11" as "November 2026"."""
    return date.fromisoformat(f"{text}-01").strftime("%B %Y")


def uses_left(copy: Copy) -> str:
    """Return how often the copy can still be shown."""
    count = len(copy.instances)
    return {0: "no use left", 1: "1 use left"}.get(count, f"{count} uses left")


def warning_of(copy: Copy) -> str | None:
    """Return a warning when a copy can be shown only a few times more, or not at all."""
    left = len(copy.instances)
    if left > FEW_USES:
        return None
    if left == 0:
        return f"{title_of(copy)} cannot be shown any more. You still own it: ask your co-op for a new offer."
    return f"{title_of(copy)} has {uses_left(copy)}. Ask your co-op for a new offer before they are gone."


def label_of(name: str) -> str:
    """Return a claim's name in words, whatever the type."""
    return next((labels[name] for vct in schemas.BY_VCT if name in (labels := labels_of(vct))), name)


def labels_of(vct: str) -> dict[str, str]:
    """Return each claim's name in words, from the type's metadata."""
    entries = schemas.BY_VCT[vct].type_metadata["claims"]
    return {
        entry["path"][0]: next(each["label"] for each in entry["display"] if each["locale"] == "en")
        for entry in entries
        if "display" in entry
    }


def value_in_words(name: str, value: str) -> str:
    """Return a claim's value as a listener reads it."""
    if value == _NOT_KNOWN:
        return "not known"
    if name in CATALOGUE_NUMBERS:
        return "the catalogue's, the same for everybody who owns it"
    if name == "copy":
        return "one that nobody else has"
    if name == "acquired":
        return month(value)
    return {"acquisition": _HOW, "albumReleaseType": _KINDS}.get(name, {}).get(value, value)


def count(number: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{number} {one if number == 1 else many}"


def size(byte_count: int) -> str:
    """Return a number of bytes with a unit, such as "312 MB"."""
    amount, unit = float(byte_count), "bytes"
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < _STEP or unit == "GB":
            break
        amount /= _STEP
    return f"{amount:.0f} {unit}" if unit == "bytes" or amount >= 10 else f"{amount:.1f} {unit}"  # noqa: PLR2004
