"""Releases, tracks and covers in the database."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import col, select

from credentials.errors import HolderError
from issuer.catalogue import Cover, Release, Track
from issuer.store.base import SessionStore, to_s
from issuer.tables import CoverRow, ReleaseRow, TrackRow


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
        return self.releases([release_id]).get(release_id)

    def track(self, track_id: str) -> Track | None:
        """See `issuer.ports.Catalogue`."""
        row = self._session.get(TrackRow, track_id)
        return _track(row) if row else None

    def releases(self, release_ids: Iterable[str]) -> Mapping[str, Release]:
        """See `issuer.ports.Catalogue`."""
        ids = frozenset(release_ids)
        tracks: dict[str, list[Track]] = {release_id: [] for release_id in ids}
        for row in self._in_parts(
            ids,
            lambda part: self._session.exec(
                select(TrackRow).where(col(TrackRow.release_id).in_(part)).order_by(col(TrackRow.number))
            ),
        ):
            tracks[row.release_id].append(_track(row))
        covered = self._in_parts(
            ids,
            lambda part: self._session.exec(select(CoverRow.release_id).where(col(CoverRow.release_id).in_(part))),
        )
        with_cover = frozenset(covered)
        rows = self._in_parts(
            ids, lambda part: self._session.exec(select(ReleaseRow).where(col(ReleaseRow.id).in_(part)))
        )
        return {row.id: _release(row, tracks[row.id], has_cover=row.id in with_cover) for row in rows}

    def all_releases(self) -> Sequence[Release]:
        """See `issuer.ports.Catalogue`."""
        found = self.releases(self._session.exec(select(ReleaseRow.id)))
        return sorted(found.values(), key=lambda release: (release.artist, release.title))

    def release_ids_of_tracks(self, track_ids: Iterable[str]) -> frozenset[str]:
        """See `issuer.ports.Catalogue`."""
        return frozenset(
            self._in_parts(
                track_ids,
                lambda part: self._session.exec(
                    select(TrackRow.release_id).where(col(TrackRow.id).in_(part)).distinct()
                ),
            )
        )

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


def _track(row: TrackRow) -> Track:
    return Track(
        id=row.id,
        release=row.release_id,
        number=row.number,
        title=row.title,
        artist=row.artist,
        isrc=row.isrc,
        duration_s=row.duration_s,
        free=row.free,
        withdrawn=row.withdrawn or row.taken_down_at is not None,
    )


def _release(row: ReleaseRow, tracks: Sequence[Track], *, has_cover: bool) -> Release:
    return Release(
        id=row.id,
        source_url=row.source_url,
        title=row.title,
        artist=row.artist,
        release_type=row.release_type,
        date=row.date,
        gtin=row.gtin,
        has_cover=has_cover,
        tracks=tuple(tracks),
    )
