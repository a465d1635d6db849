"""`handstamp issuer hold`: keep a copy back for a while, as when its payment is looked at."""

from typing import Annotated

import typer

from handstamp.commands.issuer_shared import AsJson, composed, show
from issuer.service.deferred import hold_copy, let_copy_go
from issuer.store import Store


def add_to(app: typer.Typer) -> None:
    """Add this command to `handstamp issuer`."""
    app.command()(hold)


def hold(
    copy: Annotated[str, typer.Argument(metavar="COPY", help="Id of the copy, as `copies` lists it.")],
    *,
    lift: Annotated[bool, typer.Option("--lift", help="Let it go again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send nothing for a copy until you lift it. It stays owned, and wallets that ask are told to come back later."""
    with composed() as (parts, now), parts.database.write() as session:
        if lift:
            held = let_copy_go(Store(session), copy)
        else:
            hold_copy(Store(session), copy, now=now)
            held = True
    show({"copy": copy, "held": not lift}, _words(held=held, lift=lift), as_json=as_json)


def _words(*, held: bool, lift: bool) -> str:
    if not lift:
        return "Nothing is sent for this copy until you lift it: handstamp issuer hold COPY --lift"
    return "Wallets get it when they come next." if held else "This copy was not held back. Nothing was changed."
