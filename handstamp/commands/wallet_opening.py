"""What the wallet's commands begin with: the passphrase, the opened wallet, and whether there is somebody to ask."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from credentials.errors import HolderError
from handstamp.composition.wallet import compose_tools
from handstamp.settings import Settings, load_settings
from wallet.errors import ConsentDeclined, NoWallet, UnreadableFile, WalletExists
from wallet.ports import Tools
from wallet.vault import Vault

PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="File (mode 0600) with the passphrase; else you are asked.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Say yes to what would be asked.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


class PassphraseNeeded(HolderError):
    """No passphrase was given, and there is nobody to ask."""

    code = "passphrase_needed"

    def __init__(self) -> None:
        super().__init__("The wallet needs its passphrase. Run this in a terminal, or give --passphrase-file FILE.")


def open_wallet(passphrase_file: Path | None) -> Tools:
    """Open the wallet that the settings name, with its passphrase from a file or from whoever sits there."""
    return compose_tools(open_vault(passphrase_file))


def open_vault(passphrase_file: Path | None) -> Vault:
    """Open the wallet file alone."""
    settings = load_settings()
    return Vault.open(settings.wallet_file(), read_passphrase(settings, passphrase_file, new=False))


def read_passphrase(settings: Settings, given: Path | None, *, new: bool) -> str:
    """Return the passphrase, asking for it if there is somebody to ask.

    Raises:
        PassphraseNeeded: it was not given, and nobody is there.
        WalletExists, NoWallet: nobody needs be asked, because a new wallet has no place, or there is none to open.
    """
    file = given or settings.wallet.passphrase_file
    if file is not None:
        return read_text(file, private=True)
    if not is_terminal():
        raise PassphraseNeeded
    wallet = settings.wallet_file()
    if wallet.exists() is new:  # said before anybody types what opens nothing
        raise WalletExists(wallet) if new else NoWallet(wallet)
    words_ = "A passphrase for the new wallet" if new else "Passphrase of your wallet"
    return str(typer.prompt(words_, hide_input=True, confirmation_prompt=new))


def is_terminal() -> bool:
    """Tell whether there is somebody to ask."""
    return sys.stdin.isatty()


def read_text(path: Path, *, private: bool = False) -> str:
    """Return what a text file says, without its last line's end.

    Raises:
        UnreadableFile: it is not there, no text, or, if `private`, readable by others.
    """
    try:
        if private and os.name == "posix" and path.stat().st_mode & 0o077:
            raise UnreadableFile(path, f"others on this computer may read it; run: chmod 600 '{path}'")
        return path.read_text("utf-8").strip("\r\n")
    except FileNotFoundError as error:
        raise UnreadableFile(path, "there is no such file") from error
    except PermissionError as error:
        raise UnreadableFile(path, "you may not read it; run this as the user whose file it is, or let them") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile(path, "it is not text in UTF-8") from error
    except OSError as error:
        raise UnreadableFile(path, f"it cannot be read: {error.strerror or error}") from error


def confirm(question: str) -> None:
    """Ask a question that must be answered with yes.

    Raises:
        ConsentDeclined: it was not.
    """
    if not typer.confirm(question):
        raise ConsentDeclined


def agrees() -> bool:
    """Ask whether what was printed shall be shown."""
    return typer.confirm("Show it?")
