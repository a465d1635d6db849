from __future__ import annotations

from datetime import UTC, datetime

import pytest

from credentials.keys.signer import LocalSigner


@pytest.fixture(scope="session")
def signer() -> LocalSigner:
    return LocalSigner.generate()


@pytest.fixture(scope="session")
def other_signer() -> LocalSigner:
    return LocalSigner.generate()


@pytest.fixture(scope="session")
def at() -> datetime:
    return datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def now_s(at: datetime) -> int:
    return int(at.timestamp())
