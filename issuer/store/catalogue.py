"""Releases, tracks and covers in the database."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, exists, select, update
from sqlmodel import col

from credentials.errors import HolderError
from issuer.catalogue import Cover, Release, Track
from issuer.store.base import SessionStore, to_s
from issuer.tables import CoverRow, ReleaseRow, TrackRow
from plumbing.statements import Row, Statement, every_column

_TRACK: Final = every_column(TrackRow)
_TRACK_BY_ID: Final = Statement(select(*_TRACK).where(col(TrackRow.id) == bindparam("track")))
_RELEASE: Final = every_column(ReleaseRow)
_RELEASE_WITH_TRACKS: Final = Statement(
    select(*_RELEASE, exists().where(col(CoverRow.release_id) == col(ReleaseRow.id)), *_TRACK)
    .outerjoin(TrackRow, col(TrackRow.release_id) == col(ReleaseRow.id))
    .where(col(ReleaseRow.id) == bindparam("release"))
    .order_by(col(TrackRow.number))
)


class TrackElsewhere(HolderError):
    """A description claims a track that belongs to another release."""

    code = "track_elsewhere"

    def __init__(self) -> None:
        super().__init__("The description claims a track that belongs to another release. Nothing was changed.")


class CatalogueStore(SessionStore):
    """Implements `issuer.ports.Catalogue`."""

    def save_release(self, release: Release, cover: Cover | None) -> None:
        """See `issuer.ports.Catalogue`."""
        row = self._session.get(ReleaseRow, release.id)
        row = row or ReleaseRow(id=release.id, source_url="", title="", artist="", release_type="")
        row.source_url, row.title, row.artist = release.source_url, release.title, release.artist
        row.release_type, row.date, row.gtin = release.release_type, release.date, release.gtin
        self._session.add(row)
        self._session.flush()
        if cover is not None:
            self._session.merge(CoverRow(release_id=release.id, media_type=cover.media_type, content=cover.content))
        for track in release.tracks:
            self._save_track(track)
        self._session.flush()

    def _save_track(self, track: Track) -> None:
        row = self._session.get(TrackRow, track.id)
        if row is not None and row.release_id != track.release:
            raise TrackElsewhere
        row = row or TrackRow(id=track.id, release_id=track.release, number=0, title="", artist="", duration_s=0)
        row.number, row.title, row.artist = track.number, track.title, track.artist
        row.isrc, row.duration_s, row.free, row.withdrawn = track.isrc, track.duration_s, track.free, track.withdrawn
        self._session.add(row)

    def release(self, release_id: str) -> Release | None:
        """See `issuer.ports.Catalogue`."""
        rows = _RELEASE_WITH_TRACKS.rows(self._session, release=release_id)
        if not rows:
            return None
        found = (row[len(_RELEASE) + 1 :] for row in rows)
        tracks = [_track(row) for row in found if row[0] is not None]
        return _release(rows[0][: len(_RELEASE)], tracks, has_cover=bool(rows[0][len(_RELEASE)]))

    def track(self, track_id: str) -> Track | None:
        """See `issuer.ports.Catalogue`."""
        row = _TRACK_BY_ID.first(self._session, track=track_id)
        return _track(row) if row else None

    def releases(self, release_ids: Iterable[str]) -> Mapping[str, Release]:
        """See `issuer.ports.Catalogue`."""
        ids = frozenset(release_ids)
        tracks: dict[str, list[Track]] = {release_id: [] for release_id in ids}
        for track in self._in_parts(
            ids,
            lambda part: self._read(
                select(*_TRACK).where(col(TrackRow.release_id).in_(part)).order_by(col(TrackRow.number))
            ),
        ):
            found = _track(track)
            tracks[found.release].append(found)
        covered = self._in_parts(
            ids, lambda part: self._read(select(col(CoverRow.release_id)).where(col(CoverRow.release_id).in_(part)))
        )
        with_cover = frozenset(release_id for (release_id,) in covered)
        rows = self._in_parts(ids, lambda part: self._read(select(*_RELEASE).where(col(ReleaseRow.id).in_(part))))
        return {row[0]: _release(row, tracks[row[0]], has_cover=row[0] in with_cover) for row in rows}

    def all_releases(self) -> Sequence[Release]:
        """See `issuer.ports.Catalogue`."""
        found = self.releases(release_id for (release_id,) in self._read(select(col(ReleaseRow.id))))
        return sorted(found.values(), key=lambda release: (release.artist, release.title))

    def release_ids_of_tracks(self, track_ids: Iterable[str]) -> frozenset[str]:
        """See `issuer.ports.Catalogue`."""
        found = self._in_parts(
            track_ids,
            lambda part: self._read(select(col(TrackRow.release_id)).where(col(TrackRow.id).in_(part)).distinct()),
        )
        return frozenset(release_id for (release_id,) in found)

    def take_down(self, track_ids: Iterable[str], *, at: datetime) -> int:
        """See `issuer.ports.Catalogue`."""
        found = (col(TrackRow.id).in_(list(track_ids)), col(TrackRow.taken_down_at).is_(None))
        return self._changed(update(TrackRow).where(*found).values(taken_down_at=to_s(at)))

    def put_back(self, track_ids: Iterable[str]) -> int:
        """See `issuer.ports.Catalogue`."""
        found = (col(TrackRow.id).in_(list(track_ids)), col(TrackRow.taken_down_at).is_not(None))
        return self._changed(update(TrackRow).where(*found).values(taken_down_at=None))

    def cover(self, release_id: str) -> Cover | None:
        """See `issuer.ports.Catalogue`."""
        row = self._session.get(CoverRow, release_id)
        return Cover(media_type=row.media_type, content=row.content) if row else None


def _track(row: Row) -> Track:
    track_id, release_id, number, title, artist, isrc, duration_s, free, withdrawn, taken_down_at = row
    return Track(
        id=track_id,
        release=release_id,
        number=number,
        title=title,
        artist=artist,
        isrc=isrc,
        duration_s=duration_s,
        free=bool(free),
        withdrawn=bool(withdrawn) or taken_down_at is not None,
    )


def _release(row: Row, tracks: Sequence[Track], *, has_cover: bool) -> Release:
    release_id, source_url, title, artist, release_type, date, gtin = row
    return Release(
        id=release_id,
        source_url=source_url,
        title=title,
        artist=artist,
        release_type=release_type,
        date=date,
        gtin=gtin,
        has_cover=has_cover,
        tracks=tuple(tracks),
    )
