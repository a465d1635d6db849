"""What every test lives under: no network but loopback, and the published vectors if they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_ROOT = Path(__file__).resolve().parent.parent
_LOOPBACK = "127.0.0.1,::1,localhost"

# How busy the machine is says nothing about a property, so no example is timed.
settings.register_profile("handstamp", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("handstamp")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Block sockets to anywhere but this machine; asyncio needs its own socket pair."""
    if config.option.allow_hosts is None:
        config.option.allow_hosts = _LOOPBACK
    config.option.allow_unix_socket = True


@pytest.fixture(scope="session")
def vectors_dir() -> Path:
    """The folder of published test vectors, which is beside the project and not in it."""
    folder = Path(os.environ.get("VECTORS_DIR", _ROOT.parent / "shared" / "vectors"))
    if not folder.is_dir():
        pytest.skip(f"vectors: NOT RUN, there is no folder {folder}; set VECTORS_DIR to where the vectors are.")
    return folder
