"""The `handstamp` command: one group of subcommands per role.

Exit codes: 0 done; 1 refused or failed, with one sentence on standard error that says what to do; 2 the command was not
understood; 130 stopped by Ctrl-C.
"""

import sys
from typing import Annotated

import typer
from rich.console import Console

from credentials.errors import HandstampError
from handstamp import __version__
from handstamp.commands import gate, issuer, tracks, verifier, wallet
from handstamp.demo.command import demo

app = typer.Typer(
    name="handstamp",
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
app.add_typer(wallet.app, name="wallet", help="Your records: receive them, look at them, open gates with them.")
app.add_typer(gate.app, name="gate", help="Gates of your site: what must be owned, and what then opens.")
app.add_typer(verifier.app, name="verifier", help="The site's own service: run it, and say which co-ops it trusts.")
app.add_typer(
    issuer.app, name="issuer", help="The co-op's service: listeners, plays, purchases, and what it hands out."
)
app.add_typer(tracks.app, name="tracks", help="The trackserver: the files, and who may let people in to them.")
app.command(name="demo")(demo)


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
        Console(stderr=True, highlight=False).print(f"[bold red]Not done.[/] {_escaped(error.detail)}", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")
