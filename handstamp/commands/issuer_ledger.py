"""`handstamp issuer`: gifts, download codes, refunds and takedowns."""

import secrets
from typing import Annotated

import typer
from rich.markup import escape

from handstamp.commands.issuer_shared import (
    AsJson,
    Key,
    Who,
    composed,
    console,
    count_copies,
    in_credits,
    print_json,
    show,
)
from issuer.ledger import Gift, Thing, ThingKind
from issuer.service.codes import make_codes, redeem_code
from issuer.service.losses import give_on
from issuer.service.losses import refund as take_back
from issuer.service.record import NotOffered, record, tracks_of
from issuer.store import Store

code_app = typer.Typer(no_args_is_help=True)
What = Annotated[str, typer.Argument(metavar="TRACK|RELEASE", help="Id of a track or release.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to `handstamp issuer`."""
    app.command()(gift)
    app.command()(refund)
    app.command()(takedown)
    app.add_typer(code_app, name="code", help="Download codes: each gives one track or release, once.")


def gift(
    listener: Who,
    what: Annotated[str, typer.Argument(metavar="TRACK|RELEASE|COPY", help="A track, a release, or somebody's copy.")],
    key: Key = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Give a listener a track or release; a copy of somebody's moves to them, and ends where it was."""
    with composed() as (parts, now), parts.database.write() as session:
        store = Store(session)
        who = store.find_listener(listener).id
        copy = store.copy(what)
        if copy is not None:
            lost = give_on(store, copy_id=what, to=who, key=key, now=now)
            entry, ended = lost.entry, len(lost.copies)
        else:
            act = Gift(thing=_thing(store, what))
            entry = record(store, listener=who, act=act, key=key or secrets.token_urlsafe(16), now=now)
            ended = 0
    words = f"It is theirs now. It ended where it was: {count_copies(ended)}." if copy else "It is theirs now."
    show({"key": entry.key, "copies_ended": ended}, words, as_json=as_json)


def refund(
    copy: Annotated[str, typer.Argument(metavar="COPY", help="Id of a copy, from `handstamp issuer copies`.")],
    key: Key = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Take a copy back for what was paid. What wallets hold of it stops working with the next batch."""
    with composed() as (parts, now), parts.database.write() as session:
        lost = take_back(Store(session), copy_id=copy, key=key, now=now)
    milli = -lost.entry.total_milli
    done = f"Ended: {count_copies(len(lost.copies))}." if lost.copies else "That was done before; nothing has changed."
    words = f"{in_credits(milli)} credits to pay back. {done}"
    ended = [each.id for each in lost.copies]
    show({"key": lost.entry.key, "milli_credits": milli, "ended": [*ended]}, words, as_json=as_json)


def takedown(
    what: What,
    back: Annotated[bool, typer.Option("--back", help="Put it back on offer.")] = False,
    *,
    as_json: AsJson = False,
) -> None:
    """Take a track or release off the offer. Whoever owns it keeps it, and it stays in their wallet."""
    with composed() as (parts, now), parts.database.write() as session:
        store = Store(session)
        tracks = [track.id for track in tracks_of(store, _thing(store, what))]
        count = store.put_back(tracks) if back else store.take_down(tracks, at=now)
    done = f"{'On offer again' if back else 'Off the offer'}: {count} of {len(tracks)} tracks."
    show({"tracks": count}, f"{done} Whoever owns them keeps them.", as_json=as_json)


@code_app.command("make")
def make(
    what: What,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 1,
    label: Annotated[str | None, typer.Option(help="What they are for, as “tour 2026”.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make download codes. They are shown this once: the co-op keeps their hashes only."""
    with composed() as (parts, now), parts.database.write() as session:
        store = Store(session)
        thing = _thing(store, what)
        codes = make_codes(store, thing, count=count, label=label, now=now, random=parts.random)
    if as_json:
        print_json({"codes": [*codes]})
        return
    for code in codes:
        typer.echo(code)


@code_app.command("redeem")
def redeem(
    listener: Who,
    code: Annotated[str, typer.Argument(help="The code, however it was typed.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Use a code for a listener, as they can themselves on their collection's page."""
    with composed() as (parts, now), parts.database.write() as session:
        store = Store(session)
        given = redeem_code(store, code, listener=store.find_listener(listener).id, now=now)
        release = store.release(given.thing.id)
        track = store.track(given.thing.id)
    title = release.title if release else track.title if track else given.thing.id
    if as_json:
        print_json({"key": given.entry.key, "kind": given.thing.kind.value, "id": given.thing.id})
        return
    console().print(f"“{escape(title)}” is theirs.", soft_wrap=True)


def _thing(store: Store, what: str) -> Thing:
    kind = ThingKind.RELEASE if store.release(what) else ThingKind.TRACK
    thing = Thing(kind=kind, id=what)
    if not tracks_of(store, thing):
        raise NotOffered
    return thing
