"""A gate as a row and back. What opens is stored as JSON: it is read whole and never searched."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, assert_never

from plumbing.clock import epoch_s
from verifier.gates import Gate, Opens, OwnsRelease, OwnsTrack, Requirement, Terms, TrackInside
from verifier.releases import FileOnOffer
from verifier.tables import GateRow

if TYPE_CHECKING:
    from collections.abc import Mapping


def gate_to_row(gate: Gate, *, key: str) -> GateRow:
    """Write a gate as a row under the internal `key`."""
    kind, track_id = _requirement_columns(gate.requirement)
    return GateRow(
        key=key,
        site=gate.site,
        gate_id=gate.gate_id,
        title=gate.title,
        requirement=kind,
        release_id=gate.requirement.release_id,
        track_id=track_id,
        language=gate.terms.language,
        terms=gate.terms.text,
        opens=_opens_to_json(gate.opens),
        created_at=epoch_s(gate.created_at),
    )


def gate_from_row(row: GateRow) -> Gate:
    """Read a gate from its row."""
    return Gate(
        gate_id=row.gate_id,
        site=row.site,
        title=row.title,
        requirement=(
            OwnsRelease(release_id=row.release_id)
            if row.track_id is None
            else OwnsTrack(track_id=row.track_id, release_id=row.release_id)
        ),
        terms=Terms(text=row.terms, language=row.language),
        opens=_opens_from_json(row.opens),
        created_at=datetime.fromtimestamp(row.created_at, UTC),
    )


def _requirement_columns(requirement: Requirement) -> tuple[str, str | None]:
    match requirement:
        case OwnsRelease():
            return "release", None
        case OwnsTrack():
            return "track", requirement.track_id
        case _:
            assert_never(requirement)


def _opens_to_json(opens: Opens) -> dict[str, Any]:
    return {
        "trackserver": opens.trackserver,
        "release_id": opens.release_id,
        "track_ids": list(opens.track_ids),
        "kind": opens.kind,
        "title": opens.title,
        "artist": opens.artist,
        "tracks": [{"number": track.number, "title": track.title} for track in opens.tracks],
        "package": opens.package,
        "files": [{"format": file.format, "size_bytes": file.size_bytes} for file in opens.files],
        "size_bytes": opens.size_bytes,
        "has_cover": opens.has_cover,
    }


def _opens_from_json(members: Mapping[str, Any]) -> Opens:
    """Read what `_opens_to_json` wrote; our own column, so nothing is refused here."""
    return Opens(
        trackserver=members["trackserver"],
        release_id=members["release_id"],
        track_ids=tuple(members["track_ids"]),
        kind=members["kind"],
        title=members["title"],
        artist=members["artist"],
        tracks=tuple(TrackInside(number=track["number"], title=track["title"]) for track in members["tracks"]),
        package=members["package"],
        files=tuple(FileOnOffer(format=file["format"], size_bytes=file["size_bytes"]) for file in members["files"]),
        size_bytes=members["size_bytes"],
        has_cover=members.get("has_cover", False),
    )
