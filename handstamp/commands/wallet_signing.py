"""`handstamp wallet sign` and `publish`: what an artist or label says under its own name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from credentials.encoding.strict_json import Json, dump
from handstamp.commands import wallet_views as views
from handstamp.commands.wallet_keeping import find_copy
from handstamp.commands.wallet_opening import PassphraseFile, open_wallet, read_text
from wallet import words
from wallet.errors import UnwritableFolder
from wallet.service.sign_statement import read_published, sign_statement

app = typer.Typer()

Persona = Annotated[str, typer.Argument(help="The artist or label: its name, a part of it, or its number in the list.")]
To = Annotated[Path, typer.Option(help="The file to write.")]


@app.command()
def sign(
    persona: Persona,
    text: Annotated[str | None, typer.Argument(help="What is said; or give --text-file.")] = None,
    *,
    to: To,
    text_file: Annotated[Path | None, typer.Option(help="A file with what is said.")] = None,
    about: Annotated[
        str | None, typer.Option(help="The catalogue id of the release or track that it is about.")
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign a statement as an artist or label: anybody can check it with `handstamp verify`, and learns no more of you.

    Whoever reads two of your statements sees that they are by the same artist. Do not sign what should be unconnected.
    """
    if (text is None) == (text_file is None):
        raise typer.BadParameter("say something, either as text or with --text-file")
    tools = open_wallet(passphrase_file)
    copy = find_copy(persona, tools.keeper.load().copies)
    said = read_text(text_file) if text_file else str(text)
    _write(to, sign_statement(copy, said, about=about, tools=tools))
    views.say(f"Signed as {words.title_of(copy)}: {to}. Check it with: handstamp verify {to}", "green")


@app.command()
def publish(persona: Persona, *, to: To, passphrase_file: PassphraseFile = None) -> None:
    """Write the stamp of an artist or label to a file, to stand beside its releases."""
    tools = open_wallet(passphrase_file)
    copy = find_copy(persona, tools.keeper.load().copies)
    _write(to, read_published(copy, tools=tools))
    views.say(
        f"The stamp of {words.title_of(copy)} is in {to}. It says what your co-op verified, and no name.", "green"
    )


def _write(path: Path, document: Mapping[str, Json]) -> None:
    try:
        # Never over something that is there already.
        with path.open("xb") as file:
            file.write(dump(dict(document)) + b"\n")
    except FileExistsError as error:
        raise UnwritableFolder(path, "there is a file of this name already") from error
    except OSError as error:
        raise UnwritableFolder(path, "it cannot be written") from error
