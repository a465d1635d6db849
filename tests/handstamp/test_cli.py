"""The command as a whole: what it teaches, what it answers to a wrong word, and how it fails."""

import errno
import io
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner
from typing_extensions import override

from credentials.errors import OperatorError
from handstamp import cli

ROLES = ["demo", "wallet", "gate", "door", "verifier", "issuer", "tracks"]


def test_the_help_names_every_role_and_where_to_begin() -> None:
    shown = CliRunner().invoke(cli.app, ["--help"]).output
    for role in ROLES:
        assert role in shown
    assert "handstamp demo" in shown


@pytest.mark.parametrize("role", ROLES)
def test_every_role_explains_itself(role: str) -> None:
    result = CliRunner().invoke(cli.app, [role, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output
    assert "--install-completion" not in result.output


def test_a_wrong_word_is_exit_code_2() -> None:
    result = CliRunner().invoke(cli.app, ["nonsense"])
    assert result.exit_code == 2
    assert "No such command" in result.output


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(cli.app, ["--version"]).output.startswith("handstamp 0.")


def test_a_refusal_is_one_sentence_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise OperatorError("The disk is full [really]; free some room.")

    monkeypatch.setattr(cli, "app", refuse)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    assert capsys.readouterr().err == "Not done. The disk is full [really]; free some room.\n"


def test_a_file_that_this_user_may_not_use_is_named_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/srv/coop.sqlite")

    monkeypatch.setattr(cli, "app", refuse)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    assert capsys.readouterr().err.split("cannot be used: ") == [
        "Not done. /srv/coop.sqlite ",
        "Permission denied. Look whose it is, and at its disk.\n",
    ]


def test_an_error_of_the_system_that_nobody_can_mend_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(OSError, match="Bad file descriptor"):
        cli.main()


def test_ctrl_c_is_exit_code_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupt)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 130


class Interrupted(io.StringIO):
    """Somebody who presses Ctrl-C in place of an answer."""

    @override
    def readline(self, size: int | None = -1, /) -> str:
        raise KeyboardInterrupt


def ask_first(monkeypatch: pytest.MonkeyPatch, answer: io.StringIO) -> None:
    """Let a command ask before it does anything, and somebody answer."""
    asking = typer.Typer()

    @asking.command()
    def ask() -> None:
        typer.confirm("Shall it be done?", abort=True)
        raise AssertionError

    monkeypatch.setattr("handstamp.commands.restore.app", asking)
    monkeypatch.setattr(sys, "stdin", answer)
    monkeypatch.setattr(sys, "argv", ["handstamp", "restore"])


def test_ctrl_c_at_a_question_is_exit_code_130_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ask_first(monkeypatch, Interrupted())
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 130
    assert "Aborted" not in capsys.readouterr().err


def test_a_no_leaves_all_as_it_is_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ask_first(monkeypatch, io.StringIO("n\n"))
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    assert capsys.readouterr().err == "Not done. There was no yes to what was asked, so it was left as it is.\n"


def test_a_wallet_command_does_not_load_a_web_server() -> None:
    program = (
        "import sys; from typer.testing import CliRunner; from handstamp import cli; "
        "CliRunner().invoke(cli.app, ['wallet', 'list', '--help']); "
        "print(sorted({'fastapi', 'sqlmodel', 'uvicorn', 'av'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
