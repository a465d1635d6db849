"""`handstamp wallet` for what is kept: more uses, a backup, another passphrase, a copy that is not wanted any more."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from handstamp.commands import wallet_opening as opening
from handstamp.commands import wallet_views as views
from handstamp.commands.wallet_opening import PassphraseFile, Yes, confirm, open_vault, open_wallet, read_text
from handstamp.commands.wallet_renewing import open_and_renew
from wallet import words
from wallet.errors import NoSuchThing, UnreadableFile
from wallet.service.export_wallet import (
    ONE_OF_THEM,
    ExportExists,
    export_wallet,
    import_export,
    list_strangers,
    read_export,
)
from wallet.service.remove_copy import remove_copy
from wallet.service.top_up import top_up
from wallet.state import Authority, Copy
from wallet.visiting import ToppedUp

app = typer.Typer()

ExportPassphraseFile = Annotated[
    Path | None,
    typer.Option("--export-passphrase-file", help="File (mode 0600) with the export's passphrase; else you are asked."),
]
_USED_SINCE: Final = "Was the wallet that made this file used after that?"
_TRUST: Final = "Trust them here, too? Only if you made this file yourself."


@app.command(name="top-up")
def top_up_wallet(passphrase_file: PassphraseFile = None) -> None:
    """Fetch more uses of what you showed, renew what ends soon, and bring what was announced for later."""
    tools = open_wallet(passphrase_file)
    views.say("Whatever runs low is asked for. Your co-ops learn that it was used, not where.")
    report = asyncio.run(top_up(tools=tools, progress=say_received))
    _print_report(report)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="The file to write; nothing may be there yet.")],
    export_passphrase_file: ExportPassphraseFile = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Write everything in your wallet to one encrypted file, for another computer or to put away."""
    if os.path.lexists(file):  # said before two passphrases are typed
        raise ExportExists(file)
    tools = open_and_renew(passphrase_file)
    secret = _secret(export_passphrase_file, "A passphrase for this file", new=True)
    exported = export_wallet(file, secret, tools=tools)
    views.say(f"{words.count(len(exported.wallet.copies), 'record is', 'records are')} in {file}.", "green")
    views.say(ONE_OF_THEM, "yellow")


@app.command(name="import")
def import_wallet(
    file: Annotated[Path, typer.Argument(help="A file that `wallet export` wrote.")],
    used_since: Annotated[
        bool | None,
        typer.Option(
            "--used-since/--not-used-since",
            help="Whether the wallet that made the file was used afterwards. If so, or if you do not say, its stamps "
            "are left out, because one could be shown a second time; a top-up brings fresh ones.",
        ),
    ] = None,
    trust: Annotated[
        bool | None,
        typer.Option(
            "--trust/--no-trust",
            help="Whether to trust whom the wallet that made the file trusted. If you do not say: no.",
        ),
    ] = None,
    export_passphrase_file: ExportPassphraseFile = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Add what an export holds to your wallet. What is here stays; nothing is doubled; nothing shown comes back."""
    if not file.exists():  # what comes through a pipe is no file, and can be read
        raise UnreadableFile(file, "there is no such file")
    tools = open_and_renew(passphrase_file)
    exported = read_export(file, _secret(export_passphrase_file, "Passphrase of this file", new=False))
    views.say(f"This file was made on {exported.at:%d %B %Y, %H:%M} UTC.")
    used_since = _answer(used_since, _USED_SINCE, silent=True)
    trust = _trusts(trust, list_strangers(exported, tools=tools))
    merged = import_export(exported, used_since=used_since, trust=trust, tools=tools)
    brought = words.count(merged.copies, "new record", "new records")
    views.say(f"{brought}, {words.count(merged.instances, 'more use', 'more uses')}.", "green")
    if merged.left_out:
        views.say(f"{words.count(merged.left_out, 'use was', 'uses were')} left out. For more: handstamp wallet top-up")
    for name in merged.authorities:
        views.say(f"Your wallet trusts {name} now, as the exported one did.", "yellow")
    if not used_since:
        views.say(ONE_OF_THEM, "yellow")


@app.command()
def passphrase(
    new_passphrase_file: Annotated[
        Path | None,
        typer.Option("--new-passphrase-file", help="File (mode 0600) with the new passphrase; else you are asked."),
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Change the passphrase of your wallet. Backups that you made of the file before keep the old one."""
    vault = open_vault(passphrase_file)
    vault.change_passphrase(_secret(new_passphrase_file, "The new passphrase", new=True))
    views.say("Your wallet has its new passphrase. Copies of the file made before still open with the old one.")


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="A title, a part of one, or the number in the list.")],
    yes: Yes = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Take a record out of this wallet. You still own it: your co-op hands it out again."""
    tools = open_and_renew(passphrase_file)
    copy = find_copy(name, tools.keeper.load().copies)
    if not yes:
        confirm(f"Remove {words.described(copy)} and its uses from this wallet? You go on owning it.")
    remove_copy(copy, tools=tools)
    views.say(f"{words.title_of(copy)} is not in this wallet any more. You own it still.")


def say_received(copy: Copy) -> None:
    """Say that a copy came, or more of it."""
    views.say(f"  received {words.described(copy)}: {words.how_acquired(copy)}, {words.uses_left(copy)}")


def find_copy(name: str, copies: tuple[Copy, ...]) -> Copy:
    """Return the copy of that title, part of a title or number in the list.

    Raises:
        NoSuchThing: none, or several.
    """
    if name.isdecimal() and 0 < int(name) <= len(copies):
        return copies[int(name) - 1]
    found = [copy for copy in copies if name.casefold() in words.short_title(copy)[0].casefold()]
    exact = [copy for copy in found if name.casefold() == words.short_title(copy)[0].casefold()]
    match exact or found:
        case [copy]:
            return copy
        case []:
            raise NoSuchThing(f"You have no record called “{name}” here")
        case several:
            raise NoSuchThing(f"{len(several)} of your records match “{name}”; take the number in the list")


def _answer(given: bool | None, question: str, *, silent: bool) -> bool:
    """Return what was said on the command line, else what is answered, else `silent` if there is nobody to ask."""
    if given is not None:
        return given
    return typer.confirm(question, default=silent) if opening.is_terminal() else silent


def _trusts(given: bool | None, strangers: Sequence[Authority]) -> bool:
    if not strangers:
        return False
    views.say("The wallet that made this file trusted some that yours does not know:")
    views.print_authorities(strangers)
    return _answer(given, _TRUST, silent=False)


def _secret(file: Path | None, question: str, *, new: bool) -> str:
    if file is not None:
        return read_text(file, private=True)
    if not opening.is_terminal():
        raise opening.PassphraseNeeded
    return str(typer.prompt(question, hide_input=True, confirmation_prompt=new))


def _print_report(report: ToppedUp) -> None:
    for host, when in report.later:
        views.say(f"  {host} hands something out later, not before {when:%d %B %Y, %H:%M} UTC")
    for each in report.not_renewed:
        views.say(f"  nothing new of {each.title}: {each.reason}", "yellow")
    came = len(report.renewed) + len(report.arrived)
    if came:
        views.say(f"{words.count(came, 'record has', 'records have')} fresh uses.", "green")
    elif not (report.later or report.not_renewed):
        views.say("Nothing runs low; nobody was asked.")
