"""`handstamp issuer reset-commitment`: let a listener start anew whose wallet is lost."""

from typing import Annotated

import typer

from handstamp.commands.issuer_shared import AsJson, Who, composed, show
from issuer.service.offers import choose_copies
from issuer.service.wallets import Replaced, replace_wallet
from issuer.store import Store


def add_to(app: typer.Typer) -> None:
    """Add this command to `handstamp issuer`."""
    app.command("reset-commitment")(reset)


def reset(
    listener: Who,
    copy: Annotated[list[str] | None, typer.Option("--copy", help="Id of a copy; without it, all of them.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Let another wallet take the place of a lost one. Be sure who asks: it is how one person would enter twice."""
    with composed() as (parts, now), parts.database.write() as session:
        store = Store(session)
        who = store.find_listener(listener).id
        copies = choose_copies(store, listener=who, copy_ids=copy) if copy else None
        replaced = replace_wallet(store, listener=who, now=now, copies=copies)
    said = {"reset": len(replaced.scopes), "too_often": replaced.too_often, "from_month": replaced.from_month or None}
    show(said, _words(replaced), as_json=as_json)


def _words(replaced: Replaced) -> str:
    count = len(replaced.scopes)
    done = f"Another wallet may take the place of the lost one: {'one record' if count == 1 else f'{count} records'}."
    when = (
        f"Doors that count visits take it from {replaced.from_month} on; all others take it at once."
        if replaced.from_month
        else "Every door takes it at once."
    )
    left = f" {replaced.too_often} more: too often this year, so nothing was changed." if replaced.too_often else ""
    return f"{done} {when}{left}"
