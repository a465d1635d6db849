"""`handstamp verifier`: run the site's service, say which co-ops it trusts, give it its certificate."""

from pathlib import Path
from typing import Annotated

import typer

from handstamp.commands import verifier_trust
from handstamp.composition.service import run_service
from handstamp.composition.verifier import GRANT_KEY, REQUEST_KEY, compose_verifier
from handstamp.settings import load_settings
from plumbing.logs import configure

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich")
keys_app = typer.Typer(no_args_is_help=True, help="The site's own keys.")
app.add_typer(keys_app, name="keys")
verifier_trust.register(app)


@app.command()
def serve() -> None:
    """Run the site's service until it is stopped (Ctrl-C)."""
    settings = load_settings()
    configure(settings.log_level)
    run_service("verifier", settings)


@keys_app.command("import")
def import_keys(
    key: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Private key (P-256, P-384 or Ed25519, PEM).")],
    chain: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="Its certificates (PEM), the site's own first.")
    ],
) -> None:
    """Take over the key and certificates that prove which host asks: those of the site's TLS will do."""
    tools = compose_verifier(load_settings())
    installed = tools.keys.install(REQUEST_KEY, key_pem=key.read_bytes(), chain_pem=chain.read_bytes())
    typer.echo(f"Imported the certificate for {', '.join(installed.dns_names)} ({installed.fingerprint}).")


@keys_app.command("show")
def show_keys() -> None:
    """Show the fingerprint of the key that signs grants: whoever runs the trackserver compares it before pinning."""
    tools = compose_verifier(load_settings())
    typer.echo(tools.keys.signer(GRANT_KEY).public_key.thumbprint)
