"""`handstamp wallet` for its own affairs: its passphrase, whom it trusts, moving to another machine, removing."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

import pytest
import trustme

from handstamp.commands import wallet as commands
from handstamp.commands import wallet_opening as opening
from handstamp.composition import wallet as composition
from tests.support.hostile_site import GATE, HostileSite
from tests.support.outside import NOW, Authority, Outside
from tests.wallet.conftest import PASSPHRASE
from tests.wallet.terminal import Run, done, refused
from wallet import errors
from wallet.service.export_wallet import ExportExists
from wallet.service.unpin_authority import NoSuchAuthority
from wallet.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.hostile_issuer import HostileIssuer


def test_without_a_terminal_the_passphrase_must_come_from_a_file(run: Run) -> None:
    assert isinstance(refused(run("list", passphrase=False)), opening.PassphraseNeeded)


def test_in_a_terminal_the_passphrase_is_asked_hidden_and_twice_when_new(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "is_terminal", lambda: True)
    said = done(run("create", passphrase=False, answer=f"{PASSPHRASE}\n{PASSPHRASE}\n"))
    assert PASSPHRASE not in said
    done(run("list", passphrase=False, answer=f"{PASSPHRASE}\n"))
    assert isinstance(refused(run("list", passphrase=False, answer="wrong one\n")), errors.WrongPassphrase)


def test_nobody_is_asked_for_a_passphrase_that_opens_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "is_terminal", lambda: True)
    asked = run("list", passphrase=False)
    assert isinstance(refused(asked), errors.NoWallet)
    assert "Passphrase" not in asked.output
    done(run("create"))
    again = run("create", passphrase=False)
    assert isinstance(refused(again), errors.WalletExists)
    assert "passphrase for the new" not in again.output


def test_a_place_that_is_taken_and_a_file_that_is_not_there_are_said_before_anything_is_asked(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "is_terminal", lambda: True)
    (tmp_path / "taken").touch()
    for typed, refusal in ((("export", "taken"), ExportExists), (("import", "gone"), errors.UnreadableFile)):
        asked = run(*typed, passphrase=False)
        assert isinstance(refused(asked), refusal)
        assert "assphrase" not in asked.output


def test_a_passphrase_file_that_others_may_read_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "passphrase").chmod(0o644)
    assert "chmod 600" in refused(run("create")).detail
    (tmp_path / "passphrase").unlink()
    assert isinstance(refused(run("create")), errors.UnreadableFile)


def test_an_authority_is_pinned_after_a_look_at_its_fingerprint(
    run: Run, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(run("create"))
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    monkeypatch.setattr(opening, "is_terminal", lambda: True)
    assert isinstance(refused(run("trust", "add", "ca.pem", "--name", "Union", answer="n\n")), errors.ConsentDeclined)
    assert "fingerprint" in done(run("trust", "add", "ca.pem", "--name", "Union", answer="y\n"))
    assert "Union" in done(run("trust", "list"))


def test_an_authority_is_removed_and_nothing_more_is_received_on_its_word(ready: Run, issuer: HostileIssuer) -> None:
    done(ready("receive", issuer.link(), "--code", "123456"))
    assert isinstance(refused(ready("trust", "remove", "Nobody", "--yes")), NoSuchAuthority)
    assert isinstance(refused(ready("trust", "remove", "the union", answer="n\n")), errors.ConsentDeclined)
    (pinned,) = json.loads(done(ready("trust", "list", "--json")))
    output = done(ready("trust", "remove", pinned["fingerprint"].replace(":", "").lower(), answer="y\n"))
    assert "records that you hold stay" in output
    assert json.loads(done(ready("trust", "list", "--json"))) == []
    assert len(json.loads(done(ready("list", "--json")))) == 1
    issuer.identifiers = ("copy-2",)
    refused(ready("receive", issuer.link(), "--code", "123456"))


def test_an_authority_is_trusted_for_co_ops_alone_or_for_sites_alone(
    run: Run, authority: Authority, issuer: HostileIssuer, outside: Outside, tmp_path: Path
) -> None:
    HostileSite.open(outside, authority)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    done(run("create"))
    assert "for sites" in done(run("trust", "add", "ca.pem", "--name", "U", "--for", "sites"))
    assert isinstance(refused(run("receive", issuer.link(), "--code", "123456")), errors.UnknownAuthority)
    done(run("trust", "add", "ca.pem", "--name", "U", "--for", "co-ops"))
    done(run("receive", issuer.link(), "--code", "123456"))
    (trusted,) = json.loads(done(run("trust", "list", "--json")))
    assert trusted["for"] == ["co-ops"]
    assert isinstance(refused(run("open", GATE, "--yes")), errors.UnknownAuthority)


def test_a_wallet_is_exported_and_imported_with_words_about_using_only_one(
    ready: Run, issuer: HostileIssuer, tmp_path: Path
) -> None:
    done(ready("receive", issuer.link(), "--code", "123456"))
    secret = ("--export-passphrase-file", "export-secret")
    (tmp_path / "export-secret").touch(mode=0o600)
    (tmp_path / "export-secret").write_text("another four words\n")
    assert "Use only one of the two" in done(ready("export", "away", *secret))
    said = done(ready("import", "away", *secret, "--not-used-since"))
    assert "0 new records, 0 more uses" in said
    done(ready("remove", "night", "--yes"))
    assert json.loads(done(ready("list", "--json"))) == []
    said = done(ready("import", "away", *secret))
    assert "1 new record" in said
    assert "4 uses were left out" in said
    assert isinstance(refused(ready("export", "b")), commands.opening.PassphraseNeeded)


def test_an_export_is_read_through_a_pipe_too(ready: Run, tmp_path: Path) -> None:
    secret = ("--export-passphrase-file", "export-secret")
    (tmp_path / "export-secret").touch(mode=0o600)
    (tmp_path / "export-secret").write_text("another four words\n")
    done(ready("export", "away", *secret))
    os.mkfifo(tmp_path / "pipe")
    written = (tmp_path / "away").read_bytes()
    threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(written,), daemon=True).start()
    assert "0 new records" in done(ready("import", "pipe", *secret))


def test_whoever_imports_is_asked_whether_the_other_wallet_was_used(
    ready: Run, issuer: HostileIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(ready("receive", issuer.link(), "--code", "123456"))
    monkeypatch.setattr(commands.opening, "is_terminal", lambda: True)
    twice = "another four words\nanother four words\n"
    done(ready("export", "away", answer=twice))
    said = done(ready("import", "away", answer="another four words\nn\n"))
    assert "21 November 2026, 09:30 UTC" in said
    assert "used after that?" in said


def test_whom_an_imported_wallet_trusted_is_named_and_trusted_only_after_a_yes(
    ready: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(commands.opening, "is_terminal", lambda: True)
    done(ready("export", "away", answer="another four words\nanother four words\n"))
    done(ready("trust", "remove", "the union", "--yes"))
    said = done(ready("import", "away", "--not-used-since", answer="another four words\nn\n"))
    assert "Only if you made this file yourself" in said
    assert json.loads(done(ready("trust", "list", "--json"))) == []
    (tmp_path / "secret").touch(mode=0o600)
    (tmp_path / "secret").write_text("another four words\n")
    said = done(ready("import", "away", "--trust", "--used-since", "--export-passphrase-file", "secret"))
    assert "trusts The union now" in said


def test_the_passphrase_is_changed(ready: Run, tmp_path: Path) -> None:
    (tmp_path / "new").touch(mode=0o600)
    (tmp_path / "new").write_text("quite another one\n")
    assert "new passphrase" in done(ready("passphrase", "--new-passphrase-file", "new"))
    assert isinstance(refused(ready("list")), errors.WrongPassphrase)
    done(ready("list", "--passphrase-file", "new", passphrase=False))


def test_a_record_is_removed_after_a_yes(ready: Run, issuer: HostileIssuer) -> None:
    done(ready("receive", issuer.link(), "--code", "123456"))
    assert isinstance(refused(ready("remove", "night", answer="n\n")), errors.ConsentDeclined)
    assert "You own it still" in done(ready("remove", "night", answer="y\n"))


def test_a_name_that_two_authorities_have_is_not_guessed(ready: Run, tmp_path: Path) -> None:
    (tmp_path / "two.pem").write_bytes(trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.bytes())
    done(ready("trust", "add", "two.pem", "--name", "The union"))
    assert "give the fingerprint" in refused(ready("trust", "remove", "The union", "--yes")).detail


@pytest.mark.parametrize("what", ["missing", "text", "leaf", "several", "expired"])
def test_what_is_no_authority_is_not_pinned(
    run: Run, authority: Authority, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(run("create"))
    _, chain = authority.certify("coop.localhost")
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    content = {
        "text": b"hello",
        "leaf": chain.leaf.public_bytes(Encoding.PEM),
        "several": authority.pem * 2,
        "expired": authority.pem,
    }
    if what in content:
        (tmp_path / "ca.pem").write_bytes(content[what])
    if what == "expired":
        monkeypatch.setattr(composition, "system_clock", lambda: NOW.replace(year=3999))
    assert isinstance(refused(run("trust", "add", "ca.pem", "--name", "X")), errors.UnreadableFile)
    assert "trusts nobody" in done(run("trust", "list"))


def test_the_vault_of_the_commands_is_the_vault(run: Run, tmp_path: Path) -> None:
    done(run("create"))
    assert Vault.open(tmp_path / "w" / "wallet.handstamp", PASSPHRASE).load().copies == ()


def test_a_passphrase_file_that_is_not_there_is_called_so(ready: Run) -> None:
    assert "there is no such file" in refused(ready("list", "--passphrase-file", "gone", passphrase=False)).detail
