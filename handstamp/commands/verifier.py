"""`handstamp verifier`: run the site's service, say which co-ops it trusts, give it its certificate."""

import typer

from handstamp.commands import verifier_keys, verifier_trust
from handstamp.composition.service import run_service
from handstamp.settings import load_settings
from plumbing.logs import configure

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich")
app.add_typer(verifier_keys.app, name="keys", help="The site's own keys, and how they are exchanged.")
verifier_trust.register(app)


@app.command()
def serve() -> None:
    """Run the site's service until it is stopped (Ctrl-C)."""
    settings = load_settings()
    configure(settings.log_level)
    run_service("verifier", settings)
