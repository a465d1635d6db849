"""Copies, gates and numbers in the words of a listener."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

import schemas
from credentials.encoding import strict_json
from credentials.encoding.strict_json import Json
from credentials.protocols.urls import host_of
from wallet.linked import LinkedKind
from wallet.state import Copy

FEW_USES: Final = 1
"""From this many uses left on, the wallet says so."""

CATALOGUE_NUMBERS: Final = frozenset({"release", "track", "inAlbum", "persona", "catalogue"})
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
_NAMES: Final = {
    schemas.TRACK_OWNERSHIP.vct: "track",
    schemas.COOP_MEMBERSHIP.vct: "membership",
    schemas.VERIFIED_ARTIST.vct: "artist's stamp",
    schemas.CONTRIBUTION.vct: "contribution",
}
_PROOFS: Final = {
    LinkedKind.BASELINE: "without a number",
    LinkedKind.PSEUDONYM: "with a number for each gate that counts",
    LinkedKind.DOOR: "at a door without network",
    LinkedKind.SIGNED: "published under your name",
}
_MOST_FOREIGN: Final = 200
_STEP: Final = 1000
_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def kind_of(vct: str, claims: Mapping[str, Json]) -> str:
    """Return what is owned: track, album, EP, single, compilation or release; membership and so on."""
    if vct in _NAMES:
        return _NAMES[vct]
    release = claims.get("albumReleaseType")
    return _KINDS.get(release if isinstance(release, str) else "", "release" if vct in schemas.BY_VCT else "thing")


def kind_in_words(kind: str) -> str:
    """Return a catalogue's word for a kind, such as `EPRelease`, as a listener says it."""
    return _KINDS.get(kind, kind)


def kind_of_type(configuration_id: str) -> str:
    """Return what an offer's configuration brings, before anything else is known of it."""
    kind = schemas.BY_CONFIGURATION[configuration_id]
    name = _NAMES.get(kind.vct, "release")
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def title_of(copy: Copy) -> str:
    """Return the title and the artist; of what has none, what stands for them."""
    match copy.vct:
        case _ if copy.foreign:
            return f"“{copy.foreign.name}” from {host_of(copy.issuer)}"
        case schemas.COOP_MEMBERSHIP.vct:
            return f"your membership at {host_of(copy.issuer)}"
        case schemas.CONTRIBUTION.vct:
            return f"your contribution to {host_of(copy.issuer)} ({copy.text('contribution')})"
        case schemas.VERIFIED_ARTIST.vct:
            return f"“{copy.text('name')}”, vouched for by {host_of(copy.issuer)}"
        case _:
            return f"“{copy.text('name')}” by {copy.text('byArtist')}"


def short_title(copy: Copy) -> tuple[str, str]:
    """Return the two cells that a list has for a copy: what it is called, and whose it is."""
    if copy.foreign:
        return copy.foreign.name, host_of(copy.issuer)
    return copy.text("name") or copy.text("contribution") or host_of(copy.issuer), copy.text("byArtist")


def described(copy: Copy) -> str:
    """Return the title, the artist and what kind of thing it is."""
    kind = kind_of(copy.vct, copy.claims)
    return title_of(copy) if "acquired" not in copy.claims or copy.foreign else f"the {kind} {title_of(copy)}"


def how_acquired(copy: Copy) -> str:
    """Return how and when it became the listener's, such as "bought, November 2026"."""
    if "acquired" in copy.claims and not copy.foreign:
        how = copy.text("acquisition")
        return f"{_HOW.get(how, how)}, {month(copy.text('acquired'))}"
    since = copy.text("since") or copy.text("period")
    return f"since {since}" if since else f"received {copy.received_at:%B %Y}"


def month(text: str) -> str:
    """Return "2026-11" as "November 2026"."""
    return date.fromisoformat(f"{text}-01").strftime("%B %Y")


def uses_left(copy: Copy) -> str:
    """Return how often the copy can still be shown."""
    count = len(copy.instances)
    none = "good as often as you like" if copy.linked else "no use left"
    return {0: none, 1: "1 use left"}.get(count, f"{count} uses left")


def proofs_of(copy: Copy) -> str:
    """Return as what a copy can be shown without being used up, and until when; "" if as nothing."""
    kinds = [_PROOFS[each.kind] for each in copy.linked]
    if not kinds:
        return ""
    last = min(each.expires_at for each in copy.linked) - timedelta(seconds=1)
    return f"{', '.join(kinds)}; as often as you like, until {last:%d %B %Y}"


def warning_of(copy: Copy) -> str | None:
    """Return a warning when a copy can be shown only a few times more, or not at all."""
    left = len(copy.instances)
    if left > FEW_USES or copy.linked:
        return None
    if left == 0:
        return f"{title_of(copy)} cannot be shown any more. You still own it; run: handstamp wallet top-up"
    return f"{title_of(copy)} has {uses_left(copy)}. For more, run: handstamp wallet top-up"


def label_of(name: str) -> str:
    """Return a claim's name in words, whatever the type."""
    return next((labels[name] for vct in schemas.BY_VCT if name in (labels := labels_of(vct))), name)


def labels_of(vct: str) -> dict[str, str]:
    """Return each claim's name in words, from the type's metadata; none for a type that is not ours."""
    entries = schemas.BY_VCT[vct].type_metadata["claims"] if vct in schemas.BY_VCT else []
    return {
        entry["path"][0]: next(each["label"] for each in entry["display"] if each["locale"] == "en")
        for entry in entries
        if "display" in entry
    }


def labels_for(copy: Copy) -> dict[str, str]:
    """Return the name in words of each claim of a copy; a claim that nobody named keeps its own name."""
    named = copy.foreign.labels if copy.foreign else labels_of(copy.vct)
    return {name: named.get(name, name) for name in copy.claims}


def value_in_words(name: str, value: Json, *, foreign: bool = False) -> str:
    """Return a claim's value as a listener reads it; of a `foreign` type it is told as it is, whatever its name."""
    if foreign or not isinstance(value, str):
        return plain(value if isinstance(value, str) else strict_json.dump(value).decode())[:_MOST_FOREIGN]
    if value == _NOT_KNOWN:
        return "not known"
    if name in CATALOGUE_NUMBERS:
        return "the catalogue's, the same for everybody who owns it"
    if name in {"copy", "membership"}:
        return "one that nobody else has"
    if name == "acquired":
        return month(value)
    return {"acquisition": _HOW, "albumReleaseType": _KINDS}.get(name, {}).get(value, value)


def number_in_words(domain: str) -> tuple[str, str]:
    """Return label and value, as a listener reads them, of the number that a proof makes for one domain."""
    place, _, period = domain.partition("#")
    lasts = f"in {month(period)}, another one afterwards" if _MONTH.fullmatch(period) else "whenever you come again"
    return "A number that is only ever used at this gate", f"the same {lasts} ({plain(place)})"


def remembered_number(domain: str) -> str:
    """Say what a gate keeps of the number that a proof makes for one domain."""
    period = domain.partition("#")[2]
    until = f", until {month(period)} is over" if _MONTH.fullmatch(period) else ""
    return f"they keep the number, to count how often you come{until}; at any other gate it is of no use"


def plain(foreign: str) -> str:
    """Return a foreign text on one line, without what nobody sees in it."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in foreign).split())


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
