"""`handstamp conformance`: let public test suites try what Handstamp signs and verifies."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from credentials.encoding.strict_json import Json, dump
from handstamp.conformance.serving import serve as serve_until_stopped

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich")


@app.callback()
def conformance() -> None:
    """Let public test suites try what Handstamp signs and verifies."""


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on this machine; 0 for any.")] = 8790,
    authority: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Where to write the authority (PEM) that clients must trust."),
    ] = None,
) -> None:
    """Serve W3C's VC API over https on localhost until stopped (Ctrl-C), for testing only.

    It signs whatever it is sent, for anybody on this machine, with keys that it makes when it starts. What it is
    called, and where its endpoints are, goes to standard output as JSON.
    """
    typer.echo("For testing only: this service signs whatever it is sent.", err=True)
    serve_until_stopped(port, authority_file=authority, announce=_announce)


def _announce(description: dict[str, Json]) -> None:
    typer.echo(dump(description).decode())
    sys.stdout.flush()
