"""`handstamp issuer publish`: send out what was taken back, without the service or without waiting for it."""

from typing import Annotated

import typer

from handstamp.commands.issuer_shared import AsJson, composed, show
from issuer.publishing import publish as publish_lists


def add_to(app: typer.Typer) -> None:
    """Add the command to `handstamp issuer`."""
    app.command()(publish)


def publish(
    *,
    now: Annotated[
        bool,
        typer.Option(
            "--now", help="Do not wait for the next batch. Whoever watches learns when something was given back."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sign and publish the status lists that are due. The service does this by itself.

    Refunds and ended memberships reach the sites in batches, among decoys, so that nobody can tell whose they were.
    """
    with composed() as (parts, moment):
        parts.identity.check_certified()
        done = publish_lists(parts, now=moment, at_once=now)
        until = parts.schedule.seconds_to_next_batch(moment)
    words = f"{_lists(done.changed)} changed, {_lists(done.renewed)} signed again because it was time."
    if not now:
        words += f" What was taken back since the last batch goes out in {_minutes(until)}."
    show({"changed": done.changed, "renewed": done.renewed}, words, as_json=as_json)


def _lists(count: int) -> str:
    return "One list" if count == 1 else f"{count} lists"


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return "about a minute" if minutes == 1 else f"about {minutes} minutes"
