"""The options of `handstamp verify`."""

from pathlib import Path
from typing import Annotated

import typer

FileArgument = Annotated[str, typer.Argument(help="A credential, presentation or statement; - reads standard input.")]
CoopsOption = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="A signed list of the co-ops that you trust.")
]
PublisherOption = Annotated[
    str | None, typer.Option(help="Fingerprint of the key that signed the list, as its publisher told you.")
]
DidDocumentOption = Annotated[
    list[Path] | None, typer.Option(exists=True, dir_okay=False, help="A DID document with keys; may be repeated.")
]
AudienceOption = Annotated[str | None, typer.Option(help="For whom it must have been shown: the site's client id.")]
NonceOption = Annotated[str | None, typer.Option(help="In answer to which nonce.")]
ResponseUriOption = Annotated[str | None, typer.Option(help="And to which address (of a linked credential).")]
DomainOption = Annotated[str | None, typer.Option(help="Of which gate its pseudonym must be.")]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Ask nobody: only what files say counts.")]
AsJsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]
