"""An artist speaks under the artist's name: from the wallet to a file that anybody can check."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from credentials.errors import HandstampError
from credentials.statement import verify_statement
from credentials.verify_linked import verify_published
from handstamp.commands import wallet as commands
from handstamp.composition import wallet as composition
from tests.credentials.verify_linked.conftest import ARTIST, NOW, Town
from tests.support.moving import Clock
from wallet.linked import LinkedCredential, LinkedKind
from wallet.ports import Tools
from wallet.state import Copy, Wallet
from wallet.vault import Vault

Run = Callable[..., Result]
TOWN = Town()
NAME = ARTIST.example["name"]
RELEASE = ARTIST.example["catalogue"].split()[0]
PUBLISHED = LinkedCredential(
    kind=LinkedKind.SIGNED,
    credential=json.dumps(TOWN.publish()),
    month="2026-11",
    expires_at=NOW + timedelta(days=300),
    issuer_key="zKey",
    key=TOWN.holder.to_pem(None).decode(),
)


def persona(*linked: LinkedCredential) -> Copy:
    claims: dict[str, Any] = dict(ARTIST.example)
    return Copy(
        id="a-number",
        issuer="https://coop.example",
        vct=ARTIST.vct,
        claims={name: claims[name] for name in ARTIST.linked_claim_names},
        received_at=NOW,
        instances=(),
        linked=linked,
    )


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def run(tools: Tools, vault: Vault, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Type a command into a wallet that holds one persona."""
    monkeypatch.setenv("HANDSTAMP_WALLET__FILE", str(vault.path))
    monkeypatch.setattr(composition, "open_web", tools.web)
    monkeypatch.setattr(composition, "system_clock", clock)
    monkeypatch.chdir(tmp_path)
    secret = tmp_path / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text("four words are easy")

    def fill(wallet: Wallet) -> tuple[Wallet, None]:
        return replace(wallet, copies=(persona(PUBLISHED),)), None

    vault.change(fill)

    def type_command(*arguments: str) -> Result:
        return CliRunner().invoke(commands.app, [*arguments, "--passphrase-file", str(secret)], terminal_width=200)

    return type_command


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(name).read_bytes())
    return found


def refused(result: Result) -> str:
    assert isinstance(result.exception, HandstampError), result.output
    return result.exception.code


def test_a_signed_statement_can_be_checked_by_anybody(run: Run) -> None:
    done = run("sign", NAME, "We ask for no fee.", "--about", RELEASE, "--to", "said.json")
    assert done.exit_code == 0, done.output
    found = verify_statement(read("said.json"), policy=TOWN.policy, at=NOW)
    assert (found.text, found.about) == ("We ask for no fee.", RELEASE)
    Path("words.txt").write_text("Two lines\nof text.\n", "utf-8")
    assert run("sign", NAME, "--text-file", "words.txt", "--to", "lines.json").exit_code == 0
    assert verify_statement(read("lines.json"), policy=TOWN.policy, at=NOW).text == "Two lines\nof text."


def test_the_stamp_is_published_as_the_co_op_made_it(run: Run) -> None:
    assert run("publish", NAME, "--to", "stamp.json").exit_code == 0
    assert verify_published(read("stamp.json"), policy=TOWN.policy, at=NOW).claims["name"] == NAME
    assert "PRIVATE" not in Path("stamp.json").read_text("utf-8")


def test_what_cannot_be_said_is_not_written(run: Run) -> None:
    assert run("sign", NAME, "--to", "x.json").exit_code == 2
    assert refused(run("sign", NAME, "a", "--about", "another", "--to", "x.json")) == "not_its_to_say"
    assert refused(run("sign", NAME, "", "--to", "x.json")) == "malformed"
    assert refused(run("sign", "Somebody Else", "a", "--to", "x.json")) == "no_such_thing"
    assert not Path("x.json").exists()


def test_nothing_is_written_over_another_file(run: Run) -> None:
    Path("kept.json").write_text("kept", "utf-8")
    assert refused(run("publish", NAME, "--to", "kept.json")) == "unwritable_folder"
    assert refused(run("publish", NAME, "--to", "no/such/folder.json")) == "unwritable_folder"
    assert Path("kept.json").read_text("utf-8") == "kept"


def test_what_has_ended_or_speaks_for_nobody_signs_nothing(run: Run, vault: Vault, clock: Clock) -> None:
    clock.now = NOW + timedelta(days=301)
    assert refused(run("sign", NAME, "a", "--to", "x.json")) == "no_persona"
    clock.now = NOW
    vault.change(lambda wallet: (replace(wallet, copies=(persona(),)), None))
    assert refused(run("publish", NAME, "--to", "x.json")) == "no_persona"
