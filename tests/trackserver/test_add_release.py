import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from plumbing.migrations import downgrade, upgrade
from trackserver.catalogue import Release
from trackserver.errors import AlbumRefused, NothingToAdd
from trackserver.parts import MIGRATIONS, TrackserverParts
from trackserver.service.add_release import Added, Outcome
from trackserver.store.catalogue import SqlCatalogue
from trackserver.tables import Base

Add = Callable[..., Added]


def load(parts: TrackserverParts, release_id: str) -> Release | None:
    with parts.database.read() as session:
        return SqlCatalogue(session).load_release(release_id)


def test_an_added_release_is_read_back_the_same(parts: TrackserverParts, add: Add, album_folder: Path) -> None:
    added = add(album_folder)
    assert added.outcome is Outcome.ADDED
    assert load(parts, added.release.id) == added.release


def test_adding_the_same_folder_again_changes_nothing(add: Add, album_folder: Path) -> None:
    first = add(album_folder)
    again = add(album_folder)
    assert again.outcome is Outcome.UNCHANGED
    assert again.release == first.release


def test_the_same_files_in_another_folder_are_the_same_release(add: Add, album_folder: Path, tmp_path: Path) -> None:
    first = add(album_folder)
    shutil.move(album_folder, tmp_path / "moved")
    again = add(tmp_path / "moved")
    assert again.outcome is Outcome.UPDATED
    assert again.release.id == first.release.id
    assert [track.id for track in again.release.tracks] == [track.id for track in first.release.tracks]
    assert {master.file.path.parent for master in again.release.masters} == {tmp_path / "moved"}


def test_a_new_title_keeps_every_id(parts: TrackserverParts, add: Add, album_folder: Path) -> None:
    first = add(album_folder).release
    again = add(album_folder, title="Another", artist="Others")
    assert again.outcome is Outcome.UPDATED
    assert (again.release.title, again.release.artist) == ("Another", "Others")
    assert again.release.id == first.id
    assert [master.id for master in again.release.masters] == [master.id for master in first.masters]
    assert load(parts, first.id) == again.release


def test_a_better_master_keeps_its_track(
    parts: TrackserverParts, add: Add, album_folder: Path, audio: Callable[..., Path]
) -> None:
    first = add(album_folder).release
    audio(album_folder / "02.flac", seconds=0.5, title="Straße/2", tracknumber="2", album="Süd: Nord")
    again = add(album_folder).release
    assert [track.id for track in again.tracks] == [track.id for track in first.tracks]
    assert again.tracks[1].masters[0].id != first.tracks[1].masters[0].id
    assert load(parts, first.id) == again


def test_a_touched_file_is_brought_up_to_date(add: Add, album_folder: Path) -> None:
    add(album_folder)
    os.utime(album_folder / "01.flac", ns=(1, 1))
    assert add(album_folder).outcome is Outcome.UPDATED


def test_a_track_whose_file_is_gone_stays_listed(parts: TrackserverParts, add: Add, album_folder: Path) -> None:
    first = add(album_folder).release
    (album_folder / "01.flac").unlink()
    again = add(album_folder)
    assert [track.title for track in again.gone] == ["Nachtlied"]
    assert {track.id for track in again.release.tracks} == {track.id for track in first.tracks}
    assert load(parts, first.id) == again.release
    assert add(album_folder).outcome is Outcome.UNCHANGED


def test_a_lost_cover_is_forgotten(parts: TrackserverParts, add: Add, album_folder: Path) -> None:
    first = add(album_folder).release
    (album_folder / "cover.png").unlink()
    assert add(album_folder).release.cover is None
    found = load(parts, first.id)
    assert found is not None
    assert found.cover is None


def test_a_folder_without_music_is_refused(add: Add, tmp_path: Path) -> None:
    with pytest.raises(NothingToAdd):
        add(tmp_path)


def test_mixed_albums_are_refused_and_nothing_is_kept(
    parts: TrackserverParts, add: Add, tmp_path: Path, audio: Callable[..., Path]
) -> None:
    audio(tmp_path / "m" / "a.flac", album="X")
    audio(tmp_path / "m" / "b.flac", album="Y")
    with pytest.raises(AlbumRefused, match="several albums: X, Y"):
        add(tmp_path / "m")
    with parts.database.read() as session:
        assert SqlCatalogue(session).load_releases() == []


def test_the_migrations_make_exactly_the_tables_and_take_them_away(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.sqlite'}"
    upgrade(url, MIGRATIONS)
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "trackserver_version"})
        assert compare_metadata(context, Base.metadata) == []
    downgrade(url, MIGRATIONS, "base")
    assert inspect(engine).get_table_names() == ["trackserver_version"]
    engine.dispose()
