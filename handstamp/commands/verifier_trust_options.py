"""The options of `handstamp verifier trust`."""

from pathlib import Path
from typing import Annotated

import typer

IssuerArgument = Annotated[str | None, typer.Argument(help="The co-op's address (https://coop.example) or its DID.")]
ListUrlOption = Annotated[str | None, typer.Option("--list", help="Follow a list of co-ops at this address instead.")]
NameOption = Annotated[str | None, typer.Option(help="What you call the co-op; its host without it.")]
AnchorOption = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Trust whatever key this authority (PEM) certifies for the co-op."),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Pin without asking; for scripts.")]
