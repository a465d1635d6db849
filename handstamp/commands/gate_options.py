"""The options of `handstamp gate add`, and its help with the examples."""

from pathlib import Path
from typing import Annotated, Final

import typer

ADD_HELP: Final = """Make a gate; prints its link, a button for your page, and where the poster is.

[dim]handstamp gate add --release https://tracks.example/releases/ID[/]

[dim]handstamp gate add --track "https://tracks.example/releases/ID#3" --terms terms.txt[/]

[dim]handstamp gate add --member https://coop.example --opens https://tracks.example/releases/EXTRA --once[/]
"""

ReleaseOption = Annotated[
    list[str] | None, typer.Option(help="Opens to owners of this release: its address at the trackserver.")
]
TrackOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Opens to owners of this track or of its release: the release's address, # and the track's number."
    ),
]
MemberOption = Annotated[list[str] | None, typer.Option(help="Opens to members of this co-op: its address.")]
Over16Option = Annotated[bool, typer.Option("--over-16", help="Only members who are at least 16.")]
ShareClassOption = Annotated[str | None, typer.Option(help="Only members with a share of this class.")]
ArtistOption = Annotated[
    list[str] | None, typer.Option(help="Opens to a verified artist or label: the persona's id, a space, its name.")
]
ContributionOption = Annotated[
    list[str] | None,
    typer.Option(help="Opens to who contributed: the co-op's address, a space, what was contributed."),
]
NeedAllOption = Annotated[bool, typer.Option("--all/--any", help="Whether all of it must be shown, or any.")]
OpensOption = Annotated[
    str | None, typer.Option(help="What opens, if it is not what is owned: a release's address, perhaps with #3.")
]
OnceOption = Annotated[bool, typer.Option("--once", help="Opens once for each copy, or membership, ever.")]
PerMonthOption = Annotated[int | None, typer.Option(help="Opens so many times a month for each copy, or membership.")]
OtherWalletsOption = Annotated[
    bool,
    typer.Option(
        "--other-wallets",
        help="With a limit: take wallets that show a copy's own number, which other gates know, too.",
    ),
]
TitleOption = Annotated[str | None, typer.Option(help="The gate's heading; the release's title without it.")]
TermsOption = Annotated[str | None, typer.Option(help="What both shake hands on: a text, or a file that holds it.")]
FormatOption = Annotated[str, typer.Option("--format", help="What opens, as the trackserver names it.")]
PosterOption = Annotated[Path | None, typer.Option(help="Where to write the poster (SVG).")]
