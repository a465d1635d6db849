"""`handstamp issuer import`."""

import typer


def add_to(app: typer.Typer) -> None:
    """Add the command to `handstamp issuer`."""
