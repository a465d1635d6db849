"""A gate as a row and back. What opens is stored as JSON: it is read whole and never searched."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from plumbing.clock import epoch_s
from plumbing.statements import every_column
from verifier.gates import Counting, Gate, Opens, Terms, TrackInside
from verifier.json_columns import json_text, read_json
from verifier.limits import Monthly, OnceEver
from verifier.proof_rows import proof_from_json, proof_to_json
from verifier.proofs import AllOf, AnyOf, OwnsRelease, OwnsTrack, Requirement, proofs_of
from verifier.releases import FileOnOffer
from verifier.tables import GateRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plumbing.statements import Row

_IN_JSON: Final = frozenset({"opens", "proofs"})
_NAMES: Final = [column.name for column in every_column(GateRow)]
GATE_COLUMNS: Final = [
    json_text(getattr(GateRow, column.name)) if column.name in _IN_JSON else column for column in every_column(GateRow)
]
"""What a statement selects that reads gates."""
_ALL = "all"
_ANY = "any"


def gate_to_row(gate: Gate, *, key: str) -> GateRow:
    """Write a gate as a row under the internal `key`."""
    counting = gate.counting
    return GateRow(
        key=key,
        site=gate.site,
        gate_id=gate.gate_id,
        title=gate.title,
        requirement=_ALL if isinstance(gate.requirement, AllOf) else _ANY,
        release_id=gate.opens.release_id,
        track_id=gate.opens.track_ids[0] if gate.opens.track_ids else None,
        language=gate.terms.language,
        terms=gate.terms.text,
        opens=_opens_to_json(gate.opens),
        created_at=epoch_s(gate.created_at),
        proofs=[proof_to_json(proof) for proof in proofs_of(gate.requirement)],
        limit_times=None if counting is None else counting.limit.times,
        limit_monthly=counting is not None and isinstance(counting.limit, Monthly),
        limit_key=None if counting is None else counting.key,
        other_wallets=counting is not None and counting.takes_other_wallets,
        closed_at=None if gate.closed_at is None else epoch_s(gate.closed_at),
    )


# Every request at a gate reads its row, which hardly ever changes: what was made of the very same columns is good.
@lru_cache(maxsize=256)
def gate_from_columns(columns: Row) -> Gate:
    """Read a gate from the values of `GATE_COLUMNS`."""
    values = dict(zip(_NAMES, columns, strict=True))
    for name in _IN_JSON:
        values[name] = None if values[name] is None else read_json(values[name])
    return gate_from_row(GateRow(**values))


def gate_from_row(row: GateRow) -> Gate:
    """Read a gate from its row."""
    return Gate(
        gate_id=row.gate_id,
        site=row.site,
        title=row.title,
        requirement=_requirement(row),
        terms=Terms(text=row.terms, language=row.language),
        opens=_opens_from_json(row.opens),
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        counting=_counting(row),
        closed_at=None if row.closed_at is None else datetime.fromtimestamp(row.closed_at, UTC),
    )


def _requirement(row: GateRow) -> Requirement:
    if row.proofs is None:  # made before a gate could ask for anything else
        if row.track_id is None:
            return OwnsRelease(release_id=row.release_id)
        return OwnsTrack(track_id=row.track_id, release_id=row.release_id)
    proofs = tuple(proof_from_json(members) for members in row.proofs)
    if len(proofs) == 1:
        return proofs[0]
    return AllOf(proofs=proofs) if row.requirement == _ALL else AnyOf(proofs=proofs)


def _counting(row: GateRow) -> Counting | None:
    if row.limit_times is None:
        return None
    limit = Monthly(times=row.limit_times) if row.limit_monthly else OnceEver()
    return Counting(limit=limit, key=row.limit_key or b"", takes_other_wallets=row.other_wallets)


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
