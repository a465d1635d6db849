"""The options of `handstamp door`."""

from pathlib import Path
from typing import Annotated

import typer

GateArgument = Annotated[str, typer.Argument(help="The gate's link, or its id.", metavar="GATE")]
DeviceOption = Annotated[
    str | None,
    typer.Option(help="A name of this device that hangs at the door: then only passes drawn for it are good."),
]
PosterOption = Annotated[
    Path | None, typer.Option(help="Write the poster (SVG, A4) that visitors scan to this file, and stop.")
]
MonthsOption = Annotated[int, typer.Option(min=1, max=24, help="How long the poster is good.")]
KeyOption = Annotated[
    bool, typer.Option("--key", help="Print the address and key that another device on your network asks with.")
]
RememberToOption = Annotated[
    Path | None,
    typer.Option("--remember", help="Write which passes this device has seen to this file, and stop. It names nobody."),
]
MeetFromOption = Annotated[
    Path | None,
    typer.Option("--meet", exists=True, help="Add such a file of another device, say what was used at both, and stop."),
]
AsJsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
