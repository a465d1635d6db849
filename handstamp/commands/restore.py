"""`handstamp restore FILE`: put a backup in place, and hear what it cannot know."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from handstamp.backup.restoring import Restored, RestoreWish, restore_backup
from handstamp.commands.backup import BackupPassphraseFile, DatabaseTools, Roles, read_backup_passphrase
from handstamp.commands.parts import roles_of
from handstamp.commands.stopping import stoppable
from handstamp.terminal import Terminal
from plumbing.clock import system_clock
from plumbing.logs import configure

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file that `handstamp backup` wrote.")],
    role: Roles = None,
    passphrase_file: BackupPassphraseFile = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put aside what is there already. It is kept, not deleted.")
    ] = False,
    database_tools: DatabaseTools = None,
) -> None:
    """Put a backup where the settings say, checked whole before anything is touched. Stop the services first.

    If there are no settings yet, those of the backup are put where they are looked for, and rule.
    """
    configure("warning")
    wish = RestoreWish(
        path=file.absolute(),
        passphrase=read_backup_passphrase(passphrase_file, new=False),
        roles=roles_of(role),
        replace=replace,
        tools=database_tools,
    )
    with stoppable("Nothing was restored; what was there before is still there.") as settle:
        restored = restore_backup(dataclasses.replace(wish, settle=settle), now=system_clock())
    _report(restored)


def _report(restored: Restored) -> None:
    out = Terminal(highlight=False)
    made_at = f"{restored.manifest.made_at:%d %B %Y, %H:%M} UTC"
    out.print(f"[green]Restored: {', '.join(restored.words)}[/], as of {made_at}.")
    if restored.settings_at is not None:
        out.print(
            f"The settings of the backup are in {escape(str(restored.settings_at))}. Only you may read them: let the "
            "services' users do so too, if they are others.",
            soft_wrap=True,
        )
    for aside in restored.aside:
        out.print(f"What was there before is in {escape(aside)}; delete it once you are sure.", soft_wrap=True)
    for lacking in restored.without_key_file:
        out.print(
            f"[red]The keys of the {lacking} cannot be used yet[/]: put its key-encryption-key back into the folder "
            "keys.",
            soft_wrap=True,
        )
    for role, words in restored.words.items():
        out.print(f"\n[bold]{role}[/]: what the backup cannot know")
        for sentence in words:
            out.print(f"  - {escape(sentence)}", soft_wrap=True)
    out.print(
        "\nKeys are as they were, too: exchange again what was exchanged since, and drop again what was stolen.",
        soft_wrap=True,
    )
    out.print("Now run `handstamp doctor`, then start the services.")
