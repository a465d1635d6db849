"""A federation signs a list with one command, and a site follows it with another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from credentials.errors import HandstampError
from credentials.keys.signer import LocalSigner
from credentials.trust import verify_coop_list
from handstamp.commands import coops
from plumbing.clock import system_clock

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://federation.example/coops"
KEY = LocalSigner.generate().public_key
MEMBER: dict[str, Any] = {
    "issuer": "https://coop.example",
    "name": "Sound [bold]Commons",
    "types": ["urn:a"],
    "jwks": {"keys": [KEY.jwk]},
}
DESCRIPTION: dict[str, Any] = {"url": URL, "name": "Federation", "version": 1, "days": 30, "members": [MEMBER]}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANDSTAMP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sign(home: Path, description: object) -> Any:
    (home / "coops.json").write_text(json.dumps(description), "utf-8")
    return CliRunner().invoke(coops.app, ["sign", "coops.json", "--to", "coops.jwt"])


def test_a_signed_list_is_one_that_a_site_can_follow(home: Path) -> None:
    done = sign(home, DESCRIPTION)
    assert done.exit_code == 0, done.output
    assert "Signed Federation, version 1" in done.output
    publisher = CliRunner().invoke(coops.app, ["show"]).output.strip()
    assert publisher in done.output
    text = (home / "coops.jwt").read_text("ascii")
    found = verify_coop_list(text, url=URL, publisher=publisher, known=None, at=system_clock())
    assert [member.issuer for member in found.members] == ["https://coop.example"]
    assert sign(home, DESCRIPTION | {"version": 2}).exit_code == 0
    newer = (home / "coops.jwt").read_text("ascii")
    assert verify_coop_list(newer, url=URL, publisher=publisher, known=found, at=system_clock()).version == 2


@pytest.mark.parametrize(
    ("description", "code"),
    [
        ([], "malformed"),
        (DESCRIPTION | {"days": 0}, "malformed"),
        (DESCRIPTION | {"days": 401}, "malformed"),
        (DESCRIPTION | {"version": "1"}, "malformed"),
        (DESCRIPTION | {"url": "http://federation.example"}, "malformed"),
        (DESCRIPTION | {"members": []}, "malformed"),
        (DESCRIPTION | {"members": [MEMBER | {"jwks": None}]}, "malformed"),
        (DESCRIPTION | {"members": [MEMBER | {"jwks": {"keys": [KEY.jwk | {"d": "AA"}]}}]}, "private_key_exposed"),
        (DESCRIPTION | {"members": [MEMBER, MEMBER]}, "ambiguous_policy"),
    ],
    ids=["no object", "no days", "years", "version", "plain address", "empty", "no keys", "private key", "twice"],
)
def test_a_list_that_nobody_could_read_is_not_signed(home: Path, description: object, code: str) -> None:
    done = sign(home, description)
    assert isinstance(done.exception, HandstampError)
    assert done.exception.code == code
    assert not (home / "coops.jwt").exists()
