"""What a service writes is nobody else's to read, whatever the umask of the process that wrote it."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from issuer.parts import MIGRATIONS
from plumbing.database import Database
from plumbing.keystore import KeyStore
from plumbing.migrations import upgrade
from plumbing.private import (
    hand_over,
    is_unsafe_for_root,
    make_private_file,
    make_private_folder,
    new_private_file,
    safe_beside,
)

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


def test_a_link_that_somebody_planted_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "planted").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        new_private_file(tmp_path / "planted")
    assert not (tmp_path / "elsewhere").exists()


def test_what_root_makes_in_somebodys_folder_is_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda _, *owner: given.append(owner))
    os.close(new_private_file(tmp_path / "file"))
    about = (tmp_path / "file").stat()
    assert given == [(tmp_path.stat().st_uid, tmp_path.stat().st_gid)]
    assert about.st_mode & 0o777 == 0o600


SERVICE, ROOT = 990, 0
DISK, OTHER_DISK = 1, 2


@pytest.mark.parametrize(
    ("me", "inside", "above", "beside"),
    [
        (ROOT, (SERVICE, 0o700, DISK), (ROOT, 0o755, DISK), True),
        (ROOT, (SERVICE, 0o700, DISK), (ROOT, 0o1777, DISK), True),
        (SERVICE, (SERVICE, 0o700, DISK), (ROOT, 0o755, DISK), False),
        (ROOT, (ROOT, 0o700, DISK), (ROOT, 0o755, DISK), False),
        (ROOT, (SERVICE, 0o700, DISK), (SERVICE, 0o755, DISK), False),
        (ROOT, (SERVICE, 0o700, DISK), (ROOT, 0o777, DISK), False),
        (ROOT, (SERVICE, 0o700, OTHER_DISK), (ROOT, 0o755, DISK), False),
    ],
)
def test_root_works_where_the_owner_of_a_folder_can_exchange_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    me: int,
    inside: tuple[int, int, int],
    above: tuple[int, int, int],
    *,
    beside: bool,
) -> None:
    folder = tmp_path / "service"

    def stat(path: Path) -> SimpleNamespace:
        return SimpleNamespace(
            **dict(zip(("st_uid", "st_mode", "st_dev"), inside if path == folder else above, strict=True))
        )

    with monkeypatch.context() as told:
        told.setattr(os, "geteuid", lambda: me)
        told.setattr(Path, "stat", stat)
        told.setattr(Path, "resolve", lambda path: path)
        assert safe_beside(folder) == (tmp_path if beside else folder)
        assert is_unsafe_for_root(folder) == (me == ROOT and inside[0] == SERVICE and not beside)


def test_what_root_hands_over_is_what_it_made_and_not_where_a_link_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, elsewhere = tmp_path / "made", tmp_path / "elsewhere"
    (made / "keys").mkdir(parents=True)
    (made / "keys" / "key.pem").touch()
    elsewhere.mkdir()
    (elsewhere / "secret").touch()
    (made / "link").symlink_to(elsewhere)
    given: list[Path] = []
    folders = {each.stat().st_ino: each for each in (made, made / "keys", elsewhere)}

    def give(name: str, *_: int, dir_fd: int, follow_symlinks: bool) -> None:
        assert not follow_symlinks
        given.append(folders[os.fstat(dir_fd).st_ino] / name)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda folder, *_: given.append(folders[os.fstat(folder).st_ino]))
    monkeypatch.setattr(os, "chown", give)
    hand_over(made, tmp_path / "place")
    assert sorted(given) == [made, made / "keys", made / "keys" / "key.pem"]
