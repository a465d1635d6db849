"""What every test lives under: no network but loopback, and the published vectors if they are at hand."""

from __future__ import annotations

import contextlib
import errno
import importlib
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support import postgres, waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ROOT = Path(__file__).resolve().parent.parent
_LOOPBACK = "127.0.0.1,::1,localhost"
_DEMO_PORTS = frozenset(range(8701, 8705))
_ONLY_ROOT = "NOT RUN by this user: only root may do it"
_open_ports: set[int] = set()
_KEEPING = frozenset({"coop", "database", "parts", "new_database"})
"""Fixtures that stand for something with a database."""

# How busy the machine is says nothing about a property, so no example is timed. Every run draws other examples, so the
# usual run is content with few; `pytest --hypothesis-profile=thorough` looks for long.
settings.register_profile("handstamp", deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("handstamp"), max_examples=1000)
settings.load_profile("handstamp")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the same tests run on either database."""
    parser.addoption("--database", choices=("sqlite", "postgresql"), default="sqlite", help="what services keep in")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Block sockets to anywhere but this machine; asyncio needs its own socket pair."""
    if config.option.allow_hosts is None:
        config.option.allow_hosts = _LOOPBACK
    config.option.allow_unix_socket = True
    sys.addaudithook(_find_no_demo)
    waiting.be_patient()
    if config.getoption("--database") == "postgresql":
        importlib.import_module("tests.support.databases").use_postgresql()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the run's PostgreSQL server, if anybody started it."""
    if not hasattr(config, "workerinput"):
        postgres.stop(postgres.folder_of_run(os.getpid()))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to a run on PostgreSQL only what keeps something in a database, whichever that is."""
    if config.getoption("--database") == "postgresql":
        here = [item for item in items if _keeps_something(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in here])
        items[:] = here


def pytest_collection_finish() -> None:
    """Let nobody migrate an empty file again and again."""
    if databases := sys.modules.get("tests.support.databases"):
        databases.migrate_once()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave to root what only root may do."""
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip(_ONLY_ROOT)


def _keeps_something(item: pytest.Item) -> bool:
    chosen = item.callspec.params.get("new_database") if hasattr(item, "callspec") else None
    if item.get_closest_marker("sqlite") or chosen == "sqlite":
        return False
    used = _KEEPING.intersection(getattr(item, "fixturenames", ()))
    return bool(used) or item.get_closest_marker("database") is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[pytest.TestReport]:
    """Where everything is required, count as failed what could not be tried, whatever it lacked."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and _ONLY_ROOT not in str(report.longrepr):
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session")
def on_server() -> Callable[[str], str]:
    """Make an empty database of a role on a PostgreSQL server, whatever the run is on."""
    databases = importlib.import_module("tests.support.databases")
    try:
        databases.server_of_run()
    except postgres.NoServer as error:
        pytest.skip(f"PostgreSQL tests: NOT RUN ({error})")
    return databases.fresh_postgresql


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Make an empty database of a role, on each engine in turn: for what must be exact on both, in every run."""
    if request.param == "postgresql":
        return request.getfixturevalue("on_server")
    databases = importlib.import_module("tests.support.databases")
    return lambda role: databases.fresh_sqlite(role, tmp_path)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
    """Let a database live as long as the fixture that made it."""
    databases = sys.modules.get("tests.support.databases")
    with databases.made_for(fixturedef.scope) if databases else contextlib.nullcontext():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Give back the databases of a test that is over, and after the last of a file whatever was done to logging."""
    done = yield
    if databases := sys.modules.get("tests.support.databases"):
        databases.give_back()
    if nextitem is None or nextitem.path != item.path:
        _log_as_at_first()
    return done


def _log_as_at_first() -> None:
    """Let no file of tests find the logging of another, whichever came before it: lines would stand in an output."""
    if (ours := sys.modules.get("plumbing.foreign_logs")) is None:
        return
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, ours.ForeignLines)]:
        root.removeHandler(handler)
    root.setLevel(logging.WARNING)
    sys.modules["structlog"].reset_defaults()


def _find_no_demo(event: str, args: tuple[Any, ...]) -> None:
    """Refuse this process the demo's own ports: a demo that somebody left running must change no test.

    Many tests give their services the demo's addresses and answer for them without a network; what they do not answer
    would be asked of that demo.
    """
    if event == "socket.connect" and isinstance(args[1], tuple) and args[1][1] in _DEMO_PORTS - _open_ports:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "tests find no demo")


@pytest.fixture
def demo_ports() -> Iterator[None]:
    """Let a test that starts a demo of its own see the ports on which it listens."""
    _open_ports.update(_DEMO_PORTS)
    yield
    _open_ports.clear()


@pytest.fixture(scope="session")
def vectors_dir() -> Path:
    """The folder of published test vectors, which is beside the project and not in it."""
    folder = Path(os.environ.get("VECTORS_DIR", _ROOT.parent / "shared" / "vectors"))
    if not folder.is_dir():
        pytest.skip(f"vectors: NOT RUN, there is no folder {folder}; set VECTORS_DIR to where the vectors are.")
    return folder
