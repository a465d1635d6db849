"""`handstamp coops`: sign a list of co-ops that sites can follow with `handstamp verifier trust --list`."""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from credentials.encoding import strict_json
from credentials.keys.signer import LocalSigner
from credentials.trust import parse_coop_list
from credentials.trust.coop_list import MAX_BYTES, sign_description
from handstamp.settings import load_settings
from handstamp.terminal import Terminal
from plumbing.clock import system_clock
from plumbing.keystore import KeyStore

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich")

_KEY: Final = "coop-list"


@app.callback()
def coops() -> None:
    """A federation's list of co-ops: sign it, for sites to follow."""


@app.command()
def sign(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="JSON with `url`, `name`, `version`, `days` until it ends, and `members`."
        ),
    ],
    to: Annotated[Path, typer.Option(dir_okay=False, help="Where to write the signed list; publish it at `url`.")],
) -> None:
    """Sign a list of co-ops. Count `version` up whenever you change anything: sites take no list that is older.

    Each of `members` has `issuer` (the co-op's address), `name`, `types` (what it may issue), and `jwks` (as the co-op
    publishes it at `/.well-known/jwt-vc-issuer`) or `authorities` (certificates, DER in base64); perhaps its `did`.
    """
    description = strict_json.parse(file.read_bytes(), what=f"file {file.name}", max_bytes=MAX_BYTES)
    text = sign_description(description, signer=_signer(), now=system_clock())
    to.write_text(text, "ascii")
    signed = parse_coop_list(text)
    out = Terminal(highlight=False, soft_wrap=True)
    out.print(
        f"Signed {escape(signed.name)}, version {signed.version}, until {signed.expires_at:%Y-%m-%d}. "
        f"Co-ops: {len(signed.members)}. It is in {escape(str(to))}."
    )
    out.print(f"Publish it at {escape(signed.url)}. Give sites this fingerprint in another way, to compare:")
    out.print(f"  [bold]{signed.publisher.thumbprint}[/]")


@app.command()
def show() -> None:
    """Show the fingerprint of the key that signs lists here."""
    typer.echo(_signer().public_key.thumbprint)


def _signer() -> LocalSigner:
    return KeyStore(load_settings().folder("coops") / "keys").signer(_KEY)
