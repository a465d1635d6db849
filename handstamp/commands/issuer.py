"""`handstamp issuer`: the co-op's service, its listeners, its ledger and its offers."""

import asyncio
import secrets
from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from handstamp.commands import (
    issuer_commitment,
    issuer_hold,
    issuer_import,
    issuer_keys,
    issuer_ledger,
    issuer_publish,
    issuer_registers,
)
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
from handstamp.composition.service import run_service
from handstamp.settings import load_settings
from issuer.ledger import PLAYS_TO_OWN, BuyRelease, BuyTrack, Entry, Gain, Play, Thing, ThingKind
from issuer.listeners import Listener
from issuer.parts import IssuerTools
from issuer.service.catalogue import Fetched, fetch_release, keep_release
from issuer.service.collection import collect
from issuer.service.logins import LINK_TTL, make_login_link
from issuer.service.offers import choose_copies
from issuer.service.record import ownership, record, tracks_of
from issuer.store import Store
from plumbing.fetch import HttpFetcher
from plumbing.ids import new_internal_id
from plumbing.logs import configure
from plumbing.qr import qr_terminal

app = typer.Typer(add_completion=False, no_args_is_help=True)
listener_app = typer.Typer(no_args_is_help=True)
release_app = typer.Typer(no_args_is_help=True)
app.add_typer(listener_app, name="listener", help="Who is known to the co-op.")
app.add_typer(release_app, name="release", help="The co-op's catalogue.")
app.add_typer(issuer_keys.app, name="keys", help="The keys that sign what listeners own, and how they are exchanged.")
issuer_ledger.add_to(app)
issuer_registers.add_to(app)
issuer_hold.add_to(app)
issuer_commitment.add_to(app)
issuer_import.add_to(app)
issuer_publish.add_to(app)


@app.command()
def serve() -> None:
    """Run the co-op's service until Ctrl-C."""
    settings = load_settings()
    configure(settings.log_level)
    run_service("issuer", settings)


