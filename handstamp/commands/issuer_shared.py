"""What the commands of `handstamp issuer` share: options, the composed co-op, and how they answer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

import typer

from credentials.encoding import strict_json
from credentials.encoding.strict_json import Json
from handstamp.composition.issuer import compose_issuer
from handstamp.settings import load_settings
from handstamp.terminal import Terminal
from issuer.parts import IssuerTools
from plumbing.logs import configure

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Who = Annotated[str, typer.Argument(metavar="LISTENER", help="Id, e-mail address or name.")]
Key = Annotated[
    str | None, typer.Option("--key", help="Makes it safe to repeat the command: the same key is written down once.")
]
_MILLI = 1000


@contextmanager
def composed() -> Iterator[tuple[IssuerTools, datetime]]:
    """Compose the issuer for one command, with the command's one moment."""
    settings = load_settings()
    configure("warning")
    parts = compose_issuer(settings)
    try:
        yield parts, parts.clock()
    finally:
        parts.database.close()


def in_credits(milli: int) -> str:
    """Write milli-credits as people read them."""
    return f"{'-' if milli < 0 else ''}{abs(milli) // _MILLI}.{abs(milli) % _MILLI:03}"


def count_copies(count: int) -> str:
    """Write how many copies."""
    return "one copy" if count == 1 else f"{count} copies"


def console() -> Terminal:
    """Return where answers for people go."""
    return Terminal(highlight=False)


def show(body: Mapping[str, Json], words: str, *, as_json: bool) -> None:
    """Answer a script or a person."""
    if as_json:
        print_json(dict(body))
    else:
        console().print(words, soft_wrap=True)


def print_json(body: Json) -> None:
    """Print JSON on one line."""
    typer.echo(strict_json.dump(body).decode())
