"""Releases in the database."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, delete, select

from plumbing.clock import epoch_s
from plumbing.ids import new_internal_id
from trackserver.catalogue import Codec, Cover, Master, Release, StoredFile, Track
from trackserver.tables import MasterRow, ReleaseRow, StoredFileRow, TrackRow


class SqlCatalogue:
    """The `Catalogue` port on a session; the caller's transaction decides when it holds."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def load_release(self, release_id: str) -> Release | None:
        """Return one release, or None."""
        return self._loaded(self._session.get(ReleaseRow, release_id))

    def load_release_of_folder(self, folder: Path) -> Release | None:
        """Return the release that was added from this folder, or None."""
        return self._loaded(self._session.exec(select(ReleaseRow).where(ReleaseRow.folder == str(folder))).first())

    def load_release_of_content(self, content_digest: str) -> Release | None:
        """Return the release whose files have this common digest, or None."""
        query = select(ReleaseRow).where(ReleaseRow.content_digest == content_digest)
        return self._loaded(self._session.exec(query).first())

    def load_releases(self) -> Sequence[Release]:
        """Return every release, by artist and title."""
        rows = self._session.exec(select(ReleaseRow).order_by(col(ReleaseRow.artist), col(ReleaseRow.title))).all()
        return [self._release(row) for row in rows]

    def save_release(self, release: Release, *, content_digest: str, now: datetime) -> None:
        """Add a release, or replace it with all its tracks and files."""
        before = self._session.get(ReleaseRow, release.id)
        row = before or ReleaseRow(id=release.id, added_at=epoch_s(now), **_release_values(release, content_digest))
        if before:
            self._forget_contents(before)
            row.sqlmodel_update(_release_values(release, content_digest))
        if release.cover:
            row.sqlmodel_update(self._add_cover(release.cover, now))
        self._session.add(row)
        self._session.flush()  # parents first: without relationships the session does not order them
        for position, track in enumerate(release.tracks, start=1):
            self._add_track(release.id, position, track, now)

    def _forget_contents(self, row: ReleaseRow) -> None:
        tracks = select(TrackRow.id).where(TrackRow.release_id == row.id)
        masters = self._session.exec(select(MasterRow).where(col(MasterRow.track_id).in_(tracks))).all()
        files = [master.stored_file_id for master in masters]
        files += [file for file in (row.cover_file_id, row.cover_page_file_id) if file]
        row.sqlmodel_update(_NO_COVER)
        self._session.add(row)
        self._session.flush()
        self._session.exec(delete(MasterRow).where(col(MasterRow.track_id).in_(tracks)))
        self._session.exec(delete(TrackRow).where(col(TrackRow.release_id) == row.id))
        self._session.exec(delete(StoredFileRow).where(col(StoredFileRow.id).in_(files)))
        self._session.expire_all()

    def _add_cover(self, cover: Cover, now: datetime) -> dict[str, object]:
        return {
            "cover_file_id": self._add_file(cover.original, now),
            "cover_page_file_id": self._add_file(cover.page, now),
            "cover_media_type": cover.media_type,
            "cover_page_media_type": cover.page_media_type,
            "cover_page_width": cover.page_width,
            "cover_page_height": cover.page_height,
        }

    def _add_track(self, release_id: str, position: int, track: Track, now: datetime) -> None:
        self._session.add(
            TrackRow(
                id=track.id,
                release_id=release_id,
                position=position,
                disc=track.disc,
                number=track.number,
                title=track.title,
                artist=track.artist,
                isrc=track.isrc,
            )
        )
        files = [self._add_file(master.file, now) for master in track.masters]
        for place, (master, file_id) in enumerate(zip(track.masters, files, strict=True), start=1):
            self._session.add(_master_row(track.id, file_id, place, master))
        self._session.flush()

    def _add_file(self, file: StoredFile, now: datetime) -> str:
        row = StoredFileRow(
            id=new_internal_id(now),
            path=str(file.path),
            size=file.size,
            modified_ns=file.modified_ns,
            sha256=file.sha256,
            crc32=file.crc32,
        )
        self._session.add(row)
        self._session.flush()
        return row.id

    def _loaded(self, row: ReleaseRow | None) -> Release | None:
        return self._release(row) if row else None

    def _release(self, row: ReleaseRow) -> Release:
        tracks = self._session.exec(
            select(TrackRow).where(TrackRow.release_id == row.id).order_by(col(TrackRow.position))
        ).all()
        masters = self._masters(row.id)
        return Release(
            id=row.id,
            folder=Path(row.folder),
            title=row.title,
            artist=row.artist,
            release_type=row.release_type,
            date=row.date,
            gtin=row.gtin,
            cover=self._cover(row),
            tracks=tuple(_track(track, masters[track.id]) for track in tracks),
        )

    def _masters(self, release_id: str) -> dict[str, list[Master]]:
        query = (
            select(MasterRow, StoredFileRow)
            .join(StoredFileRow, col(StoredFileRow.id) == MasterRow.stored_file_id)
            .join(TrackRow, col(TrackRow.id) == MasterRow.track_id)
            .where(TrackRow.release_id == release_id)
            .order_by(col(MasterRow.position))
        )
        found: dict[str, list[Master]] = {}
        for master, file in self._session.exec(query).all():
            found.setdefault(master.track_id, []).append(_master(master, file))
        return found

    def _cover(self, row: ReleaseRow) -> Cover | None:
        original = self._session.get(StoredFileRow, row.cover_file_id) if row.cover_file_id else None
        page = self._session.get(StoredFileRow, row.cover_page_file_id) if row.cover_page_file_id else None
        if not (original and page):
            return None
        return Cover(
            original=_file(original),
            media_type=row.cover_media_type or "",
            page=_file(page),
            page_media_type=row.cover_page_media_type or "",
            page_width=row.cover_page_width or 0,
            page_height=row.cover_page_height or 0,
        )


