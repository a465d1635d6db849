"""`handstamp wallet renew`, and the renewal that any command brings along that shows nothing to anybody."""

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated, Final

import typer

from credentials.errors import HandstampError
from handstamp.commands import wallet_views as views
from handstamp.commands.wallet_opening import PassphraseFile, Yes, confirm, open_wallet
from wallet import words
from wallet.ports import Tools
from wallet.renewing import RENEWING_NOW
from wallet.service.renew import needs_renewal, renew
from wallet.visiting import ToppedUp

app = typer.Typer()

LONGEST_WAIT_S: Final = 10.0
"""For so long a command that wants something else waits for a renewal; the next one goes on with it."""


@app.command(name="renew")
def renew_wallet(
    now: Annotated[
        bool, typer.Option("--now", help="Do not wait for the moment that was drawn; your co-op learns that you asked.")
    ] = False,
    yes: Yes = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Renew what ends with its month. Other commands do it by themselves, at a moment that says nothing of you."""
    tools = open_wallet(passphrase_file)
    if now and not yes:
        views.say(RENEWING_NOW)
        confirm("Renew now?")
    print_renewed(asyncio.run(renew(tools=tools, anyway=now)))


def open_and_renew(passphrase_file: Path | None) -> Tools:
    """Open the wallet for a command that shows nothing to anybody, and renew what is due, quietly.

    What did not come stays with its copy (`Copy.not_renewed`), to be told where copies are.
    """
    tools = open_wallet(passphrase_file)
    if needs_renewal(tools.keeper.load(), tools=tools):
        # Whatever fails is tried again at the next run; the command that was typed is what counts.
        with contextlib.suppress(HandstampError, TimeoutError):
            asyncio.run(_renew_briefly(tools))
    return tools


async def _renew_briefly(tools: Tools) -> None:
    async with asyncio.timeout(LONGEST_WAIT_S):
        await renew(tools=tools)


def print_renewed(report: ToppedUp) -> None:
    """Print what was renewed and what was not."""
    for each in report.not_renewed:
        views.say(f"  {each.title} was not renewed: {each.reason}", "yellow")
    if report.renewed or report.arrived:
        count = len(report.renewed) + len(report.arrived)
        views.say(f"{words.count(count, 'record is', 'records are')} good for another month.", "green")
    elif not report.not_renewed:
        views.say("Nothing is to be renewed; nobody was asked.")
