"""`handstamp issuer publish`, as typed in a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import structlog
from typer.testing import CliRunner

from handstamp.commands import issuer
from issuer.identity import NoCertificate
from tests.issuer.conftest import certified_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.database


def say(*arguments: str) -> str:
    result = CliRunner().invoke(issuer.app, list(arguments), env={"COLUMNS": "200", "NO_COLOR": "1"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(autouse=True)
def _coop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDSTAMP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HANDSTAMP_ISSUER__STATUS_LISTS_PER_MONTH", "3")
    yield
    structlog.reset_defaults()


def test_lists_are_published_from_a_terminal_too(tmp_path: Path) -> None:
    for name, content in zip(("key.pem", "chain.pem"), certified_key(), strict=True):
        (tmp_path / name).write_bytes(content)
    say("keys", "import", "--key", str(tmp_path / "key.pem"), "--chain", str(tmp_path / "chain.pem"))
    assert json.loads(say("publish", "--json"))["changed"] == 0
    said = say("publish")
    assert "signed again because it was time" in said
    assert "goes out in about" in said
    assert "goes out" not in say("publish", "--now")


def test_nothing_is_published_without_a_certificate() -> None:
    with pytest.raises(NoCertificate):
        say("publish")
