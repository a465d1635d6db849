"""The `handstamp` command: one group of subcommands per role.

Exit codes: 0 done; 1 refused or failed, with one sentence on standard error that says what to do; 2 the command was not
understood; 130 stopped by Ctrl-C.
"""

import errno
import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
from rich.text import Text
from typer.core import TyperCommand, TyperGroup
from typing_extensions import override

from credentials.errors import HandstampError
from handstamp import __version__
from handstamp.terminal import Terminal


class NotConfirmed(HandstampError):
    """Somebody was asked, and said no, or nothing."""

    code = "not_confirmed"

    def __init__(self) -> None:
        super().__init__("There was no yes to what was asked, so it was left as it is.")


@dataclass(frozen=True, slots=True)
class _Role:
    """One subcommand: where it is, and what it is for."""

    module: str
    help: str


_ROLES: Final[Mapping[str, _Role]] = {
    "demo": _Role("handstamp.demo.command", "Follow one listener through it all, on this machine."),
    "wallet": _Role("handstamp.commands.wallet", "Your records: receive them, look at them, open gates with them."),
    "gate": _Role("handstamp.commands.gate", "Gates of your site: what must be owned, and what then opens."),
    "door": _Role("handstamp.commands.door", "The door of a gate: a hand scanner, a terminal, and no network."),
    "verify": _Role(
        "handstamp.commands.verify", "Check any credential, presentation or statement, step by step in words."
    ),
    "verifier": _Role("handstamp.commands.verifier", "The site's own service: run it, and say which co-ops it trusts."),
    "issuer": _Role(
        "handstamp.commands.issuer", "The co-op's service: listeners, plays, purchases, and what it hands out."
    ),
    "coops": _Role("handstamp.commands.coops", "A federation's list of co-ops: sign it, for sites to follow."),
    "tracks": _Role("handstamp.commands.tracks", "The trackserver: the files, and who may let people in to them."),
    "doctor": _Role("handstamp.commands.doctor", "Look for what is set up wrongly, and say what to do."),
    "backup": _Role("handstamp.commands.backup", "Write what your services cannot lose to one encrypted file."),
    "restore": _Role("handstamp.commands.restore", "Put a backup in place."),
    "conformance": _Role(
        "handstamp.commands.conformance",
        "For testing only: let public test suites try what is signed and verified here.",
    ),
}

_OF_THE_MACHINE: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE}
)
"""What an operator can mend; any other error of the system is a fault of ours."""


class _RoleGroup(TyperGroup):
    """Loads the code of a role when its subcommand is called, so that a wallet does not wait for a web server."""

    @override
    def list_commands(self, ctx: object) -> list[str]:
        return list(_ROLES)

    @override
    def get_command(self, ctx: object, cmd_name: str) -> TyperCommand | TyperGroup | None:
        role = _ROLES.get(cmd_name)
        if role is None:
            return None
        command = typer.main.get_command(importlib.import_module(role.module).app)
        if not isinstance(command, TyperCommand | TyperGroup):
            raise TypeError(role.module)
        command.name, command.short_help = cmd_name, role.help
        command.help = command.help or role.help
        return command

    @override
    def invoke(self, ctx: Any) -> object:  # a context of typer's own click
        try:
            return super().invoke(ctx)
        except typer.Abort as stopped:
            if isinstance(stopped.__context__, KeyboardInterrupt):  # Ctrl-C while something was asked
                raise typer.Exit(130) from stopped
            raise NotConfirmed from stopped


app = typer.Typer(
    name="handstamp",
    cls=_RoleGroup,
    help=(
        "Community Credentials for music co-ops: prove that you own a record without saying who you are.\n\n"
        "A co-op runs [bold]issuer[/] and [bold]tracks[/], an artist, label or shop runs [bold]verifier[/] and makes "
        "[bold]gate[/]s, a listener uses [bold]wallet[/]. New here? Run [bold]handstamp demo[/]."
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:  # noqa: FBT001  # typer calls it so
    if asked:
        typer.echo(f"handstamp {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[  # the callback answers
        bool, typer.Option("--version", help="Show the version and stop.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Hold the options that stand before a subcommand."""


def main() -> None:
    """Run the command line; every refusal becomes one sentence on standard error and exit code 1."""
    try:
        app()
    except HandstampError as error:
        # As text, never as markup: the words may be another party's.
        said = Text.assemble(("Not done.", "bold red"), " ", error.detail)
        Terminal(stderr=True, highlight=False).print(said, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        words = f"{error.filename or 'A file'} cannot be used: {error.strerror}. Look whose it is, and at its disk."
        Terminal(stderr=True, highlight=False).print(
            Text.assemble(("Not done.", "bold red"), f" {words}"), soft_wrap=True
        )
        sys.exit(1)
