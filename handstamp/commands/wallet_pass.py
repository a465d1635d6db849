"""`handstamp wallet pass`: draw the code that a door without a network reads."""

import asyncio
import shutil
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.panel import Panel
from rich.text import Text

from handstamp.commands import wallet_views as views
from handstamp.commands.wallet_opening import PassphraseFile, Yes, confirm, open_wallet
from handstamp.commands.wallet_present import Uncertified
from plumbing.qr import qr_png, qr_svg, qr_terminal
from wallet.errors import UnreadableFile
from wallet.pictures import read_codes
from wallet.ports import Tools
from wallet.service.draw_pass import Drawn, Pass, draw_pass, keep_drawn, know_door, prepare_pass, read_poster

app = typer.Typer()

_CLEAR: Final = "\x1b[2J\x1b[H"
_sleep = time.sleep


@app.command(name="pass")
def draw(
    gate: Annotated[str | None, typer.Argument(help="The link of the door's gate; or give --poster.")] = None,
    *,
    poster: Annotated[
        Path | None, typer.Option(help="A picture (PNG, JPEG) of the poster that hangs at the door.")
    ] = None,
    png: Annotated[
        Path | None, typer.Option(help="Write the code of this half minute to a PNG file, and stop.")
    ] = None,
    svg: Annotated[
        Path | None, typer.Option(help="Write the code of this half minute to an SVG file, and stop.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="What the scanning device calls itself, if the door shows a name.")
    ] = None,
    uncertified: Uncertified = False,
    yes: Yes = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Draw your pass for a door, anew every half minute. It needs a network only the first time at a site.

    Show it to nobody but the door: for about a minute, whoever reads a code first is you there.
    """
    if (gate is None) == (poster is None):
        raise typer.BadParameter("name the door, either by its gate's link or by --poster")
    tools = open_wallet(passphrase_file)
    if poster is not None:
        door = asyncio.run(read_poster(read_codes(poster), tools=tools, uncertified=uncertified))
    else:
        door = asyncio.run(know_door(str(gate), tools=tools, uncertified=uncertified))
    ready = prepare_pass(door, tools=tools)
    _print_consent(ready)
    if not yes:
        confirm("Draw it?")
    drawn = draw_pass(ready, tools=tools, device=device)
    keep_drawn(ready, tools=tools)
    if png or svg:
        _write(drawn, png, svg, tools)
    else:
        _show(ready, drawn, device, tools)


def is_watched() -> bool:
    """Tell whether somebody sees what is printed."""
    return sys.stdout.isatty()


def _print_consent(ready: Pass) -> None:
    lines = Text()
    lines.append(f"{ready.door.name}", "bold")
    lines.append(f", a door of {ready.door.host}\n", "dim")
    lines.append(f"\nIt learns {ready.statement},\n")
    for label, value in ready.learned:
        lines.append(f"  {label}: {value}\n")
    lines.append("It does not learn your name, or what else you own; nobody else learns that you were there.\n")
    if ready.remembered:
        lines.append(f"Afterwards {ready.remembered}.\n")
    for warning in ready.warnings:
        lines.append(f"\n{warning}\n", "yellow")
    views.console().print(Panel(lines, expand=False))


def _write(drawn: Drawn, png: Path | None, svg: Path | None, tools: Tools) -> None:
    for path, data in ((png, qr_png), (svg, qr_svg)):
        if path is not None:
            try:
                path.write_bytes(data(drawn.text))
            except OSError as error:
                raise UnreadableFile(path, f"it cannot be written ({error.strerror})") from error
            views.say(f"{path} is good for {_left(drawn, tools.clock())} seconds, and half a minute more.", "green")


def _show(ready: Pass, drawn: Drawn, device: str | None, tools: Tools) -> None:
    """Draw in the terminal, each half minute anew until somebody stops it; once where nobody watches."""
    live = is_watched()
    while True:
        columns = shutil.get_terminal_size().columns
        code = qr_terminal(drawn.text, columns=columns)
        typer.echo(f"{_CLEAR if live else ''}{code}", nl=False)
        if (width := max(map(len, code.splitlines()))) > columns:
            views.say(f"The code is broken: make the window {width} columns wide, or write it with --png.", "yellow")
        typer.echo(f"{ready.door.host}: good for {_left(drawn, tools.clock())} seconds.")
        if not live:
            return
        typer.echo("The next one follows by itself. Stop with Ctrl-C.")
        try:
            _sleep(_left(drawn, tools.clock()))
        except KeyboardInterrupt:
            return
        drawn = draw_pass(ready, tools=tools, device=device)


def _left(drawn: Drawn, now: datetime) -> int:
    return max(1, round((drawn.until - now).total_seconds()))