_NO_COVER = {
    "cover_file_id": None,
    "cover_page_file_id": None,
    "cover_media_type": None,
    "cover_page_media_type": None,
    "cover_page_width": None,
    "cover_page_height": None,
}


def _release_values(release: Release, content_digest: str) -> dict[str, Any]:
    return {
        "folder": str(release.folder),
        "content_digest": content_digest,
        "title": release.title,
        "artist": release.artist,
        "release_type": release.release_type,
        "date": release.date,
        "gtin": release.gtin,
    }


def _master_row(track_id: str, file_id: str, position: int, master: Master) -> MasterRow:
    codec = master.codec
    return MasterRow(
        id=master.id,
        track_id=track_id,
        stored_file_id=file_id,
        position=position,
        format=codec.format,
        sample_rate_hz=codec.sample_rate_hz,
        bits=codec.bits,
        channels=codec.channels,
        duration_ms=codec.duration_ms,
        bitrate_bps=codec.bitrate_bps,
    )


def _track(row: TrackRow, masters: list[Master]) -> Track:
    return Track(
        id=row.id,
        disc=row.disc,
        number=row.number,
        title=row.title,
        artist=row.artist,
        isrc=row.isrc,
        masters=tuple(masters),
    )


def _master(row: MasterRow, file: StoredFileRow) -> Master:
    codec = Codec(
        format=row.format,
        sample_rate_hz=row.sample_rate_hz,
        bits=row.bits,
        channels=row.channels,
        duration_ms=row.duration_ms,
        bitrate_bps=row.bitrate_bps,
    )
    return Master(id=row.id, file=_file(file), codec=codec)


def _file(row: StoredFileRow) -> StoredFile:
    return StoredFile(
        path=Path(row.path), size=row.size, modified_ns=row.modified_ns, sha256=row.sha256, crc32=row.crc32
    )
