"""What a service writes is nobody else's to read, whatever the umask of the process that wrote it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from issuer.parts import MIGRATIONS
from plumbing.database import Database
from plumbing.keystore import KeyStore
from plumbing.migrations import upgrade
from plumbing.private import make_private_file, make_private_folder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")


@pytest.fixture(params=[0o000, 0o022])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.stat().st_mode & 0o077]


@pytest.mark.usefixtures("_umask")
def test_no_folder_on_the_way_and_no_database_is_open_to_others(tmp_path: Path) -> None:
    KeyStore(tmp_path / "data" / "issuer" / "keys").signer("issuer")
    url = f"sqlite:///{tmp_path / 'data' / 'issuer' / 'issuer.sqlite'}"
    upgrade(url, MIGRATIONS)
    database = Database(url)
    with database.write() as session:
        session.connection().exec_driver_sql("CREATE TABLE more (one)")
        assert (tmp_path / "data" / "issuer" / "issuer.sqlite-wal").exists()
        assert open_to_others(tmp_path) == []
    database.close()


@pytest.mark.usefixtures("_umask")
def test_what_is_there_keeps_its_mode_and_its_content(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    file = shared / "file"
    file.write_text("kept")
    file.chmod(0o640)
    make_private_folder(shared)
    make_private_file(file)
    assert (shared.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o755, 0o640)
    assert file.read_text() == "kept"
