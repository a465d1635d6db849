"""A real disk that is full, or may not be written: a co-op says so, and goes on by itself when there is room."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from issuer.parts import MIGRATIONS
from plumbing.database import DatabaseUnavailable
from plumbing.health import LIVE
from plumbing.migrations import upgrade
from tests.faults.issuing import Counter
from tests.faults.killing import Life, live_and_die
from tests.faults.small_disk import SmallDisk, cannot_mount
from tests.faults.test_ready_disk import ready
from tests.support import postgres
from tests.support.databases import fresh_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Response

    from issuer.offers import Open
    from tests.issuer.conftest import Coop, Wallet

pytestmark = [pytest.mark.flow, pytest.mark.slow, pytest.mark.sqlite]
_KIB, _KIB_OF_A_SERVER = 12 * 1024, 112 * 1024
_FAR, _MOST = 30_000_000, 500


@pytest.fixture(autouse=True)
def _a_kernel_that_lets_us_mount() -> None:
    if why := cannot_mount():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"Tests of a small disk: NOT RUN ({why})")


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter.open(tmp_path, fresh_sqlite("issuer", tmp_path, "books"))


def settle(counter: Counter, life: Life, disk: SmallDisk) -> Coop:
    """Move the co-op's database to a disk, and open it there."""
    shutil.copy(counter.url.removeprefix("sqlite:///"), disk.folder / "books.sqlite")
    counter.url = f"sqlite:///{disk.folder / 'books.sqlite'}"
    return counter.begin(life)


async def take(coop: Coop, wallet: Wallet, offer: Open) -> None:
    """Take all that is in an offer."""
    token = await wallet.token(offer)
    assert token.status_code == 200, token.text
    assert (await wallet.ask(token.json()["access_token"], offer.copies[0].id)).status_code == 200
    assert await ready(coop.parts.database) == (200, "ok")


def told_to_come_back(answer: Response) -> bool:
    """Tell whether it was refused, and check that it was in clear words."""
    if answer.status_code == 200:
        return False
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["error"] == "temporarily_unavailable"
    assert "disk" in answer.json()["error_description"]
    return True


def test_a_disk_that_is_full_is_called_so_and_costs_nothing(counter: Counter, tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        disk = SmallDisk.mount(tmp_path / "disk", kib=_KIB)
        coop, wallet = settle(counter, life, disk), counter.wallet()
        await take(coop, wallet, coop.offer(coop.owner()))
        offers = [coop.offer(coop.owner()) for _ in range(8)]
        disk.fill()
        refused = [each for each in offers if told_to_come_back(await wallet.token(each))]
        assert refused
        assert await ready(coop.parts.database) == (503, "failed")
        for path in (LIVE, "/.well-known/openid-credential-issuer", "/statuslists"):
            assert (await wallet.http.get(path)).status_code == 200
        disk.empty()
        for each in refused:
            await take(coop, wallet, each)

    live_and_die(story, tmp_path / "notes", moment=None)


def test_a_server_whose_disk_is_full_is_called_so_and_costs_nothing(counter: Counter, tmp_path: Path) -> None:
    folder = postgres.folder_of_run(os.getpid() + _FAR)  # not below `tmp_path`: the name of a socket is short

    async def story(life: Life) -> None:
        disk = SmallDisk.mount(folder, kib=_KIB_OF_A_SERVER)
        counter.url = database_of_a_server(folder)
        with stopping(folder):
            coop, wallet = counter.begin(life), counter.wallet()
            coop.add_release()
            await take(coop, wallet, coop.offer(coop.owner()))
            offer = coop.offer(coop.owner())
            disk.fill()
            with pytest.raises(DatabaseUnavailable, match="the disk of its server is full"):
                write_on(coop)
            assert (await wallet.http.get(LIVE)).status_code == 200
            disk.empty()
            await take(coop, wallet, offer)
            await take(coop, wallet, coop.offer(coop.owner()))

    try:
        live_and_die(story, tmp_path / "notes", moment=None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_on(coop: Coop) -> None:
    """Write until it is refused: what fits into pages that are there still goes."""
    for _ in range(_MOST):
        coop.owner()


def database_of_a_server(folder: Path) -> str:
    """Start a server in a folder, and make a database of a co-op."""
    try:
        server = postgres.start_once(folder, controller_pid=os.getpid())
    except postgres.NoServer as error:
        raise AssertionError(f"PostgreSQL tests: NOT RUN ({error})") from error
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE coop")
    upgrade(server.url("coop"), MIGRATIONS)
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_switch_wal()")  # so that the next of its log is not begun on a full disk
    return server.url("coop")


@contextmanager
def stopping(folder: Path) -> Iterator[None]:
    """Stop the server of a folder after the block."""
    try:
        yield
    finally:
        postgres.stop(folder)


def test_a_disk_that_may_not_be_written_is_called_so_and_costs_nothing(counter: Counter, tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        disk = SmallDisk.mount(tmp_path / "disk", kib=_KIB)
        coop, wallet = settle(counter, life, disk), counter.wallet()
        offer = coop.offer(coop.owner())
        coop.parts.database.close()  # as when a system makes a disk read-only that shows faults: nothing is open
        disk.set_read_only(is_so=True)
        assert told_to_come_back(await wallet.token(offer))
        assert (await wallet.http.get(LIVE)).status_code == 200
        coop.parts.database.close()
        disk.set_read_only(is_so=False)
        await take(coop, wallet, offer)

    live_and_die(story, tmp_path / "notes", moment=None)
