"""`handstamp issuer member`, `artist` and `contribution`: the co-op's registers."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from credentials.errors import Malformed
from handstamp.commands.issuer_shared import AsJson, Key, Who, composed, console, print_json, show
from issuer.registers import Contribution, Persona, PersonaKind, clean_catalogue, one_line
from issuer.service import registers
from issuer.store import Store
from plumbing.ids import new_internal_id
from schemas import NOT_KNOWN

member_app = typer.Typer(no_args_is_help=True)
artist_app = typer.Typer(no_args_is_help=True)
contribution_app = typer.Typer(no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands to `handstamp issuer`."""
    app.add_typer(member_app, name="member", help="Who is a member of the co-op.")
    app.add_typer(artist_app, name="artist", help="Verified personas of artists and labels.")
    app.add_typer(contribution_app, name="contribution", help="What people gave to the co-op.")


@member_app.command("add")
def add_member(
    listener: Who,
    share_class: Annotated[str, typer.Option("--class", help="The share class, in the co-op's word.")] = NOT_KNOWN,
    since: Annotated[str | None, typer.Option(help="First day, as 2024-05-01. Without it, today.")] = None,
    until: Annotated[str | None, typer.Option(help="It lapses on this day by itself.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make a listener a member. Their wallet can then prove it, and never who they are."""
    with composed() as (parts, now), parts.database.write() as session:
        store = Store(session)
        member = registers.add_member(
            store,
            listener=store.find_listener(listener).id,
            share_class=one_line(share_class),
            now=now,
            started=_day(since),
            ends=_day(until),
        )
    words = f"They are a member since {member.since}, share class {escape(member.share_class)}."
    show({"id": member.id, "since": member.since}, words, as_json=as_json)


@member_app.command("end")
def end_member(listener: Who, *, as_json: AsJson = False) -> None:
    """End a membership. What their wallet holds of it stops working with the next batch."""
    with composed() as (parts, now), parts.database.write() as session:
        store = Store(session)
        ended = registers.end_member(store, listener=store.find_listener(listener).id, now=now)
    show({"id": ended.id}, "Their membership has ended.", as_json=as_json)


@member_app.command("list")
def list_members(*, as_json: AsJson = False) -> None:
    """List the members."""
    with composed() as (parts, _), parts.database.read() as session:
        store = Store(session)
        names = {each.id: each.name for each in store.listeners()}
        found = store.members()
    if as_json:
        print_json([{"listener": m.listener, "share_class": m.share_class, "since": m.since} for m in found])
        return
    table = Table(Column("Listener", no_wrap=True, min_width=36), "Name", "Class", "Since", "Until", box=None)
    for member in found:
        until = f"{member.ends:%Y-%m-%d}" if member.ends else "-"
        name = escape(names.get(member.listener) or "-")
        table.add_row(member.listener, name, escape(member.share_class), member.since, until)
    console().print(table if found else "Nobody yet. Add the first: handstamp issuer member add LISTENER")


@artist_app.command("verify")
def verify_artist(
    listener: Who,
    name: Annotated[str, typer.Argument(help="The public name.")],
    kind: Annotated[PersonaKind, typer.Option(help="What the persona is.")] = PersonaKind.ARTIST,
    speaks_for: Annotated[
        list[str] | None, typer.Option("--for", metavar="ID", help="A track or release that it speaks for; repeat it.")
    ] = None,
    how: Annotated[str, typer.Option(help="How it was vouched for, in words used for everybody so.")] = NOT_KNOWN,
    by: Annotated[
        str | None, typer.Option(help="Who vouched: an organisation's or persona's name. Without it, the co-op.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Verify a persona. The person stays in the register: nobody learns them from the persona."""
    with composed() as (parts, now), parts.database.write() as session:
        store = Store(session)
        persona = Persona(
            id="",
            listener=store.find_listener(listener).id,
            name=one_line(name),
            kind=kind,
            vouched_by=one_line(by) if by else parts.identity.url,
            vouching=one_line(how),
            catalogue=clean_catalogue(speaks_for or ()),
        )
        verified = registers.verify_artist(store, persona, random=parts.random, now=now)
    words = f"“{escape(verified.name)}” is verified, and speaks for {len(verified.catalogue)} of the catalogue."
    show({"persona": verified.id}, f"{words}\nPersona {verified.id}", as_json=as_json)


@artist_app.command("end")
def end_artist(
    persona: Annotated[str, typer.Argument(help="Id of the persona.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Take a verification back."""
    with composed() as (parts, now), parts.database.write() as session:
        ended = registers.end_artist(Store(session), persona, now=now)
    show({"persona": ended.id}, f"“{escape(ended.name)}” is verified no longer.", as_json=as_json)


@artist_app.command("list")
def list_artists(*, as_json: AsJson = False) -> None:
    """List every persona that was ever verified, without the people behind them."""
    with composed() as (parts, _), parts.database.read() as session:
        found = Store(session).personas()
    if as_json:
        print_json([{"persona": p.id, "name": p.name, "kind": p.kind.value, "for": [*p.catalogue]} for p in found])
        return
    table = Table(Column("Persona", no_wrap=True, min_width=36), "Name", "", "Speaks for", box=None)
    for each in found:
        table.add_row(each.id, escape(each.name), each.kind.value, str(len(each.catalogue)))
    console().print(table if found else "None yet. Verify one: handstamp issuer artist verify LISTENER NAME --for ID")


@contribution_app.command("add")
def add_contribution(
    listener: Who,
    what: Annotated[str, typer.Argument(help="What was given, as “translation”: best one of a short list.")],
    role: Annotated[str, typer.Option(help="In which role.")] = NOT_KNOWN,
    period: Annotated[str | None, typer.Option(help="As 2026 or 2026-11. Without it, this year.")] = None,
    key: Key = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Write down what somebody gave to the co-op."""
    with composed() as (parts, now), parts.database.write() as session:
        store = Store(session)
        contribution = Contribution(
            id=new_internal_id(now),
            listener=store.find_listener(listener).id,
            what=one_line(what),
            role=one_line(role),
            period=period or f"{now:%Y}",
        )
        given = registers.add_contribution(store, contribution, key=key, now=now)
    show({"id": given.id}, f"Written down: {escape(given.what)}, {given.period}.", as_json=as_json)


def _day(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise Malformed("day", "it is not written like 2024-05-01") from error
