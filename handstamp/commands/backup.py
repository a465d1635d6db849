"""`handstamp backup FILE`: everything that the services of these settings cannot lose, in one encrypted file."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from credentials.errors import OperatorError
from handstamp.backup.making import Wish, make_backup
from handstamp.commands.parts import Service, roles_of
from handstamp.commands.stopping import stoppable
from handstamp.commands.wallet_opening import is_terminal, read_text
from handstamp.settings import load_settings
from handstamp.terminal import Terminal
from plumbing.clock import system_clock
from plumbing.logs import configure

app = typer.Typer(add_completion=False, rich_markup_mode="rich")

Roles = Annotated[
    list[Service] | None, typer.Option("--role", help="Whose; may be repeated. Without it, all that there are.")
]
BackupPassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="File (mode 0600) with the backup's passphrase; else you are asked."),
]
DatabaseTools = Annotated[
    Path | None,
    typer.Option(
        "--database-tools", exists=True, file_okay=False, help="Folder of pg_dump and pg_restore; else the PATH."
    ),
]
_MIB: Final = 1024 * 1024


class BackupPassphraseNeeded(OperatorError):
    """No passphrase was given, and there is nobody to ask."""

    code = "backup_passphrase_needed"

    def __init__(self) -> None:
        super().__init__("A backup needs a passphrase. Run this in a terminal, or give --passphrase-file FILE.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; nothing may be there yet.")],
    role: Roles = None,
    passphrase_file: BackupPassphraseFile = None,
    without_key_file: Annotated[
        bool,
        typer.Option(
            "--without-key-file",
            help="Leave the key-encryption files out, for whoever keeps them elsewhere: without them nothing in the "
            "backup can sign.",
        ),
    ] = False,
    database_tools: DatabaseTools = None,
) -> None:
    """Write databases, keys and settings to one encrypted file, while the services serve.

    Originals (the trackserver's music) are not in it: a list of their SHA-256 is.

    Who has the file and its passphrase can sign as you do: keep them apart from each other.
    """
    configure("warning")
    wish = Wish(
        path=file.absolute(),
        passphrase=read_backup_passphrase(passphrase_file, new=True),
        roles=roles_of(role),
        with_key_file=not without_key_file,
        tools=database_tools,
    )
    with stoppable("No backup was written.") as settle:
        made = make_backup(load_settings(), replace(wish, settle=settle), now=system_clock())
    out = Terminal(highlight=False)
    size = file.stat().st_size / _MIB
    out.print(f"[green]{len(made.manifest.files)} files of {', '.join(made.manifest.roles)}[/] ({size:.1f} MiB).")
    if made.masters:
        out.print(
            f"Not in it: {made.masters} originals and pictures; their SHA-256 are. Back those files up themselves."
        )
    if without_key_file:
        out.print("Not in it: the key-encryption files. Without them its keys are lost.", style="yellow")


def read_backup_passphrase(file: Path | None, *, new: bool) -> str:
    """Return the passphrase of a backup, asking for it if there is somebody to ask.

    Raises:
        BackupPassphraseNeeded: it was not given, and nobody is there.
    """
    if file is not None:
        # What systemd hands over (LoadCredential) is private by its folder; its mode shows an access list as a group.
        handed_over = os.environ.get("CREDENTIALS_DIRECTORY")
        return read_text(file, private=handed_over is None or file.absolute().parent != Path(handed_over))
    if not is_terminal():
        raise BackupPassphraseNeeded
    words = "A passphrase for the backup" if new else "Passphrase of the backup"
    return str(typer.prompt(words, hide_input=True, confirmation_prompt=new))
