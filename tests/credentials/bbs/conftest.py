"""Where the published BBS fixtures are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def ietf_bbs(vectors_dir: Path) -> Path:
    return vectors_dir / "ietf-bbs/tooling/fixtures/fixture_data"


@pytest.fixture(scope="session")
def ietf_bbs_blind(vectors_dir: Path) -> Path:
    return vectors_dir / "ietf-bbs-blind/fixtures/fixture_data"


@pytest.fixture(scope="session")
def cfrg_bbs_pseudonyms(vectors_dir: Path) -> Path:
    return vectors_dir / "cfrg-bbs-pseudonyms/fixtures/fixture_data"