@listener_app.command("add")
def add_listener(
    name: Annotated[str | None, typer.Option(help="What to call them. May be left out, and need not be real.")] = None,
    email: Annotated[str | None, typer.Option(help="Where to send links. May be left out.")] = None,
    birth_date: Annotated[str | None, typer.Option(help="As 1990-12-31. May be left out.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Add a listener. Nothing about them is needed."""
    with composed() as (parts, now):
        listener = Listener.parse(listener_id=new_internal_id(now), name=name, email=email, birth_date=birth_date)
        with parts.database.write() as session:
            Store(session).add_listener(listener, now=now)
    show({"id": listener.id}, f"Added. Their id is [bold]{listener.id}[/].", as_json=as_json)


@listener_app.command("list")
def list_listeners(*, as_json: AsJson = False) -> None:
    """List everybody."""
    with composed() as (parts, _), parts.database.read() as session:
        found = Store(session).listeners()
    if as_json:
        print_json([{"id": each.id, "name": each.name, "email": each.email} for each in found])
        return
    table = Table(Column("Id", no_wrap=True, min_width=36), "Name", "E-mail", box=None)
    for each in found:
        table.add_row(each.id, escape(each.name or "-"), escape(each.email or "-"))
    console().print(table if found else "Nobody yet. Add the first: handstamp issuer listener add --name Robin")


@release_app.command("add")
def add_release(
    url: Annotated[str, typer.Argument(help="The trackserver's address of it, as http://…/releases/ID.")],
    free: Annotated[list[int] | None, typer.Option("--free", help="Number of a track that costs nothing.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Take a release into the catalogue, with a copy of its cover; do it again when it has changed."""
    with composed() as (parts, _):
        fetched = asyncio.run(_fetch(url))
        with parts.database.write() as session:
            release = keep_release(Store(session), fetched, free=free)
    words = f"“{escape(release.title)}” by {escape(release.artist)} is in the catalogue: {len(release.tracks)} tracks."
    show({"id": release.id, "tracks": [track.id for track in release.tracks]}, words, as_json=as_json)


@release_app.command("list")
def list_releases(*, as_json: AsJson = False) -> None:
    """List the catalogue, with the ids that `play` and `buy` want."""
    with composed() as (parts, _), parts.database.read() as session:
        found = Store(session).all_releases()
    if as_json:
        print_json(
            [{"id": r.id, "title": r.title, "artist": r.artist, "tracks": [t.id for t in r.tracks]} for r in found]
        )
        return
    out = console()
    for release in found:
        out.print(f"[bold]{escape(release.title)}[/], {escape(release.artist)}  {release.id}", soft_wrap=True)
        for track in release.tracks:
            out.print(f"  {track.number}. {escape(track.title)}  {track.id}", soft_wrap=True)
    if not found:
        out.print("Empty. Add a release: handstamp issuer release add http://tracks.localhost:8702/releases/ID")


@app.command()
def play(
    listener: Who,
    track: Annotated[str, typer.Argument(help="Id of the track.")],
    seconds: Annotated[int, typer.Option(min=0, max=86_400, help="How long; it counts from 45 on.")] = 240,
    key: Key = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Write down that a track was played. The ninth paid play makes it theirs."""
    with composed() as (parts, now):
        entry = _record(parts, listener, Play(track=track, seconds=seconds), key=key, now=now)
        with parts.database.read() as session:
            standing = ownership(Store(session), entry.listener).standing(track)
    words = (
        f"{in_credits(entry.total_milli)} credits. The track is theirs."
        if standing.acquired
        else f"{in_credits(entry.total_milli)} credits. {standing.paid_plays} of {PLAYS_TO_OWN} plays, "
        f"{in_credits(standing.remaining_milli)} credits to go."
    )
    owned = bool(standing.acquired)
    show({"key": entry.key, "milli_credits": entry.total_milli, "owned": owned}, words, as_json=as_json)


@app.command()
def buy(
    listener: Who,
    what: Annotated[str, typer.Argument(metavar="TRACK|RELEASE", help="Id of a track or release.")],
    key: Key = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Buy a track or a whole release: what remains to be paid is charged."""
    with composed() as (parts, now):
        with parts.database.read() as session:
            kind = ThingKind.RELEASE if Store(session).release(what) else ThingKind.TRACK
        act: Gain = BuyRelease(release=what) if kind is ThingKind.RELEASE else BuyTrack(track=what)
        entry = _record(parts, listener, act, key=key, now=now)
        with parts.database.read() as session:
            theirs = ownership(Store(session), entry.listener).owned_tracks
            tracks = tracks_of(Store(session), Thing(kind=kind, id=what))
    # A track that is off the offer is not bought with its release, and a repeated key may name what was refunded.
    count = sum(track.id in theirs for track in tracks)
    owned = count == len(tracks)
    done = "It is theirs." if owned else f"Theirs of it: {count} of {len(tracks)} tracks."
    words = f"{in_credits(entry.total_milli)} credits. {done}"
    show({"key": entry.key, "milli_credits": entry.total_milli, "owned": owned}, words, as_json=as_json)


@app.command()
def copies(listener: Who, *, as_json: AsJson = False) -> None:
    """List what can be sent to a listener's wallet, with the ids that `offer`, `gift` and `refund` want."""
    with composed() as (parts, _), parts.database.read() as session:
        store = Store(session)
        collection = collect(store, store.find_listener(listener).id)
    titles = {item.copy.id: item.title for item in collection.items}
    if as_json:
        print_json(
            [{"id": c.id, "kind": c.kind.value, "subject": c.subject, "title": titles[c.id]} for c in collection.copies]
        )
        return
    table = Table(Column("Copy", no_wrap=True, min_width=36), "", "Title", "How", "Since", box=None)
    for copy in collection.copies:
        how = copy.acquisition.replace("_", " ")
        table.add_row(copy.id, copy.kind.value, escape(titles[copy.id]), how, copy.month)
    console().print(table if titles else "Nothing yet: buy a track, or play it nine times.")


@app.command("login-link")
def login_link(listener: Who, *, as_json: AsJson = False) -> None:
    """Make a link that opens the listener's collection in a browser, once."""
    with composed() as (parts, now), parts.database.write() as session:
        store = Store(session)
        token = make_login_link(store, listener=store.find_listener(listener).id, now=now)
        link = f"{parts.identity.url}/login?token={token}"
    minutes = int(LINK_TTL.total_seconds() // 60)
    show({"link": link}, f"Opens their collection once, within {minutes} minutes:\n{link}", as_json=as_json)


@app.command()
def offer(
    listener: Who,
    copy: Annotated[list[str] | None, typer.Option("--copy", help="Id of a copy; without it, all of them.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Offer what a listener owns to their wallet: a link, a QR code, and a code that goes another way."""
    with composed() as (parts, now), parts.database.write() as session:
        store = Store(session)
        who = store.find_listener(listener).id
        made = parts.desk.make(store, choose_copies(store, listener=who, copy_ids=copy), listener=who, now=now)
    link = parts.desk.by_reference(made).to_link()
    code = parts.desk.tx_code(made)
    if as_json:
        print_json({"link": link, "code": code, "by_value": parts.desk.by_value(made).to_link()})
        return
    out = console()
    out.print(
        f"For their wallet, until {made.expires_at:%H:%M} UTC: {count_copies(len(made.copies))}.\n{link}\n",
        soft_wrap=True,
    )
    typer.echo(qr_terminal(link))
    out.print(f"The wallet asks for this code; send it another way than the link: [bold]{code}[/]")


def _record(parts: IssuerTools, listener: str, act: Gain, *, key: str | None, now: datetime) -> Entry:
    with parts.database.write() as session:
        store = Store(session)
        who = store.find_listener(listener).id
        return record(store, listener=who, act=act, key=key or secrets.token_urlsafe(16), now=now)


async def _fetch(url: str) -> Fetched:
    async with HttpFetcher(load_settings().issuer.reach) as fetcher:
        return await fetch_release(fetcher, url)
